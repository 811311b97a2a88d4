"""Replicas that do much worse than their group are left out for a while: gRFC A50.

"gRPC xDS Outlier Detection Support": every interval the calls of the interval just over are looked
at, by two algorithms, and each replica found an outlier is ejected, longer each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from math import ceil, fsum, sqrt
from threading import Lock

from gateway.core.machine import Transition, targets
from gateway.core.outcome import Outcome
from gateway.core.ports import Clock
from gateway.state.ejection_settings import EjectionSettings, FailurePercentage, SuccessRate


class ReplicaState(StrEnum):
    """Whether the balancer may choose a replica."""

    IN_SERVICE = "in_service"
    EJECTED = "ejected"


IN_SERVICE, EJECTED = ReplicaState.IN_SERVICE, ReplicaState.EJECTED

INITIAL = IN_SERVICE

TRANSITIONS = (
    Transition(
        IN_SERVICE,
        "success_rate_low",
        EJECTED,
        "at the end of an interval its success rate is below the group's mean less `stdev_factor` "
        "standard deviations; the multiplier grows by one",
    ),
    Transition(
        IN_SERVICE,
        "failures_high",
        EJECTED,
        "at the end of an interval more than `threshold` percent of its calls failed; the "
        "multiplier grows by one",
    ),
    Transition(
        EJECTED,
        "time_over",
        IN_SERVICE,
        "at the end of an interval, `base_s` times the multiplier, at most `max_s`, is over",
    ),
    Transition(EJECTED, "disabled", IN_SERVICE, "new settings have neither of the two algorithms"),
)

_NEXT = targets(TRANSITIONS)
_SUCCESS, _FAILURE = Outcome.SUCCESS, Outcome.FAILURE

OnChange = Callable[[str, ReplicaState, ReplicaState], None]
"""Is told of each change: the replica, the state before and the state after.

