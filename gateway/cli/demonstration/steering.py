"""Work that is steered while it runs: a session pauses, resumes, skips and stops a batch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import pairwise

from ensemble.v1.job_service_pb2 import ControlResponse, Job, JobState
from ensemble_client import (
    AsyncClient,
    AsyncSession,
    EnsembleError,
    GenerateRequest,
    GenerateResponse,
)
from ensemble_client.batches import BatchResult
from ensemble_client.requests import request_of

from gateway.cli.demonstration.answers import word
from gateway.cli.demonstration.endpoints import FAST
from gateway.cli.demonstration.lessons import Lesson

SESSION = "demonstration"
PAUSE, RESUME, NEXT, STOP = "pause the batch", "resume the batch", "next", "stop the batch"
MUST_FOLLOW = (PAUSE, RESUME, STOP)
"""All but NEXT: no attempt may be running at the moment, or none that another endpoint follows."""

MAX_TOKENS = 24
LIMIT_S = 6.0
CALL_S = 3.0
QUIET_S = 0.4
"""A paused job of which nothing is heard for so long does nothing: others tell of each hole."""

NOT_NEEDED, JOB_STOPPED = "NOT_NEEDED", "JOB_STOPPED"
ENDED = frozenset(
    {
        JobState.JOB_STATE_SUCCEEDED,
        JobState.JOB_STATE_STOPPED,
        JobState.JOB_STATE_CANCELLED,
        JobState.JOB_STATE_FAILED,
    }
)


@dataclass(frozen=True, slots=True)
class Said:
    """A command in words, what the gateway made of it, and the job once the work had followed."""

    text: str
    result: ControlResponse
    job: Job


@dataclass(frozen=True, slots=True)
class Steered:
    """What came of a batch of `sent` holes.

    `rested` is the paused job after nothing was heard of it for QUIET_S. `error` says what broke
    off the steering, empty when nothing did.
    """

    sent: int
    said: tuple[Said, ...]
    rested: Job | None
    results: tuple[BatchResult, ...]
    error: str = ""

    @property
    def filled(self) -> int:
        """Holes with a text."""
        return sum(isinstance(one, GenerateResponse) for one in self.results)

    @property
    def stopped(self) -> int:
        """Holes that were left when the batch was stopped."""
        return sum(
            isinstance(one, EnsembleError) and one.reason == JOB_STOPPED for one in self.results
        )

    @property
    def skipped(self) -> int:
        """Holes of which a running attempt was given up for the next endpoint.

        One that STOP ended has the same reason, but none after it.
        """
        return sum(
            any(attempt.reason == NOT_NEEDED for attempt, _ in pairwise(one.attempts))
            for one in self.results
        )

    @property
    def missing(self) -> tuple[str, ...]:
        """What was promised and not kept, in words."""
        said = {one.text: one for one in self.said}
        reasons = [f"steering the batch broke off: {self.error}"] if self.error else []
        for text in MUST_FOLLOW:
            if text not in said:
                reasons.append(f"{text!r} was not said")
            elif not said[text].result.affected:
                reasons.append(f"{text!r} was not followed: {said[text].result.reason}")
        if PAUSE in said and not self._rested(said[PAUSE].job):
            reasons.append("the paused batch did not rest")
        if STOP in said and said[STOP].job.state != JobState.JOB_STATE_STOPPED:
            state = word(JobState.Name(said[STOP].job.state), "JOB_STATE_")
            reasons.append(f"the batch that was to stop is {state}")
        if len(self.results) != self.sent:
            reasons.append(f"the batch answered {len(self.results)} of {self.sent} holes")
        return tuple(reasons)

    def _rested(self, paused: Job) -> bool:
        """Say whether the job stood still between the two looks at it."""
        rested = self.rested
        return (
            rested is not None
            and rested.state == paused.state == JobState.JOB_STATE_PAUSED
            and rested.progress == paused.progress
        )


async def perform_steering(client: AsyncClient, lessons: Sequence[Lesson]) -> Steered:
    """Start a batch in the background and steer it by words; never longer than LIMIT_S.

    What goes wrong is told in `missing`.
    """
    course = _Course(client, client.session(SESSION))
    error = ""
    try:
        async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group:
            group.create_task(course.fill([_request(lesson) for lesson in lessons]))
            job_id = await course.begun()
            if job_id:
                group.create_task(course.seen.follow(client.watch_job(job_id, timeout=LIMIT_S)))
                await course.steer(job_id)
    except* TimeoutError:
        error = f"it was not over after {LIMIT_S:g} s"
    except* EnsembleError as errors:
        error = "; ".join(str(one) for one in errors.exceptions)
    return Steered(len(lessons), tuple(course.said), course.rested, tuple(course.results), error)


def _request(lesson: Lesson) -> GenerateRequest:
    return request_of(
        lesson.hole.prompt,
        {
            "suffix": lesson.hole.suffix,
            "language": "python",
            "session_id": SESSION,
            "max_tokens": MAX_TOKENS,
            "temperature": 0.0,
            "strategy": "sequential",
            "routing_mode": "rules",
        },
    )


class Follower:
    """Keeps the newest state of a job that is watched, and wakes who waits for one."""

    def __init__(self) -> None:
        self.job = Job()
        self._news = asyncio.Event()

    async def follow(self, changes: AsyncGenerator[Job]) -> None:
        """Hear of every change, to the last."""
        async with aclosing(changes):
            async for job in changes:
                self.job = job
                self._news.set()

    async def until(self, fits: Callable[[Job], bool]) -> None:
        """Wait for a state that fits, or the job's last one."""
        while not fits(self.job) and self.job.state not in ENDED:
            await self._change()

    async def quiet(self, seconds: float) -> None:
        """Wait until nothing was heard for so long."""
        while True:
            try:
                async with asyncio.timeout(seconds):
                    await self._change()
            except TimeoutError:
                return

    async def _change(self) -> None:
        self._news.clear()
        await self._news.wait()


