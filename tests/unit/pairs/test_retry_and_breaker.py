"""The pair retry + breaker: each try is a call of its own, and a refusal is no reason to try."""

from __future__ import annotations

import asyncio

import pytest

from gateway.core.faults import Reason
from gateway.state.breaker import BreakerState
from tests.fakes.scripted import HANG, refused_as_invalid
from tests.fakes.stacks import Stacks
from tests.fakes.values import unavailable

FAILS = (unavailable(),)
ANSWERS = ("ok",)
SMALL = {"minimum_calls": 2, "window_size": 4, "open_s": 5.0, "permits": 2}
"""A breaker that opens with the second failure, and needs two calls to close."""
FIVE = {"max_tries": 5, "budget_tokens": 100}
ONCE = {"max_tries": 1}


def test_each_try_is_a_call_for_the_breaker() -> None:
    stacks = Stacks({"a": [FAILS, FAILS, ANSWERS]}, breaker={"minimum_calls": 3})
    assert stacks.one().text == "ok"
    reading = stacks.breaker("a").read(stacks.clock.now)
    assert (reading.calls, reading.failure_rate) == (3, pytest.approx(2 / 3))


@pytest.mark.parametrize("stream", [False, True])
def test_a_breaker_that_opens_amid_the_tries_ends_them_and_the_walk_goes_on(stream) -> None:
    stacks = Stacks({"a": [FAILS], "b": [ANSWERS]}, breaker=SMALL, retry=FIVE)
    ended = stacks.one(stream=stream)
    assert ended.text == "ok"
    assert stacks.calls() == ["a", "a", "b"]
    assert ended.tries == [("a", "failed"), ("a", "failed"), ("b", "ok")]
    assert ended.took < 1
    assert stacks.parts.counters().retries == 1


WAITS = {"minimum_calls": 1, "window_size": 1}
"""A breaker that opens with the first failure."""


def test_a_wait_asked_for_is_not_served_for_an_endpoint_whose_breaker_the_fault_opened() -> None:
    """Regression: the fallback answered after 2 s, and a try that was refused was a retry."""
    scripts = {"a": [(unavailable(retry_after_s=2.0),)], "b": [ANSWERS]}
    stacks = Stacks(scripts, breaker=WAITS)
    ended = stacks.one()
    assert (ended.tries, ended.took) == ([("a", "failed"), ("b", "ok")], 0.0)
    assert stacks.parts.counters().retries == 0


def test_the_last_endpoint_whose_breaker_the_fault_opened_ends_the_request_at_once() -> None:
    ended = Stacks({"a": [(unavailable(retry_after_s=2.0),)]}, breaker=WAITS).one()
    assert ended.fault is not None
    assert (ended.fault.retry_after_s, ended.took) == (2.0, 0.0)


@pytest.mark.parametrize("state", [{"breaker": "forced_open"}, {"drained": True}])
def test_a_group_is_waited_for_only_while_a_breaker_of_it_lets_a_call_pass(state) -> None:
    scripts = {"one": [(unavailable(retry_after_s=2.0),)], "two": [ANSWERS], "b": [ANSWERS]}
    pair = {"pair": ("one", "two")}
    stacks = Stacks(scripts, groups=pair, breaker=WAITS, endpoint={"two": state})
    ended = stacks.one()
    assert (ended.tries, ended.took) == ([("one", "failed"), ("b", "ok")], 0.0)


def test_a_retry_that_finds_the_breaker_opened_during_its_wait_is_not_counted() -> None:
    stacks = Stacks({"a": [FAILS, FAILS, ANSWERS], "b": [ANSWERS]}, breaker=SMALL)

    async def main() -> None:
        asking = [asyncio.create_task(stacks.ask()) for _ in range(2)]
        assert {(await one).text for one in asking} == {"ok"}

    stacks.run(main)
    # The first fault leaves the breaker closed, the second one opens it.
    assert stacks.calls() == ["a", "a", "b", "b"]
    assert stacks.parts.counters().retries == 0


def test_a_lone_endpoint_whose_breaker_opened_is_not_waited_for() -> None:
    stacks = Stacks({"a": [FAILS, FAILS, ANSWERS]}, breaker=SMALL, retry=FIVE)
    ended = stacks.one()
    assert ended.fault is not None
    assert ended.fault.reason == Reason.ALL_ENDPOINTS_FAILED
    assert (stacks.calls(), ended.took < 1) == (["a", "a"], True)
    assert ended.tries == [("a", "failed")] * 2


def test_a_refused_call_costs_no_token_of_the_throttle_and_no_attempt() -> None:
    stacks = Stacks({"a": [FAILS], "b": [ANSWERS]}, endpoint={"a": {"breaker": "forced_open"}})
    before = stacks.parts.throttles["a"].tokens

    async def main() -> None:
        for _ in range(20):
            assert (await stacks.ask()).text == "ok"

    stacks.run(main)
    assert stacks.parts.throttles["a"].tokens == before
    assert stacks.calls() == ["b"] * 20
    assert stacks.parts.fleet.read().ensemble.attempts == 20
    assert stacks.breaker("a").read(stacks.clock.now).not_permitted == 20


