"""A circuit breaker: an endpoint that fails or dawdles too often is left alone for a while.

The rules are those of resilience4j (`CircuitBreakerConfig`, `CircuitBreakerStateMachine`), driven
by the table below. A breaker that is closed lets calls pass; one that is open refuses them.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from threading import Lock

from gateway.core.machine import Transition, targets
from gateway.core.outcome import Outcome
from gateway.core.value import value
from gateway.state.breaker_settings import BreakerSettings
from gateway.state.call_window import FAILED, SLOW, CallWindow, CountWindow, TimeWindow


class BreakerState(StrEnum):
    """What a breaker does with calls; the last three are set by an operator only."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    DISABLED = "disabled"
    METRICS_ONLY = "metrics_only"
    FORCED_OPEN = "forced_open"


CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
DISABLED, METRICS_ONLY = BreakerState.DISABLED, BreakerState.METRICS_ONLY
FORCED_OPEN = BreakerState.FORCED_OPEN

INITIAL = CLOSED

TRANSITIONS = (
    Transition(
        CLOSED,
        "threshold_reached",
        OPEN,
        "the window holds enough calls, and the share of failed or of slow ones is at its "
        "threshold or above it",
    ),
    Transition(
        OPEN,
        "wait_over",
        HALF_OPEN,
        "the first call after `open_s` seconds; it is the first trial call",
    ),
    Transition(
        HALF_OPEN, "trials_passed", CLOSED, "all trial calls ended, both shares below the threshold"
    ),
    Transition(
        HALF_OPEN, "threshold_reached", OPEN, "all trial calls ended, a share at its threshold"
    ),
    Transition(
        HALF_OPEN,
        "no_verdict_open",
        OPEN,
        "`half_open_max_s` seconds went by before all trial calls ended",
    ),
    Transition(
        HALF_OPEN,
        "no_verdict_closed",
        CLOSED,
        "the same, where `no_verdict` is set to closed",
    ),
    *(
        Transition(source, "set_open", OPEN, "an operator opens it for `open_s` seconds")
        for source in (CLOSED, HALF_OPEN)
    ),
    Transition(OPEN, "set_half_open", HALF_OPEN, "an operator has the endpoint tried at once"),
    *(
        Transition(source, f"set_{target}", target, words)
        for target, words in (
            (DISABLED, "an operator lets every call pass, uncounted"),
            (METRICS_ONLY, "an operator lets every call pass and be counted"),
            (FORCED_OPEN, "an operator has every call refused, for good"),
        )
        for source in BreakerState
        if source is not target
    ),
    *(
        Transition(source, "reset", CLOSED, "an operator starts it afresh, all counters at zero")
        for source in BreakerState
    ),
)

_NEXT = targets(TRANSITIONS)

OnChange = Callable[[str, BreakerState, BreakerState], None]
"""Is told of each change: the endpoint, the state before and the state after.

It is called without the breaker's lock, by the thread that caused the change; it must not raise.
"""

_UNCOUNTED = -1
"""The permit of a call that leaves no trace."""

_NO_RATE = -1.0

# Taking a member out of its enum costs as much as a call, and `record` is on every attempt's path.
_SUCCESS, _FAILURE, _NOT_COUNTED = Outcome.SUCCESS, Outcome.FAILURE, Outcome.NOT_COUNTED


@value
class BreakerReading:
    """A breaker at one moment.

    `failure_rate` and `slow_rate` are shares of the `calls` in its window, or -1 while these are
    too few; an open breaker shows those that opened it, as long as its window remembers them.
    `not_permitted`: calls refused since the start or the last reset. `open_for_s`: seconds until
    it may turn half_open, 0 unless open.
    """

    state: BreakerState
    calls: int
    failure_rate: float
    slow_rate: float
    not_permitted: int
    open_for_s: float


