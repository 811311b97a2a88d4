"""The desk: words or commands in, what came of them out, for the jobs of one tenant."""

from __future__ import annotations

import asyncio

import pytest

from gateway.config.jobs import JobsConfig, jobs_of
from gateway.core.control import (
    DESTRUCTIVE,
    Command,
    ControlOutcome,
    Direction,
    JobKind,
    Method,
    Recognised,
    Wanted,
)
from gateway.core.faults import Fault, Kind, Reason
from gateway.core.jobs import JobState
from gateway.ensemble.jobs.desk import JobFilter
from gateway.state.control_counts import Confirmed
from tests.fakes.ensemble import hangs
from tests.fakes.steered import Steered

B, I, M = JobKind.BATCH, JobKind.INTERACTIVE, JobKind.MAINTENANCE  # noqa: E741


def kinds(*names: JobKind) -> list[dict[str, object]]:
    return [{"labels": (("job_kind", name.value),), "session_id": "s"} for name in names]


async def started(rig: Steered, *names: JobKind) -> list[asyncio.Task[object]]:
    tasks: list[asyncio.Task[object]] = []
    for fields in kinds(*names):
        tasks.append(rig.start(**fields))
        await asyncio.sleep(1)
    return tasks


async def ended(tasks: list[asyncio.Task[object]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_words_go_to_the_job_that_they_name() -> None:
    """Q-04: what a command means is settled before any job hears of it."""
    rig = Steered({"a": hangs()})

    async def main() -> None:
        tasks = await started(rig, B, I)
        result = rig.jobs.desk.control("", "s", "pause the batch")
        assert result.recognised is not None
        assert [one.kind for one in result.affected] == [B]
        assert result.resolution.method is Method.SINGLE
        named = result.affected[0].job
        again = rig.jobs.desk.control("", "s", f"resume {named}")
        assert [one.job for one in again.affected] == [named]
        assert rig.jobs.desk.control("", "s", "resume", job=named).reason == "it is running already"
        with pytest.raises(Fault, match="which the text names"):
            rig.jobs.desk.control("", "s", f"stop {named}", job="job-1-2")
        await ended(tasks)

    rig.run(main)


def test_words_that_are_not_understood_do_nothing_and_are_counted() -> None:
    rig = Steered({"a": hangs()})

    async def main() -> None:
        tasks = await started(rig, I)
        result = rig.jobs.desk.control("", "s", "cancel the timer")
        assert result.outcome is ControlOutcome.UNRECOGNIZED
        assert result.reason == (
            "the text was not understood: 'timer' is not known; the nearest command is `cancel`"
        )
        plain = rig.jobs.desk.control("", "s", "hello")
        assert plain.reason == "the text was not understood: 'hello' is not known"
        assert dict(rig.jobs.desk.statistics("").by_outcome) == {"unrecognized": 2}
        await ended(tasks)

    rig.run(main)


def test_all_jobs_of_a_kind_follow_when_all_are_meant_and_the_newest_otherwise() -> None:
    """Q-09: two jobs of one kind never asked, and all were stopped."""
    rig = Steered({"a": hangs()})

    async def main() -> None:
        tasks = await started(rig, I, I, I)
        one = rig.jobs.desk.control("", "s", "pause")
        assert len(one.affected) == 1
        every = rig.jobs.desk.control("", "s", "pause all")
        assert len(every.affected) == 2
        assert every.resolution.method is Method.EVERY
        await ended(tasks)

    rig.run(main)


def test_a_confirmation_may_mean_all_of_what_was_offered() -> None:
    rig = Steered({"a": hangs()})

    async def main() -> None:
        tasks = await started(rig, B, M, M)
        asked = rig.jobs.desk.control("", "s", Wanted(Command.STOP))
        assert asked.outcome is ControlOutcome.CONFIRMATION_REQUIRED
        with pytest.raises(Fault) as caught:
            rig.jobs.desk.confirm("other", asked.token, "all")
        assert caught.value.reason is Reason.UNKNOWN_CONFIRMATION
        done = rig.jobs.desk.confirm("", asked.token, "all")
        assert len(done.affected) == 3
        assert done.resolution.method is Method.CONFIRMED
        assert rig.jobs.desk.statistics("").confirmed[0].chosen == "all"
        await ended(tasks)

    rig.run(main)


def test_a_choice_that_ended_meanwhile_is_told() -> None:
    rig = Steered({"a": hangs()})

    async def main() -> None:
        tasks = await started(rig, B, M)
        asked = rig.jobs.desk.control("", "s", Wanted(Command.STOP))
        await ended(tasks)
        done = rig.jobs.desk.confirm("", asked.token, asked.resolution.choices[0].job)
        assert done.outcome is ControlOutcome.UNCHANGED
        asked_again = rig.jobs.desk.control("", "s", Wanted(Command.STOP))
        assert asked_again.outcome is ControlOutcome.NO_ACTIVE_JOBS

    rig.run(main)


def test_a_named_job_that_does_not_support_a_command_refuses_it() -> None:
    rig = Steered({"a": hangs()})

    async def main() -> None:
        tasks = await started(rig, M)
        with pytest.raises(Fault, match="does not support `next`") as caught:
            rig.give(Command.NEXT, job_id=rig.job.id)
        assert (caught.value.kind, caught.value.reason) == (
            Kind.INFEASIBLE,
            Reason.COMMAND_REFUSED,
        )
        with pytest.raises(Fault, match="no job 'job-0-0' is known"):
            rig.give(Command.STOP, job_id="job-0-0")
        with pytest.raises(Fault, match="which way"):
            rig.give(Command.VOLUME)
        await ended(tasks)

    rig.run(main)


def test_commands_in_the_middle_of_a_stop_change_nothing() -> None:
    rig = Steered({"a": hangs()})

    async def main() -> None:
        tasks = await started(rig, I)
        job = rig.job.id
        rig.give(Command.STOP)
        assert rig.job.state is JobState.STOPPING
        for command in (Command.PAUSE, Command.RESUME, Command.NEXT, Command.PREVIOUS):
            with pytest.raises(Fault, match="it is stopping"):
                rig.give(command, job_id=job)
        with pytest.raises(Fault, match="it is stopping"):
            rig.jobs.desk.control("", "", "louder", job=job)
        assert rig.give(Command.STOP).reason == "it is stopping already"
        await ended(tasks)

    rig.run(main)


def test_next_of_a_job_that_keeps_no_candidates_is_refused() -> None:
    rig = Steered({"a": hangs()})

    async def main() -> None:
        await ended(await started(rig, I))
        with pytest.raises(Fault, match="keeps no candidates"):
            rig.give(Command.NEXT, job_id=rig.job.id)

    rig.run(main)


def test_a_stop_names_what_it_stopped_and_what_it_did_not_and_why() -> None:
    """Q-18: targets found, ended and put down in one place; one shape of reply for all of it."""
    rig = Steered({"a": hangs()})

    async def main() -> None:
        tasks = await started(rig, I, B, M)
        desk = rig.jobs.desk
        jobs = {job.kind: job.id for job in desk.jobs("", JobFilter())}
        stopped = desk.control("", "s", "stop all")
        assert {(one.kind, one.job) for one in stopped.affected} == set(jobs.items())
        assert {job.state for job in desk.jobs("", JobFilter())} == {JobState.STOPPING}
        assert (stopped.outcome, stopped.skipped, stopped.reason) == (ControlOutcome.DONE, (), "")
        again = desk.control("", "s", "stop all")
        assert (again.outcome, again.affected) == (ControlOutcome.UNCHANGED, ())
        assert {one.job for one in again.skipped} == set(jobs.values())
        assert again.reason == "it is stopping already"
        await ended(tasks)
        nothing = desk.control("", "s", "stop all")
        assert (nothing.outcome, nothing.affected, nothing.skipped, nothing.reason) == (
            ControlOutcome.NO_ACTIVE_JOBS,
            (),
            (),
            "no job is running",
        )

    rig.run(main)


def test_a_failure_before_the_resolution_refuses_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Q-20 ✗: what rewrote a command failed, was logged, and the command went on as it was."""
    rig = Steered({"a": hangs()})

    def breaks(text: str) -> Recognised:
        raise LookupError(text)

    async def main() -> None:
        tasks = await started(rig, I)
        before = rig.job.revision
        monkeypatch.setattr(rig.jobs.desk, "_recognise", breaks)
        with pytest.raises(LookupError):
            rig.jobs.desk.control("", "s", "stop")
        assert (rig.job.state, rig.job.revision) == (JobState.RUNNING, before)
        assert rig.jobs.desk.statistics("").total == 0
        await ended(tasks)

    rig.run(main)


def test_what_was_chosen_in_a_confirmation_is_kept_as_an_outcome() -> None:
    """Q-16: what was offered and what was taken, for whoever will learn from it."""
    rig = Steered({"a": hangs()})

    async def main() -> None:
        tasks = await started(rig, B, M)
        asked = rig.jobs.desk.control("", "s", Wanted(Command.STOP))
        rig.jobs.desk.confirm("", asked.token, M)
        assert rig.jobs.desk.statistics("").confirmed == (
            Confirmed(Command.STOP, offered=(B, M), chosen=M),
        )
        await ended(tasks)

    rig.run(main)


@pytest.mark.parametrize("command", list(Command))
def test_a_job_that_ended_refuses_what_it_can_never_follow(command: Command) -> None:
    rig = Steered({"a": hangs()})

    async def main() -> None:
        await ended(await started(rig, I))
        job, before = rig.job.id, rig.job.revision
        named = {"job_id": job, "direction": Direction.UP}
        if command in DESTRUCTIVE:
            result = rig.give(command, **named)
            assert result.outcome is ControlOutcome.UNCHANGED
            assert result.reason == "it has ended already: cancelled"
        else:
            with pytest.raises(Fault, match="it has ended") as caught:
                rig.give(command, **named)
            assert caught.value.reason is Reason.COMMAND_REFUSED
        assert rig.job.revision == before
        with pytest.raises(Fault, match="no job"):
            rig.give(command, job_id="job-0-0", direction=Direction.UP)
        unnamed = rig.give(command, direction=Direction.UP)
        assert unnamed.outcome is ControlOutcome.NO_ACTIVE_JOBS

    rig.run(main)


def test_jobs_are_listed_as_asked_for() -> None:
    rig = Steered({"a": hangs()})

    async def main() -> None:
        tasks = await started(rig, B, I)
        await ended(tasks[:1])
        desk = rig.jobs.desk
        assert [one.kind for one in desk.jobs("", JobFilter("s"))] == [I, B]
        assert [one.kind for one in desk.jobs("", JobFilter(live=True))] == [I]
        assert [one.kind for one in desk.jobs("", JobFilter(kinds=frozenset({B})))] == [B]
        cancelled = JobFilter(states=frozenset({JobState.CANCELLED}))
        assert [one.kind for one in desk.jobs("", cancelled)] == [B]
        assert len(desk.jobs("", JobFilter(labels=(("job_kind", "batch"),)))) == 1
        assert desk.jobs("", JobFilter(labels=(("job_kind", "x"),))) == []
        await ended(tasks)

    rig.run(main)


def test_too_many_watchers_are_refused() -> None:
    rig = Steered({"a": hangs()}, JobsConfig(max_watchers=1))

    async def main() -> None:
        tasks = await started(rig, I)
        watch = rig.jobs.desk.watch("", rig.job.id)
        with pytest.raises(Fault, match=r"jobs\.max_watchers"):
            rig.jobs.desk.watch("", rig.job.id)
        watch.close()
        await ended(tasks)

    rig.run(main)


def test_the_same_state_and_command_give_the_same_result() -> None:
    """Q-07: deterministic."""
    first, second = Steered({"a": hangs()}), Steered({"a": hangs()})
    seen: list[list[object]] = []
    for rig in (first, second):

        async def main(rig: Steered = rig) -> None:
            tasks = await started(rig, I, B, I, M)
            results = [
                rig.jobs.desk.control("", "s", text) for text in ("pause", "next", "стоп", "отмена")
            ]
            seen.append([(one.outcome, one.resolution.confidence) for one in results])
            await ended(tasks)

        rig.run(main)
    assert seen[0] == seen[1]


def test_jobs_of_a_gateway_have_ids_of_their_own() -> None:
    one, two = (jobs_of(JobsConfig(), lambda: 0.0) for _ in range(2))
    assert one.registry is not two.registry
