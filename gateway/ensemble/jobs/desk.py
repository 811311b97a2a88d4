"""Takes commands: finds out what is meant, does it, and says what came of it.

Nothing here waits: when a command is answered it has been given to the work, which ends or goes on
in its own time. WatchJob tells when.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from gateway.core.control import (
    Choice,
    Command,
    ControlOutcome,
    ControlResult,
    Effect,
    Method,
    Recognised,
    Resolution,
    Unrecognised,
    Wanted,
)
from gateway.core.faults import invalid
from gateway.core.jobs import TERMINAL, JobState, JobView, Manifests
from gateway.core.ports import Clock
from gateway.core.value import value
from gateway.ensemble.jobs.commanding import Commanded, Commander
from gateway.ensemble.jobs.faults import refused, too_many, unknown_job, unknown_question
from gateway.routing.control.resolve import ASK_GAP, resolve
from gateway.state.control_counts import Confirmed, ControlStatistics, TenantCounts
from gateway.state.jobs import Job, JobRegistry, Watch
from gateway.state.questions import Question, Questions

EVERY = "all"
"""The choice of a confirmation that means all of them."""


@value
class JobFilter:
    """Which jobs are listed; what is empty does not matter. `live` leaves out those that ended."""

    session_id: str = ""
    kinds: frozenset[str] = frozenset()
    states: frozenset[JobState] = frozenset()
    labels: tuple[tuple[str, str], ...] = ()
    live: bool = False


class ControlDesk:
    """Shows and steers the jobs of tenants, each of whom sees its own only.

    `gap`: kinds whose priorities are no further apart are asked about. Belongs to one event loop.
    """

    def __init__(
        self,
        registry: JobRegistry,
        manifests: Manifests,
        recognise: Callable[[str], Recognised | Unrecognised],
        commander: Commander,
        questions: Questions,
        counts: TenantCounts,
        clock: Clock,
        *,
        gap: int = ASK_GAP,
    ) -> None:
        self._registry = registry
        self._manifests = manifests
        self._recognise = recognise
        self._commander = commander
        self._questions = questions
        self._counts = counts
        self._clock = clock
        self._gap = gap

    def jobs(self, tenant: str, wanted: JobFilter) -> list[JobView]:
        """List the jobs of a tenant, the newest first."""
        found = (job for job in self._registry.of(tenant, wanted.session_id) if _fits(job, wanted))
        return [self._registry.view(job) for job in sorted(found, key=_id, reverse=True)]

    def job(self, tenant: str, job_id: str) -> JobView:
        """Show one job. Raises Fault(NOT_FOUND)."""
        return self._registry.view(self._find(tenant, job_id))

    def watch(self, tenant: str, job_id: str) -> Watch:
        """Follow one job; whoever begins must close the watch. Raises Fault."""
        watch = self._registry.watch(self._find(tenant, job_id))
        if watch is None:
            raise too_many("streams watch jobs", "jobs.max_watchers")
        return watch

    def statistics(self, tenant: str) -> ControlStatistics:
        """Copy the counts of a tenant's commands."""
        return self._counts.of(tenant).read()

    def control(
        self,
        tenant: str,
        session_id: str,
        wanted: Wanted | str,
        *,
        job: str = "",
        pause_clock: bool = False,
    ) -> ControlResult:
        """Follow a command, given as such or in words, in a session or in all of a tenant's.

        `job` and `pause_clock` say of words what these leave out.
        Raises Fault: NOT_FOUND for a job that is named and not known, INVALID for a dial without a
        direction, FAILED_PRECONDITION for a named job that cannot follow.
        """
        began = self._clock()
        recognised: Recognised | None = None
        if isinstance(wanted, str):
            heard = self._recognise(wanted)
            if isinstance(heard, Unrecognised):
                return self._counted(tenant, _unrecognised(heard), began)
            recognised = heard
            wanted = _wanted(heard, job, pause_clock=pause_clock)
        if wanted.command is Command.VOLUME and wanted.direction is None:
            raise invalid("direction", "must say which way the dial is turned: up or down")
        jobs = self._jobs(tenant, session_id, wanted)
        resolution = resolve(wanted, jobs, self._manifests, self._gap)
        result = self._follow(Question(tenant, session_id, wanted, resolution.choices), resolution)
        return self._counted(tenant, replace(result, recognised=recognised), began)

    def confirm(self, tenant: str, token: str, choice: str) -> ControlResult:
        """Follow a command that was asked about; `choice`: a job or a kind offered, or `all`.

        The token is used up by it. Raises Fault: NOT_FOUND for a token that is not waited for,
        INVALID for a choice that was not offered, which leaves the token as it was.
        """
        began = self._clock()
        question = self._questions.look(tenant, token)
        if question is None:
            raise unknown_question()
        wanted = _confirmed(question, choice)
        self._questions.answered(token)
        offered = tuple(one.kind for one in question.choices)
        chosen = next(
            (one.kind for one in question.choices if choice in {one.job, one.kind}), EVERY
        )
        self._counts.of(tenant).confirmed(Confirmed(wanted.command, offered, chosen))
        jobs = self._jobs(tenant, question.session_id, wanted)
        resolution = resolve(wanted, jobs, self._manifests, self._gap)
        if resolution.targets:
            resolution = replace(resolution, method=Method.CONFIRMED, confidence=1.0)
        return self._counted(tenant, self._follow(question, resolution, wanted), began)

    def _jobs(self, tenant: str, session_id: str, wanted: Wanted) -> Sequence[Job]:
        return (
            [self._find(tenant, wanted.job)]
            if wanted.job
            else self._registry.of(tenant, session_id)
        )

    def _follow(
        self, question: Question, resolution: Resolution, wanted: Wanted | None = None
    ) -> ControlResult:
        """Do what was resolved, or ask."""
        wanted = wanted or question.wanted
        if resolution.outcome is ControlOutcome.CONFIRMATION_REQUIRED:
            token = self._questions.ask(question)
            return ControlResult(
                resolution.outcome, wanted, resolution, reason=resolution.reason, token=token
            )
        if resolution.outcome is not ControlOutcome.DONE:
            return ControlResult(resolution.outcome, wanted, resolution, reason=resolution.reason)
        affected: list[Effect] = []
        skipped: list[Effect] = []
        for job_id in resolution.targets:
            job = self._find(question.tenant, job_id)
            commanded = self._given(job, wanted, resolution.method)
            effect = Effect(job.id, job.kind, job.state, commanded.words, job.selected)
            (affected if commanded.did else skipped).append(effect)
        outcome = ControlOutcome.DONE if affected else ControlOutcome.UNCHANGED
        reason = "" if affected else "; ".join(dict.fromkeys(one.words for one in skipped))
        return ControlResult(outcome, wanted, resolution, tuple(affected), tuple(skipped), reason)

    def _given(self, job: Job, wanted: Wanted, found_by: Method) -> Commanded:
        """Give a command to one job; a job that is named and can never follow refuses it."""
        if wanted.command not in self._manifests[job.kind].commands:
            raise refused(f"job_id: a job of kind {job.kind} does not support `{wanted.command}`")
        commanded = self._commander.give(job, wanted, found_by)
        if commanded.refused and wanted.job:
            raise refused(f"job_id: {commanded.words}")
        return commanded

    def _find(self, tenant: str, job_id: str) -> Job:
        job = self._registry.find(tenant, job_id)
        if job is None:
            raise unknown_job(job_id)
        return job

    def _counted(self, tenant: str, result: ControlResult, began: float) -> ControlResult:
        self._counts.of(tenant).count(result, self._clock() - began)
        return result