class Breaker:
    """The circuit breaker of one endpoint, safe for any number of threads.

    Ask `acquire` before each call. Its answer is 0 when the call must not be made; else it is the
    permit, with which exactly one `record` has to follow, however the call ends. Times are seconds
    on one clock, which callers pass in. Nothing runs in the background: `wait_over` is noticed by
    the next call; a half_open without verdict ends by whatever looks at it next, as if at the
    right moment.
    """

    __slots__ = (
        "_changes",
        "_endpoint",
        "_gate",
        "_generation",
        "_lock",
        "_minimum",
        "_not_permitted",
        "_on_change",
        "_permits",
        "_settings",
        "_since",
        "_slow_s",
        "_state",
        "_window",
    )

    def __init__(
        self, endpoint: str, settings: BreakerSettings, on_change: OnChange | None = None
    ) -> None:
        self._endpoint = endpoint
        self._settings = settings
        self._slow_s = settings.slow_s
        self._on_change = on_change
        self._lock = Lock()
        self._state = INITIAL
        self._since = 0.0
        # The verdict of a call counts only in the generation that let it pass.
        self._generation = 1
        # The permit while every call passes, 0 while `_acquire` has to look. Being one attribute,
        # it is read without the lock.
        self._gate = 1
        self._permits = 0
        self._not_permitted = 0
        self._window, self._minimum = self._fresh_window(), settings.minimum_calls
        self._changes: list[tuple[BreakerState, BreakerState]] = []

    @property
    def state(self) -> BreakerState:
        """The state after the last call that changed it."""
        return self._state

    def acquire(self, now: float) -> int:
        """Ask for a permit; 0 means that the endpoint must not be called now."""
        return self._gate or self._acquire(now)

    def ready(self, now: float) -> bool:
        """Say whether `acquire` would let a call through, without taking a permit."""
        if self._gate:
            return True
        with self._lock:
            self._expire(now)
            if self._state is OPEN:
                ready = self._open_for_s(now) <= 0
            else:
                # A half_open without a verdict may have closed by now.
                ready = self._gate != 0 or (self._state is HALF_OPEN and self._permits > 0)
            changes = self._take_changes()
        self._tell(changes)
        return ready

    def record(self, permit: int, outcome: Outcome, elapsed_s: float, now: float) -> None:
        """Count a call that ended at `now` after `elapsed_s` seconds, and act on it.

        NOT_COUNTED gives the permit back. A call let through by an earlier state counts for
        nothing, as it says nothing about the trial calls (or about a fresh window).
        """
        well = outcome is _SUCCESS and elapsed_s < self._slow_s
        if well and self._window.steady and permit == self._gate:
            # Nearly every call of a healthy endpoint. Read without the lock: a failure counted at
            # this very moment loses one success.
            return
        bits = (FAILED if outcome is _FAILURE else 0) | (SLOW if elapsed_s >= self._slow_s else 0)
        with self._lock:
            if permit == self._gate and outcome is not _NOT_COUNTED and permit > 0:
                window = self._window
                window.add(bits, now)
                if window.calls < self._minimum or not (window.failed or window.slow):
                    return
                if self._state is CLOSED and self._over():
                    self._enter("threshold_reached", now)
            elif permit == self._generation and self._state is HALF_OPEN:
                self._record_trial(outcome, bits, now)
            changes = self._take_changes()
        self._tell(changes)

    def retry_after(self, now: float) -> float | None:
        """Seconds until an open breaker lets a call through; None when no time can be told."""
        with self._lock:
            return self._open_for_s(now) if self._state is OPEN else None

    def force(self, state: BreakerState, now: float) -> None:
        """Put it into `state`, as an operator's decision.

        Raises ValueError when the table has no such way from the present state; there is none to
        closed, which is what `reset` is for.
        """
        with self._lock:
            self._expire(now)
            self._enter(f"set_{state}", now)
            changes = self._take_changes()
        self._tell(changes)

    def reset(self) -> None:
        """Close it, whatever its state is, with all counters at zero."""
        with self._lock:
            self._not_permitted = 0
            self._enter("reset", self._since)
            changes = self._take_changes()
        self._tell(changes)

    def read(self, now: float) -> BreakerReading:
        """Copy state and counters as they are at `now`."""
        with self._lock:
            self._expire(now)
            window = self._window
            window.forget(now)
            enough = window.calls >= self._minimum
            reading = BreakerReading(
                self._state,
                window.calls,
                window.failed / window.calls if enough else _NO_RATE,
                window.slow / window.calls if enough else _NO_RATE,
                self._not_permitted,
                self._open_for_s(now) if self._state is OPEN else 0.0,
            )
            changes = self._take_changes()
        self._tell(changes)
        return reading

    # What follows expects the lock to be held, but for `_acquire` and `_tell`.

    def _acquire(self, now: float) -> int:
        with self._lock:
            self._expire(now)
            if self._state is OPEN and now >= self._since + self._settings.open_s:
                self._enter("wait_over", now)
            permit = self._gate
            if self._state is HALF_OPEN and self._permits:
                self._permits -= 1
                permit = self._generation
            if not permit:
                self._not_permitted += 1
            changes = self._take_changes()
        self._tell(changes)
        return permit

    def _record_trial(self, outcome: Outcome, bits: int, now: float) -> None:
        self._expire(now)
        if self._state is not HALF_OPEN:
            return
        if outcome is _NOT_COUNTED:
            self._permits += 1
            return
        self._window.add(bits, now)
        if self._window.calls == self._minimum:
            self._enter("threshold_reached" if self._over() else "trials_passed", now)

    def _expire(self, now: float) -> None:
        """End a half_open that got no verdict in time, at the moment when the time was over."""
        longest = self._settings.half_open_max_s
        if self._state is HALF_OPEN and longest and now >= self._since + longest:
            self._enter(f"no_verdict_{self._settings.no_verdict}", self._since + longest)

    def _over(self) -> bool:
        # Divided, not multiplied: 55 of 100 is 0.55, while 0.55 of 100 is a little more than 55.
        window, settings = self._window, self._settings
        return (
            window.failed / window.calls >= settings.failure_share
            or window.slow / window.calls >= settings.slow_share
        )

    def _enter(self, event: str, at: float) -> None:
        source = self._state
        if (source, event) not in _NEXT:
            raise ValueError(
                f"endpoint {self._endpoint!r}: its circuit breaker is {source}, "
                f"from where there is no {event}"
            )
        target = BreakerState(_NEXT[source, event])
        self._state = target
        self._since = at
        self._generation += 1
        if target is DISABLED:
            self._gate = _UNCOUNTED
        else:
            self._gate = self._generation if target in {CLOSED, METRICS_ONLY} else 0
        if target is HALF_OPEN:
            self._permits = self._minimum = self._settings.half_open_permits
            self._window = CountWindow(self._permits)
        elif target is not OPEN:
            self._window, self._minimum = self._fresh_window(), self._settings.minimum_calls
        if source is not target:
            self._changes.append((source, target))

    def _fresh_window(self) -> CallWindow:
        settings = self._settings
        kind = CountWindow if settings.window == "count" else TimeWindow
        return kind(settings.window_size)

    def _open_for_s(self, now: float) -> float:
        return max(0.0, self._since + self._settings.open_s - now)

    def _take_changes(self) -> list[tuple[BreakerState, BreakerState]]:
        changes = self._changes
        if changes:
            self._changes = []
        return changes

    def _tell(self, changes: list[tuple[BreakerState, BreakerState]]) -> None:
        if self._on_change is not None:
            for source, target in changes:
                self._on_change(self._endpoint, source, target)
