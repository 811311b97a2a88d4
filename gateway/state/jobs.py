"""The jobs of the gateway: those that run, and those that ended lately. The only store of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Protocol

from gateway.core.control import NO_DIALS, Dials, JobKind
from gateway.core.hole import Request
from gateway.core.jobs import (
    INITIAL,
    TERMINAL,
    JobCandidate,
    JobEvent,
    JobFailure,
    JobState,
    JobView,
    Progress,
    after,
)
from gateway.core.ports import Clock
from gateway.core.value import value
from gateway.state.job_history import JobHistory

FAILED = JobState.FAILED


@value
class JobLimits:
    """How many jobs are known. `kept_s`: seconds after which an ended one is forgotten.

    `recent` and `failed` count ended jobs, `kept_bytes` the texts of their candidates. Raises
    ValueError for a negative one.
    """

    live: int = 16_384
    recent: int = 1000
    failed: int = 200
    kept_s: float = 600.0
    kept_bytes: int = 16 * 1024 * 1024
    detached: int = 256
    watchers: int = 256

    def __post_init__(self) -> None:
        for one in fields(self):
            if getattr(self, one.name) < 0:
                raise ValueError(f"{one.name} must not be negative")


class Live(Protocol):
    """The work of a job that runs."""

    def progress(self) -> Progress:
        """Tell how far it is, now."""
        ...


class Job:
    """One job. Only the registry changes its state; whoever does its work sets the rest.

    `live` is its work while it runs. `ended_at`, `done`, `total`, `step`, `attempts` and
    `cost_micros` count after its end, of which nothing else is kept: many small objects that live
    long cost the garbage collector more than they cost to make. Texts
    of `candidates` may be let go of to save memory: `choices` then is 0.
    """

    __slots__ = (
        "active_at",
        "attempts",
        "candidates",
        "cost_micros",
        "created_at",
        "deadline_at",
        "detached",
        "dials",
        "done",
        "ended_at",
        "failure",
        "id",
        "kind",
        "labels",
        "live",
        "request_id",
        "revision",
        "selected",
        "session_id",
        "state",
        "step",
        "tenant",
        "total",
        "watchers",
    )

    def __init__(
        self, job_id: str, kind: JobKind, request: Request, now: float, deadline_at: float
    ) -> None:
        self.id = job_id
        self.kind = kind
        self.session_id = request.session_id
        self.tenant = request.tenant
        self.request_id = request.request_id
        self.labels = request.labels
        self.state = INITIAL
        self.created_at = self.active_at = self.ended_at = now
        self.deadline_at = deadline_at
        self.revision = self.selected = 0
        self.detached = False
        self.dials: Dials = NO_DIALS
        self.live: Live | None = None
        self.candidates: tuple[JobCandidate, ...] = ()
        self.failure: JobFailure | None = None
        self.done = self.total = self.attempts = self.cost_micros = 0
        self.step = ""
        self.watchers: list[asyncio.Event] | None = None

    def changed(self) -> None:
        """Tell those who watch it that there is news of it."""
        self.revision += 1
        if self.watchers:
            for watcher in self.watchers:
                watcher.set()

    @property
    def choices(self) -> int:
        """How many candidates may be selected."""
        return len(self.candidates)


class JobRegistry:
    """Every job of this gateway. It belongs to one event loop, and holds no lock.

    `wall` tells unix seconds; `name` is what ids begin with, so that those of two runs differ.
    `untracked` counts the requests for which there was no room. What is over is forgotten when the
    registry is next used; nothing runs for it.
    """

    def __init__(self, limits: JobLimits, clock: Clock, wall: Clock, name: str) -> None:
        self.untracked = 0
        self._limits = limits
        self._clock = clock
        self._wall = wall
        self._prefix = f"job-{name}-"
        self._number = 0
        self._live: dict[str, Job] = {}
        self._history = JobHistory[Job](
            limits.recent, limits.failed, limits.kept_s, limits.kept_bytes
        )
        self._watching = 0
        self._detached = 0

    def __len__(self) -> int:
        """Jobs that run."""
        return len(self._live)

    @property
    def ended(self) -> int:
        """Jobs that ended and are still known."""
        return len(self._history)

    @property
    def kept_bytes(self) -> int:
        """Bytes of the candidates that are kept, about."""
        return self._history.kept_bytes

    def begin(
        self, kind: JobKind, request: Request, deadline_at: float, *, detached: bool = False
    ) -> Job | None:
        """Begin a job; None when as many are known as may be, detached ones or all."""
        limits, live = self._limits, self._live
        if len(live) >= limits.live or (detached and self._detached >= limits.detached):
            self.untracked += 1
            return None
        self._number += 1
        job_id = f"{self._prefix}{self._number:08x}"
        job = live[job_id] = Job(job_id, kind, request, self._clock(), deadline_at)
        if detached:
            job.detached = True
            self._detached += 1
        return job

    def step(self, job: Job, event: JobEvent) -> bool:
        """Follow the table; False when the event may not happen in the job's state."""
        state = after(job.state, event)
        if state is None:
            return False
        job.state = state
        job.active_at = self._clock()
        if state in TERMINAL:
            self._end(job)
        job.changed()
        return True

    def touch(self, job: Job) -> None:
        """Note that something happened to a job, and tell those who watch it."""
        job.active_at = self._clock()
        job.changed()

    def find(self, tenant: str, job_id: str) -> Job | None:
        """Return a tenant's job; None when there is none, or it is another's."""
        self._history.expire(self._clock())
        job = self._live.get(job_id) or self._history.find(job_id)
        return job if job is not None and job.tenant == tenant else None

    def of(self, tenant: str, session_id: str = "") -> list[Job]:
        """List a tenant's jobs, those of one session or of all, the oldest first."""
        self._history.expire(self._clock())
        return [
            job
            for job in self._all()
            if job.tenant == tenant and (not session_id or job.session_id == session_id)
        ]

    def view(self, job: Job) -> JobView:
        """Copy a job as it is now."""
        now = self._clock()
        wall = self._wall()
        ended = job.state in TERMINAL
        until = job.ended_at + self._limits.kept_s if ended else job.deadline_at
        return JobView(
            job.id,
            job.session_id,
            job.tenant,
            job.kind,
            job.labels,
            job.state,
            job.revision,
            _ended(job) if job.live is None else job.live.progress(),
            wall - (now - job.created_at),
            wall - (now - job.active_at),
            now - job.created_at,
            now - job.active_at,
            max(0.0, until - now),
            job.request_id,
            job.detached,
            job.dials,
            job.candidates,
            job.selected,
            job.failure,
        )

    def watch(self, job: Job) -> Watch | None:
        """Begin to watch a job; None when as many watch as may. Whoever begins must close it."""
        if self._watching >= self._limits.watchers:
            return None
        self._watching += 1
        return Watch(self, job, self._unwatched)

    def _unwatched(self) -> None:
        self._watching -= 1

    def _all(self) -> Iterator[Job]:
        yield from self._history
        yield from self._live.values()

    def _end(self, job: Job) -> None:
        del self._live[job.id]
        self._detached -= job.detached
        job.live = None
        job.ended_at = job.active_at
        self._history.add(job, failed=job.state is FAILED, now=job.ended_at)


def _ended(job: Job) -> Progress:
    return Progress(job.done, job.total, (), job.step, job.attempts, job.cost_micros)


class Watch:
    """Follows one job for one watcher, who gets the newest state however slow it reads."""

    __slots__ = ("_closed", "_job", "_news", "_registry", "_told", "_watchers")

    def __init__(self, registry: JobRegistry, job: Job, closed: Callable[[], None]) -> None:
        self._registry = registry
        self._job = job
        self._closed = closed
        self._told = -1
        self._news = asyncio.Event()
        self._watchers = job.watchers = job.watchers or []
        self._watchers.append(self._news)

    async def next(self) -> JobView | None:
        """Wait for what has not been told yet; None once the last state was told.

        States that were passed meanwhile are left out.
        """
        while self._told == self._job.revision:
            if self._job.state in TERMINAL:
                return None
            self._news.clear()
            await self._news.wait()
        self._told = self._job.revision
        return self._registry.view(self._job)

    def close(self) -> None:
        """Watch no more; once for each watch."""
        self._watchers.remove(self._news)
        self._closed()
