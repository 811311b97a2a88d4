"""A breaker on a clock that is moved by hand, with the numbers of resilience4j's own tests."""

from __future__ import annotations

import pytest

from gateway.core.outcome import Outcome
from gateway.state.breaker import (
    HALF_OPEN,
    OPEN,
    Breaker,
    BreakerSettings,
    BreakerState,
)

S, F, IGNORED = Outcome.SUCCESS, Outcome.FAILURE, Outcome.NOT_COUNTED

# The settings of resilience4j's own cases.
R4J = {
    "failure_share": 0.5,
    "window": "time",
    "window_size": 20,
    "minimum_calls": 5,
    "half_open_permits": 4,
    "open_s": 5.0,
}


class Case:
    """A breaker, its time, and what its listener was told."""

    def __init__(self, **settings) -> None:
        self.now = 1000.0
        self.changes: list[tuple[str, str, str]] = []
        self.breaker = Breaker(
            "alpha",
            BreakerSettings(**{**R4J, **settings}),
            lambda *change: self.changes.append(change),
        )

    def acquire(self) -> int:
        return self.breaker.acquire(self.now)

    def end(self, permit: int, outcome: Outcome, elapsed_s: float = 0.0) -> None:
        self.breaker.record(permit, outcome, elapsed_s, self.now)

    def calls(self, *outcomes: Outcome, elapsed_s: float = 0.0) -> None:
        for outcome in outcomes:
            permit = self.acquire()
            assert permit
            self.end(permit, outcome, elapsed_s)

    def half_open(self) -> None:
        self.breaker.force(OPEN, self.now)
        self.breaker.force(HALF_OPEN, self.now)

    def admitted(self, asked: int) -> list[int]:
        return [permit for permit in (self.acquire() for _ in range(asked)) if permit]

    @property
    def state(self) -> BreakerState:
        return self.breaker.state

    @property
    def reading(self):
        return self.breaker.read(self.now)


windows = pytest.mark.parametrize("window", ["count", "time"])
