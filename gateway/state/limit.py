"""How many calls may be at an endpoint at once: a fixed number, or one learned from latency."""

from __future__ import annotations

from math import sqrt
from typing import Protocol

from gateway.core.value import value

A32_MAX_REQUESTS = 1024
"""gRFC A32: the limit where none is configured."""


@value
class GateSettings:
    """`max_concurrency` calls may be at the endpoint at once; 0 leaves it open.

    Open means 1024 (gRFC A32) for a fixed limit. An `adaptive` one moves between `min_limit` and
    `max_limit`, and never above `max_concurrency` when that is set. At most `max_waiting` calls
    wait for a slot; with 0 the gate is that of A32. Raises ValueError naming a bad setting.
    """

    max_concurrency: int = 0
    adaptive: bool = False
    min_limit: int = 1
    max_limit: int = A32_MAX_REQUESTS
    max_waiting: int = 64

    def __post_init__(self) -> None:
        if self.max_concurrency < 0:
            raise ValueError("max_concurrency must not be negative")
        if self.min_limit < 1:
            raise ValueError("min_limit must be at least 1")
        if self.max_limit < self.min_limit:
            raise ValueError("max_limit must not be below min_limit")
        if self.adaptive and 0 < self.max_concurrency < self.min_limit:
            raise ValueError("max_concurrency must not be below min_limit")
        if self.max_waiting < 0:
            raise ValueError("max_waiting must not be negative")


class Limit(Protocol):
    """Says how many calls may be in flight, and learns from how they end."""

    limit: int

    def answered(self, elapsed_s: float, in_flight: int) -> None:
        """Learn from a call that succeeded, itself counted in `in_flight`."""
        ...

    def overloaded(self, began: float, now: float) -> None:
        """Learn from a call, begun at `began`, that the endpoint said it is too busy for."""
        ...

    def timed_out(self, began: float, now: float) -> None:
        """Learn from a call, begun at `began`, that got no answer in time."""
        ...


class FixedLimit:
    """Always the same number."""

    __slots__ = ("limit",)

    def __init__(self, limit: int) -> None:
        """Raise ValueError when no call could ever be made."""
        if limit < 1:
            raise ValueError("limit must be at least 1")
        self.limit = limit

    def answered(self, elapsed_s: float, in_flight: int) -> None:
        """Learn nothing."""

    def overloaded(self, began: float, now: float) -> None:
        """Learn nothing."""

    def timed_out(self, began: float, now: float) -> None:
        """Learn nothing."""


class Average:
    """Exponential average over about `span` values; the plain mean of the first ones.

    The weight of a value is 2 / (span + 1) (the usual choice for an average over a span), after
    the first `WARM_UP` values, which count alike.
    """

    __slots__ = ("_count", "_weight", "mean")

    WARM_UP = 10

    def __init__(self, span: int) -> None:
        self.mean = 0.0
        self._count = 0
        self._weight = 2 / (span + 1)

    def add(self, number: float) -> float:
        """Take one value in and return the average."""
        if self._count < self.WARM_UP:
            self._count += 1
            self.mean += (number - self.mean) / self._count
        else:
            self.mean += (number - self.mean) * self._weight
        return self.mean


class GradientLimit:
    """Follows the endpoint's latency: the limit falls as soon as answers slow down.

    The rule is Gradient2 of Netflix' concurrency-limits (Landau, Thurston, Bozarth, "Performance
    Under Load", 2018; `Gradient2Limit`), with L the limit and both averages of successful calls:

        gradient = clamp(tolerance * long / short, 0.5, 1)
        L        = (1 - smoothing) * L + smoothing * (gradient * L + sqrt(L))

    sqrt(L) is the queue allowed at the endpoint. `short` is over some 10 calls and `long` over
    600; when `long` is more than twice `short` it is the rest of an overload that is over, and
    fades by 0.9 a call. A limit that is not half used is left alone: its latency says nothing
    about it. Answers of models differ much in length, hence a tolerance of 2. Slowness that lasts
    for some 600 calls is the new usual, and lets the limit grow again.

    When the endpoint says that it is too busy, L falls to `BACKOFF` of itself (CUBIC's factor,
    RFC 9438), once a round trip: calls that began before the last such fall tell of the limit
    before it (as RFC 6582 does for TCP).
    """

    __slots__ = ("_estimate", "_fell_at", "_least", "_long", "_most", "_short", "limit")

    INITIAL = 20
    TOLERANCE = 2.0
    SMOOTHING = 0.2
    BACKOFF = 0.7
    SHORT, LONG = 10, 600
    FADE = 0.9

    def __init__(self, least: int, most: int) -> None:
        self._least = least
        self._most = most
        self._long = Average(self.LONG)
        self._short = Average(self.SHORT)
        self._fell_at = float("-inf")
        self._estimate = 0.0
        self.limit = 0
        self._set(self.INITIAL)

    def answered(self, elapsed_s: float, in_flight: int) -> None:
        """Learn from the latency of a call that succeeded; one of no length says nothing."""
        if elapsed_s <= 0:
            return
        short = self._short.add(elapsed_s)
        long = self._long.add(elapsed_s)
        if long > 2 * short:
            self._long.mean = long * self.FADE
        estimate = self._estimate
        if in_flight < estimate / 2:
            return
        gradient = max(0.5, min(1.0, self.TOLERANCE * long / short))
        target = estimate * gradient + sqrt(estimate)
        self._set(estimate + (target - estimate) * self.SMOOTHING)

    def overloaded(self, began: float, now: float) -> None:
        """Fall, unless the call began before the last fall."""
        if began >= self._fell_at:
            self._fell_at = now
            self._set(self._estimate * self.BACKOFF)

    def timed_out(self, began: float, now: float) -> None:
        """Fall likewise, unless the call had less time than an answer usually takes.

        Else callers without patience would close the endpoint for everybody.
        """
        if now - began >= self._long.mean:
            self.overloaded(began, now)

    def _set(self, estimate: float) -> None:
        self._estimate = max(self._least, min(self._most, estimate))
        self.limit = int(self._estimate)


def limit_of(settings: GateSettings) -> Limit:
    """Make the limit that the settings ask for."""
    if not settings.adaptive:
        return FixedLimit(settings.max_concurrency or A32_MAX_REQUESTS)
    most = min(settings.max_limit, settings.max_concurrency or settings.max_limit)
    return GradientLimit(settings.min_limit, most)
