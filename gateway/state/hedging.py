"""Hedges are bounded by a share of the traffic, so that a slow hour does not double the load."""

from __future__ import annotations

from decimal import Decimal
from threading import Lock

from gateway.core.value import value

HEDGE = 1000
"""What a hedge costs, in the thousandths that calls earn."""
MOST_SAVED = 1000


@value
class HedgeBudgetSettings:
    """`share`: hedges for each first call, 0.001 to 1. `cap`: hedges that may be saved up.

    Decimals of `share` beyond the third are dropped. Raises ValueError.
    """

    share: float = 0.05
    cap: int = 10

    def __post_init__(self) -> None:
        if not 1 / HEDGE <= self.share <= 1:
            raise ValueError(f"share must be from {1 / HEDGE} to 1, not {self.share}")
        if not 1 <= self.cap <= MOST_SAVED:
            raise ValueError(f"cap must be from 1 to {MOST_SAVED}, not {self.cap}")

    @property
    def earned(self) -> int:
        """What each first call earns, in thousandths of a hedge."""
        return int(Decimal(repr(self.share)) * HEDGE)


class HedgeBudget:
    """What hedges of one endpoint or group may cost; safe for any thread.

    Starts empty: hedges are earned by calls, so that there are never more of them than `share` of
    the calls so far. `hedges` counts those that were sent and have ended, `wins` those that
    answered first. Each one paid for must be told to `ended` once.
    """

    __slots__ = ("_cap", "_earned", "_hedges", "_lock", "_saved", "_wins")

    def __init__(self, settings: HedgeBudgetSettings) -> None:
        self._cap = settings.cap * HEDGE
        self._earned = settings.earned
        self._saved = 0
        self._hedges = 0
        self._wins = 0
        self._lock = Lock()

    @property
    def hedges(self) -> int:
        """Calls made beside a first one."""
        return self._hedges

    @property
    def wins(self) -> int:
        """Hedges whose answer was taken."""
        return self._wins

    def called(self) -> None:
        """Count a first call."""
        # Read without the lock: a hedge taken at this very moment loses one call's share.
        if self._saved == self._cap:
            return
        with self._lock:
            self._saved = min(self._cap, self._saved + self._earned)

    def take(self) -> bool:
        """Pay for one hedge; False when not enough was earned."""
        with self._lock:
            if self._saved < HEDGE:
                return False
            self._saved -= HEDGE
            return True

    def ended(self, *, sent: bool) -> None:
        """Count a hedge that was sent; give back what was paid for one that was not."""
        with self._lock:
            if sent:
                self._hedges += 1
            else:
                self._saved = min(self._cap, self._saved + HEDGE)

    def won(self) -> None:
        """Count a hedge whose answer was taken."""
        with self._lock:
            self._wins += 1