class _Course:
    """The batch, its job and what is said to it. Whoever uses it sets the deadline."""

    def __init__(self, client: AsyncClient, session: AsyncSession) -> None:
        self.seen = Follower()
        self.said: list[Said] = []
        self.rested: Job | None = None
        self.results: list[BatchResult] = []
        self._client = client
        self._session = session
        self._answered = asyncio.Event()

    async def fill(self, requests: Sequence[GenerateRequest]) -> None:
        """Send the holes, and keep what comes back."""
        async with aclosing(self._client.batch(requests, timeout=LIMIT_S)) as results:
            async for result in results:
                self.results.append(result)
                self._answered.set()

    async def begun(self) -> str:
        """Wait for the first answer; return the id of the job, empty when none of them runs."""
        await self._answered.wait()
        running = await self._session.jobs({"live": True}, timeout=CALL_S)
        return running[0].id if running else ""

    async def steer(self, job_id: str) -> None:
        """Pause the batch, look twice whether it rests, let it go on, skip and stop."""
        await self._say(PAUSE, job_id, _rests, QUIET_S)
        await self.seen.quiet(QUIET_S)
        self.rested = await self._job(job_id)
        await self._say(RESUME, job_id, _beyond(self.rested))
        # Small holes go there first, so that there is a next one. A call takes some milliseconds:
        # one that was heard of earlier may have ended.
        heard = self.seen.job.revision
        await self.seen.until(lambda job: job.revision > heard and FAST in job.progress.running)
        await self._say(NEXT, job_id, _beyond(self.seen.job))
        await self._say(STOP, job_id, lambda job: job.state in ENDED)

    async def _say(
        self, text: str, job_id: str, follows: Callable[[Job], bool], quiet_s: float = 0.0
    ) -> None:
        """Give a command; when it is taken, wait until the work follows, and for `quiet_s`."""
        result = await self._session.control(text, timeout=CALL_S)
        if result.affected:
            await self.seen.until(follows)
            if quiet_s:
                await self.seen.quiet(quiet_s)
        self.said.append(Said(text, result, await self._job(job_id)))

    async def _job(self, job_id: str) -> Job:
        return (await self._client.job(job_id, timeout=CALL_S)).job


def _rests(job: Job) -> bool:
    """Say whether a job is paused, and what ran then has ended."""
    return job.state == JobState.JOB_STATE_PAUSED and not job.progress.running


def _beyond(earlier: Job) -> Callable[[Job], bool]:
    """Return the question whether a job has more holes done than it had."""
    return lambda job: job.progress.done > earlier.progress.done
