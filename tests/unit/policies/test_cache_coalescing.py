"""Requests that run at once: H-07, where identical ones were all sent on."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.core.answer import Answer
from gateway.core.events import Delta, Judged, Started
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.policies.idempotent import idempotent
from gateway.state.replays import Replays, ReplaySettings, shutting_down
from gateway.state.single_flight import SPARE_LEADERS
from tests.fakes.cached import Cached, Work, texts
from tests.fakes.stage import DECISION, VERDICT, Listener, slow, turns
from tests.fakes.values import unavailable


def failing(times: int, error: Exception | None = None) -> Work:
    """Work of a second that fails so often, and then answers."""
    left = [times]

    async def work(exchange: Exchange) -> str:
        if exchange.emit is not None:
            await exchange.emit(Started(DECISION))
            await exchange.emit(Delta("par", 0, "alpha"))
        await asyncio.sleep(1)
        left[0] -= 1
        if left[0] >= 0:
            raise error or unavailable()
        return "abc"

    return work


def test_five_hundred_at_once_make_one_call() -> None:
    """Issue 7's bar."""
    stage = Cached(slow(1))

    async def main() -> None:
        exchanges = [stage.exchange() for _ in range(500)]
        ends = await stage.ends(*exchanges)
        assert texts(ends) == ["abc"] * 500
        answers = [end for end in ends if isinstance(end, Answer)]
        assert [one.cache_age_s for one in answers] == [None] + [0.0] * 499
        assert [one.cost_micros for one in answers] == [7] + [0] * 499
        assert answers[1].elapsed_s == 1.0
        assert [exchange.replayed for exchange in exchanges] == [False] + [True] * 499
        assert (stage.counts.coalesced, stage.counts.misses, stage.counts.stored) == (499, 500, 1)

    stage.run(main)
    assert len(stage.calls) == 1
    assert sorted(stage.counter.seen) == [(True, 0)] * 499 + [(True, 1)]


def test_others_do_not_wait() -> None:
    stage = Cached(slow(1))

    async def main() -> None:
        await stage.ends(stage.exchange("x = "), stage.exchange("y = "), stage.exchange(tenant="t"))

    stage.run(main)
    assert len(stage.calls) == 3


def test_the_failure_of_the_leader_is_its_own_and_the_next_one_leads() -> None:
    stage = Cached(failing(1))

    async def main() -> None:
        exchanges = [stage.exchange() for _ in range(4)]
        ends = await stage.ends(*exchanges)
        assert texts(ends) == ["UPSTREAM_UNAVAILABLE", "abc", "abc", "abc"]
        second = ends[1]
        assert isinstance(second, Answer)
        assert (second.cache_age_s, second.decision_id) == (None, "decision-2")
        assert [len(exchange.attempts) for exchange in exchanges] == [1, 1, 0, 0]
        assert stage.clock.now == 1002.0

    stage.run(main)
    assert len(stage.calls) == 2
    assert sorted(stage.counter.seen) == [(False, 1), (True, 0), (True, 0), (True, 1)]


def test_after_three_failures_in_a_row_all_are_told() -> None:
    """A hundred callers must not fail one by one at an endpoint that is down."""
    stage = Cached(failing(10**6))

    async def main() -> None:
        ends = await stage.ends(*(stage.exchange() for _ in range(100)))
        assert texts(ends) == ["UPSTREAM_UNAVAILABLE"] * 100

    stage.run(main)
    assert len(stage.calls) == 1 + SPARE_LEADERS == 3
    assert stage.clock.now == 1003.0
    # No call is counted twice.
    assert sum(attempts for _, attempts in stage.counter.seen) == 3


def test_a_bug_is_everybodys() -> None:
    stage = Cached(failing(1, RuntimeError("bug")))

    async def main() -> None:
        ends = await stage.ends(stage.exchange(), stage.exchange())
        assert texts(ends) == ["RuntimeError", "RuntimeError"]

    stage.run(main)


def test_the_leaving_of_the_leader_takes_nothing_from_the_others() -> None:
    stage = Cached(slow(2))

    async def main() -> None:
        leader = asyncio.create_task(stage.ask())
        await turns()
        follower = asyncio.create_task(stage.ask())
        await asyncio.sleep(1)
        leader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leader
        answer = await follower
        # It is the only one left, so the work is its own.
        assert (answer.chosen.completion.text, answer.cache_age_s) == ("abc", None)

    stage.run(main)
    assert (len(stage.calls), stage.cancelled) == (1, 0)
    assert stage.clock.now == 1002.0


def test_when_all_have_left_the_work_is_cancelled() -> None:
    stage = Cached(slow(100))

    async def main() -> None:
        callers = [asyncio.create_task(stage.ask()) for _ in range(3)]
        await asyncio.sleep(1)
        for caller in callers:
            caller.cancel()
        await asyncio.wait(callers)
        assert stage.flights.running == 0

    stage.run(main)
    assert (len(stage.calls), stage.cancelled) == (1, 1)


