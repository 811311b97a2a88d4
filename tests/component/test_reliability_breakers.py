"""An endpoint that fails too often is left alone, and called again when it may work again."""

from __future__ import annotations

import asyncio
import logging

import grpc
import pytest
from ensemble.v1 import admin_service_pb2 as admin

from tests.fakes.gateways import failure
from tests.fakes.script import Failure, Script
from tests.fakes.served import Served, events_of, shown

BREAKER = {"minimum_calls": 5, "open_s": 60.0, "permits": 2}
SKIPPED = [("a", "BREAKER_OPEN"), ("b", "OK")]


def failing(failure: Failure = Failure.BROKEN, **settings: object) -> Served:
    """An endpoint that fails, and one that answers."""
    return Served(Script(failure=failure), Script(), breaker=BREAKER, **settings)


async def open_it(served: Served) -> None:
    """Fail as often as it takes."""
    for _ in range(BREAKER["minimum_calls"]):
        assert shown((await served.generate()).attempts)[0] == ("a", "UPSTREAM_ERROR")


async def test_an_open_breaker_is_skipped_without_a_call() -> None:
    async with failing() as served:
        await open_it(served)
        answer = await served.generate()
        assert shown(answer.attempts) == SKIPPED
        assert [one.status for one in answer.attempts] == [6, 1]
        assert "endpoint 'a': its circuit breaker is open for another" in answer.attempts[0].detail
        events = await events_of(served.stream())
        assert shown(events[-1].done.attempts) == SKIPPED
        assert events[1].attempt_failed.attempt.reason == "BREAKER_OPEN"
        counted = await served.counters()
        assert served.asked() == [5, 7]
    # A skipped attempt is no call.
    assert (counted.requests, counted.attempts) == (7, 12)


async def test_operators_see_the_state_and_what_opened_it() -> None:
    async with failing() as served:
        before = await served.state("a")
        assert before.breaker == admin.BREAKER_STATE_CLOSED
        assert (before.failure_rate, before.not_permitted) == (-1, 0)
        await open_it(served)
        await served.generate()
        after, other = await served.state("a"), await served.state("b")
    assert after.breaker == admin.BREAKER_STATE_OPEN
    assert (after.failure_rate, after.slow_rate, after.not_permitted) == (1.0, 0.0, 1)
    assert other.breaker == admin.BREAKER_STATE_CLOSED
    assert (other.failure_rate, other.slow_rate) == (0.0, 0.0)


async def test_below_the_threshold_it_stays_closed() -> None:
    async with failing() as served:
        model = served.models[0]
        for number in range(15):
            model.script = Script(failure=Failure.BROKEN if number % 3 == 0 else None)
            await served.generate()
        state = await served.state("a")
        assert served.asked()[0] == 15
    assert state.breaker == admin.BREAKER_STATE_CLOSED
    assert state.failure_rate == pytest.approx(1 / 3)


async def test_with_every_breaker_open_the_caller_is_told_when_to_come_back() -> None:
    async with Served(Script(failure=Failure.BROKEN), breaker=BREAKER) as served:
        for _ in range(5):
            await failure(served.generate())
        failed = await failure(served.generate())
        assert served.asked() == [5]
    assert failed.code is grpc.StatusCode.UNAVAILABLE
    assert failed.reason == "ALL_ENDPOINTS_FAILED"
    assert [(one.endpoint, one.reason) for one in failed.attempts] == [("a", "BREAKER_OPEN")]
    wait_s = failed.details["RetryInfo"].retry_delay.ToMilliseconds() / 1000
    assert 50 < wait_s <= 60


@pytest.mark.parametrize("fault", [Failure.INVALID, Failure.DENIED, Failure.UNKNOWN_MODEL])
async def test_a_storm_of_caller_faults_opens_none(fault: Failure) -> None:
    scripts = Script(failure=fault), Script(failure=fault)
    async with Served(*scripts, breaker=BREAKER) as served:
        storm = await asyncio.gather(*(failure(served.generate()) for _ in range(200)))
        states = [await served.state(name) for name in "ab"]
        assert served.asked() == [200, 200]
        served.models[0].script = Script()
        assert (await served.generate()).endpoint == "a"
    assert len({failed.code for failed in storm}) == 1
    for state in states:
        assert state.breaker == admin.BREAKER_STATE_CLOSED
        assert (state.failure_rate, state.not_permitted) == (-1, 0)


