"""Jobs over real sockets: seen while they run, and steered to the effect that each command has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest
from ensemble.v1 import gateway_service_pb2 as gw
from ensemble.v1 import job_service_pb2 as pb
from ensemble.v1.result_pb2 import AttemptStatus, VerdictStatus

from tests.fakes.gateways import failure, request, streamed
from tests.fakes.jobs import PAUSED, RUNNING, Desk, as_tenant
from tests.fakes.script import Script

HANGS = Script(hang=True)


async def test_a_running_request_is_a_job_of_its_session_and_is_kept_when_it_ended() -> None:
    async with Desk(Script()) as desk:
        gate = asyncio.Event()
        desk.models[0].hold = lambda _: gate.wait()
        wanted = request(session_id="s1", labels={"team": "red"}, request_id="mine")
        call = desk.door.generate(wanted, timeout=20)
        await desk.models[0].witness.called(1)
        [job] = await desk.jobs(session_id="s1")
        assert (job.kind, job.state, job.session_id) == (pb.JOB_KIND_INTERACTIVE, RUNNING, "s1")
        assert (job.request_id, dict(job.labels)) == ("mine", {"team": "red"})
        assert list(job.progress.running) == ["a"]
        assert 0 < job.lease.ToTimedelta().total_seconds() <= 20
        gate.set()
        answer = await call
        assert answer.job_id == job.id
        last = await desk.ended(job.id)
        assert (last.state, last.progress.done, last.progress.total) == (
            pb.JOB_STATE_SUCCEEDED,
            1,
            1,
        )
        assert last.progress.attempts == 1
        assert await desk.jobs(live=True) == []


async def test_cancel_ends_the_callers_rpc_and_the_call_to_the_model() -> None:
    async with Desk(HANGS) as desk:
        call = desk.door.generate(request(session_id="s"), timeout=20)
        await desk.models[0].witness.called(1)
        result = await desk.control("cancel", session_id="s")
        assert result.outcome == pb.CONTROL_OUTCOME_DONE
        [effect] = result.affected
        ended = await failure(call)
        assert (ended.code, ended.reason) == (grpc.StatusCode.CANCELLED, "JOB_CANCELLED")
        await asyncio.wait_for(desk.models[0].witness.left.wait(), 10)
        last = await desk.ended(effect.job_id)
        assert (last.state, last.failure.reason) == (pb.JOB_STATE_CANCELLED, "JOB_CANCELLED")


async def test_stop_of_a_request_without_any_text_says_that_there_is_none() -> None:
    async with Desk(HANGS) as desk:
        call = desk.door.generate(request(), timeout=20)
        await desk.models[0].witness.called(1)
        assert (await desk.control("stop")).outcome == pb.CONTROL_OUTCOME_DONE
        ended = await failure(call)
        assert (ended.code, ended.reason) == (grpc.StatusCode.CANCELLED, "JOB_STOPPED")
        [job] = await desk.jobs()
        assert (job.state, job.failure.reason) == (pb.JOB_STATE_FAILED, "JOB_STOPPED")


async def test_stop_of_a_stream_gives_what_was_sent_as_a_partial_answer() -> None:
    async with Desk(Script(pieces=("one ", "two "), hang=True)) as desk:
        call = desk.door.stream(streamed(), timeout=20)
        got = ""
        async for event in call:
            got += event.delta.text
            if got == "one two ":
                await desk.control("stop")
            last = event
        assert last.done.partial
        assert got == "one two "
        assert {one.status for one in last.done.verdicts} == {
            VerdictStatus.VERDICT_STATUS_UNCHECKED
        }
        [job] = await desk.jobs()
        assert job.state == pb.JOB_STATE_STOPPED


async def test_stop_of_several_candidates_gives_the_best_so_far() -> None:
    """Q-01: stop and cancel are two things: one gives the best so far, the other nothing."""
    async with Desk(Script(), HANGS) as desk:
        wanted = request(strategy=gw.STRATEGY_BEST_OF_N, n=2, return_candidates=True)
        call = desk.door.generate(wanted, timeout=20)
        await desk.models[1].witness.called(1)
        [job] = await desk.jobs()
        while job.progress.done < 1:
            job = (await desk.job(job.id)).job
        assert (job.progress.done, job.progress.total) == (1, 2)
        await desk.control("stop")
        answer = await call
        assert answer.partial
        assert answer.endpoint == "a"
        assert (await desk.ended(job.id)).state == pb.JOB_STATE_STOPPED


async def test_a_pause_starts_no_attempt_and_a_resume_does() -> None:
    async with Desk(Script(failure=None), Script()) as desk:
        gate = asyncio.Event()
        desk.models[0].hold = lambda _: gate.wait()
        desk.models[0].script.malformed = True
        call = desk.door.generate(request(), timeout=20)
        await desk.models[0].witness.called(1)
        paused = await desk.control("pause")
        job_id = paused.affected[0].job_id
        assert paused.affected[0].state == PAUSED
        again = await desk.control("pause")
        assert (again.outcome, again.skipped[0].reason) == (
            pb.CONTROL_OUTCOME_UNCHANGED,
            "it is paused already",
        )
        gate.set()
        while (job := (await desk.job(job_id)).job).progress.attempts < 1 or job.progress.running:
            pass
        assert not desk.models[1].witness.asked
        assert (await desk.control("resume")).affected[0].state == RUNNING
        assert (await call).endpoint == "b"


async def test_a_pause_holds_the_stream_of_the_model_by_flow_control() -> None:
    piece = "x" * 16_384
    async with Desk(Script(pieces=(piece,), endless=True)) as desk:
        call = desk.door.stream(streamed(), timeout=30)
        events = call.__aiter__()
        while not (await anext(events)).delta.text:
            pass
        paused = await desk.control("pause")
        reader = asyncio.create_task(_drained(events))
        model = desk.models[0]
        before = -1
        while model.wrote != before:
            before = model.wrote
            for _ in range(50):
                await desk.job(paused.affected[0].job_id)
        assert not reader.done()
        held = model.wrote
        await desk.control("resume")
        while model.wrote <= held:
            await desk.job(paused.affected[0].job_id)
        await desk.control("cancel")
        assert await reader == "JOB_CANCELLED"


async def _drained(events: AsyncIterator[gw.GenerateStreamResponse]) -> str:
    return (await failure(events)).reason


async def test_next_gives_the_attempt_up_for_the_next_endpoint() -> None:
    async with Desk(HANGS, Script()) as desk:
        call = desk.door.generate(request(), timeout=20)
        await desk.models[0].witness.called(1)
        assert (await desk.control("next")).outcome == pb.CONTROL_OUTCOME_DONE
        answer = await call
        assert answer.endpoint == "b"
        assert not answer.partial
        assert answer.attempts[0].status == AttemptStatus.ATTEMPT_STATUS_CANCELLED


async def test_what_a_named_job_can_never_follow_is_a_failed_precondition() -> None:
    """Q-01: `previous` on a running sequential job is FAILED_PRECONDITION."""
    async with Desk(HANGS) as desk:
        call = desk.door.generate(request(), timeout=20)
        await desk.models[0].witness.called(1)
        [job] = await desk.jobs()
        named = pb.ControlRequest(command=pb.COMMAND_PREVIOUS, job_id=job.id)
        refused = await failure(desk.stub.Control(named, timeout=20))
        assert (refused.code, refused.reason) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "COMMAND_REFUSED",
        )
        named = pb.ControlRequest(command=pb.COMMAND_NEXT, job_id=job.id)
        refused = await failure(desk.stub.Control(named, timeout=20))
        assert "no other endpoint is left" in refused.message
        call.cancel()
        assert (await desk.ended(job.id)).state == pb.JOB_STATE_CANCELLED


async def test_next_and_previous_move_the_selected_candidate_of_a_job_that_ended() -> None:
    async with Desk(Script(pieces=("one",)), Script(pieces=("two",))) as desk:
        wanted = request(strategy=gw.STRATEGY_BEST_OF_N, n=2)
        answer = await desk.door.generate(wanted, timeout=20)
        kept = await desk.job(answer.job_id)
        assert [one.text for one in kept.candidates] == ["one", "two"]
        assert (await desk.control("next")).affected[0].selected == 1
        at_end = await desk.control("next")
        assert at_end.outcome == pb.CONTROL_OUTCOME_UNCHANGED
        assert at_end.reason == "the last candidate stands already"
        assert (await desk.control("previous")).affected[0].selected == 0
        assert (await desk.job(answer.job_id)).job.selected == 0


async def test_a_dial_turns_what_starts_later() -> None:
    async with Desk(Script(malformed=True), Script()) as desk:
        gate = asyncio.Event()
        desk.models[0].hold = lambda _: gate.wait()
        wanted = request(sampling={"temperature": 0.5, "max_tokens": 100, "seed": 1})
        call = desk.door.generate(wanted, timeout=20)
        await desk.models[0].witness.called(1)
        await desk.control("louder")
        longer = await desk.control("longer")
        assert longer.resolution.dial == pb.DIAL_VERBOSITY
        gate.set()
        await call
        asked = desk.models[1].witness.asked[0].body
        assert asked.sampling.temperature == pytest.approx(0.6)
        assert asked.sampling.max_tokens == 150


async def test_tenants_see_and_steer_their_own_jobs_only() -> None:
    async with Desk(HANGS) as desk:
        call = desk.door.generate(request(), timeout=20, metadata=as_tenant("one"))
        await desk.models[0].witness.called(1)
        [job] = await desk.jobs("one")
        assert await desk.jobs("two") == []
        other = await failure(desk.stub.GetJob(pb.GetJobRequest(job_id=job.id), timeout=20))
        assert (other.code, other.reason) == (grpc.StatusCode.NOT_FOUND, "UNKNOWN_JOB")
        nothing = await desk.control("cancel")
        assert nothing.outcome == pb.CONTROL_OUTCOME_NO_ACTIVE_JOBS
        call.cancel()


async def test_a_question_is_answered_once_with_its_token() -> None:
    async with Desk(HANGS, jobs={"ask_gap": 40}) as desk:
        one = desk.door.generate(request(), timeout=20)
        two = desk.door.generate(request(labels={"job_kind": "maintenance"}), timeout=20)
        await desk.models[0].witness.called(2)
        asked = await desk.control("stop")
        assert asked.outcome == pb.CONTROL_OUTCOME_CONFIRMATION_REQUIRED
        assert [choice.kind for choice in asked.choices] == [
            pb.JOB_KIND_INTERACTIVE,
            pb.JOB_KIND_MAINTENANCE,
        ]
        wrong = pb.ConfirmControlRequest(token=asked.token, choice="batch")
        refused = await failure(desk.stub.ConfirmControl(wrong, timeout=20))
        assert (refused.code, refused.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["choice"])
        right = pb.ConfirmControlRequest(token=asked.token, choice="maintenance")
        done = await desk.stub.ConfirmControl(right, timeout=20)
        assert done.result.affected[0].job_id == asked.choices[1].job_id
        assert (await failure(two)).reason == "JOB_STOPPED"
        used = await failure(desk.stub.ConfirmControl(right, timeout=20))
        assert (used.code, used.reason) == (grpc.StatusCode.NOT_FOUND, "UNKNOWN_CONFIRMATION")
        listed = await desk.stub.ListJobs(pb.ListJobsRequest(), timeout=20)
        assert listed.control.confirmed[0].chosen == "maintenance"
        one.cancel()


async def test_jobs_are_listed_page_by_page_with_filters() -> None:
    async with Desk(Script()) as desk:
        ids = [(await desk.door.generate(request(), timeout=20)).job_id for _ in range(5)]
        other = await desk.door.generate(request(labels={"job_kind": "other"}), timeout=20)
        pages: list[list[str]] = []
        token = ""
        while True:
            page = await desk.stub.ListJobs(
                pb.ListJobsRequest(page_size=4, page_token=token), timeout=20
            )
            pages.append([job.id for job in page.jobs])
            token = page.next_page_token
            if not token:
                break
        assert pages == [[other.job_id, *reversed(ids[2:])], [ids[1], ids[0]]]
        [one] = await desk.jobs(kinds=[pb.JOB_KIND_OTHER])
        assert one.id == other.job_id
        assert await desk.jobs(states=[pb.JOB_STATE_FAILED]) == []


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (pb.ControlRequest(), ""),
        (pb.ControlRequest(text="stop", command=pb.COMMAND_STOP), ""),
        (pb.ControlRequest(command=pb.COMMAND_VOLUME), "direction"),
        (pb.ControlRequest(text="stop", all=True), ""),
    ],
)
async def test_a_command_that_says_too_little_or_too_much_is_refused(
    wrong: pb.ControlRequest, field: str
) -> None:
    async with Desk(Script()) as desk:
        refused = await failure(desk.stub.Control(wrong, timeout=20))
        assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
        assert refused.fields == [field]


async def test_a_label_that_names_no_kind_is_refused() -> None:
    async with Desk(Script()) as desk:
        wrong = request(labels={"job_kind": "timer"})
        refused = await failure(desk.door.generate(wrong, timeout=20))
        assert refused.fields == ["labels[job_kind]"]


async def test_a_job_that_fails_keeps_its_error() -> None:
    """Q-17: failed jobs stand apart, with their error."""
    async with Desk(Script(malformed=True)) as desk:
        await failure(desk.door.generate(request(), timeout=20))
        [job] = await desk.jobs(states=[pb.JOB_STATE_FAILED])
        assert job.failure.reason == "ALL_ENDPOINTS_FAILED"
