from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator

import pytest

from gateway.telemetry.logs import Discretion, set_up


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


@pytest.fixture(autouse=True)
def logging_of_our_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test sets up is put back at its end."""
    root, level = logging.getLogger(), logging.getLogger().level
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(logging, "raiseExceptions", True)
    yield
    root.setLevel(level)


@pytest.mark.parametrize("form", ["json", "text", "auto"])
def test_whoever_sets_the_logs_up_is_discreet(
    capsys: pytest.CaptureFixture[str], form: str
) -> None:
    set_up("info", form)
    try:
        int("quotes a prompt")
    except ValueError:
        logging.getLogger("library").exception("failed\nquotes a prompt")
    logging.getLogger("library").info("not %d", b"quotes a prompt")
    written = capsys.readouterr().err
    assert "failed" in written
    assert "ValueError" in written
    assert "quotes a prompt" not in written


def test_machines_get_a_document_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("warning", "auto")
    logging.getLogger("gateway.x").info("too quiet")
    logging.getLogger("gateway.x").warning("request failed", extra={"attempts": 2})
    document = json.loads(capsys.readouterr().err)
    assert document.pop("timestamp").endswith("Z")
    assert document == {
        "event": "request failed", "level": "warning", "logger": "gateway.x", "attempts": 2
    }  # fmt: skip
