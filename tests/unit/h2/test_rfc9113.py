"""RFC 9113, rule by rule."""

from __future__ import annotations

import pytest

from tests.unit.h2 import cases_connection, cases_frames, cases_messages, cases_states
from tests.unit.h2.cases import Case, named, reaction_of

CASES = (
    *cases_connection.CASES,
    *cases_states.CASES,
    *cases_frames.CASES,
    *cases_messages.CASES,
)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_the_engine_reacts_as_the_rfc_says(case: Case) -> None:
    assert reaction_of(case.place(), case.sent) == case.reaction


@pytest.mark.parametrize("case", CASES, ids=named)
def test_it_reacts_the_same_when_the_bytes_come_one_by_one(case: Case) -> None:
    connection = case.place()
    if len(case.sent) > 4096:
        pytest.skip("long, and the property of splits holds it")
    events = [
        event
        for at in range(len(case.sent))
        for event in connection.receive(case.sent[at : at + 1], 0)
    ]
    whole = case.place()
    assert events == whole.receive(case.sent, 0.0)
    assert connection.to_send() == whole.to_send()


def test_no_case_stands_twice() -> None:
    names = [named(case) for case in CASES]
    assert len(set(names)) == len(names)
