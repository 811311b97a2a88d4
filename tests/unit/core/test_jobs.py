"""The table of a job's states, and the dials."""

from __future__ import annotations

import pytest

from gateway.core.control import Dial, Dials, Direction
from gateway.core.hole import Sampling
from gateway.core.jobs import INITIAL, TERMINAL, TRANSITIONS, JobEvent, JobState, after

UP, DOWN = Direction.UP, Direction.DOWN


def test_terminal_states_are_entered_and_never_left() -> None:
    for state in TERMINAL:
        assert all(after(state, event) is None for event in JobEvent)
        assert any(JobState(line.target) is state for line in TRANSITIONS)


def test_every_state_is_reached_and_every_live_one_can_end() -> None:
    reached = {INITIAL, *(JobState(line.target) for line in TRANSITIONS)}
    assert reached == set(JobState)
    for state in set(JobState) - TERMINAL:
        for event in (JobEvent.FINISH, JobEvent.FAIL, JobEvent.LEAVE):
            target = after(state, event)
            assert target is not None
            assert target in TERMINAL


def test_a_cancelled_job_is_cancelled_whatever_its_work_does() -> None:
    for event in (JobEvent.FINISH, JobEvent.FAIL, JobEvent.LEAVE):
        assert after(JobState.CANCELLING, event) is JobState.CANCELLED


def test_a_dial_goes_as_far_as_its_bounds_and_comes_back() -> None:
    dials = Dials()
    for _ in range(40):
        dials = dials.turned(Dial.CANDIDATES, UP)
    assert dials == Dials(candidates=15)
    assert dials.turned(Dial.CANDIDATES, DOWN).candidates == 14
    assert Dials(temperature=-15).turned(Dial.TEMPERATURE, DOWN).temperature == -15


@pytest.mark.parametrize(
    ("dials", "before", "after_"),
    [
        (Dials(), Sampling(), Sampling()),
        (Dials(temperature=1), Sampling(), Sampling(temperature=0.8)),
        (Dials(temperature=3), Sampling(temperature=0.5), Sampling(temperature=0.8)),
        (Dials(temperature=15), Sampling(temperature=1.0), Sampling(temperature=1.5)),
        (Dials(temperature=-15), Sampling(temperature=1.0), Sampling(temperature=0.0)),
        (Dials(temperature=2), Sampling(temperature=1.9), Sampling(temperature=1.9)),
        (Dials(temperature=-2), Sampling(temperature=1.9), Sampling(temperature=1.7)),
        (Dials(verbosity=1), Sampling(max_tokens=100), Sampling(max_tokens=150)),
        (Dials(verbosity=-1), Sampling(max_tokens=100), Sampling(max_tokens=67)),
        (Dials(verbosity=-15), Sampling(max_tokens=8), Sampling(max_tokens=1)),
        (Dials(verbosity=15), Sampling(max_tokens=100_000), Sampling(max_tokens=1_000_000)),
        (Dials(verbosity=2), Sampling(), Sampling()),
    ],
)
def test_dials_change_the_sampling_of_what_starts_later(
    dials: Dials, before: Sampling, after_: Sampling
) -> None:
    assert dials.sampling(before) == after_
