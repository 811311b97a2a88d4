from __future__ import annotations

import asyncio

import pytest

from gateway.core.candidate import AttemptStatus, Completion
from gateway.core.endpoint import Endpoint
from gateway.core.faults import Category, Fault, Kind, Origin, Reason
from gateway.core.policy import Call, Invocation
from tests.fakes.values import make_invocation, unavailable
from tests.unit.policies.yard import DONE, Yard


def test_a_call_that_finds_a_slot_goes_at_once() -> None:
    yard = Yard(max_concurrency=1)

    async def main(gated: Call) -> None:
        assert await yard.ask(gated) is DONE

    yard.run(main)
    assert yard.gate.saturated == 0


def test_no_more_than_the_limit_are_at_the_endpoint_and_all_are_answered() -> None:
    yard = Yard(max_concurrency=3)

    async def main(gated: Call) -> None:
        assert await asyncio.gather(*(yard.ask(gated) for _ in range(20))) == [DONE] * 20

    yard.run(main)
    assert yard.most == 3


def test_while_another_endpoint_would_be_tried_next_a_full_one_is_left_at_once() -> None:
    yard = Yard(max_concurrency=1)
    invocation = make_invocation(Endpoint("alpha"))
    invocation.last = False

    async def main(gated: Call) -> None:
        first = yard.ask(gated)
        await asyncio.sleep(0)
        now = yard.clock.now
        with pytest.raises(Fault) as caught:
            await gated(invocation)
        assert yard.clock.now == now
        fault = caught.value
        assert (fault.kind, fault.origin) == (Kind.EXHAUSTED, Origin.US)
        assert (fault.reason, fault.category) == (Reason.ENDPOINT_SATURATED, Category.OVERLOAD)
        assert fault.message == "endpoint 'alpha': all 1 of its slots are taken and 0 calls wait"
        assert fault.retry_after_s == 1.0
        await first

    yard.run(main)
    (attempt,) = invocation.attempts
    assert (attempt.status, attempt.reason) == (AttemptStatus.SKIPPED, Reason.ENDPOINT_SATURATED)
    assert (yard.calls, yard.gate.saturated) == (1, 1)


def test_the_last_endpoint_is_waited_for_in_the_order_of_arrival() -> None:
    yard = Yard(max_concurrency=1)
    ended: list[int] = []

    async def main(gated: Call) -> None:
        async def one(number: int) -> None:
            await yard.ask(gated)
            ended.append(number)

        await asyncio.gather(*(one(number) for number in range(5)))

    yard.run(main)
    assert ended == [0, 1, 2, 3, 4]


def test_the_wait_ends_with_the_deadline() -> None:
    yard = Yard(max_concurrency=1)

    async def main(gated: Call) -> None:
        first = yard.ask(gated)
        await asyncio.sleep(0)
        start = yard.clock.now
        with pytest.raises(Fault, match="slots are taken"):
            await yard.ask(gated, seconds=0.25)
        assert yard.clock.now == pytest.approx(start + 0.25)
        await first

    yard.run(main)
    assert yard.gate.saturated == 1


def test_a_stream_waits_no_longer_than_its_first_text_may() -> None:
    yard = Yard(max_concurrency=1)
    invocation = make_invocation()
    invocation.first_by = yard.clock.now + 0.5

    async def main(gated: Call) -> None:
        first = yard.ask(gated)
        await asyncio.sleep(0)
        with pytest.raises(Fault):
            await gated(invocation)
        assert yard.clock.now == pytest.approx(invocation.first_by)
        await first

    yard.run(main)


def test_a_call_without_time_left_does_not_join_the_line() -> None:
    yard = Yard(max_concurrency=1)

    async def main(gated: Call) -> None:
        first = yard.ask(gated)
        await asyncio.sleep(0)
        with pytest.raises(Fault):
            await gated(make_invocation(deadline_at=yard.clock.now))
        await first

    yard.run(main)


