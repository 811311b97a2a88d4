"""Answers of requests that their callers named, kept so that no repetition pays twice."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from sys import getsizeof

from gateway.core.answer import Answer
from gateway.core.candidate import Candidate
from gateway.core.exchange import Exchange, Handle
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.machine import Transition, targets
from gateway.core.ports import Clock
from gateway.core.value import value
from gateway.state.shared_work import Place, SharedWork

ENTRY_BYTES = 2048
"""About what one answer takes beside its texts."""

LOGPROB_BYTES = 32

INITIAL = "absent"
TRANSITIONS = (
    Transition("absent", "begin", "running", "A new id is asked for: its work starts."),
    Transition("running", "answer", "answered", "There is an answer: it is kept for the window."),
    Transition("running", "fail", "absent", "A fault, a bug, or nobody waits: nothing is kept."),
    Transition("answered", "expire", "expired", "The window is over: nobody finds it any more."),
    Transition(
        "answered", "evict", "expired", "Room is needed: the oldest goes, or one too large."
    ),
)
_TARGETS = targets(TRANSITIONS)

Key = tuple[str, str]
"""The tenant and the request's id."""


@value
class ReplaySettings:
    """How long answers are kept, and how many.

    `window_s` seconds from the answer on; `max_entries` counts running work too, which is never
    evicted; `max_bytes` is of the answers kept, their texts and events.
    """

    window_s: float = 600.0
    max_entries: int = 10_000
    max_bytes: int = 64 * 1024 * 1024

    def __post_init__(self) -> None:
        for name in ("window_s", "max_entries", "max_bytes"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be more than 0")


class Entry:
    """What is known of one id."""

    __slots__ = ("answered_at", "fingerprint", "key", "size", "state", "work")

    def __init__(
        self,
        key: Key,
        exchange: Exchange,
        handle: Handle,
        ended: Callable[[Entry, Answer | None], None],
    ) -> None:
        self.key = key
        self.state = INITIAL
        self.fingerprint = exchange.fingerprint
        self.answered_at = 0.0
        self.size = 0
        self.work = SharedWork(exchange, handle, lambda answer: ended(self, answer))

    def step(self, event: str) -> None:
        """Follow the table. Raises ValueError for what is not in it."""
        target = _TARGETS.get((self.state, event))
        if target is None:
            raise ValueError(f"no transition from {self.state!r} on {event!r}")
        self.state = target


class Replays:
    """The book of named requests. It belongs to one event loop, and holds no lock.

    `joined` and `replayed` count callers who got the answer of work that was running, or over.
    Answers expire when the book is next used; nothing runs for it.
    """

    def __init__(self, settings: ReplaySettings, clock: Clock) -> None:
        self.joined = 0
        self.replayed = 0
        self._settings = settings
        self._clock = clock
        self._running: dict[Key, Entry] = {}
        # By the time of their answers, so that the first one is the oldest.
        self._answered: OrderedDict[Key, Entry] = OrderedDict()
        self._bytes = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def entries(self) -> int:
        """Ids known now: running, and answered within the window."""
        self._expire()
        return len(self._running) + len(self._answered)

    @property
    def bytes_kept(self) -> int:
        """Bytes of the answers kept, about."""
        self._expire()
        return self._bytes

    def join(self, exchange: Exchange, handle: Handle) -> Place | None:
        """Take a place at the work of the request's id, which begins now unless it is known.

        Returns None when the id belongs to another request. Whoever has a place must leave it.
        """
        self._expire()
        key = (exchange.request.tenant, exchange.request.request_id)
        running = self._running.get(key)
        entry = running or self._answered.get(key)
        if entry is None:
            return self._begin(key, exchange, handle).join(exchange)
        if entry.fingerprint != exchange.fingerprint:
            return None
        if running is not None:
            self.joined += 1
        else:
            self.replayed += 1
        return entry.work.join(exchange)

    async def close(self) -> None:
        """Cancel all running work and wait until it has ended; its callers get Fault(CANCELLED)."""
        for entry in tuple(self._running.values()):
            entry.work.stop(shutting_down())
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _begin(self, key: Key, exchange: Exchange, handle: Handle) -> SharedWork:
        entry = self._running[key] = Entry(key, exchange, handle, self._end)
        entry.step("begin")
        self._trim()
        task = entry.work.task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return entry.work

    def _end(self, entry: Entry, answer: Answer | None) -> None:
        del self._running[entry.key]
        if answer is None:
            entry.step("fail")
            return
        entry.step("answer")
        entry.answered_at = self._clock()
        entry.size = _size(answer) + entry.work.log.size
        if entry.size > self._settings.max_bytes:
            # All the others would have to go, and then it too.
            entry.step("evict")
            return
        self._answered[entry.key] = entry
        self._bytes += entry.size
        self._trim()

    def _expire(self) -> None:
        since = self._clock() - self._settings.window_s
        while self._answered:
            key = next(iter(self._answered))
            if self._answered[key].answered_at > since:
                return
            self._drop_oldest("expire")

    def _trim(self) -> None:
        settings = self._settings
        while self._answered and (
            len(self._running) + len(self._answered) > settings.max_entries
            or self._bytes > settings.max_bytes
        ):
            self._drop_oldest("evict")

    def _drop_oldest(self, event: str) -> None:
        _, entry = self._answered.popitem(last=False)
        self._bytes -= entry.size
        entry.step(event)


def _size(answer: Answer) -> int:
    return ENTRY_BYTES + sum(map(_candidate_size, answer.candidates))


def _candidate_size(candidate: Candidate) -> int:
    completion = candidate.completion
    return getsizeof(completion.text) + LOGPROB_BYTES * len(completion.logprobs)


def shutting_down() -> Fault:
    """The gateway stops, and what it works on with it."""
    return Fault(
        Kind.CANCELLED,
        Origin.US,
        Reason.SHUTTING_DOWN,
        "the request was stopped: the gateway is shutting down",
    )
