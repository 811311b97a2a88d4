"""The pair gate + hedge: a second call needs a slot of its own, and never leaks one.

Warm endpoints answer in half a second here: a call that takes longer is late, and hedged.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.core.faults import Reason
from tests.fakes.scripted import HANG, cut, overloaded
from tests.fakes.stacks import Stacks
from tests.fakes.values import unavailable

HEDGES = {"enabled": True, "budget": 1.0}


def hedged(*steps: Any, slots: int = 1, line: int = 0, **scripts: Any) -> Stacks:
    """One endpoint with so many slots and places in its line, and what may come after it."""
    gate = {"a": {"max_concurrency": slots, "max_waiting": line}}
    return Stacks({"a": list(steps), **scripts}, endpoint=gate, hedge=HEDGES).warm("a")


def gate_of(stacks: Stacks, name: str = "a") -> tuple[int, int]:
    gate = stacks.parts.endpoints[name].gate
    return gate.in_flight, gate.waiting


def test_the_call_that_lost_frees_its_slot_at_once() -> None:
    stacks = hedged((10.0, "slow"), (1.0, "quick"), slots=2)
    ended = stacks.one()
    assert (ended.text, ended.took) == ("quick", pytest.approx(1.5))
    assert [asked.how for asked in stacks.asked] == ["cancelled", "answered"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fallback", [False, True])
def test_a_hedge_for_which_no_slot_is_free_leaves_the_first_call_alone(fallback, stream) -> None:
    more = {"b": [("b",)]} if fallback else {}
    stacks = hedged((2.0, "slow"), **more)
    ended = stacks.one(stream=stream)
    assert (ended.text, ended.took) == ("slow", 2.0)
    assert ended.tries == [("a", "skipped"), ("a", "ok")]
    assert ended.attempts[0].reason == Reason.ENDPOINT_SATURATED
    assert stacks.parts.endpoints["a"].gate.saturated == 1


def test_a_refused_hedge_does_not_make_its_failing_first_call_the_last_word_of_the_walk() -> None:
    stacks = hedged((2.0, unavailable()), b=[("b",)])
    ended = stacks.one()
    assert ended.text == "b"
    assert ended.tries == [*[("a", "skipped"), ("a", "failed")] * 3, ("b", "ok")]


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_whose_hedge_was_refused_is_tried_again_like_one_without_a_hedge(stream) -> None:
    """Regression: nothing was sent beside it, and yet it was taken for hedged and given up."""
    stacks = hedged((2.0, unavailable()), ("ok",))
    before = stacks.parts.throttles["a"].tokens
    ended = stacks.one(stream=stream)
    assert ended.text == "ok"
    assert ended.tries == [("a", "skipped"), ("a", "failed"), ("a", "ok")]
    assert [attempt.try_number for attempt in ended.attempts] == [2, 1, 3]
    assert [asked.task.tries_before for asked in stacks.asked] == [0, 1]
    counters = stacks.parts.counters()
    assert (counters.hedges, counters.retries) == (0, 1)
    assert stacks.parts.throttles["a"].tokens == pytest.approx(before - 1 + 0.1)


def test_a_hedge_that_was_refused_is_paid_back() -> None:
    stacks = hedged((2.0, "slow"), slots=1)
    budget = stacks.parts.hedges["a"]

    async def main() -> None:
        while budget.take():
            pass
        assert (await stacks.ask()).tries == [("a", "skipped"), ("a", "ok")]
        assert [budget.take(), budget.take(), budget.hedges] == [True, False, 0]

    stacks.run(main)


def test_a_hedge_that_waits_in_line_gives_its_place_up_when_the_first_call_answers() -> None:
    stacks = hedged((2.0, "first"), line=1)

    async def main() -> None:
        asking = asyncio.create_task(stacks.ask())
        await asyncio.sleep(1)
        assert gate_of(stacks) == (1, 1)
        assert (await asking).text == "first"

    stacks.run(main)
    assert stacks.calls() == ["a"]


def test_a_call_that_waits_in_line_takes_no_second_place_there_for_a_hedge() -> None:
    """Regression: a call that nobody was asked to answer yet was late, and stood there twice."""
    stacks = hedged((3.0, "busy"), (0.2, "turn"), line=5)

    async def main() -> None:
        first = asyncio.create_task(stacks.ask())
        waits = asyncio.create_task(stacks.ask())
        await asyncio.sleep(1)
        # The call that is served, and late, has its hedge there; that which waits has none.
        assert gate_of(stacks) == (1, 2)
        assert [(await first).text, (await waits).text] == ["busy", "turn"]

    stacks.run(main)
    assert stacks.calls() == ["a", "a"]


def test_a_hedge_of_a_group_takes_a_slot_of_another_replica() -> None:
    each = {"max_concurrency": 1, "max_waiting": 0}
    scripts = {"one": [(5.0, "slow")], "two": [(5.0, "slow"), (0.2, "quick")]}
    stacks = Stacks(scripts, groups={"pair": ("one", "two")}, each=each, hedge=HEDGES)
    stacks.warm("one", "two")

    async def main() -> None:
        asking = [asyncio.create_task(stacks.ask()) for _ in range(2)]
        await asyncio.sleep(1)
        # Both replicas are taken, so neither hedge was made; nor was anybody disturbed.
        assert (gate_of(stacks, "one"), gate_of(stacks, "two")) == ((1, 0), (1, 0))
        assert [(await one).text for one in asking] == ["slow", "slow"]
        third = await stacks.ask()
        assert third.text == "quick"

    stacks.run(main)


@pytest.mark.parametrize("leaves_after", [0.3, 0.7, 2.0])
def test_a_caller_that_leaves_frees_the_slots_and_places_of_all_its_calls(leaves_after) -> None:
    stacks = hedged((HANG,), slots=2, line=1)

    async def main() -> None:
        asking = [asyncio.create_task(stacks.ask()) for _ in range(2)]
        await asyncio.sleep(leaves_after)
        for one in asking:
            one.cancel()
        await asyncio.wait(asking)
        assert gate_of(stacks) == (0, 0)

    stacks.run(main)


STORM = [
    (0.1, "in time"),
    (2.0, "late"),
    (0.8, unavailable()),
    (0.3, overloaded(0.2)),
    (1.0, "text\n", cut()),
    (HANG,),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("slots", "line"), [(1, 0), (2, 4), (5, 40)])
def test_in_a_storm_no_slot_is_lost_and_none_is_given_twice(slots, line, stream) -> None:
    stacks = hedged(*STORM * 100, slots=slots, line=line)
    most = 0

    async def one(number: int) -> None:
        nonlocal most
        await asyncio.sleep(number * 0.37 % 3)
        asking = asyncio.create_task(stacks.ask(seconds=2 + number % 3, stream=stream))
        if number % 7 == 0:
            await asyncio.sleep(0.9)
            asking.cancel()
        await asyncio.wait([asking])
        most = max(most, gate_of(stacks)[0])

    async def main() -> None:
        await asyncio.gather(*(one(number) for number in range(40)))

    stacks.run(main)
    assert most <= slots
    assert at_once(stacks) <= slots


def at_once(stacks: Stacks) -> int:
    """The most calls that were at the endpoint at one time."""
    moves = [(asked.at, 1) for asked in stacks.asked]
    moves += [(asked.ended_at, -1) for asked in stacks.asked]
    now = most = 0
    for _, move in sorted(moves):
        now += move
        most = max(most, now)
    return most


@pytest.mark.parametrize("how", [{}, {"stream": True}, {"seconds": 0.7}])
def test_however_a_hedged_request_ends_the_next_one_finds_the_slots_free(how) -> None:
    stacks = hedged((2.0, "late"), (2.0, "late"), ("after",), slots=2)

    async def main() -> None:
        await stacks.ask(**how)
        assert gate_of(stacks) == (0, 0)
        assert (await stacks.ask()).text == "after"

    stacks.run(main)
