"""Per-model metrics: M-01 to M-05, E-05, E-09."""

from __future__ import annotations

import math
import random
from bisect import bisect
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from threading import Barrier

import pytest

from gateway.core.outcome import Outcome
from gateway.state.fleet import Fleet
from gateway.state.metrics import (
    NO_LATENCY,
    EndpointCounters,
    EndpointMetrics,
    EnsembleCounters,
    LatencyStats,
)
from tests.fakes.ticks import Ticks

OK, FAILED, NEITHER = Outcome.SUCCESS, Outcome.FAILURE, Outcome.NOT_COUNTED


def fleet_of(*names: str, window_attempts: int = 256) -> tuple[Fleet, Ticks]:
    clock = Ticks()
    return Fleet(names or ("a",), clock, window_attempts=window_attempts), clock


def only(fleet: Fleet) -> EndpointMetrics:
    (metrics,) = fleet.read().endpoints
    return metrics


def both(fleet: Fleet) -> tuple[EndpointCounters, EndpointCounters]:
    metrics = only(fleet)
    return metrics.lifetime, metrics.window


def record(fleet: Fleet, outcome: Outcome, elapsed_s: float = 0.1, times: int = 1) -> None:
    for _ in range(times):
        fleet.started("a")
        fleet.ended("a", outcome, elapsed_s)


def test_nothing_counted_is_zero_everywhere() -> None:
    fleet, _ = fleet_of()
    assert fleet.read().ensemble == EnsembleCounters()
    for counters in both(fleet):
        assert counters.attempts == 0
        assert counters.success_rate == 0.0
        assert counters.mean_confidence == 0.0
        assert counters.success_latency == counters.failure_latency == NO_LATENCY


def test_seven_of_ten_is_a_rate_of_seven_tenths() -> None:
    fleet, _ = fleet_of()
    record(fleet, OK, times=7)
    record(fleet, FAILED, times=3)
    for counters in both(fleet):
        assert counters.success_rate == 0.7
        assert (counters.attempts, counters.successes, counters.failures) == (10, 7, 3)


def test_five_hundred_milliseconds_over_five_is_a_mean_of_one_hundred() -> None:
    fleet, _ = fleet_of()
    for elapsed_ms in (20, 180, 100, 50, 150):
        record(fleet, OK, elapsed_ms / 1000)
    for counters in both(fleet):
        assert counters.success_latency.count == 5
        assert counters.success_latency.sum == 0.5
        assert counters.success_latency.mean == 0.1


def test_failing_endpoints_do_not_look_fast() -> None:
    """Regression of M-03: success time was divided by all requests, so failures lowered it."""

    def defective(success_s: float, requests: int) -> float:
        return success_s / requests

    fleet, _ = fleet_of()
    record(fleet, OK, 1.0)
    record(fleet, FAILED, 3.0, times=9)
    assert defective(1.0, 10) == 0.1
    for counters in both(fleet):
        assert counters.success_latency.mean == 1.0
        assert counters.failure_latency.mean == 3.0
        assert counters.failure_latency.count == 9


def test_what_is_nobody_s_fault_is_in_no_rate_and_no_latency() -> None:
    fleet, _ = fleet_of()
    record(fleet, OK)
    record(fleet, NEITHER, 99.0, times=5)
    for counters in both(fleet):
        assert counters.success_rate == 1.0
        assert counters.not_counted == 5
        assert counters.attempts == 6
        assert counters.success_latency.count == 1
        assert counters.failure_latency == NO_LATENCY


def test_the_window_forgets_and_the_lifetime_does_not() -> None:
    """Regression of M-04: a running mean never forgets a bad hour."""

    def defective(successes: int, attempts: int) -> float:
        return successes / attempts

    fleet, clock = fleet_of()
    record(fleet, FAILED, times=90)
    fleet.judged("a", 0.1)
    clock.move(301)
    record(fleet, OK, times=10)
    fleet.judged("a", 0.9)
    lifetime, window = both(fleet)
    assert defective(10, 100) == lifetime.success_rate == 0.1
    assert lifetime.mean_confidence == 0.5
    assert window.success_rate == 1.0
    assert window.mean_confidence == 0.9
    assert (lifetime.judged, window.judged) == (2, 1)


