"""What becomes of the jobs of a gateway, listed again and again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

from gateway.cli.exits import Exit, fail

if TYPE_CHECKING:
    from ensemble.v1.job_service_pb2 import Job

LISTING_SHARE = 10
"""A listing is waited after for at least so many times what it took: many jobs are dear to list."""

UNKNOWN = -1


class JobChanges:
    """Tells what changed from one listing to the next.

    It remembers what the listing before had, which the gateway bounds, and nothing of earlier ones.
    """

    def __init__(self) -> None:
        self._known: dict[str, int] | None = None

    def of(self, jobs: Sequence[Job]) -> list[Job]:
        """Return what is new since the last listing, the oldest news first.

        Of the first listing that are the jobs that run; later also those that began and ended
        between two listings.
        """
        known = self._known
        self._known = {job.id: job.revision for job in jobs}
        if known is None:
            news = [job for job in jobs if _runs(job)]
        else:
            news = [job for job in jobs if known.get(job.id, UNKNOWN) != job.revision]
        return sorted(news, key=lambda job: (job.active_at.ToNanoseconds(), job.id))


class LiveJobs:
    """Shows each job that runs or begins, and each of its changes, until it is interrupted.

    `look` lists all jobs, those that ended lately too, within so many seconds. `every_s`: seconds
    between two listings.
    """

    def __init__(
        self,
        look: Callable[[float], Sequence[Job]],
        show: Callable[[Job], None],
        every_s: float,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._look = look
        self._show = show
        self._every_s = every_s
        self._clock = clock
        self._sleep = sleep

    def run(self, timeout_s: float) -> NoReturn:
        """Go on for so many seconds, then leave with DEADLINE. Raises EnsembleError."""
        changes, began = JobChanges(), self._clock()
        while (left := began + timeout_s - self._clock()) > 0:
            asked = self._clock()
            for job in changes.of(self._look(left)):
                self._show(job)
            took = self._clock() - asked
            self._sleep(min(left, max(self._every_s, LISTING_SHARE * took)))
        fail(f"the time of {timeout_s:g} s is over", Exit.DEADLINE)


def _runs(job: Job) -> bool:
    from ensemble.v1 import job_service_pb2 as pb

    return job.state in {
        pb.JOB_STATE_RUNNING,
        pb.JOB_STATE_PAUSED,
        pb.JOB_STATE_STOPPING,
        pb.JOB_STATE_CANCELLING,
    }
