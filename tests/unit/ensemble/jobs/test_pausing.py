"""Pauses: nothing starts, nothing is read, and deadlines run on unless they are told not to."""

from __future__ import annotations

import asyncio

from gateway.config.jobs import JobsConfig
from gateway.core.candidate import Completion
from gateway.core.control import Command, ControlOutcome
from gateway.core.faults import Kind, Reason
from gateway.core.jobs import JobState
from gateway.core.policy import Invocation
from tests.fakes.ensemble import fails, hangs, says
from tests.fakes.steered import Steered, fault_of, waits


def test_a_paused_job_starts_nothing_until_it_goes_on() -> None:
    rig = Steered({"a": waits(2, fails()), "b": says("2")})

    async def main() -> None:
        task = rig.start()
        await asyncio.sleep(1)
        rig.give(Command.PAUSE)
        await asyncio.sleep(20)
        assert rig.asked == ["a"]
        rig.give(Command.RESUME)
        assert (await task).chosen.endpoint == "b"
        assert rig.job.state is JobState.SUCCEEDED
        assert not (await task).steered, "a pause changes nothing of the answer"

    rig.run(main)


def test_pause_and_resume_may_be_given_again() -> None:
    rig = Steered({"a": hangs()})

    async def main() -> None:
        task = rig.start()
        await asyncio.sleep(1)
        done, same = ControlOutcome.DONE, ControlOutcome.UNCHANGED
        assert rig.give(Command.RESUME).outcome is same
        assert [rig.give(Command.PAUSE).outcome for _ in range(3)] == [done, same, same]
        assert [rig.give(Command.RESUME).outcome for _ in range(3)] == [done, same, same]
        assert [rig.give(Command.CANCEL).outcome for _ in range(2)] == [done, same]
        await fault_of(task)
        ended = rig.give(Command.CANCEL, job_id=rig.job.id)
        assert (ended.outcome, ended.reason) == (same, "it has ended already: cancelled")

    rig.run(main)


def test_a_paused_stream_takes_no_piece_more() -> None:
    taken: list[str] = []

    async def writes(invocation: Invocation) -> Completion:
        assert invocation.send is not None
        for piece in "abcdef":
            await asyncio.sleep(1)
            await invocation.send(piece)
            taken.append(piece)
        return Completion("abcdef")

    rig = Steered({"a": writes})

    async def main() -> None:
        task = rig.start(stream=True)
        await asyncio.sleep(2.5)
        rig.give(Command.PAUSE)
        await asyncio.sleep(10)
        assert taken == ["a", "b"]
        rig.give(Command.RESUME)
        assert (await task).chosen.completion.text == "abcdef"

    rig.run(main)


def test_a_pause_ends_by_itself_after_its_longest_time() -> None:
    rig = Steered({"a": waits(2, fails()), "b": says("2")}, JobsConfig(max_pause_s=30))

    async def main() -> None:
        task = rig.start()
        await asyncio.sleep(1)
        rig.give(Command.PAUSE)
        await asyncio.sleep(29)
        assert rig.job.state is JobState.PAUSED
        await asyncio.sleep(1.5)
        assert task.done()
        assert rig.job.state is JobState.SUCCEEDED

    rig.run(main)


def test_the_deadline_runs_on_during_a_pause() -> None:
    rig = Steered({"a": waits(2, fails()), "b": says("2")})

    async def main() -> None:
        task = rig.start(seconds=10)
        await asyncio.sleep(1)
        rig.give(Command.PAUSE)
        assert (await fault_of(task)).kind is Kind.DEADLINE
        assert rig.clock.now < 1011
        job = rig.job
        assert job.state is JobState.FAILED
        assert job.failure is not None
        assert job.failure.reason == Reason.DEADLINE_EXCEEDED

    rig.run(main)


def test_the_deadline_moves_by_the_pause_where_the_clock_stops() -> None:
    rig = Steered({"a": waits(2, fails()), "b": waits(4, says("2"))})

    async def main() -> None:
        task = rig.start(seconds=10)
        await asyncio.sleep(1)
        rig.give(Command.PAUSE, pause_clock=True)
        await asyncio.sleep(50)
        rig.give(Command.RESUME)
        assert 8 <= rig.job.lease_s <= 10
        assert (await task).chosen.endpoint == "b"
        assert 1054 <= rig.clock.now < 1056

    rig.run(main)


def test_a_request_ends_at_its_deadline_after_a_pause_that_moved_it() -> None:
    rig = Steered({"a": waits(2, fails()), "b": hangs()}, JobsConfig(pause_clock=True))

    async def main() -> None:
        task = rig.start(seconds=10)
        await asyncio.sleep(1)
        rig.give(Command.PAUSE)
        await asyncio.sleep(50)
        rig.give(Command.RESUME)
        assert (await fault_of(task)).kind is Kind.DEADLINE
        assert 1058 <= rig.clock.now <= 1060

    rig.run(main)
