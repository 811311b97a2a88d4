from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.ports import Draft, Operation
from gateway.wire.draft import draft_from_wire, draft_to_wire
from gateway.wire.enums import OPERATION, OPERATION_FROM

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)


@given(TEXT, st.lists(TEXT, max_size=4))
def test_a_draft_comes_back_from_the_wire_as_it_was(text: str, issues: list[str]) -> None:
    draft = Draft(text, tuple(issues))
    assert draft_from_wire(draft_to_wire(draft)) == draft


def test_every_operation_comes_back_from_the_wire() -> None:
    assert [OPERATION_FROM[OPERATION[operation]] for operation in Operation] == list(Operation)
