"""Streamed answers over real sockets: pressure, cuts, and who goes on from where."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble.v1.result_pb2 import AttemptStatus, VerdictStatus

from tests.fakes.gateways import (
    Door,
    failure,
    gateway_on_loopback,
    request,
    settings_of,
    streamed,
)
from tests.fakes.model_server import FakeModelServer
from tests.fakes.script import Failure, Script

KIB, MIB = 1024, 1024 * 1024


class Fleet(AsyncExitStack):
    """A gateway over one fake model server for each script."""

    def __init__(self, *scripts: Script, **settings: Any) -> None:
        super().__init__()
        self.models = [FakeModelServer(script) for script in scripts]
        self._settings = settings

    async def open(self) -> Door:
        for model in self.models:
            await self.enter_async_context(model)
        settings = settings_of(*(model.url for model in self.models), **self._settings)
        return await self.enter_async_context(gateway_on_loopback(settings))

    def asked(self) -> list[int]:
        return [len(model.witness.asked) for model in self.models]


async def events_of(call: Any) -> list[pb.GenerateStreamResponse]:
    return [event async for event in call]


def kinds(events: list[pb.GenerateStreamResponse]) -> list[str]:
    return [str(event.WhichOneof("event")) for event in events]


def text(events: list[pb.GenerateStreamResponse]) -> str:
    return "".join(event.delta.text for event in events)


async def test_a_stream_is_started_then_deltas_then_verdicts_then_done() -> None:
    async with Fleet(Script()) as fleet:
        door = await fleet.open()
        events = await events_of(door.stream(streamed(request_id="mine"), timeout=10))
        assert text(events) == fleet.models[0].script.text
    assert kinds(events) == ["started", "delta", "delta", "delta", "verdict", "done"]
    assert [event.sequence for event in events] == list(range(6))
    assert events[0].started.request_id == events[-1].done.request_id == "mine"
    assert events[0].started.decision.primary == "a"
    assert events[-1].done.text == ""
    assert events[-1].done.endpoint == "a"
    assert events[-2].verdict.status == VerdictStatus.VERDICT_STATUS_PASSED


async def test_nothing_sent_yet_falls_back_in_silence() -> None:
    async with Fleet(Script(failure=Failure.UNAVAILABLE), Script()) as fleet:
        door = await fleet.open()
        events = await events_of(door.stream(streamed(), timeout=10))
        assert text(events) == fleet.models[1].script.text
        assert fleet.asked() == [1, 1]
    assert kinds(events)[:3] == ["started", "attempt_failed", "delta"]
    assert "failover" not in kinds(events)
    assert events[1].attempt_failed.attempt.reason == "UPSTREAM_UNAVAILABLE"


@pytest.mark.parametrize("broken", [Script(cut=True), Script(failure=Failure.BROKEN)])
async def test_a_cut_stream_goes_on_at_the_next_endpoint(broken: Script) -> None:
    broken.pieces, broken.logprobs = ("def f(x):\n", "    ", "return"), ()
    broken.failure_after = 2 if broken.failure else None
    kept = "".join(broken.pieces[: broken.failure_after])
    async with Fleet(broken, Script(pieces=(" x + ", "1\n"), logprobs=())) as fleet:
        door = await fleet.open()
        events = await events_of(door.stream(streamed("# twice\n"), timeout=10))
        (resumed,) = fleet.models[1].witness.asked
    assert text(events) == kept + " x + 1\n"
    assert resumed.before == "# twice\n" + kept
    assert [kind for kind in kinds(events) if kind not in {"delta", "verdict"}] == [
        "started",
        "attempt_failed",
        "failover",
        "done",
    ]
    (failover,) = [event.failover for event in events if event.HasField("failover")]
    assert (failover.from_endpoint, failover.to_endpoint) == ("a", "b")
    assert failover.resumed_at == len(kept)
    done = events[-1].done
    assert done.endpoint == "b"
    assert [attempt.status for attempt in done.attempts] == [
        AttemptStatus.ATTEMPT_STATUS_FAILED,
        AttemptStatus.ATTEMPT_STATUS_OK,
    ]


async def truncated(fleet: Fleet, sent: str) -> None:
    door = await fleet.open()
    call = door.stream(streamed(), timeout=10)
    events: list[pb.GenerateStreamResponse] = []

    async def read() -> None:
        async for event in call:
            events.append(event)  # noqa: PERF401 - those before the failure count too

    failed = await failure(read())
    assert (failed.code, failed.reason) == (grpc.StatusCode.UNAVAILABLE, "STREAM_TRUNCATED")
    assert failed.details["FailureDetail"].streamed_chars == len(sent)
    assert text(events) == sent
    assert "done" not in kinds(events)


async def test_a_cut_stream_that_nobody_can_go_on_with_is_never_done() -> None:
    cut = Script(cut=True)
    cannot = [{}, {"continues": False}]
    async with Fleet(cut, Script(), endpoint=cannot) as fleet:
        await truncated(fleet, cut.text)
        assert fleet.asked() == [1, 0]


async def test_a_cut_stream_of_the_only_endpoint_is_never_done() -> None:
    cut = Script(cut=True)
    async with Fleet(cut) as fleet:
        await truncated(fleet, cut.text)


async def test_a_stream_that_everybody_cuts_is_never_done() -> None:
    first, second = Script(cut=True), Script(cut=True, pieces=("and more",), logprobs=())
    async with Fleet(first, second) as fleet:
        await truncated(fleet, first.text + second.text)
        assert fleet.asked() == [1, 1]


async def test_a_killed_endpoint_in_the_middle_of_a_stream_is_replaced() -> None:
    """The connection itself breaks, after text was read."""
    first = Script(pieces=("one ", "two "), logprobs=(), hang=True)
    async with Fleet(first, Script(pieces=("three",), logprobs=())) as fleet:
        door = await fleet.open()
        following = aiter(door.stream(streamed(), timeout=10))
        events = [await anext(following) for _ in range(3)]
        await fleet.models[0].__aexit__()
        events += await events_of(following)
    assert text(events) == "one two three"
    assert "failover" in kinds(events)
    assert kinds(events)[-1] == "done"


async def test_a_required_check_that_fails_after_the_text_was_sent_is_no_success() -> None:
    script = Script(pieces=("BAD",), logprobs=())
    checked = [{"name": "clean", "forbidden_text": {"texts": ["BAD"]}}]
    async with Fleet(script, Script()) as fleet:
        door = await fleet.open()
        failed = await failure(door.stream(streamed(constraints=checked), timeout=10))
    assert (failed.code, failed.reason) == (grpc.StatusCode.ABORTED, "ALL_CANDIDATES_REJECTED")
    best = failed.details["FailureDetail"].best_candidate
    assert [(verdict.constraint, verdict.status) for verdict in best.verdicts][-1] == (
        "clean",
        VerdictStatus.VERDICT_STATUS_FAILED,
    )


async def test_a_slow_reader_stops_the_reads_from_the_endpoint() -> None:
    """64 MiB are waiting at the endpoint; what is under way stays within the windows of HTTP/2."""
    piece = "x" * (16 * KIB)
    script = Script(pieces=(piece,) * 4096, logprobs=())
    async with Fleet(script, server={"max_message_bytes": 128 * MIB}) as fleet:
        door = await fleet.open()
        model = fleet.models[0]
        following = aiter(door.stream(streamed(), timeout=50))
        await anext(following)
        written = -1
        while model.wrote != written:
            written = model.wrote
            for _ in range(50):
                await door.route(pb.RouteRequest(request=request()), timeout=10)
        assert written * len(piece) < 16 * MIB
        length = 0
        async for event in following:
            length += len(event.delta.text)
        assert length == 64 * MIB
        assert model.wrote == 4096
