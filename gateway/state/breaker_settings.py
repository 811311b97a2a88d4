"""When the circuit breaker of an endpoint opens, and how it closes again."""

from __future__ import annotations

from typing import Literal

from gateway.core.value import value

_MOST_CALLS = 10_000
"""Bound of a window and of the trial calls: what one breaker may take of memory."""


@value
class BreakerSettings:
    """When a breaker opens and how it closes again.

    It opens when, of the last `window_size` calls (`window` "count") or the calls of the last
    `window_size` seconds ("time"), the share of failed ones is `failure_share` or more, or the
    share of those that took `slow_s` seconds or longer is `slow_share` or more. With fewer than
    `minimum_calls` in the window there is no share. It stays open for `open_s` seconds; then
    `half_open_permits` trial calls are let through, and once all of them ended it closes, or opens
    again. Without their verdict after `half_open_max_s` seconds of half_open it goes to the state
    `no_verdict`; 0 waits for ever, which is safe because every call has a deadline.

    The shares and `slow_s` are resilience4j's defaults. Its window of 100 calls, at least 100
    of them, 60 s open and 10 trial calls are made for services that answer in milliseconds. An
    endpoint here takes seconds to answer, so 100 failed calls are many callers kept waiting;
    and as requests fall back to another endpoint meanwhile, few trials soon cost little. Hence
    50, 10, 10 s and 3.

    Two rules differ: a call of exactly `slow_s` is slow, and half_open always waits for all of
    its trials, also when `minimum_calls` is less.

    Raises ValueError that begins with the name of the field that is out of its range.
    """

    failure_share: float = 0.5
    slow_share: float = 1.0
    slow_s: float = 60.0
    minimum_calls: int = 10
    window: Literal["count", "time"] = "count"
    window_size: int = 50
    open_s: float = 10.0
    half_open_permits: int = 3
    half_open_max_s: float = 0.0
    no_verdict: Literal["open", "closed"] = "open"

    def __post_init__(self) -> None:
        """Refuse what no breaker can follow."""
        for name, right, words in (
            ("failure_share", 0 < self.failure_share <= 1, "above 0, at most 1"),
            ("slow_share", 0 < self.slow_share <= 1, "above 0, at most 1"),
            ("slow_s", self.slow_s > 0, "above 0"),
            ("window", self.window in {"count", "time"}, "count or time"),
            ("window_size", 1 <= self.window_size <= _MOST_CALLS, f"from 1 to {_MOST_CALLS}"),
            ("minimum_calls", self.minimum_calls >= 1, "at least 1"),
            (
                "minimum_calls",
                self.window == "time" or self.minimum_calls <= self.window_size,
                "at most window_size, or the window never holds enough calls",
            ),
            ("open_s", self.open_s > 0, "above 0"),
            (
                "half_open_permits",
                1 <= self.half_open_permits <= _MOST_CALLS,
                f"from 1 to {_MOST_CALLS}",
            ),
            ("half_open_max_s", self.half_open_max_s >= 0, "0 or more"),
            ("no_verdict", self.no_verdict in {"open", "closed"}, "open or closed"),
        ):
            if not right:
                raise ValueError(f"{name}: must be {words}")