def test_an_open_breaker_is_passed_without_a_wait() -> None:
    stacks = Stacks({"a": [FAILS], "b": [ANSWERS]}, breaker=SMALL, retry=FIVE)

    async def main() -> None:
        await stacks.ask()
        ended = await stacks.ask()
        assert (ended.tries, ended.took) == ([("a", "skipped"), ("b", "ok")], 0.0)

    stacks.run(main)


def test_a_try_that_waits_to_be_made_again_holds_no_permit() -> None:
    """Half open with two permits: while one request backs off, another has the second."""
    script = [FAILS, FAILS, (unavailable(retry_after_s=1.0),), ANSWERS]
    stacks = Stacks({"a": script}, breaker=SMALL, retry={"max_tries": 2})

    async def main() -> None:
        await stacks.ask()
        assert stacks.breaker("a").state is BreakerState.OPEN
        await asyncio.sleep(5)
        first = asyncio.create_task(stacks.ask())
        await asyncio.sleep(0.5)
        assert stacks.breaker("a").state is BreakerState.HALF_OPEN
        second = await stacks.ask()
        assert second.text == "ok"
        # One of two trial calls failed, which is the threshold: the retry finds it open again.
        assert stacks.breaker("a").state is BreakerState.OPEN
        assert (await first).tries == [("a", "failed"), ("a", "skipped")]

    stacks.run(main)


def test_the_tries_of_one_request_are_no_more_trial_calls_than_there_are_permits() -> None:
    stacks = Stacks({"a": [FAILS], "b": [ANSWERS]}, breaker=SMALL, retry=FIVE)

    async def main() -> None:
        await stacks.ask()
        await asyncio.sleep(5)
        stacks.asked.clear()
        assert (await stacks.ask()).text == "ok"
        assert stacks.calls() == ["a", "a", "b"]
        assert stacks.breaker("a").state is BreakerState.OPEN

    stacks.run(main)


def test_a_retry_may_be_the_trial_call_that_closes_it() -> None:
    script = [FAILS, FAILS, FAILS, ANSWERS, ANSWERS]
    settings = {**SMALL, "permits": 3, "failure_share": 0.6}
    stacks = Stacks({"a": script}, breaker=settings, retry=FIVE)

    async def main() -> None:
        assert (await stacks.ask()).fault is not None
        await asyncio.sleep(5)
        assert (await stacks.ask()).tries == [("a", "failed"), ("a", "ok")]
        assert stacks.breaker("a").state is BreakerState.HALF_OPEN
        assert (await stacks.ask()).text == "ok"
        assert stacks.breaker("a").state is BreakerState.CLOSED

    stacks.run(main)


def test_trial_calls_that_count_neither_way_close_nothing_and_give_their_permits_back() -> None:
    """The caller's mistakes and its leaving say nothing about the endpoint."""
    script = [FAILS, FAILS, *[(refused_as_invalid(),)] * 3, (HANG,), ANSWERS, ANSWERS]
    stacks = Stacks({"a": script}, breaker=SMALL, retry={"max_tries": 2})
    breaker = stacks.breaker("a")

    async def main() -> None:
        await stacks.ask()
        await asyncio.sleep(5)
        for _ in range(3):
            ended = await stacks.ask()
            assert ended.tries == [("a", "failed")]
            assert breaker.state is BreakerState.HALF_OPEN
        leaving = asyncio.create_task(stacks.ask())
        await asyncio.sleep(1)
        leaving.cancel()
        await asyncio.wait([leaving])
        assert (breaker.state, breaker.read(stacks.clock.now).calls) == (BreakerState.HALF_OPEN, 0)
        assert [(await stacks.ask()).text for _ in range(2)] == ["ok", "ok"]
        assert breaker.state is BreakerState.CLOSED

    stacks.run(main)


def test_while_all_permits_are_out_others_are_refused_and_not_made_to_wait() -> None:
    script = [FAILS, FAILS, (2.0, "ok"), (2.0, "ok"), ANSWERS]
    stacks = Stacks({"a": script, "b": [("b",)]}, breaker=SMALL, retry=ONCE)

    async def main() -> None:
        await stacks.ask()
        await stacks.ask()
        await asyncio.sleep(5)
        trials = [asyncio.create_task(stacks.ask()) for _ in range(2)]
        await asyncio.sleep(1)
        others = [await stacks.ask() for _ in range(3)]
        assert [(ended.text, ended.took) for ended in others] == [("b", 0.0)] * 3
        assert [(await trial).text for trial in trials] == ["ok", "ok"]
        assert stacks.breaker("a").state is BreakerState.CLOSED

    stacks.run(main)


def test_a_storm_on_a_failing_endpoint_reaches_it_no_more_than_the_breaker_allows() -> None:
    """40 requests of 5 tries each: without the breaker they would be 200 calls."""
    stacks = Stacks({"a": [(0.1, unavailable())], "b": [ANSWERS]}, breaker=SMALL, retry=FIVE)

    async def one(number: int) -> str:
        await asyncio.sleep(number / 10)
        return (await stacks.ask()).text

    async def main() -> list[str]:
        return await asyncio.gather(*(one(number) for number in range(40)))

    assert stacks.run(main) == ["ok"] * 40
    assert stacks.calls().count("a") <= 6
