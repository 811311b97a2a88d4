from __future__ import annotations

import math
from typing import Any

import pytest
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble.v1 import model_service_pb2
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.ingress.messages import MAX_VIOLATIONS, Reader
from gateway.ingress.utf8 import broken_text

READ = Reader(pb.GenerateRequest)


def refused(message: pb.GenerateRequest | bytes) -> Fault:
    raw = message if isinstance(message, bytes) else message.SerializeToString()
    with pytest.raises(Fault) as caught:
        READ(raw)
    assert (caught.value.kind, caught.value.origin) == (Kind.INVALID, Origin.CALLER)
    return caught.value


def fields(fault: Fault) -> list[str]:
    return [violation.field for violation in fault.violations]


def request(**parts: Any) -> pb.GenerateRequest:
    return pb.GenerateRequest(**{"prompt": "x = ", **parts})


def test_a_good_request_is_read_like_the_stub() -> None:
    sent = request(suffix="\n", n=3, sampling={"temperature": 0.5, "stop": ["\n"]})
    got = READ(sent.SerializeToString())
    assert got.SerializeToString(deterministic=True) == sent.SerializeToString(deterministic=True)
    assert got.sampling.temperature == 0.5


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (pb.GenerateRequest(), "prompt"),
        (request(prompt="a" * (2 * 1024 * 1024 + 1)), "prompt"),
        (request(suffix="a" * (2 * 1024 * 1024 + 1)), "suffix"),
        (request(n=0), "n"),
        (request(n=999), "n"),
        (request(sampling={"temperature": math.nan}), "sampling.temperature"),
        (request(sampling={"temperature": math.inf}), "sampling.temperature"),
        (request(sampling={"temperature": -0.1}), "sampling.temperature"),
        (request(sampling={"top_p": 0.0}), "sampling.top_p"),
        (request(sampling={"max_tokens": 0}), "sampling.max_tokens"),
        (request(sampling={"stop": [""]}), "sampling.stop[0]"),
        (request(strategy=77), "strategy"),
        (request(routing_mode=9), "routing_mode"),
        (request(objective=-1), "objective"),
        (request(hole={"kind": 44}), "hole.kind"),
        (request(endpoint_filter={"required_capabilities": [66]}),
         "endpoint_filter.required_capabilities[0]"),
        (request(endpoint_filter={"required_capabilities": [0]}),
         "endpoint_filter.required_capabilities[0]"),
        (request(constraints=[{"name": "a"}]), "constraints[0].body"),
        (request(constraints=[{"name": "", "regex": {"pattern": "a"}}]), "constraints[0].name"),
        (request(constraints=[{"name": "a", "regex": {"pattern": "a", "flags": "x"}}]),
         "constraints[0].regex.flags"),
        (request(constraints=[{"name": "a", "regex": {"pattern": "a"},
                               "feasibility_score": math.nan}]),
         "constraints[0].feasibility_score"),
        (request(budget={"max_attempts": 0}), "budget.max_attempts"),
        (request(budget={"max_cost_micros": -1}), "budget.max_cost_micros"),
        (request(labels={str(n): "" for n in range(33)}), "labels"),
    ],
)  # fmt: skip
def test_each_broken_field_is_named(message: pb.GenerateRequest, field: str) -> None:
    fault = refused(message)
    assert field in fields(fault)
    assert field in fault.message


def test_every_violation_is_reported_at_once() -> None:
    fault = refused(pb.GenerateRequest(n=999, sampling={"temperature": 9}))
    assert set(fields(fault)) == {"prompt", "n", "sampling.temperature"}


def test_a_flood_of_violations_is_cut() -> None:
    fault = refused(request(constraints=[{"name": "a"}] * 200))
    assert len(fault.violations) == MAX_VIOLATIONS


@pytest.mark.parametrize(
    ("path", "build"),
    [
        ("prompt", lambda bad: b"\x0a" + bytes([len(bad)]) + bad),
        (
            "sampling.stop[1]",
            lambda bad: (
                b"\x0a\x01x"
                b"\x2a" + bytes([5 + len(bad)]) + b"\x32\x01a" + b"\x32" + bytes([len(bad)]) + bad
            ),
        ),
    ],
)
def test_text_that_is_not_utf8_is_named(path: str, build: Any) -> None:
    fault = refused(build(b"\xff\xfe"))
    assert fault.reason is Reason.UNREADABLE_MESSAGE
    assert fields(fault) == [path]


def test_bytes_that_are_no_message_are_refused() -> None:
    fault = refused(b"\xff\xff\xff")
    assert fault.reason is Reason.UNREADABLE_MESSAGE
    assert "ensemble.v1.GenerateRequest" in fault.message


@given(st.binary(max_size=200))
def test_no_bytes_can_do_more_than_be_refused(raw: bytes) -> None:
    try:
        READ(raw)
    except Fault as fault:
        assert fault.kind is Kind.INVALID


@given(st.binary(max_size=200))
def test_the_search_for_broken_text_always_ends(raw: bytes) -> None:
    assert isinstance(broken_text(raw, pb.GenerateRequest.DESCRIPTOR), str)


def test_the_search_stops_at_a_depth() -> None:
    descriptor = model_service_pb2.ModelServiceGenerateRequest.DESCRIPTOR
    assert not broken_text(b"\x12\x01\xff", descriptor, depth=99)


def test_fixed_width_fields_are_stepped_over() -> None:
    sent = request(sampling={"temperature": 0.5, "seed": 1 << 40}).SerializeToString()
    assert broken_text(sent + b"\x12\x01\xff", pb.GenerateRequest.DESCRIPTOR) == "suffix"
    assert not broken_text(b"\x0d\x00\x00\x00\x00", pb.GenerateRequest.DESCRIPTOR)
