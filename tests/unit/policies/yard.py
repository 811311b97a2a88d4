"""A gate with calls behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from gateway.core.candidate import Completion
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.policy import Call, Invocation
from gateway.policies.gate import gate
from gateway.state.gate import Gate
from gateway.state.limit import GateSettings
from tests.fakes.values import make_invocation
from tests.fakes.virtual import VirtualClock, run_virtual

DONE = Completion("done")


def overloaded() -> Fault:
    return Fault(Kind.EXHAUSTED, Origin.UPSTREAM, Reason.UPSTREAM_OVERLOADED, "429")


class Yard:
    """A gate, and behind it calls that take a second of the clock."""

    def __init__(self, **settings) -> None:
        self.clock = VirtualClock()
        self.gate = Gate(GateSettings(**settings), self.clock)
        self.most = self.calls = 0
        self.order: list[str] = []

    async def call(self, invocation: Invocation) -> Completion:
        self.calls += 1
        self.most = max(self.most, self.gate.in_flight)
        self.order.append(invocation.task.request.tenant)
        await asyncio.sleep(1)
        return DONE

    def ask(self, gated: Call, *, last: bool = True, seconds: float = 60.0) -> asyncio.Task:
        async def asked() -> Completion:
            invocation = make_invocation(deadline_at=self.clock.now + seconds)
            invocation.last = last
            return await gated(invocation)

        return asyncio.ensure_future(asked())

    def run(self, main: Callable[[Call], Awaitable[None]], call: Call | None = None) -> None:
        async def runs() -> None:
            await main(gate(self.gate, self.clock)(call or self.call))

        run_virtual(self.clock, runs())
        assert (self.gate.in_flight, self.gate.waiting) == (0, 0)
