"""A call that takes longer than nearly all others is made once more, and the faster one wins."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.gateways import failure
from tests.fakes.script import Failure, Script
from tests.fakes.served import UNCHECKED, Hold, Served, events_of, status_of, text_of

EVERY_CALL = {"enabled": True, "budget": 1.0}
ENOUGH = 20
"""Answers from which on the speed of an endpoint is known."""
SESSION = {"session_id": "one"}
TWINS = (
    {"name": "a1", "group": "a", "priority": 0, **UNCHECKED},
    {"name": "a2", "group": "a", "priority": 0, **UNCHECKED},
)


def hedging(*scripts: Script, **settings: Any) -> Served:
    return Served(*(scripts or (Script(),)), **{"hedge": EVERY_CALL, **settings})


async def warm(served: Served, calls: int = ENOUGH, *, streamed: bool = False) -> None:
    """Answer fast until the speed is known."""
    for _ in range(calls):
        if streamed:
            await events_of(served.stream(**SESSION))
        else:
            await served.generate(**SESSION)
    # What is known of an endpoint is looked at again after a second.
    served.clock.ahead_s += 2


def tries(attempts: Any) -> list[tuple[str, int, str]]:
    return [(one.endpoint, one.try_number, status_of(one)) for one in attempts]


async def test_a_late_call_is_answered_by_a_hedge_and_the_loser_is_cancelled() -> None:
    async with hedging() as served:
        await warm(served)
        model = served.models[0]
        model.hold = Hold(most=1)
        answer = await served.generate()
        await model.witness.left.wait()
        counted = await served.counters()
        assert served.asked() == [ENOUGH + 2]
        assert (await served.state("a")).in_flight == 0
    assert sorted(tries(answer.attempts)) == [("a", 1, "CANCELLED"), ("a", 2, "OK")]
    assert answer.text == Script().text
    assert (counted.hedges, counted.hedge_wins, counted.retries) == (1, 1, 0)
    assert (counted.succeeded, counted.attempts) == (ENOUGH + 1, ENOUGH + 2)


async def test_a_hedge_that_loses_is_cancelled_too() -> None:
    async with hedging() as served:
        await warm(served)
        model = served.models[0]
        model.hold = hold = Hold()
        call = served.generate()
        await model.witness.called(ENOUGH + 2)
        # Those that wait go on in the order they came.
        hold.release()
        answer = await call
        await model.witness.left.wait()
        counted = await served.counters()
    assert sorted(tries(answer.attempts)) == [("a", 1, "OK"), ("a", 2, "CANCELLED")]
    assert (counted.hedges, counted.hedge_wins) == (1, 0)


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_hedge_goes_to_the_other_replica(streamed: bool) -> None:
    settings = {"endpoint": TWINS, "balance": {"by": "session"}}
    async with hedging(Script(model="one"), Script(model="two"), **settings) as served:
        await warm(served, streamed=streamed)
        first = served.asked().index(ENOUGH)
        names = ("a1", "a2")
        served.models[first].hold = Hold()
        if streamed:
            events = await events_of(served.stream(**SESSION))
            answer = events[-1].done
            writers = {event.delta.endpoint for event in events if event.HasField("delta")}
            assert (text_of(events), writers) == (Script().text, {names[1 - first]})
        else:
            answer = await served.generate(**SESSION)
        await served.models[first].witness.left.wait()
        counted = await served.counters()
    assert answer.endpoint == names[1 - first]
    assert sorted(tries(answer.attempts), key=lambda one: one[1]) == [
        (names[first], 1, "CANCELLED"),
        (names[1 - first], 2, "OK"),
    ]
    assert (counted.hedges, counted.hedge_wins, counted.fallback_used) == (1, 1, 0)


async def test_a_caller_who_leaves_ends_both_calls() -> None:
    async with hedging() as served:
        await warm(served)
        model = served.models[0]
        model.hold = Hold()
        call = served.generate()
        await model.witness.called(ENOUGH + 2)
        call.cancel()
        await served.until(lambda now: now.requests == ENOUGH + 1)
        assert (await served.state("a")).in_flight == 0
        await model.witness.left.wait()


async def test_while_the_speed_is_unknown_nothing_is_hedged() -> None:
    async with hedging() as served:
        await warm(served, ENOUGH - 1)
        model = served.models[0]
        model.hold = hold = Hold()
        call = served.generate()
        await model.witness.called(ENOUGH)
        hold.release()
        assert len((await call).attempts) == 1
        assert (await served.counters()).hedges == 0


@pytest.mark.parametrize(
    "settings", [{"hedge": {"enabled": False}}, {"endpoint": [{"idempotent": False}]}]
)
async def test_what_may_not_be_hedged_is_called_once(settings: dict[str, Any]) -> None:
    async with hedging(**settings) as served:
        await warm(served)
        model = served.models[0]
        model.hold = Hold(most=1)
        failed = await failure(served.generate(budget={"max_wall_time": {"nanos": 200_000_000}}))
        assert served.asked() == [ENOUGH + 1]
        assert (await served.counters()).hedges == 0
    assert [one.try_number for one in failed.attempts] == [1]


async def test_hedges_stay_within_their_share_of_the_calls() -> None:
    async with hedging(hedge={"enabled": True, "budget": 0.05}) as served:
        await warm(served)
        model = served.models[0]
        wall = {"max_wall_time": {"nanos": 100_000_000}}
        for _ in range(3):
            model.hold = Hold()
            await failure(served.generate(budget=wall))
        counted = await served.counters()
        # 23 calls earned one hedge, not two.
        assert served.asked() == [ENOUGH + 4]
    assert (counted.hedges, counted.hedge_wins) == (1, 0)


async def test_a_hedged_endpoint_that_fails_is_left_for_the_fallback() -> None:
    async with hedging(Script(), Script()) as served:
        await warm(served)
        first = served.models[0]
        first.script = Script(failure=Failure.BROKEN)
        answer = await served.generate()
        assert answer.endpoint == "b"
        assert served.asked() == [ENOUGH + 1, 1]
