from __future__ import annotations

import asyncio

import pytest

from gateway.core.events import Delta, Event, Judged, Started
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.state.event_log import MOST_EVENTS_AHEAD
from tests.fakes.stage import DECISION, VERDICT, Listener, Stage, held, slow, turns
from tests.fakes.values import unavailable


def test_a_stream_that_joins_gets_all_events_from_the_start_and_then_follows() -> None:
    release = asyncio.Event()
    stage = Stage(held(release))

    async def main() -> None:
        first, second = Listener(), Listener()
        exchanges = [stage.exchange(listener=first), stage.exchange(listener=second)]
        leader = asyncio.create_task(stage.handle(exchanges[0]))
        await turns()
        assert first.text == "a"
        follower = asyncio.create_task(stage.handle(exchanges[1]))
        await turns()
        assert second.events == [Started(DECISION), Delta("a", 0, "alpha")]
        release.set()
        assert await leader is await follower
        assert first.events == second.events
        assert second.text == "abc"
        assert exchanges[1].streamed == ["a", "bc"]

        replayed = Listener()
        await stage.handle(stage.exchange(listener=replayed))
        assert isinstance(replayed.events[0], Started)
        assert replayed.text == "abc"

    stage.run(main)
    assert len(stage.calls) == 1


def test_unary_and_stream_of_one_body_are_the_same_request() -> None:
    release = asyncio.Event()
    stage = Stage(held(release))

    async def main() -> None:
        listener = Listener()
        streamed = asyncio.create_task(stage.handle(stage.exchange(listener=listener)))
        await turns()
        unary = asyncio.create_task(stage.handle(stage.exchange()))
        await turns()
        release.set()
        assert await streamed is await unary
        assert (await unary).chosen.completion.text == "abc"

    stage.run(main)
    assert len(stage.calls) == 1


@pytest.mark.parametrize("wait", [0, 5])
def test_a_stream_of_work_that_is_not_streamed_is_told_its_answer(wait) -> None:
    stage = Stage(slow(1))

    async def main() -> None:
        unary = asyncio.create_task(stage.handle(stage.exchange()))
        await turns()
        await asyncio.sleep(wait)
        listener = Listener()
        assert await stage.handle(stage.exchange(listener=listener)) is await unary
        assert listener.events == [Started(DECISION), Delta("abc", 0, "alpha"), Judged(VERDICT)]

    stage.run(main)


def test_a_fault_of_work_that_is_not_streamed_reaches_a_stream_too() -> None:
    stage = Stage(slow(1, unavailable()))

    async def main() -> None:
        listener = Listener()
        unary = asyncio.create_task(stage.handle(stage.exchange()))
        ends = await asyncio.gather(
            unary, stage.handle(stage.exchange(listener=listener)), return_exceptions=True
        )
        assert [type(end) for end in ends] == [Fault, Fault]
        assert listener.events == []

    stage.run(main)


def test_a_slow_follower_holds_up_nobody_and_gets_everything_in_the_end() -> None:
    pieces = 4 * MOST_EVENTS_AHEAD

    async def work(exchange: Exchange) -> str:
        for _ in range(pieces):
            await exchange.emit(Delta("x", 0, "alpha"))
        return "x" * pieces

    stage = Stage(work)

    async def main() -> None:
        slow_one, fast_one = Listener(), Listener()
        slow_one.open.clear()
        leader = asyncio.create_task(stage.handle(stage.exchange(listener=slow_one)))
        await turns()
        follower = asyncio.create_task(stage.handle(stage.exchange(listener=fast_one)))
        await follower
        assert fast_one.text == "x" * pieces
        assert slow_one.text == "x"
        slow_one.open.set()
        await leader
        assert slow_one.text == "x" * pieces

    stage.run(main)


def test_the_work_waits_for_its_only_reader_as_long_as_nobody_waits_for_the_answer() -> None:
    written: list[int] = []

    async def work(exchange: Exchange) -> str:
        for number in range(4 * MOST_EVENTS_AHEAD):
            await exchange.emit(Delta("x", 0, "alpha"))
            written.append(number)
        return "x"

    stage = Stage(work)

    async def main() -> None:
        listener = Listener()
        listener.open.clear()
        leader = asyncio.create_task(stage.handle(stage.exchange(listener=listener)))
        await turns()
        await asyncio.sleep(1)
        assert len(written) == MOST_EVENTS_AHEAD
        unary = stage.handle(stage.exchange())
        assert (await unary).chosen.completion.text == "x"
        listener.open.set()
        await leader
        assert len(listener.text) == 4 * MOST_EVENTS_AHEAD

    stage.run(main)


