"""What each command does, as WatchJob, the answer and the trace of the request tell it (Q-01)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from ensemble.v1 import gateway_service_pb2 as gw
from ensemble.v1 import job_service_pb2 as pb
from ensemble.v1.telemetry_service_pb2 import GetTraceRequest
from ensemble.v1.trace_pb2 import Trace

from tests.fakes.gateways import failure
from tests.fakes.jobs import LATE_S, PAUSED, RUNNING, Desk
from tests.fakes.script import Script

SUCCEEDED, CANCELLED = pb.JOB_STATE_SUCCEEDED, pb.JOB_STATE_CANCELLED
UP = {"command": pb.COMMAND_VOLUME, "direction": pb.DIRECTION_UP}
DOWN = {"command": pb.COMMAND_VOLUME, "direction": pb.DIRECTION_DOWN}
TURNED = {"command": "volume", "dial": "temperature", "state": "running"}


@dataclass(frozen=True)
class Step:
    """A command, what WatchJob shows when it has been followed, and what the trace keeps of it."""

    given: Mapping[str, Any]
    shown: Callable[[pb.Job], bool]
    traced: Mapping[str, str]


def named(command: int, shown: Callable[[pb.Job], bool], **traced: str) -> Step:
    words = pb.Command.Name(pb.Command.ValueType(command)).removeprefix("COMMAND_").lower()
    return Step({"command": command}, shown, {"command": words, **traced})


PAUSE = named(pb.COMMAND_PAUSE, lambda job: job.state == PAUSED, state="paused")
RESUME = named(pb.COMMAND_RESUME, lambda job: job.state == RUNNING, state="running")
NEXT = named(pb.COMMAND_NEXT, lambda job: list(job.progress.running) == ["b"], state="running")
STOP = named(pb.COMMAND_STOP, lambda job: job.failure.reason == "JOB_STOPPED", state="stopping")
CANCEL = named(pb.COMMAND_CANCEL, lambda job: job.state == CANCELLED, state="cancelling")
LOUDER = Step(UP, lambda job: job.dials.temperature == 1, {**TURNED, "direction": "up"})
QUIETER = Step(DOWN, lambda job: job.dials.temperature == -1, {**TURNED, "direction": "down"})


LEFT = "given up for the next endpoint by a command (next)"
STOPPED = "ended with its job by a command (stop)"
GONE = "ended with its job by a command (cancel)"


@pytest.mark.parametrize(
    ("steps", "state", "asked", "given_up"),
    [
        pytest.param([PAUSE, RESUME], SUCCEEDED, "ab", [], id="pause and resume"),
        pytest.param([LOUDER], SUCCEEDED, "ab", [], id="volume up"),
        pytest.param([QUIETER], SUCCEEDED, "ab", [], id="volume down"),
        pytest.param([NEXT], SUCCEEDED, "ab", [LEFT], id="next"),
        pytest.param([STOP], pb.JOB_STATE_FAILED, "a", [STOPPED], id="stop"),
        pytest.param([CANCEL], CANCELLED, "a", [GONE], id="cancel"),
    ],
)
async def test_a_command_to_a_running_job_is_seen_by_who_watches_it_and_stands_in_its_trace(
    steps: list[Step], state: int, asked: str, given_up: list[str]
) -> None:
    async with Desk(Script(malformed=True), Script()) as desk:
        gate = asyncio.Event()
        for model in desk.models:
            model.hold = lambda _: gate.wait()
        call = desk.ask(trace=True, request_id="mine", sampling={"temperature": 0.5})
        await desk.models[0].witness.called(1)
        [job] = await desk.jobs()
        watch = aiter(desk.stub.WatchJob(pb.WatchJobRequest(job_id=job.id), timeout=LATE_S))
        for step in steps:
            result = await desk.control(job_id=job.id, **step.given)
            assert [one.job_id for one in result.affected] == [job.id]
            assert await _shown(watch, step.shown)
        gate.set()
        attempts = await _attempts(call, state)
        assert (await desk.ended(job.id)).state == state
        trace = await _trace(desk)
        controls = [dict(one.attributes) for one in trace.stages if one.name == "control"]
        explicit = {"job": job.id, "found_by": "explicit"}
        assert controls == [{**step.traced, **explicit} for step in steps]
        tries = [one.attributes for one in trace.stages if one.name == "try"]
        assert [one["endpoint"] for one in tries] == list(asked)
        assert [one.get("detail", "") for one in tries] == [one.detail for one in attempts]
        assert [one.detail for one in attempts if "command" in one.detail] == given_up


async def test_a_command_stands_in_the_trace_of_its_job_and_in_no_other() -> None:
    """Q-15 ✗: traces of requests that run at once were one. Q-21: how the target was found."""
    async with Desk(Script()) as desk:
        gate = asyncio.Event()
        desk.models[0].hold = lambda _: gate.wait()
        kinds = {"mine": "batch", "other": "interactive"}
        calls = [
            desk.ask(trace=True, request_id=name, session_id=name, labels={"job_kind": kind})
            for name, kind in kinds.items()
        ]
        await desk.models[0].witness.called(2)
        result = await desk.control("pause the batch", session_id="mine")
        found = result.resolution
        assert (found.text, found.command, found.method) == (
            "pause the batch",
            pb.COMMAND_PAUSE,
            pb.RESOLUTION_METHOD_SINGLE,
        )
        await desk.control("resume the batch")
        gate.set()
        await asyncio.gather(*calls)
        stages = [one for one in (await _trace(desk)).stages if one.name == "control"]
        assert [dict(one.attributes) for one in stages] == [
            {
                "command": command,
                "found_by": "single",
                "job": result.affected[0].job_id,
                "state": state,
            }
            for command, state in (("pause", "paused"), ("resume", "running"))
        ]
        assert "control" not in {one.name for one in (await _trace(desk, "other")).stages}


@pytest.mark.parametrize(("given", "turned"), [(UP, "0.6"), (DOWN, "0.4")])
async def test_a_dial_is_turned_for_the_attempts_that_start_later(
    given: dict[str, Any], turned: str
) -> None:
    async with Desk(Script(malformed=True), Script()) as desk:
        gate = asyncio.Event()
        desk.models[0].hold = lambda _: gate.wait()
        call = desk.ask(trace=True, request_id="mine", sampling={"temperature": 0.5})
        await desk.models[0].witness.called(1)
        await desk.control(**given)
        gate.set()
        await call
        stages = (await _trace(desk)).stages
        assert [
            one.attributes["temperature"] for one in stages if one.name.startswith("attempt")
        ] == ["0.5", turned]


async def test_previous_is_refused_while_endpoints_are_tried_and_leaves_nothing() -> None:
    async with Desk(Script()) as desk:
        gate = asyncio.Event()
        desk.models[0].hold = lambda _: gate.wait()
        call = desk.ask(trace=True, request_id="mine")
        await desk.models[0].witness.called(1)
        [job] = await desk.jobs()
        refused = await failure(desk.control(command=pb.COMMAND_PREVIOUS, job_id=job.id))
        assert (refused.code, refused.reason) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "COMMAND_REFUSED",
        )
        assert "cannot be taken up again" in refused.message
        assert (await desk.job(job.id)).job.revision == job.revision
        gate.set()
        await call
        assert "control" not in {one.name for one in (await _trace(desk)).stages}


async def test_next_and_previous_move_what_stands_of_a_job_that_ended_for_who_watches() -> None:
    async with Desk(Script(pieces=("one",)), Script(pieces=("two",))) as desk:
        answer = await desk.ask(strategy=gw.STRATEGY_BEST_OF_N, n=2)
        seen = [(await desk.ended(answer.job_id)).selected]
        for command in (pb.COMMAND_NEXT, pb.COMMAND_PREVIOUS):
            done = await desk.control(command=command, job_id=answer.job_id)
            seen.append((await desk.ended(answer.job_id)).selected)
            assert done.affected[0].selected == seen[-1]
        assert seen == [0, 1, 0]
        at_end = await desk.control(command=pb.COMMAND_PREVIOUS, job_id=answer.job_id)
        assert (at_end.outcome, at_end.reason) == (
            pb.CONTROL_OUTCOME_UNCHANGED,
            "the first candidate stands already",
        )


@pytest.mark.parametrize(
    "given",
    [{"command": pb.COMMAND_PAUSE}, {"command": pb.COMMAND_RESUME}, UP, DOWN],
    ids=["pause", "resume", "volume up", "volume down"],
)
async def test_what_a_job_that_ended_can_never_follow_is_an_error(given: dict[str, Any]) -> None:
    async with Desk(Script()) as desk:
        answer = await desk.ask()
        before = (await desk.job(answer.job_id)).job.revision
        refused = await failure(desk.control(job_id=answer.job_id, **given))
        assert (refused.code, refused.reason, refused.message) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "COMMAND_REFUSED",
            "job_id: it has ended already: succeeded",
        )
        assert (await desk.ended(answer.job_id)).revision == before


@pytest.mark.parametrize("command", [pb.COMMAND_STOP, pb.COMMAND_CANCEL])
async def test_a_job_that_ended_is_as_stop_and_cancel_want_it(command: int) -> None:
    """Q-01: each command may be given again."""
    async with Desk(Script()) as desk:
        answer = await desk.ask()
        result = await desk.control(command=command, job_id=answer.job_id)
        assert (result.outcome, result.reason) == (
            pb.CONTROL_OUTCOME_UNCHANGED,
            "it has ended already: succeeded",
        )
        assert [one.job_id for one in result.skipped] == [answer.job_id]
        assert (await desk.job(answer.job_id)).job.state == SUCCEEDED


async def _shown(
    watch: AsyncIterator[pb.WatchJobResponse], shown: Callable[[pb.Job], bool]
) -> bool:
    """Read on until the job is as it should be; False when it ends before."""
    async for change in watch:
        if shown(change.job):
            return True
    return False


async def _attempts(call: Any, state: int) -> list[Any]:
    if state == SUCCEEDED:
        return list((await call).attempts)
    return (await failure(call)).attempts


async def _trace(desk: Desk, request_id: str = "mine") -> Trace:
    telemetry: Any = desk.door.telemetry
    return (await telemetry.GetTrace(GetTraceRequest(id=request_id), timeout=LATE_S)).trace
