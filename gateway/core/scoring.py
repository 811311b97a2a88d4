"""What the choice among endpoints weighs: how each does now."""

from __future__ import annotations

from gateway.core.value import value


@value
class LiveInput:
    """How one endpoint does now (S-04). None means that nothing is known.

    `success_rate`: 0..1 over the window of `attempts` counted attempts. `quality`: mean confidence
    or reported quality, 0..1, over `judged` answers. `p50_s`: median time of an answer. `in_flight`
    calls of at most `limit` at once, 0 = no limit known. `cached`: the answer to this very request
    is at hand.
    """

    success_rate: float | None = None
    attempts: int = 0
    quality: float | None = None
    judged: int = 0
    p50_s: float | None = None
    in_flight: int = 0
    limit: int = 0
    cached: bool = False


NOTHING_LIVE = LiveInput()


@value
class ScoredEndpoint:
    """An endpoint and its rank among those that may be called.

    `utility`: 0..1, for ranking only: comparable within one decision, no probability (S-09).
    `factors`: (name, value 0..1) of each factor before weighting. `gain`: predicted quality above
    that of the cheapest endpoint, -1..1; None when quality is not predicted.
    """

    endpoint: str
    utility: float
    factors: tuple[tuple[str, float], ...] = ()
    quality: float | None = None
    gain: float | None = None