def test_each_waits_as_long_as_its_own_deadline_allows() -> None:
    stage = Cached(slow(10))

    async def main() -> None:
        ends = await stage.ends(
            stage.exchange(seconds=60), stage.exchange(seconds=2), stage.exchange(seconds=60)
        )
        assert texts(ends) == ["abc", "DEADLINE_EXCEEDED", "abc"]

    stage.run(main)
    assert len(stage.calls) == 1


def timed_out() -> Fault:
    return Fault(Kind.DEADLINE, Origin.CALLER, Reason.DEADLINE_EXCEEDED, "the time is over")


def test_the_deadline_of_the_leader_ends_nothing_for_the_others() -> None:
    async def work(exchange: Exchange) -> str:
        left = exchange.deadline.left(stage.clock())
        await asyncio.sleep(min(left, 10))
        if left < 10:
            raise timed_out()
        return "abc"

    stage = Cached(work)

    async def main() -> None:
        ends = await stage.ends(
            *(stage.exchange(seconds=seconds) for seconds in (2, 3, 4, 5, 60, 60))
        )
        assert texts(ends)[4:] == ["abc", "abc"]
        assert texts(ends)[:4] == ["DEADLINE_EXCEEDED"] * 4

    stage.run(main)


def test_who_waits_hears_the_whole_text_when_it_is_there_and_never_a_part() -> None:
    stage = Cached(failing(1))
    leads, waits, waits_too = Listener(), Listener(), Listener()

    async def main() -> None:
        exchanges = [stage.exchange(listener=listener) for listener in (leads, waits, waits_too)]
        ends = asyncio.create_task(stage.ends(*exchanges))
        await asyncio.sleep(0.5)
        assert (leads.text, waits.text) == ("par", "")
        assert texts(await ends) == ["UPSTREAM_UNAVAILABLE", "abc", "abc"]
        assert [exchange.streamed for exchange in exchanges] == [["par"], ["abc"], ["abc"]]

    stage.run(main)
    whole = [Delta("abc", 0, "alpha"), Judged(VERDICT)]
    # Only who leads has a decision to report on.
    assert waits.events == [Started(DECISION, "decision-2"), *whole]
    assert waits_too.events == [Started(DECISION), *whole]


def test_a_leader_that_reads_slowly_holds_up_nobody_who_waits_without_a_stream() -> None:
    async def work(exchange: Exchange) -> str:
        assert exchange.emit is not None
        for _ in range(2000):
            await exchange.emit(Delta("x", 0, "alpha"))
        return "x" * 2000

    stage = Cached(work)
    leads = Listener()
    leads.open.clear()

    async def main() -> None:
        leader = asyncio.create_task(stage.ask(listener=leads))
        await turns()
        assert len((await stage.ask()).chosen.completion.text) == 2000
        leads.open.set()
        await leader

    stage.run(main)
    assert len(stage.calls) == 1


def test_an_answer_that_a_command_changed_is_only_for_whose_job_it_was() -> None:
    stage = Cached(slow(1))
    stage.steered = 1

    async def main() -> None:
        exchanges = [stage.exchange() for _ in range(3)]
        ends = await stage.ends(*exchanges)
        answers = [end for end in ends if isinstance(end, Answer)]
        assert [one.steered for one in answers] == [True, False, False]
        assert [one.cache_age_s for one in answers] == [None, None, 0.0]
        assert [exchange.replayed for exchange in exchanges] == [False, False, True]
        assert stage.counts.stored == 1

    stage.run(main)
    assert len(stage.calls) == 2
    assert sorted(stage.counter.seen) == [(True, 0), (True, 1), (True, 1)]


def test_named_requests_that_fail_together_count_each_call_once() -> None:
    stage = Cached(failing(10**6))
    book = Replays(ReplaySettings(), stage.clock)
    named = idempotent(book, stage.clock)(stage.handle)

    async def main() -> None:
        exchanges = [stage.exchange() for _ in range(5)]
        for number, exchange in enumerate(exchanges):
            exchange.fingerprint = b"body"
            exchange.request = replace(exchange.request, request_id=f"request-{number}")
        ends = await asyncio.gather(*map(named, exchanges), return_exceptions=True)
        assert texts(ends) == ["UPSTREAM_UNAVAILABLE"] * 5
        # What a guard outside of the names would count.
        counted = [one.attempts for one in exchanges if not one.replayed]
        assert sum(map(len, counted)) == len(stage.calls) == 3

    stage.run(main)


def test_closing_ends_the_work_for_everybody() -> None:
    stage = Cached(slow(100))

    async def main() -> None:
        ends = asyncio.create_task(stage.ends(stage.exchange(), stage.exchange()))
        await asyncio.sleep(1)
        await stage.flights.close(shutting_down())
        assert texts(await ends) == ["SHUTTING_DOWN"] * 2

    stage.run(main)
    assert stage.cancelled == 1
