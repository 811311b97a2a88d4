"""Jobs that ended, for as long as they may be asked for: bounded in number, time and memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from sys import getsizeof
from typing import Generic, Protocol, TypeVar

from gateway.core.jobs import JobCandidate


class Ended(Protocol):
    """A job as the history needs it; `candidates` are emptied to save memory."""

    id: str
    ended_at: float
    candidates: tuple[JobCandidate, ...]
    selected: int


One = TypeVar("One", bound=Ended)


class JobHistory(Generic[One]):
    """Failed jobs apart from the others, so that many good ones do not hide what went wrong.

    `kept_s`: seconds after which a job is forgotten; `kept_bytes`: most memory of their candidates'
    texts, of which the oldest are let go of first, while the job itself stays.
    """

    def __init__(self, recent: int, failed: int, kept_s: float, kept_bytes: int) -> None:
        self.kept_bytes = 0
        self._kept_s = kept_s
        self._most_bytes = kept_bytes
        # By the time of their end, so that the first one is the oldest. They are looked up rarely,
        # and added to by every request.
        self._recent: deque[One] = deque()
        self._failed: deque[One] = deque()
        self._most_recent = recent
        self._most_failed = failed
        self._texts: deque[One] = deque()

    def __len__(self) -> int:
        return len(self._recent) + len(self._failed)

    def __iter__(self) -> Iterator[One]:
        """Hand out the jobs in the order of their ids."""
        return iter(sorted((*self._recent, *self._failed), key=_id))

    def find(self, job_id: str) -> One | None:
        """Return a job that ended; None when it is not known, or no longer."""
        return next((job for job in (*self._recent, *self._failed) if job.id == job_id), None)

    def add(self, job: One, *, failed: bool, now: float) -> None:
        """Take a job that has ended, and let go of the oldest for it."""
        ended, most = self._recent, self._most_recent
        if failed:
            ended, most = self._failed, self._most_failed
        ended.append(job)
        if job.candidates:
            self._keep(job)
        if len(ended) > most or ended[0].ended_at + self._kept_s <= now:
            self._trim(ended, most, now)

    def expire(self, now: float) -> None:
        """Forget what ended too long ago."""
        self._trim(self._recent, self._most_recent, now)
        self._trim(self._failed, self._most_failed, now)

    def _trim(self, ended: deque[One], most: int, now: float) -> None:
        while ended and (len(ended) > most or ended[0].ended_at + self._kept_s <= now):
            job = ended.popleft()
            if job.candidates:
                self._texts.remove(job)
                self._let_go(job)

    def _keep(self, job: One) -> None:
        self._texts.append(job)
        self.kept_bytes += _size(job)
        while self.kept_bytes > self._most_bytes:
            self._let_go(self._texts.popleft())

    def _let_go(self, job: One) -> None:
        self.kept_bytes -= _size(job)
        job.candidates = ()
        job.selected = 0


def _size(job: Ended) -> int:
    return sum(getsizeof(one.text) for one in job.candidates)


def _id(job: Ended) -> str:
    return job.id
