"""`python -m tests.load.policies`: microseconds of each policy, beside its bar.

Requests pass through the whole composed gateway in this process, to an endpoint that answers at
once: no network, no serialisation. Each policy is left out in turn; its cost is the median
difference to the whole gateway over interleaved rounds. Nobody else should use the machine
meanwhile.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from unittest.mock import patch

import uvloop

from gateway import app
from gateway.config.load import build
from gateway.core.answer import Answer
from gateway.core.candidate import Completion, FinishReason, Usage
from gateway.core.deadline import Deadline
from gateway.core.exchange import Exchange
from gateway.core.hole import Hole, Request
from gateway.core.ports import SendText, Task

STACKS = ("REQUEST_STACK", "TARGET_STACK", "ATTEMPT_STACK")
LAYER_US = 4.5 / 8
"""Eight composed async layers were measured at 4.5 µs."""

BARS_US = {
    **dict.fromkeys(("idempotent", "admit", "split", "retry", "standing", "gate"), LAYER_US),
    # Its check and record were measured at 0.2 µs, beside being a layer.
    "breaker": LAYER_US + 0.2,
    **dict.fromkeys(("budget", "timeout"), LAYER_US),
}
REQUEST = Request(Hole("x = " * 200), "request")
DEADLINE_S = 30.0
CALLS = 2_000

Handle = Callable[[Exchange], Awaitable[Answer]]


class Instant:
    """An endpoint that answers at once."""

    async def generate(self, task: Task, deadline: Deadline) -> Completion:
        """Answer."""
        del task, deadline
        return Completion("x", FinishReason.STOP, "m", Usage(10, 5))

    async def stream(self, task: Task, deadline: Deadline, send: SendText) -> Completion:
        """Answer, piece by piece."""
        await send("x")
        return await self.generate(task, deadline)

    async def close(self) -> None:
        """Nothing is open."""


def instant(*_: object) -> Instant:
    """Connect to nothing."""
    return Instant()


def say(line: str) -> None:
    """Print a line of the table."""
    print(line)  # noqa: T201 - a suite prints its table


async def without(stack: AsyncExitStack, name: str) -> Handle:
    """Compose a gateway that lacks one policy; the empty name lacks none."""
    settings = build(
        {
            "endpoint": [
                {"name": "a", "url": "127.0.0.1:1", "health": "none"},
                {"name": "b", "url": "127.0.0.1:2", "health": "none", "priority": 1},
            ],
            "server": {"port": 0},
        },
        "bench",
    )
    with ExitStack() as patches:
        for each in STACKS:
            left = tuple(entry for entry in getattr(app, each) if entry[0] != name)
            patches.enter_context(patch.object(app, each, left))
        patches.enter_context(patch.object(app, "connect", instant))
        gateway = await stack.enter_async_context(app.Gateway(settings))
    return gateway.ensemble.handle


async def round_us(handle: Handle) -> float:
    """Return the processor's microseconds for one request."""
    started = time.process_time()
    for _ in range(CALLS):
        await handle(Exchange(REQUEST, Deadline(time.monotonic() + DEADLINE_S)))
    return (time.process_time() - started) / CALLS * 1e6


async def measure(rounds: int) -> dict[str, list[float]]:
    """Return the cost of each policy in each round, and of everything under the empty name."""
    async with AsyncExitStack() as stack:
        whole = await without(stack, "")
        others = {name: await without(stack, name) for name in BARS_US}
        costs: dict[str, list[float]] = {name: [] for name in ("", *others)}
        for _ in range(rounds):
            before = await round_us(whole)
            for name, handle in others.items():
                lacking = await round_us(handle)
                after = await round_us(whole)
                costs[name].append((before + after) / 2 - lacking)
                before = after
            costs[""].append(before)
    return costs


def main() -> int:
    """Print the table; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=41)
    costs = uvloop.run(measure(parser.parse_args().rounds))
    say(f"{'policy':<12}{'min':>8}{'median':>8}{'max':>8}{'bar':>8}   (µs on the healthy way)")
    missed = 0
    for name, bar_us in BARS_US.items():
        median = statistics.median(costs[name])
        missed += median > bar_us
        verdict = "ok" if median <= bar_us else "MISSED"
        shown = f"{min(costs[name]):8.2f}{median:8.2f}{max(costs[name]):8.2f}{bar_us:8.2f}"
        say(f"{name:<12}{shown}   {verdict}")
    together = sum(statistics.median(costs[name]) for name in BARS_US)
    say(f"{'all of these':<20}{together:8.2f}{'':8}{sum(BARS_US.values()):8.2f}")
    say(f"{'a whole request':<20}{statistics.median(costs['']):8.2f}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
