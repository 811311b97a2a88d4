from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from gateway.core.exchange import Exchange
from tests.fakes.stage import Listener, Stage, held, quick, slow, turns
from tests.fakes.values import unavailable


def test_the_leader_leaving_does_not_fail_those_who_joined() -> None:
    stage = Stage(slow(1))

    async def main() -> None:
        leader = asyncio.create_task(stage.handle(stage.exchange()))
        follower, third = stage.exchange(), stage.exchange()
        following = asyncio.create_task(stage.handle(follower))
        last = asyncio.create_task(stage.handle(third))
        await turns()
        leader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leader
        assert (await following).chosen.completion.text == "abc"
        await last
        assert (len(stage.calls), stage.cancelled) == (1, 0)
        # Somebody accounts for the call: now the one who came next.
        assert (follower.replayed, len(follower.attempts)) == (False, 1)
        assert (third.replayed, third.attempts) == (True, [])

    stage.run(main)
    assert sorted(stage.counter.seen) == [(False, 0), (True, 0), (True, 1)]


@pytest.mark.parametrize("follower_first", [True, False])
def test_a_follower_who_joins_in_the_turn_in_which_the_leader_leaves_gets_an_answer(
    follower_first,
) -> None:
    stage = Stage(slow(1))

    async def main() -> None:
        leader = asyncio.create_task(stage.handle(stage.exchange()))
        await turns()
        if follower_first:
            follower = asyncio.create_task(stage.handle(stage.exchange()))
            leader.cancel()
        else:
            leader.cancel()
            follower = asyncio.create_task(stage.handle(stage.exchange()))
        assert (await follower).chosen.completion.text == "abc"
        with pytest.raises(asyncio.CancelledError):
            await leader
        # Whoever came after the last one had left finds nothing, and begins anew.
        assert (len(stage.calls), stage.cancelled) == ((1, 0) if follower_first else (2, 1))

    stage.run(main)


def test_a_leader_cancelled_before_it_began_leaves_nothing_behind() -> None:
    stage = Stage(quick)

    async def main() -> None:
        leader = asyncio.create_task(stage.handle(stage.exchange()))
        leader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leader
        assert stage.calls == []
        assert stage.book.entries == 0

    stage.run(main)


def test_when_the_last_one_leaves_the_work_is_cancelled_and_awaited() -> None:
    ended: list[str] = []

    async def work(exchange: Exchange) -> str:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            ended.append("work")
        raise AssertionError

    stage = Stage(work)

    async def main() -> None:
        exchanges = [stage.exchange() for _ in range(2)]
        tasks = [asyncio.create_task(stage.handle(exchange)) for exchange in exchanges]
        await turns()
        tasks[0].cancel()
        await turns()
        assert stage.cancelled == 0
        begun = stage.clock.now
        tasks[1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[1]
        assert ended == ["work"]
        assert stage.clock.now - begun == pytest.approx(0.01)
        assert stage.book.entries == 0
        assert [len(exchange.attempts) for exchange in exchanges] == [0, 1]

    stage.run(main)
    assert stage.counter.seen == [(False, 0), (False, 1)]


def test_work_that_ends_although_it_was_cancelled_disturbs_nobody() -> None:
    async def work(exchange: Exchange) -> str:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return "stubborn"

    stage = Stage(work)

    async def main() -> None:
        task = asyncio.create_task(stage.handle(stage.exchange()))
        await turns()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert stage.book.entries == 0

    stage.run(main)


def test_a_caller_cancelled_in_the_turn_of_the_answer_is_cancelled_and_the_answer_kept() -> None:
    stage = Stage(slow(1))

    async def main() -> None:
        task = asyncio.create_task(stage.handle(stage.exchange()))
        await turns()
        asyncio.get_running_loop().call_later(1, task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task
        # Either order of the two timers is legal; nothing is left half done.
        assert stage.book.entries in {0, 1}

    stage.run(main)


def test_a_caller_cancelled_before_it_saw_the_answer_keeps_it_for_its_repetition() -> None:
    release = asyncio.Event()
    stage = Stage(held(release))

    async def main() -> None:
        task = asyncio.create_task(stage.handle(stage.exchange()))
        await turns()
        release.set()
        # The work's task runs next and has its answer before the cancellation is acted upon.
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert stage.book.entries == 1
        await stage.handle(stage.exchange())
        assert len(stage.calls) == 1

    stage.run(main)


def test_a_caller_cancelled_in_the_turn_of_a_failure_leaves_no_trace_in_asyncio() -> None:
    complaints: list[Any] = []
    release = asyncio.Event()

    async def work(exchange: Exchange) -> str:
        await release.wait()
        raise unavailable()

    stage = Stage(work)

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, what: complaints.append(what))
        task = asyncio.create_task(stage.handle(stage.exchange()))
        await turns()
        release.set()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    stage.run(main)
    assert complaints == []


def test_work_that_is_cancelled_from_within_cancels_its_callers() -> None:
    async def work(exchange: Exchange) -> str:
        await asyncio.sleep(1)
        raise asyncio.CancelledError

    stage = Stage(work)

    async def main() -> None:
        listener = Listener()
        exchanges = [stage.exchange(), stage.exchange(listener=listener)]
        ends = await asyncio.gather(*map(stage.handle, exchanges), return_exceptions=True)
        assert [type(end) for end in ends] == [asyncio.CancelledError] * 2
        assert stage.book.entries == 0

    stage.run(main)