def test_the_window_is_bounded_in_time_and_in_number() -> None:
    fleet, clock = fleet_of(window_attempts=4)
    record(fleet, FAILED, times=3)
    record(fleet, OK, times=3)
    assert only(fleet).window.attempts == 4
    assert only(fleet).window.failures == 1
    clock.move(300)
    assert only(fleet).window.attempts == 4
    clock.move(0.001)
    assert only(fleet).window.attempts == 0
    assert only(fleet).lifetime.attempts == 6
    for index in range(9):
        fleet.judged("a", index / 10)
    assert only(fleet).window.judged == 4
    assert only(fleet).window.mean_confidence == 0.65


def test_both_spans_say_what_they_are() -> None:
    lifetime, window = both(fleet_of()[0])
    assert lifetime.span == "lifetime"
    assert window.span == "last 300 s, at most 256 attempts"


def test_quantiles_of_the_window_are_exact() -> None:
    fleet, _ = fleet_of()
    for elapsed_ms in range(200, 0, -1):
        record(fleet, OK, elapsed_ms / 1000)
    latency = only(fleet).window.success_latency
    assert latency == LatencyStats(200, 20.1, 0.1005, 0.1, 0.19, 0.198)
    one, _ = fleet_of()
    record(one, FAILED, 0.25)
    assert only(one).window.failure_latency == LatencyStats(1, 0.25, 0.25, 0.25, 0.25, 0.25)


def test_quantiles_of_the_lifetime_are_close() -> None:
    fleet, _ = fleet_of()
    times = [elapsed_ms / 1000 for elapsed_ms in range(1, 10_001)]
    random.Random(7).shuffle(times)
    for elapsed_s in times:
        record(fleet, OK, elapsed_s)
    latency = only(fleet).lifetime.success_latency
    assert latency.count == 10_000
    assert latency.sum == 50_005.0
    assert latency.p50 == pytest.approx(5.0, rel=0.01)
    assert latency.p95 == pytest.approx(9.5, rel=0.002)
    assert latency.p99 == pytest.approx(9.9, rel=0.002)


@pytest.mark.parametrize("seed", range(20))
def test_quantiles_of_the_lifetime_rise(seed: int) -> None:
    """The digest's own interpolation gave smaller values for larger ranks."""
    fleet, _ = fleet_of()
    draw = random.Random(seed)
    times = sorted(draw.lognormvariate(-1, 1) for _ in range(2000))
    for elapsed_s in draw.sample(times, len(times)):
        record(fleet, OK, elapsed_s)
    latency = only(fleet).lifetime.success_latency
    assert latency.p50 <= latency.p95 <= latency.p99
    for value, rank in ((latency.p50, 0.5), (latency.p95, 0.95), (latency.p99, 0.99)):
        assert bisect(times, value) / len(times) == pytest.approx(rank, abs=0.006)


def test_one_time_is_every_quantile_of_the_lifetime() -> None:
    fleet, _ = fleet_of()
    record(fleet, OK, 0.25)
    assert only(fleet).lifetime.success_latency == LatencyStats(1, 0.25, 0.25, 0.25, 0.25, 0.25)


def test_attempts_in_flight() -> None:
    fleet, _ = fleet_of()
    fleet.started("a")
    fleet.started("a")
    assert only(fleet).in_flight == 2
    fleet.ended("a", NEITHER, 0.1)
    assert only(fleet).in_flight == 1
    fleet.ended("a", OK, 0.1)
    fleet.ended("a", OK, 0.1)
    assert only(fleet).in_flight == 0


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_counts_as_zero_and_is_counted(score: float) -> None:
    """Regression of E-09: a NaN compares as equal to everything and spoils every mean."""

    def defective(scores: list[float]) -> float:
        return sum(scores) / len(scores)

    fleet, _ = fleet_of()
    fleet.judged("a", 1.0)
    fleet.judged("a", score)
    assert not math.isfinite(defective([1.0, score]))
    for counters in both(fleet):
        assert counters.mean_confidence == 0.5
        assert counters.judged == 2
    assert fleet.read().ensemble.non_finite_scores == 1


def test_a_fallback_that_succeeds_is_counted() -> None:
    """Regression of E-05: only a failing attempt that was not the first raised the counter."""

    def defective(attempts: list[bool]) -> tuple[int, int]:
        fallbacks = sum(not ok for ok in attempts[1:])
        return len(attempts), fallbacks

    fleet, _ = fleet_of()
    fleet.finished(ok=True, attempts=2, fallback_used=True, fallback_exhausted=False)
    assert defective([False, True]) == (2, 0)  # two "requests", no fallback
    assert fleet.read().ensemble == EnsembleCounters(
        requests=1, succeeded=1, attempts=2, fallback_used=1
    )


