"""Parameters of an inference as the fields of a GenerateRequest."""

from __future__ import annotations

from typing import Any

import pytest
from ensemble.v1 import gateway_service_pb2 as pb

from gateway.core.faults import Fault, invalid
from gateway.ingress.oip.parameters import PATHS, apply, renamed


def applied(**values: Any) -> pb.GenerateRequest:
    message = pb.GenerateRequest()
    apply(message, values)
    return message


@pytest.mark.parametrize("name", PATHS)
def test_every_parameter_has_its_field(name: str) -> None:
    words = {"strategy": "sequential", "kind": "block", "objective": "fastest"}
    words |= {"routing_mode": "rules", "cache_policy": "refresh", "priority": "batch"}
    texts = {"stop", "language", "expected_type", "json_schema", "session_id"}
    texts |= {"required_tags", "forbidden_tags"}
    flags = {"repair", "trace"}
    value = words.get(name, "x" if name in texts else name in flags or 1)
    assert applied(**{name: value}) != pb.GenerateRequest()


@pytest.mark.parametrize(
    ("level", "name"),
    [
        (0, "UNSPECIFIED"),
        (1, "INTERACTIVE"),
        (2, "STANDARD"),
        (3, "BATCH"),
        (99, "BATCH"),
        ("interactive", "INTERACTIVE"),
    ],
)
def test_tritons_levels_are_priorities(level: int | str, name: str) -> None:
    assert pb.Priority.Name(applied(priority=level).priority) == f"PRIORITY_{name}"


def test_the_time_is_in_microseconds_and_none_is_no_time() -> None:
    message = pb.GenerateRequest()
    assert apply(message, {"timeout": 1_500_000}) == 1.5
    assert apply(message, {"timeout": 0}) is None
    assert apply(message, {}) is None


@pytest.mark.parametrize("value", ["soon", True, -1])
def test_another_time_is_refused(value: Any) -> None:
    with pytest.raises(Fault, match="microseconds"):
        applied(timeout=value)


def test_fields_that_are_no_parameters_keep_their_names() -> None:
    fault = invalid("prompt", "must not be empty")
    assert renamed(fault) is fault
    assert renamed(invalid("sampling.stop[3]", "is long")).message == "parameters.stop: is long"
