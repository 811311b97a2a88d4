"""Threads that nobody waits for any longer, closing and counting: J-05, J-10, X-24."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from gateway.core.deadline import Deadline
from gateway.core.matcher import RouteMatcher
from gateway.core.matching import LayerStatus, Proposal
from gateway.ensemble.matching import (
    MatcherExecutor,
    MatcherStatus,
    MatchingSettings,
    Way,
)
from gateway.routing.cascade import Ran
from tests.fakes.virtual import VirtualClock, run_virtual
from tests.unit.ensemble.test_matching import (
    FAR,
    QUERY,
    Inline,
    Sync,
    Waiting,
    executor,
    raising,
    statuses,
    takes,
)


class Stuck(Sync):
    """Hangs in its thread until it is let go."""

    def __init__(self, name: str) -> None:
        super().__init__(name, self.hang)
        self.begun = threading.Event()
        self.go = threading.Event()

    def hang(self) -> None:
        self.begun.set()
        assert self.go.wait(30)

    async def has_begun(self) -> None:
        """Hold the loop, and with it the time, until the thread is at work."""
        assert self.begun.wait(30)


@pytest.fixture
def stuck() -> Iterator[Stuck]:
    matcher = Stuck("stuck")
    yield matcher
    matcher.go.set()


async def abandon(running: MatcherExecutor, matcher: Stuck, *others: RouteMatcher) -> None:
    """Leave a thread behind: its request is cancelled while it works."""
    started = asyncio.Event()

    async def begun() -> None:
        await matcher.has_begun()
        started.set()

    others = [Waiting("begun", begun), *others]
    request = asyncio.create_task(running.run([matcher, *others], QUERY, FAR))
    await started.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request


def abandoned(running: MatcherExecutor) -> int:
    return sum(status.abandoned for status in running.status())


async def all_ended(running: MatcherExecutor) -> None:
    while abandoned(running):
        await asyncio.to_thread(lambda: None)


def test_a_late_thread_is_abandoned_until_it_ends(stuck: Stuck):
    """Regression of J-05: threads of late matchers went on unseen."""
    clock = VirtualClock()

    async def main() -> None:
        running = MatcherExecutor(MatchingSettings(), clock)
        ended = await running.run(
            [stuck, Waiting("quick", stuck.has_begun)], QUERY, Deadline(clock() + 1e6)
        )
        assert statuses(ended) == {"stuck": LayerStatus.LATE, "quick": LayerStatus.DECIDED}
        assert ended[0].elapsed_s == pytest.approx(5)
        assert [status.abandoned for status in running.status()] == [1, 0]
        stuck.go.set()
        await all_ended(running)
        await running.close()

    run_virtual(clock, main())


async def test_when_abandoned_threads_hold_every_place_new_work_fails_at_once(stuck: Stuck):
    """Regression of J-05: late threads filled the pool, and further matchers waited in vain."""
    running = executor(stuck, workers=1)
    await abandon(running, stuck)
    other = Sync("other")
    ended = await running.run([other, Inline("inline"), Waiting("awaited", takes(0))], QUERY, FAR)
    assert [ran.status for ran in ended] == [
        LayerStatus.FAILED,
        LayerStatus.DECIDED,
        LayerStatus.DECIDED,
    ]
    assert (ended[0].error, other.threads) == ("saturated", [])
    stuck.go.set()
    await all_ended(running)
    ran = await running.run_one(other, QUERY, FAR)
    assert ran.status is LayerStatus.DECIDED
    await running.close()


async def test_no_more_threads_than_workers_are_used_and_the_rest_wait_their_turn(stuck: Stuck):
    running = executor(workers=1)
    others = [Sync(name) for name in "ab"]
    begun = asyncio.Event()

    async def look() -> None:
        await stuck.has_begun()
        begun.set()

    everyone = [stuck, *others, Waiting("look", look)]
    request = asyncio.create_task(running.run(everyone, QUERY, FAR))
    await begun.wait()
    assert [other.threads for other in others] == [[], []]
    stuck.go.set()
    ended = await request
    assert {ran.status for ran in ended} == {LayerStatus.DECIDED}
    assert len({*others[0].threads, *others[1].threads, *stuck.threads}) == 1
    await running.close()


async def test_cancelling_a_request_cancels_what_is_awaited_and_abandons_threads(stuck: Stuck):
    never = Waiting("never", asyncio.Event().wait)
    running = executor()
    await abandon(running, stuck, never)
    assert never.cancelled
    assert abandoned(running) == 1
    await running.close()
    stuck.go.set()


async def test_work_that_no_thread_has_begun_is_withdrawn_and_gives_its_place_back():
    class Never:
        def submit(self, *work: object) -> Future[Proposal]:
            self.work: Future[Proposal] = Future()
            request.cancel()
            return self.work

    running, never = executor(workers=1), Never()
    pool, running._threads._pool = running._threads._pool, never  # type: ignore[assignment]
    request = asyncio.create_task(running.run([Sync("a")], QUERY, FAR))
    with pytest.raises(asyncio.CancelledError):
        await request
    assert never.work.cancelled()
    assert abandoned(running) == 0
    running._threads._pool = pool
    ran = await running.run_one(Sync("a"), QUERY, FAR)
    assert ran.status is LayerStatus.DECIDED
    await running.close()


async def test_closing_cancels_and_awaits_what_runs():
    """Regression of J-10: shutdown left things open."""
    begun = asyncio.Event()

    async def forever() -> None:
        begun.set()
        await asyncio.Event().wait()

    never = Waiting("never", forever)
    running = executor()
    request = asyncio.create_task(running.run([never, Inline("inline")], QUERY, FAR))
    await begun.wait()
    await running.close()
    assert never.cancelled
    ended = await request
    assert ended[0] == Ran("never", LayerStatus.FAILED, error="closed")
    assert ended[1].status is LayerStatus.DECIDED
    ran = await running.run_one(Sync("after"), QUERY, FAR)
    assert (ran.status, ran.error) == (LayerStatus.FAILED, "closed")


def test_a_thread_may_outlive_its_loop(stuck: Stuck, caplog: pytest.LogCaptureFixture):
    """Nobody is left to be told of its end, which is no error."""

    async def main() -> None:
        running = executor()
        await abandon(running, stuck)
        await running.close()

    asyncio.run(main())
    (worker,) = [thread for thread in threading.enumerate() if thread.ident in stuck.threads]
    stuck.go.set()
    worker.join(20)
    assert not worker.is_alive()
    assert caplog.records == []


def test_the_status_counts_each_matcher():
    """X-24: name, weight, how it is called; zeros before the first call."""
    clock = VirtualClock()
    bad = Inline("bad", raising(KeyError()))
    late = Waiting("late", takes(60))
    good = Waiting("good", takes(2))
    good.weight = 7.5

    async def main() -> None:
        running = MatcherExecutor(MatchingSettings(), clock, [bad, late, good, Sync("unused")])
        assert {status.calls for status in running.status()} == {0}
        for _ in range(2):
            await running.run([bad, late, good], QUERY, Deadline(clock() + 1e6))
        assert running.status() == (
            MatcherStatus("bad", 0.4, Way.INLINE, 2, 2, 0, 0, 0.0),
            MatcherStatus("late", 0.4, Way.ASYNC, 2, 0, 2, 0, 10.0),
            MatcherStatus("good", 7.5, Way.ASYNC, 2, 0, 0, 0, 4.0),
            MatcherStatus("unused", 0.4, Way.THREAD, 0, 0, 0, 0, 0.0),
        )
        await running.close()

    run_virtual(clock, main())
