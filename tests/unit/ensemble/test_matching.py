"""Matchers at the same time, each within its own time: J-01 to J-08."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from gateway.core.deadline import Deadline
from gateway.core.matcher import MatchQuery, RouteMatcher
from gateway.core.matching import LayerStatus, Proposal
from gateway.ensemble.matching import MatcherExecutor, MatchingSettings
from gateway.routing.cascade import Ran
from tests.fakes.values import make_request
from tests.fakes.virtual import VirtualClock, run_virtual

QUERY = MatchQuery(make_request("a secret prompt"), ("alpha", "beta"))
FAR = Deadline(1e9)


def proposal(name: str) -> Proposal:
    return Proposal(name, "alpha", 0.5)


class Sync(RouteMatcher):
    """Has only the synchronous method, so it belongs in a thread."""

    def __init__(self, name: str, act: Callable[[], object] = lambda: None) -> None:
        self.name = name
        self.act = act
        self.threads: list[int] = []

    def match(self, query: MatchQuery) -> Proposal:
        self.threads.append(threading.get_ident())
        self.act()
        return proposal(self.name)


class Inline(Sync):
    """Computes for less than a thread would cost."""

    inline = True


class Waiting(RouteMatcher):
    """Waits for something else; records how it was ended."""

    def __init__(self, name: str, wait: Callable[[], Awaitable[object]]) -> None:
        self.name = name
        self.wait = wait
        self.cancelled = False

    def match(self, query: MatchQuery) -> Proposal:
        raise AssertionError("it is to be awaited")

    async def match_async(self, query: MatchQuery) -> Proposal:
        try:
            await self.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return proposal(self.name)


def takes(seconds: float) -> Callable[[], Awaitable[object]]:
    return lambda: asyncio.sleep(seconds)


def raising(error: BaseException) -> Callable[[], object]:
    def act() -> object:
        raise error

    return act


def virtual(
    *matchers: RouteMatcher,
    settings: MatchingSettings = MatchingSettings(),  # noqa: B008 - a frozen value
    left_s: float = 1e6,
) -> tuple[tuple[Ran, ...], float]:
    """Run matchers on a loop of virtual time; return how they ended and the seconds it took."""
    clock = VirtualClock()

    async def main() -> tuple[tuple[Ran, ...], float]:
        executor = MatcherExecutor(settings, clock)
        began = clock()
        try:
            ended = await executor.run(matchers, QUERY, Deadline(began + left_s))
            return ended, clock() - began
        finally:
            await executor.close()

    return run_virtual(clock, main())


def statuses(ended: tuple[Ran, ...]) -> dict[str, LayerStatus]:
    return {ran.name: ran.status for ran in ended}


def executor(*matchers: RouteMatcher, workers: int = 4) -> MatcherExecutor:
    loop = asyncio.get_running_loop()
    return MatcherExecutor(MatchingSettings(workers=workers), loop.time, matchers)


async def test_results_come_in_the_order_of_the_matchers():
    """X-24: whichever ends first."""
    first = asyncio.Event()
    matchers = [
        Waiting("slow", first.wait),
        Sync("thread"),
        Waiting("quick", takes(0)),
        Inline("inline", first.set),
    ]
    running = executor()
    ended = await running.run(matchers, QUERY, FAR)
    assert [ran.name for ran in ended] == ["slow", "thread", "quick", "inline"]
    assert [ran.proposal for ran in ended] == [proposal(matcher.name) for matcher in matchers]
    await running.close()


async def test_a_matcher_without_an_async_method_of_its_own_runs_in_a_thread():
    """Regression of J-03: having the method, which all have by default, ran it on the loop."""
    matcher, inline = Sync("sync"), Inline("inline")
    assert hasattr(matcher, "match_async")
    running = executor()
    await running.run([matcher, inline], QUERY, FAR)
    here = threading.get_ident()
    assert matcher.threads != [here]
    assert inline.threads == [here]
    await running.close()


async def test_matchers_in_threads_run_at_the_same_time():
    """Regression of J-03: each of the three waits for the two others."""
    barrier = threading.Barrier(3, timeout=20)
    running = executor()
    ended = await running.run([Sync(name, barrier.wait) for name in "abc"], QUERY, FAR)
    assert set(statuses(ended).values()) == {LayerStatus.DECIDED}
    await running.close()


def test_the_wall_is_that_of_the_slowest():
    """J-07: 10, 100 and 40 ms of waiting take 100 ms together, not 150."""
    matchers = [Waiting(f"{ms}", takes(ms / 1000)) for ms in (10, 100, 40)]
    ended, wall_s = virtual(*matchers)
    assert wall_s == pytest.approx(0.1)
    assert [ran.elapsed_s for ran in ended] == pytest.approx([0.01, 0.1, 0.04])


def test_one_at_a_time_is_the_same_code_with_one_place():
    """Regression of J-08: the sequential path recorded no scores."""
    matchers = [Waiting(f"{ms}", takes(ms / 1000)) for ms in (10, 100, 40)]
    parallel, _ = virtual(*matchers)
    ended, wall_s = virtual(*matchers, settings=MatchingSettings(parallel=False))
    assert wall_s == pytest.approx(0.15)
    assert [ran.elapsed_s for ran in ended] == pytest.approx([0.01, 0.1, 0.04])
    assert [ran.proposal for ran in ended] == [ran.proposal for ran in parallel]


def test_what_finished_is_kept_and_only_the_late_one_is_late():
    """Regression of J-04: one limit around all of them threw the finished results away."""
    late = Waiting("late", takes(60))
    ended, wall_s = virtual(Waiting("a", takes(1)), late, Waiting("b", takes(4.9)))
    assert statuses(ended) == {
        "a": LayerStatus.DECIDED,
        "late": LayerStatus.LATE,
        "b": LayerStatus.DECIDED,
    }
    assert (ended[1].error, ended[1].proposal) == ("no answer within 5 s", None)
    assert late.cancelled
    assert wall_s == pytest.approx(5)


def test_all_together_have_their_share_of_the_time_that_is_left():
    """J-04: the limit of one is never beyond the share of the request."""
    ended, wall_s = virtual(Waiting("a", takes(0.1)), Waiting("b", takes(3)), left_s=1.0)
    assert [ran.status for ran in ended] == [LayerStatus.DECIDED, LayerStatus.LATE]
    assert wall_s == pytest.approx(0.2)


def test_whoever_comes_after_the_share_is_used_up_is_late_without_a_call():
    first = Waiting("first", takes(3))
    second = Waiting("second", takes(0))
    one_by_one = MatchingSettings(parallel=False, share=0.5)
    ended, wall_s = virtual(first, second, settings=one_by_one, left_s=1.0)
    assert [ran.error for ran in ended] == ["no answer within 0.5 s", "no time was left"]
    assert wall_s == pytest.approx(0.5)
    inline = Inline("inline")
    ended, _ = virtual(inline, left_s=0.0)
    assert statuses(ended) == {"inline": LayerStatus.LATE}
    assert inline.threads == []


@pytest.mark.parametrize("kind", [Sync, Inline])
@pytest.mark.parametrize("error", [ValueError("a secret prompt"), TimeoutError("a secret prompt")])
async def test_a_matcher_that_raises_fails_by_its_class_alone_and_the_others_go_on(
    kind: type[Sync], error: Exception
):
    """X-08: no text of an exception is kept, for it may quote the request."""
    running = executor()
    ended = await running.run([kind("bad", raising(error)), Sync("good")], QUERY, FAR)
    assert ended[0] == Ran(
        "bad", LayerStatus.FAILED, error=type(error).__name__, elapsed_s=ended[0].elapsed_s
    )
    assert ended[1].proposal == proposal("good")
    await running.close()


def test_a_matcher_that_breaks_off_its_own_work_fails_and_is_not_taken_for_a_cancelled_request():
    async def cancels_itself() -> None:
        raise asyncio.CancelledError

    async def times_out() -> None:
        raise TimeoutError

    ended, _ = virtual(Waiting("a", cancels_itself), Waiting("b", times_out))
    assert [(ran.status, ran.error) for ran in ended] == [
        (LayerStatus.FAILED, "CancelledError"),
        (LayerStatus.FAILED, "TimeoutError"),
    ]


def test_a_late_matcher_is_late_whatever_it_raises_when_it_is_ended():
    async def breaks() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            raise KeyError

    ended, _ = virtual(Waiting("a", breaks))
    assert statuses(ended) == {"a": LayerStatus.LATE}


async def test_a_matcher_that_exhausts_an_iterator_fails_at_once():
    """A StopIteration cannot pass through a future: the matcher would have been late instead."""
    running = executor()
    ran = await running.run_one(Sync("a", lambda: next(iter(()))), QUERY, FAR)
    assert (ran.status, ran.error) == (LayerStatus.FAILED, "RuntimeError")
    await running.close()


@pytest.mark.parametrize("inline", [True, False])
async def test_what_a_matcher_may_not_propose_is_not_taken(inline: bool):
    """A STRICT chain never leaves its capability, whatever a matcher of somebody's own says."""

    class Own(RouteMatcher):
        name = "own"

        def __init__(self, answer: object) -> None:
            self.inline = inline
            self.answer = answer

        def match(self, query: MatchQuery) -> Proposal:
            return self.answer  # type: ignore[return-value]

    running = executor()
    answers = [Proposal("own", "gamma", 1.0), Proposal("other", "alpha", 1.0), None]
    errors = [(await running.run_one(Own(answer), QUERY, FAR)).error for answer in answers]
    assert errors == [
        "it proposes an endpoint that may not be called",
        "its proposal is in the name of another layer",
        "AttributeError",
    ]
    ran = await running.run_one(Own(Proposal("own")), QUERY, FAR)
    assert ran.status is LayerStatus.DECLINED
    await running.close()