def test_a_full_line_refuses_at_once() -> None:
    yard = Yard(max_concurrency=1, max_waiting=2)

    async def main(gated: Call) -> None:
        tasks = [yard.ask(gated) for _ in range(3)]
        await asyncio.sleep(0)
        now = yard.clock.now
        with pytest.raises(Fault, match="2 calls wait"):
            await yard.ask(gated)
        assert yard.clock.now == now
        await asyncio.gather(*tasks)

    yard.run(main)


# gRFC A32


def test_a32_above_the_limit_a_request_is_dropped_at_once_and_counted() -> None:
    yard = Yard(max_concurrency=2, max_waiting=0)

    async def main(gated: Call) -> None:
        tasks = [yard.ask(gated) for _ in range(5)]
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert done[:2] == [DONE, DONE]
        assert all(isinstance(fault, Fault) for fault in done[2:])

    yard.run(main)
    assert (yard.most, yard.calls, yard.gate.saturated) == (2, 2, 3)


def test_a32_at_most_1024_requests_are_in_flight_when_nothing_is_configured() -> None:
    yard = Yard(max_waiting=0)

    async def main(gated: Call) -> None:
        await asyncio.gather(*(yard.ask(gated) for _ in range(1030)), return_exceptions=True)

    yard.run(main)
    assert (yard.most, yard.gate.saturated) == (1024, 6)


def test_a32_a_dropped_request_is_not_retried() -> None:
    """Only faults marked retryable are tried again on the same endpoint."""
    yard = Yard(max_concurrency=1, max_waiting=0)

    async def main(gated: Call) -> None:
        first = yard.ask(gated)
        await asyncio.sleep(0)
        with pytest.raises(Fault) as caught:
            await yard.ask(gated)
        assert not caught.value.retryable
        assert not caught.value.against_endpoint
        await first

    yard.run(main)


def test_a32_a_request_that_ended_makes_room_for_the_next() -> None:
    yard = Yard(max_concurrency=1, max_waiting=0)

    async def main(gated: Call) -> None:
        for _ in range(3):
            assert await yard.ask(gated) is DONE

    yard.run(main)
    assert yard.gate.saturated == 0


# Nothing leaks


async def _bug(_: Invocation) -> Completion:
    raise RuntimeError


async def _fault(_: Invocation) -> Completion:
    raise unavailable()


async def _ours(_: Invocation) -> Completion:
    raise Fault(Kind.UNAVAILABLE, Origin.US, Reason.BREAKER_OPEN, "open")


async def _cancelled(_: Invocation) -> Completion:
    raise asyncio.CancelledError


@pytest.mark.parametrize(
    ("ending", "error"),
    [
        (_fault, Fault),
        (_ours, Fault),
        (_bug, RuntimeError),
        (_cancelled, asyncio.CancelledError),
    ],
)
@pytest.mark.parametrize("adaptive", [True, False])
def test_however_a_call_ends_its_slot_is_free_again(ending, error, adaptive) -> None:
    yard = Yard(max_concurrency=1, adaptive=adaptive)

    async def main(gated: Call) -> None:
        for _ in range(3):
            with pytest.raises(error):
                await yard.ask(gated)

    yard.run(main, ending)
    assert yard.gate.limit == 1


@pytest.mark.parametrize("turns", range(6))
def test_a_call_cancelled_in_any_turn_around_its_grant_loses_no_slot(turns) -> None:
    yard = Yard(max_concurrency=1)

    async def main(gated: Call) -> None:
        first = yard.ask(gated)
        await asyncio.sleep(0)
        gone, stays = yard.ask(gated), yard.ask(gated)
        await asyncio.sleep(0.5)
        first.cancel()
        for _ in range(turns):
            await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait([first, gone, stays], timeout=10)
        assert stays.result() is DONE

    yard.run(main)
    assert yard.most == 1
