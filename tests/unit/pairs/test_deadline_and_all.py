"""The deadline over everything: whatever endpoints and callers do, nothing outlives it or leaks."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.candidate import AttemptStatus
from gateway.core.hole import Budget, Strategy
from tests.fakes.drawn import PLENTY, TIMES, gateways, is_explained
from tests.fakes.scripted import HANG
from tests.fakes.stacks import Ended, Stacks
from tests.fakes.values import unavailable

EPSILON = 1e-6

CALLERS = st.fixed_dictionaries(
    {
        "comes": TIMES,
        "seconds": st.sampled_from([4.0, 3.0, 1.5, 0.7, 0.2]),
        "stream": st.booleans(),
        "reads_s": st.sampled_from([0.0, 0.0, 0.0, 0.3, HANG]),
        "name": st.sampled_from(["", "", "", "shared"]),
        "leaves": st.sampled_from([None, None, None, None, None, 0.0, 0.25, 1.0]),
        "n": st.sampled_from([None, None, None, 2]),
        "wall_s": st.sampled_from([None, None, None, 0.6]),
    }
)


class Callers:
    """Requests to one gateway, each on its own terms."""

    def __init__(self, made: Stacks, terms: list[dict[str, Any]]) -> None:
        self.stacks = made
        self.terms = terms
        self.ended: list[Ended] = []

    async def one(self, comes, leaves, n, wall_s, **how: Any) -> None:
        await asyncio.sleep(comes)
        if n is not None:
            how |= {"strategy": Strategy.BEST_OF_N, "n": n}
        # The same body for the same id: only the deadline is the caller's own.
        if not how["name"]:
            how["budget"] = Budget(max_wall_s=wall_s)
        asking = asyncio.create_task(self.stacks.ask(**how, keep=self.ended.append))
        began = self.stacks.clock.now
        if leaves is not None:
            await asyncio.wait([asking], timeout=leaves)
            asking.cancel()
        await asyncio.wait([asking])
        took = self.stacks.clock.now - began
        limits = [how["seconds"], leaves, None if how["name"] else wall_s]
        assert took <= min(limit for limit in limits if limit is not None) + EPSILON
        if not asking.cancelled():
            asking.result()

    async def main(self) -> None:
        async with asyncio.TaskGroup() as group:
            for terms in self.terms:
                group.create_task(self.one(**terms))

    def run(self) -> None:
        self.stacks.run(self.main)


HUNG = {"a": [(HANG,)]}
ENDLESS = {"a": [("1\n", 0.3) * 100]}
FULL = {"each": {"max_concurrency": 1}}
QUEUED = {"admission": {"max_running": 1}}
HEDGED = {"hedge": {"enabled": True, "budget": 1.0, "max_calls": 5}}
BACKED_OFF = {"a": [(unavailable(retry_after_s=1.5),)]}
STALLED = {"a": [("1\n", HANG)]}


@pytest.mark.parametrize(
    ("scripts", "tables", "how"),
    [
        pytest.param(HUNG, {}, {}, id="hanging"),
        pytest.param(HUNG, {}, {"stream": True}, id="hanging before its first text"),
        pytest.param(STALLED, {}, {"stream": True}, id="hanging after its first text"),
        pytest.param(ENDLESS, {}, {"stream": True}, id="writing on and on"),
        pytest.param(ENDLESS, {}, {"stream": True, "reads_s": HANG}, id="not being read"),
        pytest.param(HUNG, FULL, {}, id="waiting for a slot"),
        pytest.param(HUNG, QUEUED, {}, id="waiting in the queue"),
        pytest.param(HUNG, HEDGED, {}, id="hedging"),
        pytest.param(HUNG, {}, {"name": "same"}, id="sharing the work"),
        pytest.param(BACKED_OFF, {"retry": {"max_tries": 5}}, {}, id="backing off"),
    ],
)
def test_whatever_a_request_is_doing_ends_with_its_deadline(scripts, tables, how) -> None:
    stacks = Stacks(scripts, **tables).warm("a", seconds=0.1)

    async def main() -> None:
        asking = [asyncio.create_task(stacks.ask(seconds=2.0, **how)) for _ in range(2)]
        for ended in [await one for one in asking]:
            assert ended.fault is not None
            # One that backs off knows sooner that the next wait is too long.
            assert ended.took <= 2.0
            assert ended.took == pytest.approx(2.0 if scripts is not BACKED_OFF else 1.5, abs=0.01)

    stacks.run(main)


@settings(max_examples=500, deadline=None)
@given(made=gateways(), terms=st.lists(CALLERS, min_size=1, max_size=4))
def test_nothing_runs_later_than_the_deadline_and_nothing_is_left_over(
    made: Stacks, terms: list[dict[str, Any]]
) -> None:
    """`Stacks.run` asserts that tasks, timers, slots, permits, places and counters are at rest."""
    callers = Callers(made, terms)
    callers.run()
    for ended in callers.ended:
        heard = "".join(ended.heard)
        if ended.answer is not None:
            assert is_explained(ended.text, made.asked, whole=True)
            assert heard == (ended.text if ended.exchange.emit else "")
        elif heard:
            assert is_explained(heard, made.asked, whole=False)


@settings(max_examples=250, deadline=None)
@given(made=gateways(), terms=st.lists(CALLERS, min_size=1, max_size=4))
def test_every_call_is_paid_once_and_counted_once(
    made: Stacks, terms: list[dict[str, Any]]
) -> None:
    warm = calls_counted(made)
    callers = Callers(made, terms)
    callers.run()
    assert made.parts.tenants is not None
    taken = made.parts.tenants.ledger("").taken
    recorded = [
        attempt
        for ended in callers.ended
        if not ended.exchange.replayed
        for attempt in ended.exchange.attempts
        if attempt.status is not AttemptStatus.SKIPPED
    ]
    assert taken.attempts == len(recorded) == calls_counted(made) - warm
    assert made.parts.fleet.read().ensemble.attempts == len(recorded)
    assert taken.tokens == sum(asked.tokens for asked in made.asked)
    limit = made.parts.settings.tenant_budget.max_attempts
    assert limit is not None
    assert taken.attempts <= limit <= PLENTY


def calls_counted(made: Stacks) -> int:
    counted = [one.lifetime for one in made.parts.fleet.read().endpoints]
    return sum(one.successes + one.failures + one.not_counted for one in counted)
