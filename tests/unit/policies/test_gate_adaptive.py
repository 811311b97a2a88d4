from __future__ import annotations

import asyncio

import pytest

from gateway.core.candidate import Completion
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.policy import Call, Invocation
from tests.fakes.values import unavailable
from tests.unit.policies.yard import DONE, Yard, overloaded


def test_a_storm_of_429_shrinks_the_adaptive_limit_and_it_recovers() -> None:
    """Fault path: the endpoint bears 4 calls, then as many as come."""
    yard = Yard(adaptive=True, max_waiting=1000)
    bears = 4
    busy = 0

    async def endpoint(_: Invocation) -> Completion:
        nonlocal busy
        if busy >= bears:
            raise overloaded()
        busy += 1
        try:
            await asyncio.sleep(1)
        finally:
            busy -= 1
        return DONE

    async def main(gated: Call) -> None:
        nonlocal bears
        refused: list[int] = []
        for _ in range(12):
            done = await asyncio.gather(
                *(yard.ask(gated, seconds=600) for _ in range(20)), return_exceptions=True
            )
            refused.append(sum(isinstance(it, Fault) for it in done))
        assert yard.gate.limit <= 8
        assert refused[-1] < refused[0]
        bears = 10_000
        await asyncio.gather(*(yard.ask(gated, seconds=600) for _ in range(600)))
        assert yard.gate.limit > 60

    yard.run(main, endpoint)


def test_an_upstream_timeout_shrinks_the_adaptive_limit() -> None:
    yard = Yard(adaptive=True)

    async def late(_: Invocation) -> Completion:
        await asyncio.sleep(5)
        raise Fault(Kind.DEADLINE, Origin.UPSTREAM, Reason.UPSTREAM_TIMEOUT, "late")

    async def main(gated: Call) -> None:
        with pytest.raises(Fault):
            await yard.ask(gated)

    yard.run(main, late)
    assert yard.gate.limit == 14


@pytest.mark.parametrize(
    "fault",
    [
        unavailable(),
        Fault(Kind.EXHAUSTED, Origin.US, Reason.BUDGET_EXHAUSTED, "spent"),
        Fault(Kind.DEADLINE, Origin.US, Reason.DEADLINE_EXCEEDED, "over before it began"),
    ],
)
def test_what_tells_nothing_of_load_leaves_the_adaptive_limit_alone(fault) -> None:
    yard = Yard(adaptive=True)

    async def fails(_: Invocation) -> Completion:
        await asyncio.sleep(1)
        raise fault

    async def main(gated: Call) -> None:
        await asyncio.gather(*(yard.ask(gated) for _ in range(20)), return_exceptions=True)

    yard.run(main, fails)
    assert yard.gate.limit == 20


def test_only_answers_feed_the_latency_and_a_slowing_endpoint_gets_less() -> None:
    yard = Yard(adaptive=True, max_concurrency=100, max_waiting=1000)
    elapsed = 1.0
    limits: list[int] = []

    async def endpoint(_: Invocation) -> Completion:
        await asyncio.sleep(elapsed)
        limits.append(yard.gate.limit)
        return DONE

    async def main(gated: Call) -> None:
        nonlocal elapsed
        await asyncio.gather(*(yard.ask(gated, seconds=900) for _ in range(400)))
        assert limits[-1] == 100
        elapsed = 10.0
        await asyncio.gather(*(yard.ask(gated, seconds=900) for _ in range(200)))
        assert min(limits[400:]) < 50

    yard.run(main, endpoint)
