from __future__ import annotations

from math import inf, nan

import pytest

from gateway.core.hole import Priority
from gateway.core.machine import targets
from gateway.state.queue import (
    INITIAL,
    LEFT,
    SHED,
    TRANSITIONS,
    WORDS,
    AdmissionQueue,
    AdmissionSettings,
    Shed,
)


@pytest.mark.parametrize(
    ("setting", "bad"),
    [
        ("max_running", 0),
        ("max_queued", -1),
        ("max_queued_per_tenant", -1),
        ("max_wait_s", 0.0),
        ("max_wait_s", inf),
        ("max_wait_s", nan),
        ("wait_share", 0.0),
        ("wait_share", 1.1),
        ("wait_share", nan),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_by_name(setting, bad) -> None:
    with pytest.raises(ValueError, match=f"^{setting} must"):
        AdmissionSettings(**{setting: bad})


def test_the_table_leads_from_its_first_state_to_every_other_and_ends() -> None:
    index = targets(TRANSITIONS)
    reached = {INITIAL}
    for _ in TRANSITIONS:
        reached |= {target for (source, _), target in index.items() if source in reached}
    assert reached == {line.source for line in TRANSITIONS} | {line.target for line in TRANSITIONS}
    ends = reached - {line.source for line in TRANSITIONS}
    assert ends == {"done", SHED, LEFT}


def test_a_transition_that_is_not_in_the_table_is_refused() -> None:
    made = AdmissionQueue(AdmissionSettings(max_running=1), lambda: 0.0)
    made.enter()
    ticket, _ = made.offer("", Priority.STANDARD, 60.0)
    made.leave(ticket)
    with pytest.raises(ValueError, match="a ticket that is left cannot leave"):
        made.leave(ticket)


def test_every_reason_to_shed_has_its_words() -> None:
    assert set(WORDS) == set(Shed)
