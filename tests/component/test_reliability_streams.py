"""What a caller of a stream sees when endpoints break, stall or hang: as little as can be."""

from __future__ import annotations

import time
from typing import Any

import grpc
import pytest
from ensemble.v1 import gateway_service_pb2 as pb

from tests.fakes.gateways import failure, request, streamed
from tests.fakes.script import Failure, Script
from tests.fakes.served import Served, events_of, kinds, shown, text_of

BY_LINE = {"hold": "line"}
WHOLE = Script(pieces=("total = 0\n", "for x in xs:\n", "    total += x\n"))


def held(*scripts: Script, **settings: Any) -> Served:
    return Served(*scripts, **{"stream": BY_LINE, **settings})


def failed_at(events: list[pb.GenerateStreamResponse]) -> list[tuple[str, str]]:
    return shown([e.attempt_failed.attempt for e in events if e.HasField("attempt_failed")])


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (Script(pieces=("tot", "al = "), cut=True), "UPSTREAM_TRUNCATED"),
        (
            Script(pieces=("tot", "al"), failure=Failure.BROKEN, failure_after=1),
            "UPSTREAM_ERROR",
        ),
        (Script(pieces=("\n", "  \n", "total"), cut=True), "UPSTREAM_TRUNCATED"),
    ],
)
async def test_what_breaks_in_the_first_line_is_never_seen(broken: Script, reason: str) -> None:
    async with held(broken, WHOLE) as served:
        events = await events_of(served.stream())
        assert served.models[1].witness.asked[0].before == "x = "
    assert text_of(events) == WHOLE.text
    assert failed_at(events) == [("a", reason)]
    assert "failover" not in kinds(events)
    assert {event.delta.endpoint for event in events if event.HasField("delta")} == {"b"}
    assert events[-1].done.endpoint == "b"


async def test_after_the_first_line_the_next_endpoint_goes_on_from_there() -> None:
    broken = Script(pieces=("total", " = 1\n", "broken"), cut=True)
    async with held(broken, Script(pieces=("off = True\n", "end"))) as served:
        events = await events_of(served.stream())
        assert served.models[1].witness.asked[0].before == "x = total = 1\nbroken"
    assert text_of(events) == "total = 1\nbrokenoff = True\nend"
    (failover,) = (event.failover for event in events if event.HasField("failover"))
    assert (failover.from_endpoint, failover.to_endpoint) == ("a", "b")
    assert failover.resumed_at == len("total = 1\nbroken")


async def test_a_text_without_a_line_end_comes_whole() -> None:
    async with held(Script(pieces=("return ", "a + b"))) as served:
        events = await events_of(served.stream())
    assert text_of(events) == "return a + b"


async def test_a_text_whose_first_line_cannot_pass_is_never_seen() -> None:
    constraints = [{"name": "no eval", "forbidden_text": {"texts": ["eval("]}}]
    async with held(Script(pieces=("eval(x)\n", "more\n")), WHOLE) as served:
        events = await events_of(served.stream(constraints=constraints))
    assert text_of(events) == WHOLE.text
    assert failed_at(events) == [("a", "CHECK_FAILED")]
    assert "failover" not in kinds(events)


@pytest.mark.parametrize("pieces", [("total = 1\n", "+ "), ("tot",)])
async def test_a_stream_that_stalls_is_left_and_the_next_endpoint_goes_on(
    pieces: tuple[str, ...],
) -> None:
    stalls = Script(pieces=pieces, hang=True)
    async with held(stalls, WHOLE, timeouts={"between_texts_s": 0.2}) as served:
        events = await events_of(served.stream())
        await served.models[0].witness.left.wait()
        state = await served.state("a")
    seen = "".join(pieces) if "\n" in pieces[0] else ""
    assert text_of(events) == seen + WHOLE.text
    assert failed_at(events) == [("a", "UPSTREAM_TIMEOUT")]
    assert ("failover" in kinds(events)) is bool(seen)
    assert state.in_flight == 0


async def test_a_stream_without_its_first_text_in_time_is_left() -> None:
    silent = Script(pieces=(), hang=True)
    async with held(silent, WHOLE, timeouts={"first_text_s": 0.2}) as served:
        events = await events_of(served.stream())
        await served.models[0].witness.left.wait()
    assert text_of(events) == WHOLE.text
    assert failed_at(events) == [("a", "UPSTREAM_TIMEOUT")]


async def test_when_nobody_can_go_on_the_caller_is_told_that_it_is_cut() -> None:
    stalls = Script(pieces=("total = 1\n",), hang=True)
    async with held(stalls, timeouts={"between_texts_s": 0.2}) as served:
        failed = await failure(served.stream())
    assert (failed.code, failed.reason) == (
        grpc.StatusCode.DEADLINE_EXCEEDED,
        "STREAM_TRUNCATED",
    )
    assert failed.details["FailureDetail"].streamed_chars == len("total = 1\n")


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_hung_primary_leaves_time_for_the_fallback(streaming: bool) -> None:
    hung = Script(pieces=(), hang=True)
    async with held(hung, WHOLE) as served:
        started = time.monotonic()
        if streaming:
            events = await events_of(served.door.stream(streamed(), timeout=1))
            answer, text = events[-1].done, text_of(events)
        else:
            answer = await served.door.generate(request(), timeout=1)
            text = answer.text
        elapsed_s = time.monotonic() - started
        await served.models[0].witness.left.wait()
    assert (answer.endpoint, text) == ("b", WHOLE.text)
    assert shown(answer.attempts) == [("a", "UPSTREAM_TIMEOUT"), ("b", "OK")]
    assert elapsed_s < 1


@pytest.mark.parametrize("hung", [1, 2])
async def test_each_of_three_endpoints_gets_its_part(hung: int) -> None:
    scripts = [Script(pieces=(), hang=True)] * hung + [WHOLE] * (3 - hung)
    async with Served(*scripts) as served:
        answer = await served.door.generate(request(), timeout=0.9)
    assert answer.endpoint == "abc"[hung]
    parts = [one.elapsed.ToMilliseconds() for one in answer.attempts[:-1]]
    assert all(part >= 250 for part in parts)


async def test_a_hung_primary_leaves_time_for_a_fallback_whose_speed_is_known() -> None:
    async with Served(Script(), WHOLE) as served:
        await served.drain("a")
        for _ in range(20):
            await served.generate()
        served.models[0].script = Script(pieces=(), hang=True)
        await served.undrain("a")
        # What is known of an endpoint is looked at again after a second.
        served.clock.ahead_s += 2
        # A tenth is left to the fallback: enough for a machine that has other things to do.
        answer = await served.door.generate(request(), timeout=3)
    assert shown(answer.attempts) == [("a", "UPSTREAM_TIMEOUT"), ("b", "OK")]
    # Little is needed for the fallback, so the primary has more than its half.
    assert answer.attempts[0].elapsed.ToMilliseconds() > 2000


async def test_a_stream_that_flows_may_use_all_the_time() -> None:
    # The share of the first endpoint is half a second; its text began in time.
    slow = Script(pieces=("total = 1\n",), hang=True)
    async with held(slow, WHOLE) as served:
        failed = await failure(served.door.stream(streamed(), timeout=0.6))
        assert served.asked() == [1, 0]
    assert failed.code is grpc.StatusCode.DEADLINE_EXCEEDED
