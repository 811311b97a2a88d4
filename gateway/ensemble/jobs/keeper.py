"""Makes jobs of requests, which end with them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from types import TracebackType

from gateway.core.control import JobKind
from gateway.core.exchange import Exchange
from gateway.core.faults import invalid
from gateway.core.hole import Hole, Priority, Request, Strategy
from gateway.core.ports import Clock
from gateway.ensemble.jobs.faults import too_many
from gateway.ensemble.jobs.handle import JobHandle, Part
from gateway.state.jobs import JobRegistry

INTERACTIVE, PIPELINE, BATCH = JobKind.INTERACTIVE, JobKind.PIPELINE, JobKind.BATCH
BY_PIPELINE, LAST = Strategy.PIPELINE, Priority.BATCH
"""Looked up once: every request asks for them."""

LABEL = "job_kind"
"""The label by which a caller says what sort of work a request is."""


class JobKeeper:
    """Belongs to one event loop, like its registry."""

    def __init__(self, registry: JobRegistry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock

    def enter(self, exchange: Exchange) -> JobHandle | Part | None:
        """Make a job of a request, unless it is a part of one; None when there is no room.

        The caller that wants a detached one is refused instead: nobody else could find its answer.
        Raises Fault.
        """
        handle = exchange.job
        if isinstance(handle, JobHandle):
            return Part(handle, exchange)
        request = exchange.request
        job = self._registry.begin(
            kind_of(exchange), request, exchange.deadline.at, detached=exchange.detached
        )
        if job is None:
            if exchange.detached:
                raise too_many("detached jobs run", "jobs.max_detached")
            return None
        exchange.job = handle = JobHandle(self._registry, job, self._clock, exchange)
        return handle

    def batch(self, tenant: str, request_id: str, deadline_at: float) -> Batch:
        """Begin the job of a batch, in the task that answers it, whose context it is."""
        named = Request(Hole(""), request_id, tenant=tenant)
        job = self._registry.begin(BATCH, named, deadline_at)
        if job is None:
            return Batch(None)
        return Batch(JobHandle(self._registry, job, self._clock, None))


class Batch:
    """The job of a batch, as a context manager: leaving it ends the job, however that comes about.

    A batch has the session and the labels of its first hole. `handle` is None without a job.
    """

    def __init__(self, handle: JobHandle | None) -> None:
        self.handle = handle

    def __enter__(self) -> Batch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Raises Fault in place of a cancellation that a command asked for."""
        handle = self.handle
        if handle is None:
            return
        if error is None:
            handle.ended()
        elif isinstance(error, Exception):
            handle.failed(error)
        elif (fault := handle.left()) is not None:
            raise fault from None

    def begin(self, exchange: Exchange) -> None:
        """Make a request a part of the batch, unless it is to be a job of its own."""
        handle = self.handle
        if handle is None or exchange.detached:
            return
        if not handle.job.session_id:
            handle.job.session_id = exchange.request.session_id
            handle.job.labels = exchange.request.labels
        exchange.job = handle

    @contextmanager
    def hole(self) -> Generator[None]:
        """Count one hole: as one more, and as done when it is left."""
        if self.handle is None:
            yield
            return
        self.handle.asked()
        yield
        self.handle.answered()


def kind_of(exchange: Exchange) -> JobKind:
    """Say what sort of work a request is, unless its label does. Raises Fault for a false label."""
    request = exchange.request
    if request.labels:
        named = dict(request.labels).get(LABEL)
        if named is not None:
            if named not in set(JobKind):
                kinds = ", ".join(JobKind)
                raise invalid(f"labels[{LABEL}]", f"must be one of {kinds}; or leave it out")
            return JobKind(named)
    if exchange.work is not None or request.strategy is BY_PIPELINE:
        return PIPELINE
    return BATCH if request.priority is LAST else INTERACTIVE
