from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.state.throttle import Throttle, ThrottleSettings
from tests.fakes.values import unavailable


def throttle(max_tokens: int = 10, token_ratio: float = 0.1) -> Throttle:
    return Throttle(ThrottleSettings(max_tokens, token_ratio))


def failing(tokens: Throttle, times: int) -> Throttle:
    for _ in range(times):
        tokens.failed(unavailable())
    return tokens


def fault(kind: Kind, origin: Origin, reason: Reason, *, retryable: bool = False) -> Fault:
    return Fault(kind, origin, reason, "words", retryable=retryable)


def test_a6_throttle_starts_full_and_a_failure_takes_one_token() -> None:
    tokens = throttle()
    assert tokens.tokens == 10
    assert failing(tokens, 3).tokens == 7


def test_a6_throttle_gives_the_ratio_back_for_a_success_and_never_more_than_the_maximum() -> None:
    tokens = failing(throttle(), 1)
    tokens.succeeded()
    assert tokens.tokens == 9.1
    for _ in range(20):
        tokens.succeeded()
    assert tokens.tokens == 10


def test_a6_throttle_never_falls_below_none() -> None:
    assert failing(throttle(), 15).tokens == 0


@pytest.mark.parametrize(("max_tokens", "failures"), [(10, 5), (9, 5), (1000, 500), (1, 1)])
def test_a6_throttle_refuses_at_half_of_the_tokens_and_below(max_tokens, failures) -> None:
    tokens = failing(throttle(max_tokens), failures - 1)
    assert tokens.allows()
    assert not failing(tokens, 1).allows()


def test_a6_throttle_allows_again_as_soon_as_it_is_above_half() -> None:
    tokens = failing(throttle(), 5)
    tokens.succeeded()
    assert tokens.tokens == 5.1
    assert tokens.allows()


def test_a6_throttle_ratio_has_three_decimals_counted_exactly() -> None:
    """Added up in binary, ten times 0.1 is less than 1: the retry would come one success late."""
    assert sum([0.1] * 10) < 1
    tokens = failing(throttle(10, 0.001), 6)
    for _ in range(1000):
        assert not tokens.allows()
        tokens.succeeded()
    assert tokens.tokens == 5
    tokens.succeeded()
    assert tokens.allows()


@pytest.mark.parametrize(("ratio", "gain"), [(0.57, 570), (0.5466, 546), (1e-3, 1), (10, 10_000)])
def test_a6_throttle_ratio_drops_the_decimals_beyond_the_third(ratio, gain) -> None:
    assert ThrottleSettings(token_ratio=ratio).gain == gain


def test_a6_throttle_counts_retryable_faults_and_those_that_ask_for_no_retry() -> None:
    counted = (
        unavailable(),
        fault(Kind.UNAVAILABLE, Origin.UPSTREAM, Reason.UPSTREAM_UNAVAILABLE),
        fault(Kind.EXHAUSTED, Origin.UPSTREAM, Reason.UPSTREAM_OVERLOADED),
        fault(Kind.EXHAUSTED, Origin.UPSTREAM, Reason.UPSTREAM_OVERLOADED, retryable=True),
    )
    for one in counted:
        tokens = throttle()
        tokens.failed(one)
        assert tokens.tokens == 9


def test_a6_throttle_ignores_malformed_requests_and_refusals_of_ours() -> None:
    ignored = (
        fault(Kind.INVALID, Origin.CALLER, Reason.UPSTREAM_REFUSED_REQUEST),
        fault(Kind.UNAVAILABLE, Origin.UPSTREAM, Reason.UPSTREAM_ERROR),
        fault(Kind.UNAVAILABLE, Origin.US, Reason.BREAKER_OPEN),
        fault(Kind.EXHAUSTED, Origin.CALLER, Reason.BUDGET_EXHAUSTED),
    )
    tokens = throttle()
    for one in ignored:
        tokens.failed(one)
    assert tokens.tokens == 10


def test_a6_transparent_retries_do_not_count_a_call_that_never_left_us() -> None:
    tokens = throttle()
    tokens.failed(
        fault(Kind.UNAVAILABLE, Origin.UPSTREAM, Reason.UPSTREAM_UNREACHABLE, retryable=True)
    )
    assert tokens.tokens == 10


def test_failures_not_counted_yet_can_be_asked_for() -> None:
    tokens = failing(throttle(), 4)
    assert tokens.allows()
    assert not tokens.allows(1)
    assert tokens.tokens == 6


def test_retries_are_counted() -> None:
    tokens = throttle()
    tokens.retried()
    tokens.retried()
    assert tokens.retries == 2


def test_no_count_is_lost_between_threads() -> None:
    tokens, begin = throttle(1000, 0.001), threading.Barrier(4)

    def work() -> None:
        begin.wait()
        for _ in range(100):
            tokens.failed(unavailable())
            tokens.succeeded()
            tokens.retried()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work) for _ in range(4)]:
            done.result()
    # Each success follows a failure, so none of them found the tokens full.
    assert tokens.tokens == pytest.approx(1000 - 400 + 0.4)
    assert tokens.retries == 400


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1001}, "max_tokens"),
        ({"token_ratio": 0.0}, "token_ratio"),
        ({"token_ratio": 0.0009}, "token_ratio"),
        ({"token_ratio": float("nan")}, "token_ratio"),
        ({"token_ratio": float("inf")}, "token_ratio"),
    ],
)
def test_settings_that_cannot_be_followed_are_named(settings, name) -> None:
    with pytest.raises(ValueError, match=name):
        ThrottleSettings(**settings)
