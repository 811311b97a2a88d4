"""Any commands at any moments: a job ends once, in a state of the table, and leaves nothing."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.jobs import JobsConfig
from gateway.core.answer import Answer
from gateway.core.control import Command, Dial, Direction, Wanted
from gateway.core.faults import Fault
from gateway.core.hole import Strategy
from gateway.core.jobs import TERMINAL, TRANSITIONS, JobState, JobView
from tests.fakes.ensemble import Step, fails, says
from tests.fakes.steered import Steered, waits

NEXT_OF: dict[str, set[str]] = {}
for line in TRANSITIONS:
    NEXT_OF.setdefault(line.source, set()).add(line.target)

COMMANDS = st.builds(
    Wanted,
    st.sampled_from(list(Command)),
    st.sampled_from(list(Direction)),
    st.sampled_from(list(Dial)),
    pause_clock=st.booleans(),
)
GIVEN = st.lists(st.tuples(st.floats(0, 6), COMMANDS), max_size=12)
ENDPOINTS = st.lists(
    st.tuples(st.floats(0, 8), st.sampled_from(["says", "fails", "streams"])),
    min_size=1,
    max_size=3,
)


def step_of(kind: str) -> Step:
    return {"says": says("x"), "fails": fails(), "streams": says("a b c d", pieces=4)}[kind]


@given(ENDPOINTS, GIVEN, st.booleans(), st.sampled_from([1, 3]))
@settings(max_examples=150, deadline=None)
def test_a_job_ends_once_whatever_it_is_told_and_leaves_nothing_behind(
    endpoints: list[tuple[float, str]],
    given_: list[tuple[float, Wanted]],
    stream: bool,
    n: int,
) -> None:
    steps = {
        name: waits(seconds, step_of(kind))
        for name, (seconds, kind) in zip("abc", endpoints, strict=False)
    }
    rig = Steered(steps, JobsConfig(max_pause_s=20))

    async def main() -> None:
        task = rig.start(stream=stream, strategy=Strategy.BEST_OF_N, n=n, seconds=60)
        await asyncio.sleep(0)
        job_id = rig.job.id
        seen = [rig.job]
        for place, (seconds, wanted) in enumerate(given_):
            await asyncio.sleep(seconds)
            with suppress(Fault):
                named = replace(wanted, job=job_id if place % 2 else "")
                rig.jobs.desk.control("", "", named)
            seen.append(rig.jobs.desk.job("", job_id))
        outcome = (await asyncio.gather(task, return_exceptions=True))[0]
        last = rig.jobs.desk.job("", job_id)
        seen.append(last)
        _follows_the_table(seen)
        _agrees(last, outcome)
        assert len(rig.jobs.registry) == 0
        assert task.cancelling() == 0
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert rig.clock.now < 1000 + 60 + 20 * 13 + 6 * 12

    rig.run(main)


def _follows_the_table(seen: list[JobView]) -> None:
    """States between two looks may be passed over, but only along the table."""
    for before, after in pairwise(seen):
        reached, fresh = {str(before.state)}, {str(before.state)}
        while fresh:
            fresh = {to for one in fresh for to in NEXT_OF.get(one, set())} - reached
            reached |= fresh
        assert str(after.state) in reached
        assert after.revision >= before.revision
        if before.state in TERMINAL:
            assert after.state is before.state


def _agrees(last: JobView, outcome: object) -> None:
    """What the caller got is what the job says."""
    if isinstance(outcome, Answer):
        assert last.state in {JobState.SUCCEEDED, JobState.STOPPED}
        assert outcome.partial is (last.state is JobState.STOPPED)
        assert outcome.job_id == last.id
    else:
        assert isinstance(outcome, Fault), outcome
        assert last.state in {JobState.FAILED, JobState.CANCELLED}
        assert last.failure is not None
        assert last.failure.reason in {outcome.reason, "DEADLINE_EXCEEDED"}
