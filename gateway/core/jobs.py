"""Jobs: the work that callers can see and steer while it runs, and for a while after."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from gateway.core.candidate import Completion
from gateway.core.control import NO_DIALS, Command, Dials, JobKind
from gateway.core.machine import Transition, targets
from gateway.core.policy import Call, Invocation
from gateway.core.value import value


class JobState(StrEnum):
    """How a job stands. The last four are terminal: a job enters one of them once and stays."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    STOPPED = "stopped"
    CANCELLED = "cancelled"
    FAILED = "failed"

    # That of Enum is written in Python, and every request looks up two members or more.
    __hash__ = str.__hash__


TERMINAL = frozenset(
    {JobState.SUCCEEDED, JobState.STOPPED, JobState.CANCELLED, JobState.FAILED},
)


class JobEvent(StrEnum):
    """What may happen to a job: commands, and how its work ends."""

    PAUSE = "pause"
    RESUME = "resume"
    EXPIRE = "expire"
    STOP = "stop"
    CANCEL = "cancel"
    FINISH = "finish"
    FAIL = "fail"
    LEAVE = "leave"

    __hash__ = str.__hash__


INITIAL = JobState.RUNNING
TRANSITIONS = (
    Transition("running", "pause", "paused", "No new attempt starts, streams are not read on."),
    Transition("running", "stop", "stopping", "Running attempts are ended; the best so far is it."),
    Transition("running", "cancel", "cancelling", "Everything is ended and thrown away."),
    Transition("running", "finish", "succeeded", "There is an answer."),
    Transition("running", "fail", "failed", "There is none; the error says why."),
    Transition("running", "leave", "cancelled", "Its caller left, or the gateway shuts down."),
    Transition("paused", "resume", "running", "Attempts may start, streams are read on."),
    Transition("paused", "expire", "running", "It was paused for as long as is allowed."),
    Transition("paused", "stop", "stopping", "As of a running one."),
    Transition("paused", "cancel", "cancelling", "As of a running one."),
    Transition("paused", "finish", "succeeded", "What ran at the pause was the last it needed."),
    Transition("paused", "fail", "failed", "As of a running one; its deadline does not wait."),
    Transition("paused", "leave", "cancelled", "As of a running one."),
    Transition("stopping", "cancel", "cancelling", "The best so far is not wanted either."),
    Transition("stopping", "finish", "stopped", "The best so far is the answer, which says so."),
    Transition("stopping", "fail", "failed", "There was nothing to give yet."),
    Transition("stopping", "leave", "cancelled", "As of a running one."),
    Transition("cancelling", "finish", "cancelled", "An answer came all the same: thrown away."),
    Transition("cancelling", "fail", "cancelled", "All of it has ended."),
    Transition("cancelling", "leave", "cancelled", "All of it has ended."),
)
_TARGETS = {
    (JobState(source), JobEvent(event)): JobState(target)
    for (source, event), target in targets(TRANSITIONS).items()
}


def after(state: JobState, event: JobEvent) -> JobState | None:
    """Say what state an event leads to; None when it may not happen in this one."""
    return _TARGETS.get((state, event))


@value
class Manifest:
    """What a kind of job is: its priority, higher first, and the commands that it supports."""

    kind: JobKind
    priority: int
    commands: frozenset[Command]


Manifests = Mapping[JobKind, Manifest]
"""One manifest for each kind."""


@value
class Progress:
    """How far a job is. `running` names the endpoints called now, `step` what it is about.

    `done` and `total` count holes, steps or candidates; `total` is 0 while nobody knows.
    """

    done: int = 0
    total: int = 0
    running: tuple[str, ...] = ()
    step: str = ""
    attempts: int = 0
    cost_micros: int = 0


NO_PROGRESS = Progress()


@value
class JobCandidate:
    """A text that a job gave, kept so that another may be selected or a caller come back for it."""

    index: int
    endpoint: str
    text: str
    confidence: float


@value
class JobFailure:
    """Why a job has no answer: the reason that its caller got, and the words."""

    reason: str
    message: str


@value
class JobView:
    """A job as it stands: a copy, that no later change alters.

    `created_at` and `active_at` are unix seconds, `age_s` and `idle_s` come from the monotonic
    clock. `lease_s`: seconds until its deadline while it runs, then until it is forgotten. Of the
    `candidates` that are kept, number `selected` of them, from 0, is the one that stands.
    """

    id: str
    session_id: str
    tenant: str
    kind: JobKind
    labels: tuple[tuple[str, str], ...]
    state: JobState
    revision: int
    progress: Progress
    created_at: float
    active_at: float
    age_s: float
    idle_s: float
    lease_s: float
    request_id: str = ""
    detached: bool = False
    dials: Dials = NO_DIALS
    candidates: tuple[JobCandidate, ...] = ()
    selected: int = 0
    failure: JobFailure | None = None

    @property
    def ended(self) -> bool:
        """True in a terminal state."""
        return self.state in TERMINAL


class Steering(Protocol):
    """What a run carries of its job: it asks before each attempt and each step.

    `held` is looked at first: while it is False nothing is to be waited for or refused. `steered`
    turns true with the first command that changes what comes of it.
    """

    held: bool
    stopping: bool
    steered: bool
    dials: Dials

    @property
    def id(self) -> str:
        """The job's id."""
        ...

    async def ready(self) -> None:
        """Wait while the job is paused. Raises Fault(CANCELLED) once it is to stop."""
        ...

    async def attempt(self, call: Call, invocation: Invocation, *, skippable: bool) -> Completion:
        """Make a call that may start. Raises what it raises.

        Raises Fault(CANCELLED, JOB_STOPPED) when the job is to stop meanwhile, and
        Fault(UNAVAILABLE, NOT_NEEDED) when its caller wants the next endpoint instead, which is
        possible where the call is `skippable`.
        """
        ...

    def expect(self, total: int) -> None:
        """Take note of how many holes, steps or candidates there are; what was said first stays."""
        ...

    def advance(self, done: int, step: str = "") -> None:
        """Take note of how many are done and what comes now."""
        ...
