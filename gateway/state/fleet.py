"""Counters of the ensemble and of each endpoint, safe for any number of threads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite
from threading import Lock
from types import MappingProxyType

from gateway.core.outcome import Outcome
from gateway.core.ports import Clock
from gateway.state.expectations import NOTHING_KNOWN, Expected, expected_of, joined
from gateway.state.lately import Lately, lately_of, together
from gateway.state.metrics import EndpointCounters, EndpointMetrics, EnsembleCounters, FleetMetrics
from gateway.state.sketch import NS, LatencySeries
from gateway.state.window import Window, counters

LIFETIME = "lifetime"
NO_GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType({})


class _Cell:
    """Counters of one endpoint. `lock` is held for updates and while a reader copies."""

    __slots__ = (
        "confidence",
        "expected",
        "failures",
        "in_flight",
        "judged",
        "lately",
        "lock",
        "not_counted",
        "successes",
        "window",
    )

    def __init__(self, window_attempts: int) -> None:
        self.lock = Lock()
        self.in_flight = 0
        self.successes = LatencySeries()
        self.failures = LatencySeries()
        self.not_counted = 0
        self.judged = 0
        self.confidence = 0
        self.window = Window(window_attempts)
        self.expected = NOTHING_KNOWN
        self.lately = Lately()


class _Requests:
    """Counters of all requests, with the lock that guards them."""

    __slots__ = (
        "attempts",
        "fallback_exhausted",
        "fallback_used",
        "lock",
        "non_finite_scores",
        "requests",
        "succeeded",
    )

    def __init__(self) -> None:
        self.lock = Lock()
        self.requests = 0
        self.succeeded = 0
        self.attempts = 0
        self.fallback_used = 0
        self.fallback_exhausted = 0
        self.non_finite_scores = 0


class Fleet:
    """Counts attempts by endpoint, and requests. Sums are of integers, hence exact (M-05).

    Each endpoint has a lock of its own, so endpoints never wait for each other. Counters exist
    twice and are never mixed: since the start, and over the last `window_attempts` attempts that
    are no older than `window_s` seconds (M-04). Naming an endpoint that is not in `endpoints`
    raises KeyError: the configuration and the caller disagree, which is a bug.

    What is `expected` of an endpoint comes from the same window, and is worked out when somebody
    asks, once a second at most.
    `groups` names the replicas of each model that has some; a group is expected to do what any of
    them may: its times are those of the slowest replica, `least` that of the fastest.
    """

    def __init__(
        self,
        endpoints: Iterable[str],
        clock: Clock,
        *,
        window_s: float = 300.0,
        window_attempts: int = 256,
        groups: Mapping[str, tuple[str, ...]] = NO_GROUPS,
    ) -> None:
        self._cells = {name: _Cell(window_attempts) for name in sorted(set(endpoints))}
        self._clock = clock
        self._window_s = window_s
        self._window_span = f"last {window_s:g} s, at most {window_attempts} attempts"
        self._started_at = clock()
        self._requests = _Requests()
        self._groups = groups
        self._joined = dict.fromkeys(groups, NOTHING_KNOWN)

    def started(self, endpoint: str) -> None:
        """An attempt begins."""
        cell = self._cells[endpoint]
        with cell.lock:
            cell.in_flight += 1

    def ended(self, endpoint: str, outcome: Outcome, elapsed_s: float) -> None:
        """An attempt ended as `outcome` after `elapsed_s` seconds."""
        cell = self._cells[endpoint]
        elapsed_ns = round(elapsed_s * NS)
        now = self._clock()
        with cell.lock:
            if cell.in_flight:
                cell.in_flight -= 1
            if outcome is Outcome.SUCCESS:
                cell.successes.add(elapsed_ns)
            elif outcome is Outcome.FAILURE:
                cell.failures.add(elapsed_ns)
            else:
                cell.not_counted += 1
            cell.window.attempts.append((now, outcome, elapsed_ns))

    def first_text(self, endpoint: str, elapsed_s: float) -> None:
        """The first text of a stream came after `elapsed_s` seconds."""
        cell = self._cells[endpoint]
        now = self._clock()
        with cell.lock:
            cell.window.firsts.append((now, round(elapsed_s * NS)))

    def judged(self, endpoint: str, confidence: float) -> None:
        """A candidate of the endpoint was given a confidence.

        One that is no finite number is counted as 0 and in `non_finite_scores` (E-09).
        """
        cell = self._cells[endpoint]
        if not isfinite(confidence):
            confidence = 0.0
            with self._requests.lock:
                self._requests.non_finite_scores += 1
        billionths = round(confidence * NS)
        now = self._clock()
        with cell.lock:
            cell.judged += 1
            cell.confidence += billionths
            cell.window.scores.append((now, billionths))

    def finished(
        self, *, ok: bool, attempts: int, fallback_used: bool, fallback_exhausted: bool
    ) -> None:
        """A request ended after `attempts` calls to endpoints (E-05)."""
        requests = self._requests
        with requests.lock:
            requests.requests += 1
            requests.succeeded += ok
            requests.attempts += attempts
            requests.fallback_used += fallback_used
            requests.fallback_exhausted += fallback_exhausted

    def typical(self, endpoint: str) -> float | None:
        """Median seconds of the successes in the window; None while there are too few."""
        return self.expected(endpoint, self._clock()).typical

    def typical_first(self, endpoint: str) -> float | None:
        """Median seconds to the first text of the streams in the window, or None."""
        return self.expected(endpoint, self._clock()).typical_first

    def delay(self, endpoint: str, *, streamed: bool) -> float | None:
        """Seconds in which all but one in twenty are done, or have their first text; or None."""
        expected = self.expected(endpoint, self._clock())
        return expected.late_first if streamed else expected.late

    def read(self) -> FleetMetrics:
        """Copy all counters. A lock is held while one endpoint's numbers are copied, no longer."""
        now = self._clock()
        requests = self._requests
        with requests.lock:
            ensemble = EnsembleCounters(
                requests=requests.requests,
                succeeded=requests.succeeded,
                failed=requests.requests - requests.succeeded,
                attempts=requests.attempts,
                fallback_used=requests.fallback_used,
                fallback_exhausted=requests.fallback_exhausted,
                non_finite_scores=requests.non_finite_scores,
            )
        endpoints = tuple(self._read(name, cell, now) for name, cell in self._cells.items())
        return FleetMetrics(ensemble, endpoints, now - self._started_at)

    def expected(self, endpoint: str, now: float) -> Expected:
        """What to expect of an endpoint or a group at `now`, at most a second old."""
        cell = self._cells.get(endpoint)
        expected = self._joined[endpoint] if cell is None else cell.expected
        if now < expected.stale_at:
            return expected
        if cell is None:
            members = (self.expected(member, now) for member in self._groups[endpoint])
            expected = self._joined[endpoint] = joined(members, now)
            return expected
        with cell.lock:
            attempts, firsts = tuple(cell.window.attempts), tuple(cell.window.firsts)
        expected = cell.expected = expected_of(attempts, firsts, now - self._window_s, now)
        return expected

    def lately(self, endpoint: str, now: float) -> Lately:
        """How an endpoint, or a group as a whole, did over the window, at most a second ago."""
        cell = self._cells.get(endpoint)
        if cell is None:
            return together(self.lately(member, now) for member in self._groups[endpoint])
        if now >= cell.lately.stale_at:
            with cell.lock:
                attempts, scores = tuple(cell.window.attempts), tuple(cell.window.scores)
            cell.lately = lately_of(attempts, scores, now - self._window_s, now)
        return cell.lately

    def _read(self, name: str, cell: _Cell, now: float) -> EndpointMetrics:
        with cell.lock:
            in_flight = cell.in_flight
            successes, failures = cell.successes.copy(), cell.failures.copy()
            not_counted = cell.not_counted
            judged, confidence = cell.judged, cell.confidence
            attempts, scores = tuple(cell.window.attempts), tuple(cell.window.scores)
        lifetime = EndpointCounters(
            span=LIFETIME,
            successes=successes.count,
            failures=failures.count,
            not_counted=not_counted,
            success_latency=successes.stats(),
            failure_latency=failures.stats(),
            mean_confidence=confidence / judged / NS if judged else 0.0,
            judged=judged,
        )
        window = counters(self._window_span, now - self._window_s, attempts, scores)
        return EndpointMetrics(name, lifetime, window, in_flight)
