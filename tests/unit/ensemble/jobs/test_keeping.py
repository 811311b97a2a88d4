"""What is a job, of which kind, and what becomes of it when its caller leaves."""

from __future__ import annotations

import asyncio

import pytest

from gateway.config.jobs import JobsConfig
from gateway.core.candidate import Completion
from gateway.core.control import Command, JobKind
from gateway.core.faults import Fault, Kind, Reason
from gateway.core.hole import Priority
from gateway.core.jobs import JobState
from gateway.core.policy import Invocation
from tests.fakes.ensemble import fails, hangs, says
from tests.fakes.steered import Steered, waits


def test_a_bug_of_ours_fails_the_job_without_its_words() -> None:
    async def broken(_: Invocation) -> Completion:
        raise RuntimeError("the prompt was: secret")

    rig = Steered({"a": broken})

    async def main() -> None:
        with pytest.raises(RuntimeError):
            await rig.start()
        failure = rig.job.failure
        assert failure is not None
        assert (failure.reason, failure.message) == ("INTERNAL_ERROR", "RuntimeError")

    rig.run(main)


def test_a_request_without_room_is_worked_on_all_the_same() -> None:
    rig = Steered({"a": says("1")}, JobsConfig(max_live=1))

    async def main() -> None:
        filling = rig.jobs.registry.begin(JobKind.OTHER, rig.exchange().request, 0.0)
        assert filling is not None
        answer = await rig.start()
        assert (answer.chosen.completion.text, answer.job_id) == ("1", "")
        assert rig.jobs.registry.untracked == 1
        with pytest.raises(Fault) as caught:
            await rig.start(detached=True)
        assert caught.value.reason is Reason.GATEWAY_OVERLOADED

    rig.run(main)


def test_the_kind_of_a_job_is_that_of_its_work_unless_a_label_says() -> None:
    rig = Steered({"a": says("1")})

    async def main() -> None:
        kinds: list[str] = []
        for fields in (
            {},
            {"priority": Priority.BATCH},
            {"labels": (("job_kind", "other"), ("team", "red"))},
            {"labels": (("team", "red"),)},
        ):
            await rig.start(**fields)
            kinds.append(rig.job.kind)
        assert kinds == ["interactive", "batch", "other", "interactive"]
        with pytest.raises(Fault, match="job_kind"):
            await rig.start(labels=(("job_kind", "timers"),))

    rig.run(main)


def test_detached_work_outlives_its_caller_and_ends_with_the_gateway() -> None:
    rig = Steered({"a": waits(5, says("1"))})

    async def main() -> None:
        run = rig.jobs.detached.run
        caller = asyncio.ensure_future(run(rig.exchange(detached=True), rig.handle))
        await asyncio.sleep(1)
        caller.cancel()
        await asyncio.sleep(5)
        assert rig.job.state is JobState.SUCCEEDED
        assert [one.text for one in rig.job.candidates] == ["1"]
        lonely = asyncio.ensure_future(run(rig.exchange(detached=True), rig.handle))
        await asyncio.sleep(1)
        lonely.cancel()
        await rig.jobs.detached.close()
        assert rig.job.state is JobState.CANCELLED
        await rig.jobs.detached.close()

    rig.run(main)


def test_a_detached_stream_goes_on_when_nobody_hears_it_and_fails_for_other_reasons() -> None:
    for kind, ends in ((Kind.CANCELLED, JobState.SUCCEEDED), (Kind.INTERNAL, JobState.FAILED)):
        rig = Steered({"a": says("one two", pieces=3)})

        async def main(rig: Steered = rig, kind: Kind = kind, ends: JobState = ends) -> None:
            exchange = rig.exchange(stream=True, detached=True)

            async def deaf(_: object) -> None:
                from gateway.core.faults import Origin

                raise Fault(kind, Origin.CALLER, Reason.CALLER_CANCELLED, "gone")

            exchange.emit = deaf
            run = asyncio.ensure_future(rig.jobs.detached.run(exchange, rig.handle))
            await asyncio.wait({run})
            assert rig.job.state is ends
            run.exception()

        rig.run(main)


def test_a_batch_ends_as_it_is_left_and_without_room_it_is_no_job() -> None:
    rig = Steered({"a": says("1")}, JobsConfig(max_live=1))

    async def main() -> None:
        with rig.jobs.keeper.batch("", "r", rig.clock.now + 9) as batch:
            exchange = rig.exchange(session_id="s")
            batch.begin(exchange)
            with batch.hole():
                assert (await rig.handle(exchange)).job_id == rig.job.id
            other = rig.exchange(session_id="t", detached=True)
            batch.begin(other)
            assert other.job is None
            with rig.jobs.keeper.batch("", "r", 0.0) as second, second.hole():
                second.begin(exchange)
            assert second.handle is None
        job = rig.job
        assert (job.state, job.session_id, job.progress.attempts) == (JobState.SUCCEEDED, "s", 1)
        with pytest.raises(ValueError, match="broken"), rig.jobs.keeper.batch("", "r", 0.0):
            raise ValueError("broken")
        assert rig.job.state is JobState.FAILED
        with pytest.raises(asyncio.CancelledError), rig.jobs.keeper.batch("", "r", 0.0):
            raise asyncio.CancelledError
        assert rig.job.state is JobState.CANCELLED

    rig.run(main)


def test_what_a_part_of_a_batch_ends_in_ends_no_job() -> None:
    rig = Steered({"a": fails(), "b": hangs()})

    async def main() -> None:
        with rig.jobs.keeper.batch("", "r", rig.clock.now + 9) as batch:
            first, second = rig.exchange(n=1), rig.exchange(seconds=-1)
            for one in (first, second):
                batch.begin(one)
            doomed = asyncio.ensure_future(rig.handle(first))
            await asyncio.sleep(1)
            assert [one.endpoint for one in first.attempts] == ["a"]
            rig.give(Command.PAUSE, pause_clock=True)
            rig.give(Command.RESUME)
            doomed.cancel()
            await asyncio.gather(doomed, return_exceptions=True)
            assert rig.job.state is JobState.RUNNING
            assert rig.job.progress.attempts == 2

    rig.run(main)
