from __future__ import annotations

import pytest

from gateway.core.machine import Transition, targets

DOOR = (
    Transition("shut", "push", "ajar", "someone pushes"),
    Transition("ajar", "push", "wide", "someone pushes again"),
    Transition("wide", "pull", "shut", "someone pulls"),
)


def test_a_table_answers_by_state_and_event() -> None:
    index = targets(DOOR)
    assert index["shut", "push"] == "ajar"
    assert index["ajar", "push"] == "wide"
    assert len(index) == len(DOOR)


def test_a_pair_that_is_not_in_the_table_is_illegal() -> None:
    assert ("shut", "pull") not in targets(DOOR)


def test_two_lines_for_the_same_state_and_event_are_refused_even_when_they_agree() -> None:
    for target in ("ajar", "wide"):
        doubled = (*DOOR, Transition("shut", "push", target, "once more"))
        with pytest.raises(ValueError, match="two transitions from 'shut' on 'push'"):
            targets(doubled)


def test_a_table_without_lines_allows_nothing() -> None:
    assert targets(()) == {}
