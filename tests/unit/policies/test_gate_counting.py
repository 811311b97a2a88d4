from __future__ import annotations

import asyncio

from gateway.core.candidate import Completion
from gateway.core.policy import Call, Invocation
from gateway.policies.gate import gate
from gateway.state.gate import Gate
from gateway.state.limit import GateSettings
from tests.fakes.values import make_invocation
from tests.fakes.virtual import VirtualClock, run_virtual
from tests.unit.policies.yard import DONE, overloaded


class Naive:
    """LiteLLM #40401: the counter falls at each end, also of calls that it never counted."""

    def __init__(self, limit: int) -> None:
        self.in_flight, self.limit = 0, limit

    def wrap(self, call: Call) -> Call:
        async def counted(invocation: Invocation) -> Completion:
            try:
                if self.in_flight >= self.limit:
                    raise overloaded()
                self.in_flight += 1
                return await call(invocation)
            finally:
                self.in_flight -= 1

        return counted


def least_busy(gates, gated, clock: VirtualClock) -> list[int]:
    """Call the least busy of four after a burst at the first; count the calls of each."""

    async def main() -> list[int]:
        def ask(place: int) -> asyncio.Task:
            invocation = make_invocation(deadline_at=clock.now + 60)
            invocation.last = False
            return asyncio.ensure_future(gated[place](invocation))

        await asyncio.gather(*(ask(0) for _ in range(90)), return_exceptions=True)
        counts = [0] * len(gates)
        tasks: list[asyncio.Task] = []
        for _ in range(32):
            place = min(range(len(gates)), key=lambda at: gates[at].in_flight)
            counts[place] += 1
            tasks.append(ask(place))
            await asyncio.sleep(0)
        await asyncio.gather(*tasks, return_exceptions=True)
        return counts

    return run_virtual(clock, main())


def test_refused_calls_do_not_make_an_endpoint_look_idle_and_in_flight_never_negative() -> None:
    """LiteLLM #40401 ✗: in flight went below zero, and one of four backends got 93.7 %."""
    clock = VirtualClock()

    async def second(_: Invocation) -> Completion:
        await asyncio.sleep(1)
        return DONE

    naive = [Naive(10) for _ in range(4)]
    counts = least_busy(naive, [it.wrap(second) for it in naive], clock)
    assert naive[0].in_flight < 0
    assert counts[0] / sum(counts) > 0.9
    gates = [Gate(GateSettings(max_concurrency=10, max_waiting=0), clock) for _ in range(4)]
    counts = least_busy(gates, [gate(it, clock)(second) for it in gates], clock)
    assert [it.in_flight for it in gates] == [0] * 4
    assert counts == [8] * 4
    assert gates[0].saturated == 80
