"""A hedge over calls that each take their time, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from gateway.core.candidate import Attempt, AttemptStatus, Completion
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.outcome import Outcome
from gateway.core.policy import Invocation
from gateway.policies.hedge import HedgeSettings, hedge
from gateway.state.hedging import HedgeBudget, HedgeBudgetSettings
from gateway.state.throttle import Throttle, ThrottleSettings
from tests.fakes.values import make_invocation, unavailable
from tests.fakes.virtual import VirtualClock, run_virtual

DELAY = 1.0
MADE = Attempt("alpha", 1, AttemptStatus.OK)
FATAL = Fault(Kind.UNAVAILABLE, Origin.UPSTREAM, Reason.UPSTREAM_ERROR, "broken")
INVALID = Fault(Kind.INVALID, Origin.CALLER, Reason.UPSTREAM_REFUSED_REQUEST, "refused")
TOLD_NOT_TO = unavailable(retryable=False)
LATE = Fault(Kind.DEADLINE, Origin.UPSTREAM, Reason.UPSTREAM_TIMEOUT, "late")
LEFT_TOO_LITTLE = Fault(Kind.DEADLINE, Origin.US, Reason.TOO_LITTLE_TIME, "too little")
UNREACHABLE = Fault(
    Kind.UNAVAILABLE, Origin.UPSTREAM, Reason.UPSTREAM_UNREACHABLE, "gone", retryable=True
)


class Quiet:
    """A recorder and a teller of speeds that nobody reads."""

    def started(self, endpoint: str) -> None:
        return

    def ended(self, endpoint: str, outcome: Outcome, elapsed_s: float) -> None:
        return

    def first_text(self, endpoint: str, elapsed_s: float) -> None:
        return

    def typical(self, endpoint: str) -> None:
        return

    def typical_first(self, endpoint: str) -> None:
        return


class Rig:
    """A hedge over calls that each take their seconds, in virtual time.

    `steps[n]` is what call n does: (seconds, answer or fault), or a coroutine function.
    """

    def __init__(self, *steps: Any, calls: int = 3, saved: int = 10, **terms: Any) -> None:
        self.clock = VirtualClock()
        self.began = self.clock.now
        self.steps = steps
        self.started: list[float] = []
        self.ended: dict[int, str] = {}
        self.running = 0
        self.budget = HedgeBudget(HedgeBudgetSettings(1, 1000))
        for _ in range(saved - 1):
            self.budget.called()
        self.throttle = terms.pop("throttle", None) or Throttle(ThrottleSettings(1000))
        self.delay_s: float | None = DELAY
        self.asked: list[tuple[str, bool]] = []
        self.heard: list[str] = []
        policy = hedge(HedgeSettings(calls), self, self.budget, self.throttle, self.clock)
        self.call = policy(self._call)
        self.invocation = make_invocation(**terms)

    def delay(self, endpoint: str, *, streamed: bool) -> float | None:
        self.asked.append((endpoint, streamed))
        return self.delay_s

    async def _call(self, invocation: Invocation) -> Completion:
        number = len(self.started)
        self.started.append(self.clock.now - self.began)
        step = self.steps[min(number, len(self.steps) - 1)]
        self.running += 1
        try:
            if callable(step):
                result = await step(invocation)
            else:
                seconds, result = step
                await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.ended[number] = "cancelled"
            raise
        finally:
            self.running -= 1
            if not any(one.try_number == invocation.try_number for one in invocation.attempts):
                # It was made, as `observe` would have put down.
                invocation.done = MADE
        self.ended[number] = "failed" if isinstance(result, BaseException) else "answered"
        if isinstance(result, BaseException):
            raise result
        return result

    def stream(self) -> Rig:
        async def send(text: str) -> None:
            self.invocation.sent = True
            self.heard.append(text)

        self.invocation.send = send
        return self

    async def main(self) -> Completion | Fault:
        task = asyncio.current_task()
        assert task is not None
        cancellations = 0
        try:
            return await self.call(self.invocation)
        except Fault as fault:
            return fault
        except asyncio.CancelledError:
            cancellations = 1
            raise
        finally:
            assert self.running == 0, "a call outlived the return"
            assert task.cancelling() == cancellations

    def run(self) -> Completion | Fault:
        result = run_virtual(self.clock, self.main())
        self.took = self.clock.now - self.began
        return result


def says(text: str) -> Completion:
    return Completion(text)


def writes(*pieces: tuple[float, str], then: Fault | None = None) -> Callable[..., Any]:
    """Send each piece after its seconds."""

    async def step(invocation: Invocation) -> Completion | Fault:
        assert invocation.send is not None
        for seconds, text in pieces:
            await asyncio.sleep(seconds)
            await invocation.send(text)
        return then or Completion("".join(text for _, text in pieces))

    return step


async def cancelled_after(rig: Rig, seconds: float) -> asyncio.Task[Any]:
    task = asyncio.create_task(rig.main())
    await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.wait([task])
    return task
