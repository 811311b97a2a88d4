"""Retries and hedges stop while too many calls of an endpoint fail (gRFC A6, retryThrottling)."""

from __future__ import annotations

from decimal import Decimal
from threading import Lock

from gateway.core.faults import Fault, Reason
from gateway.core.value import value

TOKEN = 1000
"""Thousandths of a token: three decimals, counted exactly."""
MOST_TOKENS = 1000

TOLD_NOT_TO = frozenset({Reason.UPSTREAM_UNAVAILABLE, Reason.UPSTREAM_OVERLOADED})
"""What an endpoint fails with that asks not to be called again: it is no less overloaded."""


@value
class ThrottleSettings:
    """`max_tokens`: 1 to 1000 failures. `token_ratio`: what a success gives back, in tokens.

    Decimals of `token_ratio` beyond the third are dropped, as gRPC does. Raises ValueError.
    """

    max_tokens: int = 10
    token_ratio: float = 0.1

    def __post_init__(self) -> None:
        if not 1 <= self.max_tokens <= MOST_TOKENS:
            raise ValueError(f"max_tokens must be from 1 to {MOST_TOKENS}, not {self.max_tokens}")
        if not 1 / TOKEN <= self.token_ratio <= MOST_TOKENS:
            raise ValueError(
                f"token_ratio must be from {1 / TOKEN} to {MOST_TOKENS}, not {self.token_ratio}"
            )

    @property
    def gain(self) -> int:
        """What a success gives back, in thousandths."""
        # By the digits that were written: 0.57 * 1000 is less than 570 in binary.
        return int(Decimal(repr(self.token_ratio)) * TOKEN)


class Throttle:
    """The tokens of one endpoint or group, from none to `max_tokens`; safe for any thread.

    Starts full. A failure takes one token, a success gives `token_ratio` back, and while half of
    them or fewer are left nothing is called again. `retries` counts the calls made again.
    """

    __slots__ = ("_full", "_gain", "_lock", "_retries", "_tokens")

    def __init__(self, settings: ThrottleSettings) -> None:
        self._full = settings.max_tokens * TOKEN
        self._gain = settings.gain
        self._tokens = self._full
        self._retries = 0
        self._lock = Lock()

    @property
    def retries(self) -> int:
        """Calls that `retry` made again."""
        return self._retries

    @property
    def tokens(self) -> float:
        """Tokens that are left."""
        return self._tokens / TOKEN

    def succeeded(self) -> None:
        """Count a call that was answered."""
        # Read without the lock: a failure counted at this very moment loses one success.
        if self._tokens == self._full:
            return
        with self._lock:
            self._tokens = min(self._full, self._tokens + self._gain)

    def failed(self, fault: Fault) -> None:
        """Count a call that failed, if its endpoint is at fault and may be overloaded.

        That is a fault worth a retry, or one that asks for none. A connection that was not made is
        neither: the call never left us, and cannot overload anybody.
        """
        if fault.reason is Reason.UPSTREAM_UNREACHABLE:
            return
        if fault.retryable or (fault.against_endpoint and fault.reason in TOLD_NOT_TO):
            with self._lock:
                self._tokens = max(0, self._tokens - TOKEN)

    def allows(self, uncounted: int = 0) -> bool:
        """Say whether a call may be made again, after so many failures not counted yet."""
        return 2 * (self._tokens - uncounted * TOKEN) > self._full

    def retried(self) -> None:
        """Count a retry."""
        with self._lock:
            self._retries += 1
