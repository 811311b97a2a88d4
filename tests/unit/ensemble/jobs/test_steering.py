"""Commands to running requests, in virtual time: each has its effect, and no other."""

from __future__ import annotations

import asyncio

import pytest

from gateway.core.candidate import AttemptStatus, Completion
from gateway.core.constraint import Constraint, ForbiddenText, VerdictStatus
from gateway.core.control import Command, ControlOutcome, Dial, Direction
from gateway.core.faults import Fault, Kind, Reason
from gateway.core.hole import Hole, Sampling, Strategy
from gateway.core.jobs import JobState
from gateway.core.policy import Invocation
from gateway.policies.observe import NOT_NEEDED
from tests.fakes.ensemble import fails, hangs, says
from tests.fakes.steered import Steered, fault_of, waits

NO_EVAL = Constraint("no_eval", ForbiddenText(("eval",)), required=False)
REQUIRED = Constraint("no_eval", ForbiddenText(("eval",)), required=True)


def test_stop_and_cancel_of_the_same_request_end_differently() -> None:
    """Q-01: what tells stop from cancel was left to the handlers."""
    checked = Hole("x = ", constraints=(NO_EVAL,))
    for command in (Command.STOP, Command.CANCEL):
        rig = Steered({"a": says("eval(y)"), "b": hangs()})

        async def main(rig: Steered = rig, command: Command = command) -> None:
            task = rig.start(hole=checked)
            await asyncio.sleep(1)
            rig.give(command)
            if command is Command.STOP:
                answer = await task
                assert (answer.partial, answer.steered) == (True, True)
                assert answer.chosen.completion.text == "eval(y)"
                assert rig.job.state is JobState.STOPPED
            else:
                fault = await fault_of(task)
                assert (fault.kind, fault.reason) == (Kind.CANCELLED, Reason.JOB_CANCELLED)
                assert rig.job.state is JobState.CANCELLED

        rig.run(main)


def test_a_stopped_request_gives_nothing_that_a_required_check_refused() -> None:
    rig = Steered({"a": says("eval(y)"), "b": hangs()})

    async def main() -> None:
        task = rig.start(hole=Hole("x = ", constraints=(REQUIRED,)))
        await asyncio.sleep(1)
        rig.give(Command.STOP)
        assert (await fault_of(task)).reason is Reason.ALL_CANDIDATES_REJECTED
        assert rig.job.state is JobState.FAILED

    rig.run(main)


def test_a_stopped_stream_is_what_was_sent_with_verdicts_that_say_nothing() -> None:
    async def half(invocation: Invocation) -> Completion:
        assert invocation.send is not None
        await invocation.send("half ")
        return await hangs()(invocation)

    rig = Steered({"a": half})

    async def main() -> None:
        task = rig.start(stream=True, hole=Hole("x = ", constraints=(NO_EVAL,)))
        await asyncio.sleep(1)
        rig.give(Command.STOP)
        answer = await task
        assert answer.chosen.completion.text == "half "
        assert answer.chosen.endpoint == "a"
        assert {one.status for one in answer.chosen.verdicts} == {VerdictStatus.UNCHECKED}
        assert answer.partial

    rig.run(main)


def test_a_stopped_race_gives_its_best_and_asks_for_no_more() -> None:
    rig = Steered({"a": says("one"), "b": hangs()}, in_flight=2)

    async def main() -> None:
        task = rig.start(strategy=Strategy.BEST_OF_N, n=5)
        await asyncio.sleep(1)
        assert rig.give(Command.NEXT).outcome is ControlOutcome.UNCHANGED
        rig.give(Command.STOP)
        answer = await task
        assert answer.partial
        assert answer.chosen.endpoint == "a"

    rig.run(main)


def test_next_leaves_the_attempt_and_counts_against_no_endpoint() -> None:
    rig = Steered({"a": hangs(), "b": says("2")})

    async def main() -> None:
        task = rig.start()
        await asyncio.sleep(1)
        rig.give(Command.NEXT)
        answer = await task
        assert (answer.chosen.endpoint, answer.steered, answer.partial) == ("b", True, False)
        left = answer.attempts[0]
        assert left.status is AttemptStatus.CANCELLED
        assert left.detail == "given up for the next endpoint by a command (next)"

    rig.run(main)


@pytest.mark.parametrize("command", [Command.STOP, Command.CANCEL])
def test_an_attempt_that_a_command_ended_names_the_command(command: Command) -> None:
    rig = Steered({"a": hangs()})

    async def main() -> None:
        exchange = rig.exchange()
        task = asyncio.ensure_future(rig.handle(exchange))
        await asyncio.sleep(1)
        rig.give(command)
        await fault_of(task)
        assert [one.detail for one in exchange.attempts] == [
            f"ended with its job by a command ({command})"
        ]

    rig.run(main)


def test_of_two_commands_the_first_one_ended_the_attempt() -> None:
    rig = Steered({"a": hangs(), "b": says("2")})

    async def main() -> None:
        exchange = rig.exchange()
        task = asyncio.ensure_future(rig.handle(exchange))
        await asyncio.sleep(1)
        rig.give(Command.NEXT)
        rig.give(Command.CANCEL)
        await fault_of(task)
        assert exchange.attempts[0].detail == "given up for the next endpoint by a command (next)"

    rig.run(main)