def test_requests_attempts_and_exhausted_chains_are_counted_apart() -> None:
    fleet, _ = fleet_of()
    fleet.finished(ok=True, attempts=1, fallback_used=False, fallback_exhausted=False)
    fleet.finished(ok=False, attempts=3, fallback_used=True, fallback_exhausted=True)
    fleet.finished(ok=False, attempts=0, fallback_used=False, fallback_exhausted=False)
    assert fleet.read().ensemble == EnsembleCounters(
        requests=3, succeeded=1, failed=2, attempts=4, fallback_used=1, fallback_exhausted=1
    )


def test_endpoints_are_apart_and_listed_by_name() -> None:
    fleet, clock = fleet_of("b", "a", "b")
    record(fleet, OK)
    clock.move(2.5)
    metrics = fleet.read()
    assert [one.endpoint for one in metrics.endpoints] == ["a", "b"]
    assert [one.lifetime.attempts for one in metrics.endpoints] == [1, 0]
    assert metrics.uptime == 2.5


def test_readers_get_copies() -> None:
    """Regression of M-01: the accessor handed out the live state."""
    fleet, _ = fleet_of()
    record(fleet, OK)
    before = fleet.read()
    record(fleet, FAILED)
    fleet.finished(ok=True, attempts=1, fallback_used=False, fallback_exhausted=False)
    assert before.endpoints[0].lifetime.attempts == 1
    assert before.endpoints[0].window.attempts == 1
    assert before.ensemble.requests == 0
    with pytest.raises(FrozenInstanceError):
        before.endpoints[0].in_flight = 3


def test_an_unknown_endpoint_is_a_bug_and_said_so() -> None:
    fleet, _ = fleet_of()
    for call in (
        lambda: fleet.started("x"),
        lambda: fleet.ended("x", OK, 0.1),
        lambda: fleet.judged("x", 0.5),
    ):
        with pytest.raises(KeyError, match="x"):
            call()
    assert only(fleet).lifetime.attempts == 0


def test_sums_of_many_threads_are_exact() -> None:
    """M-05. A sum of these times in binary fractions would depend on the order of addition."""
    threads, rounds = 8, 2500
    fleet, _ = fleet_of("a", "b")
    together = Barrier(threads + 1)

    def write(seed: int) -> None:
        together.wait()
        for index in range(rounds):
            name = "ab"[index % 2]
            fleet.started(name)
            fleet.ended(name, (OK, FAILED, NEITHER)[index % 3], 0.1 + seed / 1e9)
            fleet.judged(name, 0.1)
            fleet.finished(
                ok=index % 2 == 0,
                attempts=2,
                fallback_used=index % 5 == 0,
                fallback_exhausted=index % 10 == 0,
            )

    def read() -> None:
        together.wait()
        for _ in range(200):
            for metrics in fleet.read().endpoints:
                counted = metrics.lifetime.success_latency.count
                assert counted == metrics.lifetime.successes

    with ThreadPoolExecutor(threads + 1) as pool:
        for done in [pool.submit(read), *(pool.submit(write, seed) for seed in range(threads))]:
            done.result()
    total = threads * rounds
    metrics = fleet.read()
    assert metrics.ensemble == EnsembleCounters(
        requests=total,
        succeeded=total // 2,
        failed=total // 2,
        attempts=2 * total,
        fallback_used=total // 5,
        fallback_exhausted=total // 10,
    )
    lifetimes = [one.lifetime for one in metrics.endpoints]
    successes = sum(index % 3 == 0 for index in range(rounds))
    assert sum(one.attempts for one in lifetimes) == total
    assert sum(one.successes for one in lifetimes) == threads * successes
    expected_ns = successes * sum(100_000_000 + seed for seed in range(threads))
    assert sum(round(one.success_latency.sum * 1e9) for one in lifetimes) == expected_ns
    assert [one.in_flight for one in metrics.endpoints] == [0, 0]
    assert [one.mean_confidence for one in lifetimes] == [0.1, 0.1]
    assert [one.window.attempts for one in metrics.endpoints] == [256, 256]
