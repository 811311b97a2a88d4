"""The traces of the last requests that were traced: a ring, and an index of their ids."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Sequence
from itertools import count, islice

from gateway.core.faults import invalid
from gateway.core.ports import Clock
from gateway.core.trace import StageStatus, Trace
from gateway.core.value import value

MAX_COUNT = 100
"""Most traces of one list."""


@value
class TraceSettings:
    """`kept` and `max_bytes` bound what is kept; `unfinished_s` after which nobody closes it."""

    kept: int = 1000
    max_bytes: int = 64_000_000
    unfinished_s: float = 900.0


@value
class TraceFilter:
    """Which traces are wanted; what is empty or 0 leaves all. `slower_s`: at least so long."""

    status: StageStatus | None = None
    endpoint: str = ""
    slower_s: float = 0.0

    def takes(self, trace: Trace) -> bool:
        """Say whether a trace is wanted."""
        return (
            (self.status is None or trace.status is self.status)
            and self.endpoint in {"", trace.endpoint}
            and trace.elapsed_s >= self.slower_s
        )


EVERY_TRACE = TraceFilter()


@value
class TraceCounts:
    """`recorded` since the start; `evicted` of them to make room; `lost` were never closed.

    `kept` traces of about `bytes` are there now, and `running` ones are not closed yet. An operator
    had `cleared` of them removed.
    """

    recorded: int
    evicted: int
    lost: int
    kept: int
    bytes: int
    running: int
    cleared: int = 0


class TraceStore:
    """Keeps the newest traces. Safe for threads; nothing waits for more than a few steps."""

    def __init__(self, settings: TraceSettings, clock: Clock) -> None:
        """Raises ValueError for settings that keep nothing."""
        if settings.kept < 1 or settings.max_bytes < 1:
            raise ValueError("kept and max_bytes must be at least 1")
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._ring: deque[Trace] = deque()
        self._index: dict[str, Trace] = {}
        self._running: OrderedDict[int, float] = OrderedDict()
        self._bytes = self._recorded = self._evicted = self._lost = 0
        self._cleared = 0

    def begin(self) -> int:
        """Count a trace that begins; return what `record` or `forget` takes.

        One that is never closed is let go of after `unfinished_s`.
        """
        with self._lock:
            now = self._clock()
            self._sweep(now)
            number = next(self._numbers)
            self._running[number] = now
            return number

    def record(self, number: int, trace: Trace) -> None:
        """Keep a trace that is closed, and drop the oldest for which there is no room."""
        with self._lock:
            self._running.pop(number, None)
            self._sweep(self._clock())
            self._recorded += 1
            self._ring.append(trace)
            self._bytes += trace.size
            self._index[trace.trace_id] = self._index[trace.request_id] = trace
            while len(self._ring) > self._settings.kept or (
                self._bytes > self._settings.max_bytes and len(self._ring) > 1
            ):
                self._evict()

    def forget(self, number: int) -> None:
        """Let go of a trace that is not to be kept."""
        with self._lock:
            self._running.pop(number, None)

    def get(self, name: str) -> Trace | None:
        """Return the newest trace of a trace id or a request id, None when there is none."""
        with self._lock:
            return self._index.get(name)

    def recent(
        self, most: int = 10, wanted: TraceFilter = EVERY_TRACE, *, after: int = 0
    ) -> tuple[Trace, ...]:
        """Return the newest traces that are wanted, newest first, without the first `after`.

        Raises Fault(INVALID) for a count that is not from 1 to 100.
        """
        if not 1 <= most <= MAX_COUNT:
            raise invalid("count", f"must be from 1 to {MAX_COUNT}")
        found = (trace for trace in reversed(self.every()) if wanted.takes(trace))
        return tuple(islice(found, after, after + most))

    def every(self) -> Sequence[Trace]:
        """Return all traces that are kept, oldest first."""
        with self._lock:
            return tuple(self._ring)

    def counts(self) -> TraceCounts:
        """Tell what was kept and what was not."""
        with self._lock:
            self._sweep(self._clock())
            return TraceCounts(
                self._recorded,
                self._evicted,
                self._lost,
                len(self._ring),
                self._bytes,
                len(self._running),
                self._cleared,
            )

    def clear(self) -> int:
        """Let go of all that are kept and return how many; one that runs is kept when it ends."""
        with self._lock:
            gone = len(self._ring)
            self._ring.clear()
            self._index.clear()
            self._bytes = 0
            self._cleared += gone
            return gone

    def _evict(self) -> None:
        oldest = self._ring.popleft()
        self._bytes -= oldest.size
        self._evicted += 1
        for name in (oldest.trace_id, oldest.request_id):
            # A newer trace of the same id stays.
            if self._index.get(name) is oldest:
                del self._index[name]

    def _sweep(self, now: float) -> None:
        """Let go of those that nobody closed; they are in the order of their beginning."""
        while self._running:
            number, began = next(iter(self._running.items()))
            if now - began < self._settings.unfinished_s:
                return
            del self._running[number]
            self._lost += 1