def test_an_attempt_that_no_command_ended_names_none() -> None:
    rig = Steered({"a": hangs()})

    async def main() -> None:
        exchange = rig.exchange()
        task = asyncio.ensure_future(rig.handle(exchange))
        await asyncio.sleep(1)
        rig.turn(Dial.TEMPERATURE)
        task.cancel()
        await asyncio.wait([task])
        assert [one.detail for one in exchange.attempts] == [NOT_NEEDED]

    rig.run(main)


def test_next_needs_a_running_attempt_and_an_endpoint_after_it() -> None:
    rig = Steered({"a": waits(1, fails()), "b": hangs()})

    async def main() -> None:
        task = rig.start()
        await asyncio.sleep(2)
        result = rig.give(Command.NEXT)
        assert result.reason == "no other endpoint is left to take its place"
        rig.give(Command.PAUSE)
        for command in (Command.NEXT, Command.PREVIOUS):
            with pytest.raises(Fault, match="it is paused") as caught:
                rig.give(command, job_id=rig.job.id)
            assert caught.value.reason is Reason.COMMAND_REFUSED
        rig.give(Command.CANCEL)
        await fault_of(task)

    rig.run(main)


def test_a_dial_concerns_what_has_not_started() -> None:
    rig = Steered({"a": waits(2, fails()), "b": says("2")})

    async def main() -> None:
        task = rig.start(sampling=Sampling(temperature=0.5, max_tokens=10))
        await asyncio.sleep(1)
        rig.turn(Dial.TEMPERATURE, Direction.DOWN)
        rig.turn(Dial.VERBOSITY)
        assert (rig.job.dials.temperature, rig.job.dials.verbosity) == (-1, 1)
        assert (await task).steered
        assert [one.task.sampling.temperature for one in rig.ensemble.asked] == [0.5, 0.4]
        assert [one.task.sampling.max_tokens for one in rig.ensemble.asked] == [10, 15]

    rig.run(main)


def test_a_dial_at_its_end_is_left_there() -> None:
    rig = Steered({"a": hangs()})

    async def main() -> None:
        task = rig.start()
        await asyncio.sleep(1)
        for _ in range(15):
            assert rig.turn(Dial.TEMPERATURE).outcome is ControlOutcome.DONE
        assert rig.turn(Dial.TEMPERATURE).reason == "temperature goes no further"
        task.cancel()

    rig.run(main)


@pytest.mark.parametrize(("direction", "asked"), [(Direction.UP, 4), (Direction.DOWN, 2)])
def test_the_dial_of_candidates_changes_how_many_are_asked_for(
    direction: Direction, asked: int
) -> None:
    rig = Steered({"a": waits(2, fails())}, in_flight=1)

    async def main() -> None:
        task = rig.start(strategy=Strategy.BEST_OF_N, n=3)
        await asyncio.sleep(1)
        rig.turn(Dial.CANDIDATES, direction)
        await fault_of(task)
        assert len(rig.asked) == asked

    rig.run(main)


def test_no_more_candidates_are_asked_for_after_a_fault_that_no_call_can_mend() -> None:
    spent = fails(Kind.EXHAUSTED, reason=Reason.BUDGET_EXHAUSTED)
    rig = Steered({"a": waits(2, spent)}, in_flight=1)

    async def main() -> None:
        task = rig.start(strategy=Strategy.BEST_OF_N, n=3)
        await asyncio.sleep(1)
        rig.turn(Dial.CANDIDATES)
        assert (await fault_of(task)).reason is Reason.BUDGET_EXHAUSTED
        assert rig.asked == ["a"]

    rig.run(main)


def test_a_job_whose_caller_leaves_is_cancelled_and_its_caller_learns_nothing_else() -> None:
    rig = Steered({"a": hangs()})

    async def main() -> None:
        task = rig.start()
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        job = rig.job
        assert (job.state, job.failure) == (JobState.CANCELLED, None)

    rig.run(main)


def test_a_caller_that_leaves_at_the_moment_of_a_cancel_has_left() -> None:
    rig = Steered({"a": hangs()})

    async def main() -> None:
        task = rig.start()
        await asyncio.sleep(1)
        rig.give(Command.CANCEL)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert rig.job.state is JobState.CANCELLED

    rig.run(main)


async def stubborn(_: Invocation) -> Completion:
    """Answer at the very moment of a cancellation."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return Completion("all the same")
    raise AssertionError


@pytest.mark.parametrize(
    ("command", "state"),
    [(Command.CANCEL, JobState.CANCELLED), (Command.STOP, JobState.STOPPED)],
)
def test_an_answer_that_comes_at_the_last_moment_is_kept_by_a_stop_only(
    command: Command, state: JobState
) -> None:
    rig = Steered({"a": stubborn})

    async def main() -> None:
        task = rig.start()
        await asyncio.sleep(1)
        rig.give(command)
        if command is Command.STOP:
            assert (await task).chosen.completion.text == "all the same"
        else:
            assert (await fault_of(task)).reason is Reason.JOB_CANCELLED
        assert (rig.job.state, task.cancelling()) == (state, 0)

    rig.run(main)


def test_a_job_that_was_not_let_in_yet_is_stopped_at_once() -> None:
    rig = Steered({"a": says("1")})
    inside = rig.ensemble.client._fill

    async def queued(exchange):
        await asyncio.Event().wait()
        return await inside(exchange)

    from gateway.policies.job import job

    handle = job(rig.jobs.keeper)(queued)

    async def main() -> None:
        task = asyncio.ensure_future(handle(rig.exchange()))
        await asyncio.sleep(1)
        rig.give(Command.STOP)
        assert (await fault_of(task)).reason is Reason.JOB_STOPPED
        assert rig.asked == []

    rig.run(main)
