"""Which job a command means (Q-04 to Q-09): decided from the jobs as they are, without asking.

The order is lexicographic: the target that is named, what the kinds support, their priority, the
last activity, the id. Nothing outweighs what stands before it, so the same jobs and the same
command give the same target.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Protocol

from gateway.core.control import (
    DESTRUCTIVE,
    Choice,
    Command,
    ControlOutcome,
    JobKind,
    Method,
    Resolution,
    Wanted,
)
from gateway.core.jobs import TERMINAL, JobState, Manifests

ASK_GAP = 20
"""Kinds whose priorities are no further apart are confused easily (Q-09)."""

MOST_KINDS = 2
"""With more kinds as close, commands that can be taken back are asked about too."""

NAMED, ALONE, NEWEST, TIED = 1.0, 0.95, 0.8, 0.6
ASKING = 0.5
GAP_FOR_SURE = 100
"""Confidence rises from one half by this part of a priority gap."""


class Known(Protocol):
    """A job as far as choosing one needs it; `active_at` reads the monotonic clock."""

    @property
    def id(self) -> str:
        """Later jobs have greater ids."""
        ...

    @property
    def kind(self) -> JobKind:
        """What sort of work it is."""
        ...

    @property
    def state(self) -> JobState:
        """How it stands."""
        ...

    @property
    def active_at(self) -> float:
        """When something happened to it last."""
        ...

    @property
    def choices(self) -> int:
        """How many candidates may be selected."""
        ...


class _Use(IntEnum):
    """What a command would do with a job."""

    NONE = 0
    NOTHING_NEW = 1
    """It is so already."""
    SOMETHING = 2


_STATES: dict[Command, tuple[frozenset[JobState], frozenset[JobState]]] = {
    Command.STOP: (
        frozenset({JobState.RUNNING, JobState.PAUSED}),
        frozenset({JobState.STOPPING}),
    ),
    Command.CANCEL: (
        frozenset({JobState.RUNNING, JobState.PAUSED, JobState.STOPPING}),
        frozenset({JobState.CANCELLING}),
    ),
    Command.PAUSE: (frozenset({JobState.RUNNING}), frozenset({JobState.PAUSED})),
    Command.RESUME: (frozenset({JobState.PAUSED}), frozenset({JobState.RUNNING})),
    Command.VOLUME: (frozenset({JobState.RUNNING, JobState.PAUSED}), frozenset()),
    Command.NEXT: (frozenset({JobState.RUNNING}), frozenset()),
    Command.PREVIOUS: (frozenset(), frozenset()),
}
"""For each command the states in which it does something, and those that it leads to."""


def resolve(
    wanted: Wanted, jobs: Iterable[Known], manifests: Manifests, gap: int = ASK_GAP
) -> Resolution:
    """Choose the jobs that a command goes to, or say why none, or what must be asked.

    `jobs` are those that the caller may see, in any order. A job that is named is the target
    whatever its state: that it cannot follow is found when it is told to.
    """
    known = list(jobs)
    if wanted.job:
        if any(one.id == wanted.job for one in known):
            return Resolution(ControlOutcome.DONE, (wanted.job,), Method.EXPLICIT, NAMED)
        return Resolution(ControlOutcome.NO_ACTIVE_JOBS, reason=f"no job {wanted.job!r}")
    live = [one for one in known if one.state not in TERMINAL]
    if wanted.kinds:
        known = [one for one in known if one.kind in wanted.kinds]
        live = [one for one in live if one.kind in wanted.kinds]
    command = wanted.command
    uses = [(_use(command, one), one) for one in known if command in manifests[one.kind].commands]
    best = max((use for use, _ in uses), default=_Use.NONE)
    if best is _Use.NONE:
        return _nobody(wanted, live, any(uses))
    fit = [one for use, one in uses if use is best]
    if wanted.every:
        targets = tuple(sorted(one.id for one in fit))
        return Resolution(ControlOutcome.DONE, targets, Method.EVERY, NAMED)
    # What changes nothing does no harm to the wrong one.
    return _chosen(wanted, fit, manifests, gap if best is _Use.SOMETHING else -1)


def _use(command: Command, job: Known) -> _Use:
    if command in {Command.NEXT, Command.PREVIOUS} and job.state in TERMINAL:
        return _Use.SOMETHING if job.choices > 1 else _Use.NONE
    does, leads_to = _STATES[command]
    if job.state in does:
        return _Use.SOMETHING
    return _Use.NOTHING_NEW if job.state in leads_to else _Use.NONE


def _nobody(wanted: Wanted, live: Sequence[Known], supported: bool) -> Resolution:  # noqa: FBT001
    """Say whether there is no job, none of a kind that supports it, or none in a fit state."""
    of = f" of kind {' or '.join(wanted.kinds)}" if wanted.kinds else ""
    if not live:
        return Resolution(ControlOutcome.NO_ACTIVE_JOBS, reason=f"no job{of} is running")
    why = "in the state they are in" if supported else "by their kind"
    words = f"none of the {len(live)} jobs{of} can follow `{wanted.command}` {why}"
    return Resolution(ControlOutcome.NO_CAPABLE_JOB, reason=words)


def _chosen(wanted: Wanted, fit: Sequence[Known], manifests: Manifests, gap: int) -> Resolution:
    """Choose the newest job of the kind of highest priority, unless that must be asked."""
    newest: dict[JobKind, Known] = {}
    counts: dict[JobKind, int] = {}
    tied: set[JobKind] = set()
    for one in fit:
        counts[one.kind] = counts.get(one.kind, 0) + 1
        now = newest.setdefault(one.kind, one)
        if now is one:
            continue
        if one.active_at == now.active_at:
            tied.add(one.kind)
        elif one.active_at > now.active_at:
            tied.discard(one.kind)
        if (one.active_at, one.id) > (now.active_at, now.id):
            newest[one.kind] = one
    kinds = sorted(newest, key=lambda kind: (-manifests[kind].priority, kind))
    choices = tuple(Choice(newest[kind].id, kind, counts[kind]) for kind in kinds)
    first = kinds[0]
    if len(wanted.kinds) > 1 and len(kinds) > 1:
        words = f"it names {' and '.join(kinds)}: name one of them, or all"
        return Resolution(ControlOutcome.AMBIGUOUS_TARGET, (), Method.NONE, ASKING, choices, words)
    if len(kinds) > 1:
        apart = manifests[first].priority - manifests[kinds[1]].priority
        # A kind that is far away is in nobody's mind: it makes no question of two that are close.
        least = manifests[first].priority - gap
        close = sum(manifests[kind].priority >= least for kind in kinds)
        unsure = wanted.command in DESTRUCTIVE or close > MOST_KINDS
        if apart <= gap and unsure:
            words = f"{first} and {kinds[1]} are {apart} apart in priority"
            return Resolution(
                ControlOutcome.CONFIRMATION_REQUIRED, (), Method.NONE, ASKING, choices, words
            )
        confidence = min(ALONE, ASKING + apart / GAP_FOR_SURE)
        method = Method.PRIORITY
    elif counts[first] == 1:
        method, confidence = Method.SINGLE, NAMED if wanted.kinds else ALONE
    else:
        method, confidence = Method.RECENCY, TIED if first in tied else NEWEST
    return Resolution(ControlOutcome.DONE, (newest[first].id,), method, confidence, choices)