def _wanted(heard: Recognised, job: str, *, pause_clock: bool) -> Wanted:
    """Make a command of words. Raises Fault(INVALID) when they name another job."""
    if job and heard.job and job != heard.job:
        raise invalid("job_id", f"is not {heard.job}, which the text names; leave one of them out")
    named = job or heard.job
    return Wanted(
        heard.command,
        heard.direction,
        heard.dial,
        named,
        heard.kinds,
        heard.every,
        pause_clock,
    )


def _confirmed(question: Question, choice: str) -> Wanted:
    """Name the target of a question as it was answered. Raises Fault(INVALID)."""
    wanted = question.wanted
    if choice == EVERY:
        kinds = tuple(one.kind for one in question.choices)
        return replace(wanted, kinds=kinds, every=True)
    found = _chosen(question.choices, choice)
    if found is None:
        offered = ", ".join(f"{one.kind} ({one.job})" for one in question.choices)
        raise invalid("choice", f"was not offered; use one of: {offered}; or {EVERY!r}")
    return replace(wanted, job=found.job)


def _chosen(choices: Sequence[Choice], choice: str) -> Choice | None:
    return next((one for one in choices if choice in {one.job, one.kind}), None)


def _unrecognised(heard: Unrecognised) -> ControlResult:
    resolution = Resolution(
        ControlOutcome.UNRECOGNIZED, confidence=heard.confidence, reason=heard.reason
    )
    nearly = f"; the nearest command is `{heard.would_be}`" if heard.would_be else ""
    words = f"the text was not understood: {heard.reason}{nearly}"
    return ControlResult(ControlOutcome.UNRECOGNIZED, None, resolution, reason=words)


def _fits(job: Job, wanted: JobFilter) -> bool:
    return (
        (not wanted.live or job.state not in TERMINAL)
        and (not wanted.kinds or job.kind in wanted.kinds)
        and (not wanted.states or job.state in wanted.states)
        and (not wanted.labels or set(wanted.labels) <= set(job.labels))
    )


def _id(job: Job) -> str:
    return job.id
