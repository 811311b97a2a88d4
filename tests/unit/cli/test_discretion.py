from __future__ import annotations

import logging
import sys

from gateway.cli.discretion import Discretion


def record_of(name: str, message: str, *values: object, error: bool = False) -> logging.LogRecord:
    raised = None
    try:
        int("quotes a prompt")
    except ValueError:
        raised = sys.exc_info() if error else None
    record = logging.LogRecord(name, logging.ERROR, "f.py", 1, message, values, raised)
    assert Discretion().filter(record)
    return record


def test_an_error_is_named_by_type_and_place() -> None:
    record = record_of("grpc._cython.cygrpc", "in %s\nquotes a prompt", "Generate", error=True)
    assert record.getMessage() == "in Generate"
    assert (record.exc_info, record.exc_text) == (None, None)
    assert vars(record)["error"] == "ValueError"
    assert vars(record)["at"][0].endswith(" record_of")
    assert "quotes a prompt" not in str(vars(record))


def test_asyncio_keeps_its_first_line_only() -> None:
    record = record_of("asyncio", "never retrieved\nfuture: ValueError('quotes a prompt')")
    assert record.getMessage() == "never retrieved"


def test_a_line_of_ours_stays_whole() -> None:
    assert record_of("gateway.x", "first %s\nsecond", 1).getMessage() == "first 1\nsecond"
