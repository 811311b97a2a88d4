"""docs/life-of-a-request.md lists both stacks as the composition root has them."""

from __future__ import annotations

import re

import pytest

from gateway.app import ATTEMPT_STACK, REQUEST_STACK, TARGET_STACK
from tests.house.sources import ROOT

PAGE = (ROOT / "docs" / "life-of-a-request.md").read_text(encoding="utf-8")


def listed(stack: str) -> list[tuple[str, str]]:
    """Name and file of each line of the table headed by the stack's name."""
    body = PAGE.split(f"| {stack} | file | does |\n|---|---|---|\n")[1].split("\n\n")[0]
    return re.findall(r"^\| `(\w+)` \| `([\w./]+)` \|", body, re.MULTILINE)


STACKS = {
    "REQUEST_STACK": REQUEST_STACK,
    "TARGET_STACK": TARGET_STACK,
    "ATTEMPT_STACK": ATTEMPT_STACK,
}


@pytest.mark.parametrize("stack", STACKS)
def test_the_page_lists_the_stack_in_its_order(stack: str) -> None:
    assert [name for name, _ in listed(stack)] == [name for name, _ in STACKS[stack]]


@pytest.mark.parametrize("stack", STACKS)
def test_each_member_stands_beside_its_file(stack: str) -> None:
    for name, file in listed(stack):
        source = (ROOT / file).read_text(encoding="utf-8")
        assert f"\ndef {name}(" in source


def test_only_what_watches_a_call_stands_inside_observe() -> None:
    """A policy inside it that refused would count as a call of the endpoint."""
    names = [name for name, _ in ATTEMPT_STACK]
    assert names[names.index("observe") :] == ["observe", "timeout"]


def test_a_repeated_request_waits_in_no_queue_twice_and_has_one_deadline() -> None:
    names = [name for name, _ in REQUEST_STACK]
    assert names.index("idempotent") < names.index("deadline") < names.index("admit")


def test_a_cached_answer_keeps_its_deadline_and_takes_no_place() -> None:
    names = [name for name, _ in REQUEST_STACK]
    assert names.index("count") < names.index("deadline") < names.index("cache")
    assert names.index("cache") < names.index("admit")


def test_the_time_is_split_before_it_is_spent_on_tries() -> None:
    assert [name for name, _ in TARGET_STACK] == ["split", "retry", "hedge"]