It is called without the ejector's lock, by the thread that caused the change; it must not raise.
"""


class _Replica:
    """One replica: the counters of the running interval and how often it was ejected lately."""

    __slots__ = ("ejected_at", "failures", "multiplier", "name", "state", "successes")

    def __init__(self, name: str) -> None:
        self.name = name
        self.state = INITIAL
        self.ejected_at = 0.0
        self.multiplier = 0
        self.successes = 0
        self.failures = 0

    @property
    def volume(self) -> int:
        return self.successes + self.failures


class Ejector:
    """Outlier ejection in one group of replicas, safe for any number of threads.

    There is no timer: whoever records or asks first after the end of an interval does its work,
    with the times at which a timer would have done it. `draw` returns uniform numbers in [0, 1).
    Naming a replica that is not in the group raises KeyError in `record`: a bug.
    """

    def __init__(
        self,
        replicas: Iterable[str],
        settings: EjectionSettings,
        clock: Clock,
        draw: Callable[[], float],
        on_change: OnChange | None = None,
    ) -> None:
        self._replicas = {name: _Replica(name) for name in replicas}
        self._clock = clock
        self._draw = draw
        self._on_change = on_change
        self._lock = Lock()
        self._settings = settings
        self._sweep_at = clock() + settings.interval_s
        # Replaced, never changed, so that it is read without the lock.
        self._out: frozenset[str] = frozenset()
        self._count_out = 0
        self._changes: list[tuple[str, ReplicaState, ReplicaState]] = []

    def record(self, replica: str, outcome: Outcome) -> None:
        """Count a call of the replica that ended now. NOT_COUNTED changes nothing."""
        now = self._clock()
        if now >= self._sweep_at:
            self._catch_up(now)
        counted = self._replicas[replica]
        with self._lock:
            if outcome is _SUCCESS:
                counted.successes += 1
            elif outcome is _FAILURE:
                counted.failures += 1

    def ejected(self, replica: str, now: float) -> bool:
        """Tell whether the replica is to be left out. `now` is of the ejector's clock."""
        if now >= self._sweep_at:
            self._catch_up(now)
        return replica in self._out

    def follow(self, settings: EjectionSettings) -> None:
        """Go by new settings from now on.

        The running interval ends when it would end by them. Settings without an algorithm
        return every replica to service at once and forget all multipliers; the first ones with
        an algorithm after that start a fresh interval.
        """
        now = self._clock()
        self._catch_up(now)
        with self._lock:
            began_at = self._sweep_at - self._settings.interval_s
            if not self._settings.enabled:
                began_at = now
                self._zero()
            self._settings = settings
            self._sweep_at = max(now, began_at + settings.interval_s)
            if not settings.enabled:
                for replica in self._replicas.values():
                    replica.multiplier = 0
                    if replica.state is EJECTED:
                        self._enter(replica, "disabled")
                self._publish()
            changes = self._take_changes()
        self._tell(changes)

    def _catch_up(self, now: float) -> None:
        with self._lock:
            if now >= self._sweep_at:
                self._sweep(now)
            changes = self._take_changes()
        self._tell(changes)

    # What follows expects the lock to be held, but for `_tell`.

    def _sweep(self, now: float) -> None:
        """Do what A50 does each time its timer fires, for all times that are due at `now`."""
        settings, at = self._settings, self._sweep_at
        # A call that ended later would have found the first interval swept, so the counters are
        # of that one, and the intervals after it were empty.
        intervals = int((now - at) // settings.interval_s) + 1
        if settings.success_rate is not None:
            self._by_success_rate(settings.success_rate, at)
        if settings.failure_percentage is not None:
            self._by_failure_percentage(settings.failure_percentage, at)
        for replica in self._replicas.values():
            self._pass(replica, at, intervals)
        self._zero()
        self._publish()
        self._sweep_at = at + intervals * settings.interval_s

    def _pass(self, replica: _Replica, at: float, intervals: int) -> None:
        """Let intervals end, the first one at `at`: an ejection may be over, then is forgotten."""
        if replica.state is EJECTED:
            left_s = replica.ejected_at + self._settings.ejection_s(replica.multiplier) - at
            too_early = max(0, ceil(left_s / self._settings.interval_s))
            if too_early >= intervals:
                return
            self._enter(replica, "time_over")
            intervals -= too_early + 1
        replica.multiplier = max(0, replica.multiplier - intervals)

    def _by_success_rate(self, rules: SuccessRate, at: float) -> None:
        busy = self._busy(rules.request_volume)
        if not busy or len(busy) < rules.minimum_hosts:
            return
        rates = [replica.successes / replica.volume for replica in busy]
        mean = fsum(rates) / len(rates)
        deviation = sqrt(fsum((rate - mean) ** 2 for rate in rates) / len(rates))
        least = mean - deviation * rules.stdev_factor / 1000
        for replica, rate in zip(busy, rates, strict=True):
            if rate < least:
                self._eject(replica, rules.enforcement_percentage, "success_rate_low", at)

    def _by_failure_percentage(self, rules: FailurePercentage, at: float) -> None:
        if len(self._replicas) < rules.minimum_hosts:
            return
        for replica in self._busy(rules.request_volume):
            if 100 * replica.failures > rules.threshold * replica.volume:
                self._eject(replica, rules.enforcement_percentage, "failures_high", at)

    def _busy(self, volume: int) -> list[_Replica]:
        """List the replicas with enough calls in the interval; without any there is no rate."""
        least = max(1, volume)
        return [replica for replica in self._replicas.values() if replica.volume >= least]

    def _eject(self, replica: _Replica, enforcement: int, event: str, at: float) -> None:
        settings = self._settings
        # One is always allowed; a replica may also be an outlier by what was on its way to it
        # when it was ejected, or by both algorithms.
        full = self._count_out and (
            100 * self._count_out >= settings.max_percent * len(self._replicas)
        )
        if full or replica.state is EJECTED or int(self._draw() * 100) >= enforcement:
            return
        replica.ejected_at = at
        # As in Envoy, the multiplier stops where the ejection gets no longer by it, or a replica
        # that was broken for a day would not be forgiven for another.
        if settings.base_s * replica.multiplier < settings.longest_s:
            replica.multiplier += 1
        self._enter(replica, event)

    def _enter(self, replica: _Replica, event: str) -> None:
        source = replica.state
        replica.state = ReplicaState(_NEXT[source, event])
        self._count_out += 1 if replica.state is EJECTED else -1
        self._changes.append((replica.name, source, replica.state))

    def _zero(self) -> None:
        for replica in self._replicas.values():
            replica.successes = replica.failures = 0

    def _publish(self) -> None:
        self._out = frozenset(
            replica.name for replica in self._replicas.values() if replica.state is EJECTED
        )

    def _take_changes(self) -> list[tuple[str, ReplicaState, ReplicaState]]:
        changes, self._changes = self._changes, []
        return changes

    def _tell(self, changes: list[tuple[str, ReplicaState, ReplicaState]]) -> None:
        if self._on_change is not None:
            for change in changes:
                self._on_change(*change)
