"""Whatever a caller does wrong is named, costs no call to an endpoint and harms nobody else."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble_client import AsyncClient, InvalidRequest
from grpc import StatusCode

from gateway.config.load import build
from gateway.config.problems import ConfigError
from gateway.core.faults import Fault, Kind
from gateway.core.hole import Hole, Request
from tests.fakes.gateways import (
    PLANE,
    Door,
    Failure,
    door_to,
    failure,
    gateway_on_loopback,
    request,
    settings_of,
)
from tests.fakes.http2 import call_by_hand
from tests.fakes.model_server import FakeModelServer
from tests.fakes.processes import run
from tests.fakes.script import Failure as Scripted
from tests.fakes.script import Script

MIB = 1024 * 1024
GENERATE = "/ensemble.v1.GatewayService/Generate"
NOT_TEXT = b"\xff\xfe"


@pytest.fixture(scope="module")
async def model() -> AsyncIterator[FakeModelServer]:
    async with FakeModelServer(Script()) as server:
        yield server


@pytest.fixture(scope="module")
async def shared(model: FakeModelServer) -> AsyncIterator[Door]:
    async with gateway_on_loopback(settings_of(model.url)) as door:
        yield door


@pytest.fixture
async def door(shared: Door, model: FakeModelServer) -> AsyncIterator[Door]:
    """A gateway that must not call its endpoint, and must serve the next good request."""
    model.witness.asked.clear()
    yield shared
    assert model.witness.asked == []
    answer = await shared.generate(request(), timeout=10)
    assert answer.text == model.script.text


def constrained(*constraints: dict[str, Any]) -> pb.GenerateRequest:
    return request(
        constraints=[{"name": f"c{place}", **one} for place, one in enumerate(constraints)]
    )


ANY = {"regex": {"pattern": "a"}}
INVALID, IMPOSSIBLE = StatusCode.INVALID_ARGUMENT, StatusCode.FAILED_PRECONDITION
BAD: dict[str, tuple[pb.GenerateRequest, StatusCode, str, str]] = {
    "empty prompt": (request(""), INVALID, "INVALID_FIELD", "prompt"),
    "unknown capability": (
        request(endpoint_filter={"required_capabilities": [99]}),
        INVALID,
        "INVALID_FIELD",
        "endpoint_filter.required_capabilities[0]",
    ),
    "capability that nobody has": (
        request(endpoint_filter={"required_capabilities": ["CAPABILITY_LONG_CONTEXT"]}),
        IMPOSSIBLE,
        "NO_ELIGIBLE_ENDPOINT",
        "endpoints[a]",
    ),
    "tag that nobody has": (
        request(endpoint_filter={"required_tags": ["eu"]}),
        IMPOSSIBLE,
        "NO_ELIGIBLE_ENDPOINT",
        "endpoints[a]",
    ),
    "duplicate constraint names": (
        request(constraints=[{"name": "c", **ANY}, {"name": "c", **ANY}]),
        INVALID,
        "DUPLICATE_CONSTRAINT",
        "constraints[1].name",
    ),
    "schema that is not JSON": (
        constrained({"json_schema": {"schema": "{"}}),
        INVALID,
        "BROKEN_CONSTRAINT",
        "constraints[0].json_schema.schema",
    ),
    "schema that is no schema": (
        constrained(ANY, {"json_schema": {"schema": '{"type": 7}'}}),
        INVALID,
        "BROKEN_CONSTRAINT",
        "constraints[1].json_schema.schema",
    ),
    "broken regex": (
        constrained({"regex": {"pattern": "(a"}}),
        INVALID,
        "BROKEN_CONSTRAINT",
        "constraints[0].regex.pattern",
    ),
    "broken regex flags": (
        constrained({"regex": {"pattern": "a", "flags": "q"}}),
        INVALID,
        "INVALID_FIELD",
        "constraints[0].regex.flags",
    ),
    "broken grammar": (
        constrained({"grammar": {"text": "start: ("}}),
        INVALID,
        "BROKEN_CONSTRAINT",
        "constraints[0].grammar.text",
    ),
    "broken grammar of the hole": (
        request(hole={"grammar": {"text": "start: nobody"}}),
        INVALID,
        "BROKEN_CONSTRAINT",
        "hole.grammar.text",
    ),
    "constraint without a body": (constrained({}), INVALID, "INVALID_FIELD", "constraints[0].body"),
    "constraint declared infeasible": (
        constrained(ANY, {**ANY, "feasible": False}),
        IMPOSSIBLE,
        "INFEASIBLE_CONSTRAINT",
        "constraints[1].feasible",
    ),
    "constraint that no text can meet": (
        constrained({"json_schema": {"schema": "false"}}),
        IMPOSSIBLE,
        "INFEASIBLE_CONSTRAINT",
        "constraints[0]",
    ),
    "NaN temperature": (
        request(sampling={"temperature": math.nan}),
        INVALID,
        "INVALID_FIELD",
        "sampling.temperature",
    ),
    "n = 0": (request(strategy="STRATEGY_BEST_OF_N", n=0), INVALID, "INVALID_FIELD", "n"),
    "n = 999": (request(strategy="STRATEGY_BEST_OF_N", n=999), INVALID, "INVALID_FIELD", "n"),
    "n for another strategy": (
        request(strategy="STRATEGY_SEQUENTIAL", n=3),
        INVALID,
        "INVALID_FIELD",
        "n",
    ),
    "prompt just above 2 MiB": (request("x" * (2 * MIB + 1)), INVALID, "INVALID_FIELD", "prompt"),
    "unknown strategy": (request(strategy=77), INVALID, "INVALID_FIELD", "strategy"),
    "unknown kind of hole": (request(hole={"kind": 44}), INVALID, "INVALID_FIELD", "hole.kind"),
    "request id that no header can carry": (
        request(request_id="a\nb"),
        INVALID,
        "INVALID_FIELD",
        "request_id",
    ),
    "objective that the rules know nothing of": (
        request(objective="OBJECTIVE_FASTEST", routing_mode="ROUTING_MODE_RULES"),
        INVALID,
        "INVALID_FIELD",
        "objective",
    ),
    "learned routing before anything was learned": (
        request(routing_mode="ROUTING_MODE_LEARNED"),
        IMPOSSIBLE,
        "CLARIFICATION_NEEDED",
        "routing_mode",
    ),
}


def explained(failed: Failure, reason: str) -> None:
    """Every error carries ErrorInfo, RequestInfo and FailureDetail, and they agree."""
    info, detail = failed.details["ErrorInfo"], failed.details["FailureDetail"]
    assert (info.reason, info.domain, detail.reason) == (reason, "ensemble-gateway", reason)
    assert set(info.metadata) == {"kind", "origin", "category"}
    request_id = failed.details["RequestInfo"].request_id
    assert request_id
    assert detail.request_id == request_id == failed.trailers["x-request-id"]


@pytest.mark.parametrize("name", list(BAD))
async def test_a_bad_request_is_refused_by_its_field(door: Door, name: str) -> None:
    message, code, reason, field = BAD[name]
    failed = await failure(door.generate(message, timeout=10))
    assert (failed.code, failed.reason) == (code, reason)
    assert field in failed.fields
    explained(failed, reason)
    if code is StatusCode.FAILED_PRECONDITION:
        named = [item.subject for item in failed.details["PreconditionFailure"].violations]
    else:
        named = [item.field for item in failed.details["BadRequest"].field_violations]
        assert field in failed.message
    assert named == failed.fields


@pytest.mark.parametrize("name", list(BAD))
async def test_every_rpc_refuses_it_alike(door: Door, name: str) -> None:
    message, code, reason, field = BAD[name]
    stream = await failure(door.stream(pb.GenerateStreamRequest(request=message), timeout=10))
    assert (stream.code, stream.reason) == (code, reason)
    assert any(place.endswith(field) for place in stream.fields)
    batch = door.batch(iter([pb.BatchGenerateRequest(index=5, request=message)]), timeout=10)
    answers = [answer async for answer in batch]
    assert [(one.index, one.failure.code) for one in answers] == [(5, code.value[0])]
    assert answers[0].failure.detail.reason == reason


async def test_all_wrong_fields_are_named_at_once(door: Door) -> None:
    wrong = request("", n=999, sampling={"temperature": math.nan, "top_p": 2.0})
    failed = await failure(door.generate(wrong, timeout=10))
    assert set(failed.fields) == {"prompt", "n", "sampling.temperature", "sampling.top_p"}


async def test_a_prompt_of_64_mib_is_refused_by_the_transport(door: Door) -> None:
    failed = await failure(door.generate(request("x" * (64 * MIB)), timeout=20))
    assert failed.code is StatusCode.RESOURCE_EXHAUSTED
    assert f"vs. {8 * MIB}" in failed.message
    assert "larger than max" in failed.message


async def test_a_prompt_of_64_mib_never_leaves_the_sdk(door: Door) -> None:
    async with AsyncClient(door.target) as client:
        with pytest.raises(InvalidRequest) as caught:
            await client.generate("x" * (64 * MIB))
    assert [violation.field for violation in caught.value.violations] == ["prompt"]


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b"\x0a\x02" + NOT_TEXT, "prompt"),
        (request().SerializeToString() + b"\x12\x02" + NOT_TEXT, "suffix"),
        (b"\xff\xff\xff\xff", ""),
    ],
    ids=["prompt", "suffix", "no message at all"],
)
async def test_bytes_that_are_no_text_are_named(door: Door, raw: bytes, field: str) -> None:
    failed = await failure(door.raw("GatewayService/Generate")(raw, timeout=10))
    assert (failed.code, failed.reason) == (StatusCode.INVALID_ARGUMENT, "UNREADABLE_MESSAGE")
    assert failed.fields == ([field] if field else [])
    explained(failed, "UNREADABLE_MESSAGE")


async def test_a_negative_deadline_ends_before_any_call(door: Door) -> None:
    assert (await failure(door.generate(request(), timeout=-1))).code is (
        StatusCode.DEADLINE_EXCEEDED
    )
    async with AsyncClient(door.target) as client:
        with pytest.raises(InvalidRequest) as caught:
            await client.generate("x = ", timeout=-1)
    assert [violation.field for violation in caught.value.violations] == ["timeout"]
    assert door.gateway is not None
    with pytest.raises(Fault) as fault:
        await door.gateway.ensemble.generate(Request(Hole("x = "), "r"), timeout_s=-1)
    assert fault.value.kind is Kind.DEADLINE


@pytest.mark.parametrize("sent", ["-5S", "0S", "1n", "1u", "soon"])
async def test_a_deadline_that_is_over_or_none_costs_no_call(door: Door, sent: str) -> None:
    """No gRPC client sends these: they give up by themselves."""
    message = request().SerializeToString()
    trailers = await call_by_hand(door.port, GENERATE, message, ("grpc-timeout", sent))
    late, unreadable = b"grpc-status\x014", b"grpc-status\x0213"
    # What is no time at all grpc takes for one that is over; our own engine says that it is none.
    ours = PLANE == "h2" and sent in {"-5S", "soon"}
    assert trailers == b"" or (unreadable if ours else late) in trailers


async def test_a_call_by_hand_with_time_left_is_answered(shared: Door) -> None:
    """The proof that the calls by hand above fail for their deadline and nothing else."""
    message = request().SerializeToString()
    trailers = await call_by_hand(shared.port, GENERATE, message, ("grpc-timeout", "10S"))
    assert b"grpc-status\x010" in trailers


@pytest.mark.parametrize("count", [40, 256])
async def test_a_failure_with_many_fields_still_reaches_the_caller(door: Door, count: int) -> None:
    """Trailers beyond what a client takes would turn every explanation into a transport error."""
    wide = "\N{SNOWMAN}" * 120
    broken = [{"name": f"{wide}{place}", "regex": {"pattern": "(" * 60}} for place in range(count)]
    failed = await failure(door.generate(request(constraints=broken), timeout=10))
    assert (failed.code, failed.reason) == (StatusCode.INVALID_ARGUMENT, "BROKEN_CONSTRAINT")
    assert failed.fields[:2] == ["constraints[0].regex.pattern", "constraints[1].regex.pattern"]
    same = [{"name": wide, **ANY}] * count
    failed = await failure(door.generate(request(constraints=same), timeout=10))
    assert (failed.code, failed.reason) == (StatusCode.INVALID_ARGUMENT, "DUPLICATE_CONSTRAINT")
    explained(failed, "DUPLICATE_CONSTRAINT")


async def test_a_method_that_does_not_exist_is_refused(door: Door) -> None:
    failed = await failure(door.raw("GatewayService/Nope")(b"", timeout=10))
    assert failed.code is StatusCode.UNIMPLEMENTED


async def test_all_endpoints_down_is_unavailable_with_a_time_to_wait() -> None:
    async with FakeModelServer(Script(failure=Scripted.UNAVAILABLE)) as broken:
        async with FakeModelServer(Script()) as gone:
            pass
        async with gateway_on_loopback(settings_of(broken.url, gone.url)) as door:
            failed = await failure(door.generate(request(), timeout=10))
    assert (failed.code, failed.reason) == (StatusCode.UNAVAILABLE, "ALL_ENDPOINTS_FAILED")
    explained(failed, "ALL_ENDPOINTS_FAILED")
    assert [attempt.endpoint for attempt in failed.attempts] == ["a", "b"]
    wait = failed.details["RetryInfo"].retry_delay.ToMilliseconds()
    assert wait > 0
    assert failed.trailers["grpc-retry-pushback-ms"] == str(wait)
    assert failed.trailers["x-ensemble-attempts"] == "2"


def test_a_configuration_without_endpoints_is_refused() -> None:
    with pytest.raises(ConfigError, match="endpoint: no endpoint is configured"):
        build({}, "test")


FIVE_MISTAKES = """
[server]
prot = 50051
[ensemble]
default_endpoint = 7
[router]
fast_below = 1.5
[[endpoint]]
name = "a b"
url = "grpc://127.0.0.1:1"
[[endpoint]]
name = "good"
url = "grpc://127.0.0.1:1"
secret_ref = "sk-secret-in-the-file"
"""
PLACES = (
    "server.prot",
    "ensemble.default_endpoint",
    "router.fast_below",
    "endpoint[0].name",
    "endpoint[1].secret_ref",
)


async def test_five_mistakes_in_a_configuration_are_told_at_once(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(FIVE_MISTAKES)
    ended = await run("serve", "--config", str(config))
    assert ended.code == 3
    assert ended.out == ""
    assert "5 mistakes" in ended.err
    for place in PLACES:
        assert f"  {place}: " in ended.err
    assert ended.err.count("To mend it:") == 5
    assert "sk-secret" not in ended.err


async def test_bad_callers_do_not_disturb_good_ones(shared: Door) -> None:
    """Both at once, over connections of their own."""

    async def bad(name: str) -> StatusCode:
        async with door_to(shared.port) as stranger:
            return (await failure(stranger.generate(BAD[name][0], timeout=10))).code

    async def good() -> str:
        return str((await shared.generate(request(), timeout=10)).finish_reason)

    answers = await asyncio.gather(*(bad(name) for name in BAD), *(good() for _ in range(20)))
    assert answers == [*(expected for _, expected, _, _ in BAD.values()), *["1"] * 20]
