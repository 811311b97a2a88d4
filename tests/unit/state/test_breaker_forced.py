from __future__ import annotations

import pytest

from gateway.core.machine import targets
from gateway.state.breaker import (
    CLOSED,
    DISABLED,
    FORCED_OPEN,
    HALF_OPEN,
    METRICS_ONLY,
    OPEN,
    TRANSITIONS,
    Breaker,
    BreakerSettings,
    BreakerState,
)
from tests.fakes.breaker_case import Case, F, S


def test_r4j_forced_open_refuses_for_good() -> None:
    case = Case()
    case.breaker.force(FORCED_OPEN, case.now)
    assert case.acquire() == 0
    case.now += 1e6
    assert case.acquire() == 0
    assert case.state is FORCED_OPEN
    assert case.breaker.retry_after(case.now) is None
    assert (case.reading.not_permitted, case.reading.failure_rate) == (2, -1)


def test_r4j_disabled_passes_every_call_and_counts_none() -> None:
    case = Case()
    case.breaker.force(DISABLED, case.now)
    case.calls(*[F] * 50)
    assert case.state is DISABLED
    assert (case.reading.calls, case.reading.failure_rate) == (0, -1)


@pytest.mark.parametrize("state", [DISABLED, METRICS_ONLY, FORCED_OPEN])
def test_a_state_set_by_an_operator_begins_with_empty_metrics(state: BreakerState) -> None:
    case = Case()
    case.calls(F, F, S, S, S)
    case.breaker.force(state, case.now)
    assert (case.reading.calls, case.reading.failure_rate) == (0, -1)


def test_a_call_started_while_disabled_counts_nowhere_later() -> None:
    case = Case()
    case.breaker.force(DISABLED, case.now)
    permit = case.acquire()
    case.breaker.reset()
    case.end(permit, F)
    assert case.reading.calls == 0


def test_r4j_metrics_only_passes_and_counts_every_call() -> None:
    case = Case()
    case.breaker.force(METRICS_ONLY, case.now)
    case.calls(*[F] * 50)
    assert case.state is METRICS_ONLY
    assert (case.reading.calls, case.reading.failure_rate) == (50, 1)


@pytest.mark.parametrize("state", list(BreakerState))
def test_r4j_reset_closes_from_everywhere_with_counters_at_zero(state: BreakerState) -> None:
    case = Case()
    case.calls(F, F)
    if state is HALF_OPEN:
        case.half_open()
    elif state is not CLOSED:
        case.breaker.force(state, case.now)
    case.admitted(10)
    before = len(case.changes)
    case.breaker.reset()
    reading = case.reading
    assert (reading.state, reading.calls, reading.not_permitted) == (CLOSED, 0, 0)
    assert reading.failure_rate == -1
    told = [] if state is CLOSED else [("alpha", state, "closed")]
    assert case.changes[before:] == told
    case.calls(F, F, F, F, F)
    assert case.state is OPEN


@pytest.mark.parametrize("source", list(BreakerState))
@pytest.mark.parametrize("target", list(BreakerState))
def test_every_forced_change_is_in_the_table_or_refused(
    source: BreakerState, target: BreakerState
) -> None:
    case = Case()
    if source is HALF_OPEN:
        case.half_open()
    elif source is not CLOSED:
        case.breaker.force(source, case.now)
    if (source, f"set_{target}") in targets(TRANSITIONS):
        case.breaker.force(target, case.now)
        assert case.state is target
    else:
        with pytest.raises(ValueError, match=f"is {source}, from where there is no set_{target}"):
            case.breaker.force(target, case.now)
        assert case.state is source


def test_a_refused_change_still_tells_of_what_its_time_brought() -> None:
    case = Case(half_open_max_s=3)
    case.half_open()
    case.now += 3
    before = len(case.changes)
    with pytest.raises(ValueError, match="is open"):
        case.breaker.force(OPEN, case.now)
    assert case.acquire() == 0
    assert case.changes[before:] == [("alpha", "half_open", "open")]


def test_a_breaker_needs_no_listener_and_the_listener_may_read_the_breaker() -> None:
    silent = Breaker("beta", BreakerSettings(minimum_calls=1))
    silent.record(silent.acquire(0), F, 0, 0)
    assert silent.state is OPEN
    seen: list[BreakerState] = []
    loud = Breaker(
        "gamma", BreakerSettings(minimum_calls=1), lambda *_: seen.append(loud.read(0).state)
    )
    loud.record(loud.acquire(0), F, 0, 0)
    assert seen == [OPEN]