def test_a_reader_who_leaves_does_not_hold_up_the_others() -> None:
    async def work(exchange: Exchange) -> str:
        for _ in range(2 * MOST_EVENTS_AHEAD):
            await exchange.emit(Delta("x", 0, "alpha"))
        return "x"

    stage = Stage(work)

    async def main() -> None:
        gone, stays = Listener(), Listener()
        gone.open.clear()
        stays.open.clear()
        leaving = asyncio.create_task(stage.handle(stage.exchange(listener=gone)))
        staying = asyncio.create_task(stage.handle(stage.exchange(listener=stays)))
        await turns()
        leaving.cancel()
        stays.open.set()
        await staying
        assert len(stays.text) == 2 * MOST_EVENTS_AHEAD

    stage.run(main)


def test_a_reader_whose_connection_broke_fails_alone() -> None:
    release = asyncio.Event()
    stage = Stage(held(release))
    broken = Fault(Kind.CANCELLED, Origin.CALLER, Reason.CALLER_CANCELLED, "the caller left")

    async def emit(_: Event) -> None:
        raise broken

    async def main() -> None:
        listener = Listener()
        leaving = stage.exchange()
        leaving.emit = emit
        leader = asyncio.create_task(stage.handle(leaving))
        follower = asyncio.create_task(stage.handle(stage.exchange(listener=listener)))
        with pytest.raises(Fault) as caught:
            await leader
        assert caught.value is broken
        release.set()
        await follower
        assert listener.text == "abc"

    stage.run(main)
    assert (len(stage.calls), stage.cancelled) == (1, 0)


def test_a_stream_that_was_told_no_text_yet_begins_again_without_a_second_start() -> None:
    async def work(exchange: Exchange) -> str:
        await exchange.emit(Started(DECISION))
        await asyncio.sleep(2)
        await exchange.emit(Delta("abc", 0, "alpha"))
        return "abc"

    stage = Stage(work)

    async def main() -> None:
        listener = Listener()
        follower = stage.exchange(seconds=10, listener=listener)
        leader = stage.exchange(seconds=1, listener=Listener())
        ends = await asyncio.gather(
            stage.handle(leader), stage.handle(follower), return_exceptions=True
        )
        assert ends[0].kind is Kind.DEADLINE
        assert listener.events == [Started(DECISION), Delta("abc", 0, "alpha")]

    stage.run(main)
    assert len(stage.calls) == 2


def test_a_stream_that_was_told_text_cannot_begin_again_and_says_so() -> None:
    stage = Stage(held(asyncio.Event()))

    async def main() -> None:
        listener = Listener()
        leader = stage.exchange(seconds=1, listener=Listener())
        follower, unary = stage.exchange(listener=listener), stage.exchange(seconds=20)
        ends = await asyncio.gather(
            *map(stage.handle, (leader, follower, unary)), return_exceptions=True
        )
        assert [(end.kind, end.origin) for end in ends] == [
            (Kind.DEADLINE, Origin.CALLER),
            (Kind.TRUNCATED, Origin.US),
            (Kind.DEADLINE, Origin.CALLER),
        ]
        assert ends[1].reason is Reason.STREAM_TRUNCATED
        assert listener.text == "a"
        assert [e.replayed for e in (leader, follower, unary)] == [False, True, False]

    stage.run(main)
    assert len(stage.calls) == 2


def test_a_stream_without_anybody_left_to_begin_again_for_ends() -> None:
    stage = Stage(held(asyncio.Event()))

    async def main() -> None:
        leader = asyncio.create_task(stage.handle(stage.exchange(seconds=1, listener=Listener())))
        follower = stage.exchange(listener=Listener())
        following = asyncio.create_task(stage.handle(follower))
        await turns()
        leader.cancel()
        with pytest.raises(Fault) as caught:
            await following
        assert caught.value.kind is Kind.TRUNCATED
        # The leader has left: the calls of the work are accounted for all the same.
        assert (follower.replayed, len(follower.attempts)) == (False, 1)
        assert stage.book.entries == 0

    stage.run(main)