@pytest.mark.parametrize("kind", [Sync, Inline])
async def test_a_matcher_that_cannot_run_is_unavailable_and_not_called(kind: type[Sync]):
    """L-06: a layer without its dependency says so."""

    class Absent(kind):  # type: ignore[misc, valid-type]
        def why_unavailable(self, query: MatchQuery) -> str:
            return "no outcomes yet"

    class Broken(kind):  # type: ignore[misc, valid-type]
        def why_unavailable(self, query: MatchQuery) -> str:
            raise KeyError

    absent, broken = Absent("absent"), Broken("broken")
    running = executor()
    ended = await running.run([absent, broken], QUERY, FAR)
    assert ended[0] == Ran("absent", LayerStatus.UNAVAILABLE, error="no outcomes yet")
    assert (ended[1].status, ended[1].error) == (LayerStatus.FAILED, "KeyError")
    assert absent.threads == broken.threads == []
    assert [status.calls for status in running.status()] == [0, 1]
    await running.close()


async def test_two_matchers_of_one_name_are_refused():
    """J-10: it fails at the start, by a typed error."""
    twins = [Sync("a"), Sync("b"), Inline("a")]
    with pytest.raises(ValueError, match="more than one matcher is named a"):
        executor(*twins)
    running = executor()
    with pytest.raises(ValueError, match="more than one matcher is named a"):
        await running.run(twins, QUERY, FAR)
    await running.close()


async def test_nothing_to_run_is_nothing():
    running = executor()
    assert await running.run([], QUERY, FAR) == ()
    await running.close()
