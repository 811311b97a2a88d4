"""Runs the matchers of a request, at the same time and each within its own time (J-01)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from gateway.core.deadline import Deadline
from gateway.core.matcher import MatchQuery, RouteMatcher
from gateway.core.matching import LayerStatus, Proposal
from gateway.core.ports import Clock
from gateway.core.value import value
from gateway.routing.cascade import Ran


class Way(StrEnum):
    """How a matcher is called: on the event loop, awaited, or in a worker thread."""

    INLINE = "inline"
    ASYNC = "async"
    THREAD = "thread"

    @classmethod
    def of(cls, matcher: RouteMatcher) -> Way:
        """`supports_async` decides, for every matcher has the async method (J-03)."""
        if matcher.inline:
            return cls.INLINE
        return cls.ASYNC if matcher.supports_async else cls.THREAD


@value
class MatchingSettings:
    """How matchers are run; names of the seed in J-09.

    Without `parallel` one runs at a time. `workers` is the number of threads. A matcher has
    `timeout_s` from its beginning, and all of one run have `share`, above 0 and at most 1, of the
    time that the request has left.
    """

    parallel: bool = True
    workers: int = 4
    timeout_s: float = 5.0
    share: float = 0.2


@value
class MatcherStatus:
    """One matcher since the start of the executor (X-24); `abandoned` is of now.

    `errors` and `late` are among the `calls`; what was unavailable was not called. `abandoned`
    counts the threads that still work on what nobody waits for. `total_s` is the time of the calls
    that ended, waiting for a thread included.
    """

    name: str
    weight: float
    way: Way
    calls: int
    errors: int
    late: int
    abandoned: int
    total_s: float


class _RefusedError(Exception):
    """No thread may be used."""


class _Threads:
    """At most so many calls in threads at once, those included that nobody waits for any longer.

    Calls that find no place wait outside of the pool, each in the task that owns it, so that no
    queue grows behind threads that hang.
    """

    def __init__(self, workers: int) -> None:
        self.abandoned: dict[Future[Proposal], str] = {}
        self._workers = workers
        self._places = asyncio.Semaphore(workers)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="matcher")
        self._closed = False

    async def run(self, matcher: RouteMatcher, query: MatchQuery) -> Proposal:
        """Return what it proposes, or raise what it raises; cancelling it abandons the thread."""
        if self._closed:
            raise _RefusedError("closed")
        if len(self.abandoned) >= self._workers:
            raise _RefusedError("saturated")
        await self._places.acquire()
        work = self._pool.submit(copy_context().run, _match, matcher, query)
        work.add_done_callback(partial(self._tell, asyncio.get_running_loop()))
        try:
            return await asyncio.wrap_future(work)
        except asyncio.CancelledError:
            if not work.cancel() and not work.done():
                self.abandoned[work] = matcher.name
            raise

    def close(self) -> None:
        """Start nothing more. Threads that hang are not waited for."""
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _tell(self, loop: asyncio.AbstractEventLoop, work: Future[Proposal]) -> None:
        """Free the place, on the loop; this is called in the thread."""
        # A thread that ends after its loop has nobody to tell.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._free, work)

    def _free(self, work: Future[Proposal]) -> None:
        self.abandoned.pop(work, None)
        self._places.release()


@dataclass(slots=True)
class _Tally:
    """What is counted of one matcher."""

    matcher: RouteMatcher
    calls: int = 0
    errors: int = 0
    late: int = 0
    total_s: float = 0.0


class MatcherExecutor:
    """Belongs to one event loop; whoever makes it closes it.

    Matchers that wait for something else gain by running at the same time. Those that compute in
    Python do not, in threads neither: one at a time holds the interpreter (J-07).

    A thread cannot be stopped: that of a matcher which is late, or whose request was cancelled, is
    abandoned and keeps its place until it ends. Once all places are held so, further matchers that
    need a thread fail at once, and the others go on (J-05). A thread that never ends also keeps the
    process from ending.
    """

    def __init__(
        self, settings: MatchingSettings, clock: Clock, matchers: Sequence[RouteMatcher] = ()
    ) -> None:
        """`matchers` are in the status from the start, others once they are run.

        Raises ValueError when two have one name.
        """
        _check_names(matchers)
        self._settings = settings
        self._clock = clock
        self._threads = _Threads(settings.workers)
        self._tasks: set[asyncio.Task[Ran]] = set()
        self._tallies = {matcher.name: _Tally(matcher) for matcher in matchers}

    async def run(
        self, matchers: Sequence[RouteMatcher], query: MatchQuery, deadline: Deadline
    ) -> tuple[Ran, ...]:
        """Run matchers, and return in their order how each ended; what finished is kept (J-04).

        Whatever a matcher raises ends as FAILED with the name of its class, never its words, which
        might quote the request. Raises ValueError when two have one name. Cancelling it cancels
        the matchers that are awaited and abandons the threads.
        """
        _check_names(matchers)
        for matcher in matchers:
            self._tallies.setdefault(matcher.name, _Tally(matcher)).matcher = matcher
        now = self._clock()
        until = deadline.sooner(now + self._settings.share * deadline.left(now))
        if all(matcher.inline for matcher in matchers):
            return tuple([self._on_loop(matcher, query, until) for matcher in matchers])
        # The same code either way (J-08): only how many may run at once differs.
        gate = asyncio.Semaphore(len(matchers) if self._settings.parallel else 1)
        tasks: dict[str, asyncio.Task[Ran]] = {}
        ended: dict[str, Ran] = {}
        async with asyncio.TaskGroup() as group:
            for matcher in matchers:
                if Way.of(matcher) is Way.INLINE:
                    ended[matcher.name] = self._on_loop(matcher, query, until)
                else:
                    task = group.create_task(self._in_time(gate, matcher, query, until))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
                    tasks[matcher.name] = task
        for name, task in tasks.items():
            # Only `close` cancels a matcher without its request.
            ended[name] = _failed(name, "closed") if task.cancelled() else task.result()
        return tuple(ended[matcher.name] for matcher in matchers)

    async def run_one(self, matcher: RouteMatcher, query: MatchQuery, deadline: Deadline) -> Ran:
        """Run one matcher, as `run` does."""
        (ran,) = await self.run((matcher,), query, deadline)
        return ran

    def status(self) -> tuple[MatcherStatus, ...]:
        """Status of each matcher known."""
        held = Counter(self._threads.abandoned.values())
        return tuple(
            MatcherStatus(
                name=name,
                weight=tally.matcher.weight,
                way=Way.of(tally.matcher),
                calls=tally.calls,
                errors=tally.errors,
                late=tally.late,
                abandoned=held[name],
                total_s=tally.total_s,
            )
            for name, tally in self._tallies.items()
        )

    async def close(self) -> None:
        """Cancel and await every matcher that is awaited or in a thread; no thread starts again.

        Threads that were abandoned are not waited for.
        """
        self._threads.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _on_loop(self, matcher: RouteMatcher, query: MatchQuery, until: Deadline) -> Ran:
        began = self._clock()
        ran = _turned_away(matcher, query, until.left(began))
        if ran is None:
            try:
                ran = _answered(matcher, query, matcher.match(query))
            except Exception as error:  # noqa: BLE001 - the others go on without it (X-08)
                ran = _failed(matcher.name, type(error).__name__)
        return self._counted(matcher, ran, began)

    async def _in_time(
        self, gate: asyncio.Semaphore, matcher: RouteMatcher, query: MatchQuery, until: Deadline
    ) -> Ran:
        """Run a matcher that may take its time, once the gate lets it pass."""
        async with gate:
            began = self._clock()
            left_s = min(self._settings.timeout_s, until.left(began))
            ran = _turned_away(matcher, query, left_s)
            if ran is None:
                ran = await self._awaited(matcher, query, left_s)
            return self._counted(matcher, ran, began)

    async def _awaited(self, matcher: RouteMatcher, query: MatchQuery, left_s: float) -> Ran:
        limit = asyncio.timeout(left_s)
        try:
            async with limit:
                if Way.of(matcher) is Way.ASYNC:
                    proposal = await matcher.match_async(query)
                else:
                    proposal = await self._threads.run(matcher, query)
            return _answered(matcher, query, proposal)
        except _RefusedError as refused:
            return _failed(matcher.name, str(refused))
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            return _failed(matcher.name, type(error).__name__)
        except Exception as error:  # noqa: BLE001 - the others go on without it (X-08)
            if limit.expired():
                return _late(matcher.name, f"no answer within {left_s:.4g} s")
            return _failed(matcher.name, type(error).__name__)

    def _counted(self, matcher: RouteMatcher, ran: Ran, began: float) -> Ran:
        """Add to the tally how a matcher ended, and its time."""
        if ran.status is LayerStatus.UNAVAILABLE:
            return ran
        tally = self._tallies[matcher.name]
        elapsed_s = self._clock() - began
        tally.calls += 1
        tally.errors += ran.status is LayerStatus.FAILED
        tally.late += ran.status is LayerStatus.LATE
        tally.total_s += elapsed_s
        return Ran(ran.name, ran.status, ran.proposal, ran.error, elapsed_s, began)


def _check_names(matchers: Sequence[RouteMatcher]) -> None:
    names = [matcher.name for matcher in matchers]
    if len(set(names)) < len(names):
        twice = [name for name, count in Counter(names).items() if count > 1]
        raise ValueError(f"more than one matcher is named {', '.join(twice)}")


def _match(matcher: RouteMatcher, query: MatchQuery) -> Proposal:
    """Call it in a thread, where no future could hand a StopIteration on."""
    try:
        return matcher.match(query)
    except StopIteration as error:
        raise RuntimeError(type(error).__name__) from None


def _is_cancelled() -> bool:
    """Say whether the running task was told to end: else the matcher cancelled something itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _turned_away(matcher: RouteMatcher, query: MatchQuery, left_s: float) -> Ran | None:
    """How a matcher ends that is not called at all; None for one that is."""
    if left_s <= 0:
        return _late(matcher.name, "no time was left")
    try:
        absent = matcher.why_unavailable(query)
    except Exception as error:  # noqa: BLE001 - the others go on without it (X-08)
        return _failed(matcher.name, type(error).__name__)
    return Ran(matcher.name, LayerStatus.UNAVAILABLE, error=absent) if absent else None


def _answered(matcher: RouteMatcher, query: MatchQuery, proposal: Proposal) -> Ran:
    """Take an answer, unless it breaks the contract of a matcher.

    An endpoint outside of the permitted ones would leave the capability that a rule insists on.
    """
    if proposal.layer != matcher.name:
        return _failed(matcher.name, "its proposal is in the name of another layer")
    if proposal.endpoint and proposal.endpoint not in query.permitted:
        return _failed(matcher.name, "it proposes an endpoint that may not be called")
    return Ran.of(proposal)


def _failed(name: str, error: str) -> Ran:
    return Ran(name, LayerStatus.FAILED, error=error)


def _late(name: str, error: str) -> Ran:
    return Ran(name, LayerStatus.LATE, error=error)