async def test_callers_who_leave_open_none() -> None:
    async with Served(Script(hang=True), breaker=BREAKER) as served:
        for number in range(8):
            call = served.generate()
            await served.models[0].witness.called(number + 1)
            call.cancel()
        await served.until(lambda now: now.requests == 8)
        state = await served.state("a")
    assert (state.breaker, state.failure_rate) == (admin.BREAKER_STATE_CLOSED, -1)


async def test_undraining_closes_it() -> None:
    async with failing() as served:
        await open_it(served)
        await served.drain("a")
        assert (await served.state("a")).breaker == admin.BREAKER_STATE_OPEN
        served.models[0].script = Script()
        await served.undrain("a")
        state = await served.state("a")
        assert (state.breaker, state.failure_rate) == (admin.BREAKER_STATE_CLOSED, -1)
        assert (await served.generate()).endpoint == "a"
        assert served.asked()[0] == 6


async def test_after_its_time_it_lets_calls_try_and_closes_when_they_work() -> None:
    async with failing() as served:
        await open_it(served)
        served.clock.ahead_s += 59
        assert shown((await served.generate()).attempts) == SKIPPED
        served.models[0].script = Script()
        served.clock.ahead_s += 1
        assert (await served.generate()).endpoint == "a"
        assert (await served.state("a")).breaker == admin.BREAKER_STATE_HALF_OPEN
        assert (await served.generate()).endpoint == "a"
        assert (await served.state("a")).breaker == admin.BREAKER_STATE_CLOSED


async def test_trials_that_fail_open_it_again() -> None:
    async with failing() as served:
        await open_it(served)
        served.clock.ahead_s += 60
        for _ in range(2):
            assert shown((await served.generate()).attempts)[0] == ("a", "UPSTREAM_ERROR")
        assert (await served.state("a")).breaker == admin.BREAKER_STATE_OPEN
        assert shown((await served.generate()).attempts) == SKIPPED
        assert served.asked()[0] == 7


async def test_of_many_calls_at_once_only_the_trials_pass() -> None:
    async with failing() as served:
        await open_it(served)
        served.clock.ahead_s += 60
        given = await asyncio.gather(*(served.generate() for _ in range(50)))
        assert served.asked()[0] == 7
    skipped = [answer for answer in given if shown(answer.attempts) == SKIPPED]
    assert len(skipped) == 48


async def test_forced_open_is_never_called() -> None:
    endpoint = [{"breaker": "forced_open"}, {}]
    async with Served(Script(), Script(), endpoint=endpoint, breaker=BREAKER) as served:
        served.clock.ahead_s += 3600
        await served.drain("a")
        await served.undrain("a")
        assert shown((await served.generate()).attempts) == SKIPPED
        state = await served.state("a")
        assert served.asked() == [0, 1]
    assert (state.breaker, state.not_permitted) == (admin.BREAKER_STATE_FORCED_OPEN, 1)


@pytest.mark.parametrize(
    ("mode", "state", "rate"),
    [
        ("disabled", admin.BREAKER_STATE_DISABLED, -1),
        ("metrics_only", admin.BREAKER_STATE_METRICS_ONLY, 1),
    ],
)
async def test_an_operator_may_have_every_call_pass(mode: str, state: int, rate: float) -> None:
    async with failing(endpoint=[{"breaker": mode}, {}]) as served:
        for _ in range(8):
            await served.generate()
        told = await served.state("a")
        assert served.asked()[0] == 8
    assert (told.breaker, told.failure_rate) == (state, rate)


async def test_a_log_line_tells_of_each_change(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "gateway.parts")
    async with failing() as served:
        await open_it(served)
        await served.undrain("a")
    said = [
        (
            record.message,
            record.__dict__["endpoint"],
            record.__dict__["from"],
            record.__dict__["to"],
        )
        for record in caplog.records
        if record.name == "gateway.parts"
    ]
    assert said == [
        ("circuit breaker changed", "a", "closed", "open"),
        ("circuit breaker changed", "a", "open", "closed"),
    ]


async def test_best_of_n_goes_on_with_those_whose_breaker_is_closed() -> None:
    async with failing() as served:
        await open_it(served)
        answer = await served.generate(strategy="STRATEGY_BEST_OF_N", n=2)
        assert answer.endpoint == "b"
        assert served.asked()[0] == 5
