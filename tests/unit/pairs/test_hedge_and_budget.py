"""The pair hedge + budget: a hedge is paid for like any call, and never out of what is not there.

Warm endpoints answer in half a second here: a call that takes longer is late, and hedged.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.core.candidate import Usage
from gateway.core.faults import Reason
from gateway.core.hole import Budget
from gateway.core.outcome import Outcome
from gateway.state.budget import Amount
from tests.fakes.scripted import HANG, MOST_TOKENS, cut, overloaded
from tests.fakes.stacks import Stacks
from tests.fakes.values import unavailable

HEDGES = {"enabled": True, "budget": 1.0}
PLENTY = {"max_tokens": 1_000_000}
LATE = 2.0


def hedged(*steps: Any, tenant: Any = PLENTY, hedge: Any = HEDGES, **more: Any) -> Stacks:
    """Two replicas that take these steps in the order in which they are called."""
    scripts = {"one": [steps[0]], "two": [steps[-1]]} if len(steps) > 1 else {"one": [steps[0]]}
    stacks = Stacks(
        scripts, groups={"pair": tuple(scripts)}, hedge=hedge, tenant_budget=tenant, **more
    )
    return stacks.warm(*scripts)


def taken(stacks: Stacks) -> Amount:
    assert stacks.parts.tenants is not None
    return stacks.parts.tenants.ledger("").taken


def test_a_hedge_is_reserved_like_a_call() -> None:
    stacks = hedged((LATE, "slow"), (LATE, "slow"))

    async def main() -> None:
        asking = asyncio.create_task(stacks.ask())
        await asyncio.sleep(0.4)
        assert taken(stacks) == Amount(0, MOST_TOKENS, 1)
        await asyncio.sleep(0.4)
        assert taken(stacks) == Amount(0, 2 * MOST_TOKENS, 2)
        await asking

    stacks.run(main)


@pytest.mark.parametrize("stream", [False, True])
def test_the_loser_stays_at_its_worst_case_and_the_winner_at_what_it_used(stream) -> None:
    """Decision 0019: a cancelled call may still be billed, and does not say for what."""
    stacks = hedged((LATE, "slow"), (0.2, Usage(3, 5), "quick"))
    stacks.parts.groups["pair"].load.ended("two", Outcome.SUCCESS, 9.0)
    ended = stacks.one(stream=stream)
    assert ended.text == "quick"
    assert [asked.how for asked in stacks.asked] == ["cancelled", "answered"]
    assert taken(stacks) == Amount(0, MOST_TOKENS + 5, 2)


def test_a_hedge_that_was_not_worked_on_gives_its_reservation_back() -> None:
    stacks = hedged((LATE, Usage(3, 5), "slow"), (overloaded(),))
    stacks.parts.groups["pair"].load.ended("two", Outcome.SUCCESS, 9.0)
    assert stacks.one().text == "slow"
    assert stacks.calls() == ["one", "two"]
    assert taken(stacks) == Amount(0, 5, 2)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("of", ["request", "tenant"])
def test_what_the_budget_refuses_leaves_the_first_call_undisturbed(of, stream) -> None:
    one_call = {"max_attempts": 1}
    stacks = hedged((LATE, "slow"), tenant=one_call if of == "tenant" else PLENTY)
    how = {"budget": Budget(max_attempts=1)} if of == "request" else {}
    ended = stacks.one(stream=stream, **how)
    assert (ended.text, ended.took) == ("slow", LATE)
    assert ended.tries == [("one", "skipped"), ("one", "ok")]
    assert ended.attempts[0].reason == Reason.BUDGET_EXHAUSTED
    assert stacks.parts.fleet.read().ensemble.attempts == 1


def test_a_first_call_that_fails_after_its_hedge_was_refused_is_the_fault_that_counts() -> None:
    """The refusal of a hedge says nothing about the request: it is not why it failed."""
    stacks = hedged((LATE, cut()), tenant={"max_attempts": 1})
    ended = stacks.one()
    assert ended.fault is not None
    assert ended.fault.reason == Reason.ALL_ENDPOINTS_FAILED
    assert "cut off" in ended.fault.message


def test_a_hedge_made_for_a_failure_is_reserved_too() -> None:
    stacks = hedged((unavailable(),), ("quick",), tenant={"max_attempts": 1})
    stacks.parts.groups["pair"].load.ended("two", Outcome.SUCCESS, 9.0)
    ended = stacks.one()
    assert ended.fault is not None
    assert stacks.calls() == ["one"]
    assert [attempt.reason for attempt in ended.attempts] == [
        Reason.UPSTREAM_UNAVAILABLE,
        Reason.BUDGET_EXHAUSTED,
        # No hedge was sent, so a retry was made, and met the same end.
        Reason.BUDGET_EXHAUSTED,
    ]
    counters = stacks.parts.counters()
    assert (counters.hedges, counters.retries) == (0, 0)
    assert stacks.parts.throttles["pair"].tokens == 9


def test_a_caller_who_leaves_keeps_both_reservations_at_their_worst() -> None:
    stacks = hedged((HANG,), (HANG,))

    async def main() -> None:
        asking = asyncio.create_task(stacks.ask())
        await asyncio.sleep(1)
        asking.cancel()
        await asyncio.wait([asking])

    stacks.run(main)
    assert len(stacks.asked) == 2
    assert taken(stacks) == Amount(0, 2 * MOST_TOKENS, 2)


@pytest.mark.parametrize("limits", [{"max_tokens": 2400}, {"max_attempts": 250}])
def test_two_hundred_hedged_requests_at_once_overspend_nothing(limits) -> None:
    """Each is late, so each would be hedged; some lose, some fail, some do not tell."""
    steps = [
        (LATE, Usage(1, MOST_TOKENS), "whole"),
        (0.1, Usage(1, 2), "short"),
        (1.0, cut()),
        (1.2, "x", Usage(1, 7)),
        (0.7, overloaded()),
    ]
    scripts = {"one": steps * 60, "two": steps[2:] * 60}
    stacks = Stacks(
        scripts,
        groups={"pair": ("one", "two")},
        hedge=HEDGES,
        tenant_budget=limits,
        breaker={"failure_share": 1.0},
    ).warm("one", "two")

    async def one(number: int) -> None:
        await asyncio.sleep(number % 4 / 3)
        await stacks.ask()

    async def main() -> None:
        await asyncio.gather(*(one(number) for number in range(200)))

    stacks.run(main)
    spent = taken(stacks)
    assert spent.tokens == sum(asked.tokens for asked in stacks.asked)
    assert spent.attempts == len(stacks.asked)
    assert spent.tokens <= limits.get("max_tokens", spent.tokens)
    assert spent.attempts <= limits.get("max_attempts", spent.attempts)
    reported = sum(asked.usage.completion_tokens for asked in stacks.asked if asked.usage)
    assert reported <= spent.tokens
    assert {asked.how for asked in stacks.asked} == {"answered", "failed", "cancelled"}


@pytest.mark.parametrize("share", [0.05, 0.3])
def test_hedges_are_no_more_than_their_share_though_every_call_is_late(share) -> None:
    stacks = Stacks({"a": [(LATE, "late")]}, hedge={"enabled": True, "budget": share}).warm("a")

    async def one(number: int) -> None:
        await asyncio.sleep(number / 50)
        assert (await stacks.ask()).text == "late"

    async def main() -> None:
        await asyncio.gather(*(one(number) for number in range(200)))

    stacks.run(main)
    hedges = len(stacks.asked) - 200
    # 40 calls were made to warm it up: they earned their share too.
    assert 0 < hedges <= stacks.parts.counters().hedges <= share * 240
