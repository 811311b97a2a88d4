"""Commands to jobs: what is wanted, what of which job, and what came of it."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from gateway.core.hole import Sampling
from gateway.core.value import value

HOTTEST = 1.5
STEP_TEMPERATURE = 0.1
STEP_VERBOSITY = 1.5
MOST_STEPS = 15
"""How far a dial turns to either side: temperatures 0 to 1.5 by steps of 0.1."""

MOST_TOKENS = 1_000_000
DEFAULT_TEMPERATURE = 0.7


class JobKind(StrEnum):
    """What sort of work a job is; its manifest says what may be done with it."""

    INTERACTIVE = "interactive"
    PIPELINE = "pipeline"
    BATCH = "batch"
    MAINTENANCE = "maintenance"
    OTHER = "other"


class Command(StrEnum):
    """What may be done with a job (Q-01).

    STOP: finish now with the best so far; CANCEL: throw everything away; PAUSE and RESUME; NEXT and
    PREVIOUS: another endpoint, or another of the candidates; VOLUME: turn a dial of what has not
    started yet.
    """

    STOP = "stop"
    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    NEXT = "next"
    PREVIOUS = "previous"
    VOLUME = "volume"


DESTRUCTIVE = frozenset({Command.STOP, Command.CANCEL})
"""Commands that cannot be taken back: they are asked about sooner."""


class Direction(StrEnum):
    """Which way a dial is turned."""

    UP = "up"
    DOWN = "down"


class Dial(StrEnum):
    """What VOLUME turns: temperature by 0.1, most tokens by half as much again, candidates by 1."""

    TEMPERATURE = "temperature"
    VERBOSITY = "verbosity"
    CANDIDATES = "candidates"


@value
class Dials:
    """How far each dial of a job was turned, in steps; 0 is as requested."""

    temperature: int = 0
    verbosity: int = 0
    candidates: int = 0

    def turned(self, dial: Dial, direction: Direction) -> Dials:
        """Turn one dial by one step, as far as it goes."""
        steps: int = getattr(self, dial)
        steps += 1 if direction is Direction.UP else -1
        return replace(self, **{dial.value: max(-MOST_STEPS, min(MOST_STEPS, steps))})

    def sampling(self, planned: Sampling) -> Sampling:
        """Return the sampling of an attempt that has not started yet.

        The temperature stays in 0..1.5, or where it was when it was above; `max_tokens` that the
        request leaves to the endpoint stay so.
        """
        if self.temperature:
            base = DEFAULT_TEMPERATURE if planned.temperature is None else planned.temperature
            wanted = round(base + STEP_TEMPERATURE * self.temperature, 6)
            planned = replace(planned, temperature=max(0.0, min(max(HOTTEST, base), wanted)))
        if self.verbosity and planned.max_tokens is not None:
            tokens = round(planned.max_tokens * STEP_VERBOSITY**self.verbosity)
            planned = replace(planned, max_tokens=max(1, min(MOST_TOKENS, tokens)))
        return planned


NO_DIALS = Dials()


@value
class Recognised:
    """What a text asks for. `kinds` names the kinds of job in it, `every` that all are meant.

    `method` says how it was found: `exact`, or `similarity` of words that were mistyped.
    """

    command: Command
    direction: Direction | None = None
    dial: Dial = Dial.TEMPERATURE
    kinds: tuple[JobKind, ...] = ()
    job: str = ""
    every: bool = False
    confidence: float = 1.0
    method: str = "exact"


@value
class Unrecognised:
    """Why a text asks for nothing. `would_be` is the command that it nearly was, if any."""

    reason: str
    would_be: Command | None = None
    confidence: float = 0.0


class ControlOutcome(StrEnum):
    """What came of a command as a whole."""

    DONE = "done"
    UNCHANGED = "unchanged"
    UNRECOGNIZED = "unrecognized"
    NO_ACTIVE_JOBS = "no_active_jobs"
    NO_CAPABLE_JOB = "no_capable_job"
    AMBIGUOUS_TARGET = "ambiguous_target"
    CONFIRMATION_REQUIRED = "confirmation_required"


class Method(StrEnum):
    """How the target of a command was found."""

    NONE = "none"
    EXPLICIT = "explicit"
    SINGLE = "single"
    PRIORITY = "priority"
    RECENCY = "recency"
    EVERY = "every"
    CONFIRMED = "confirmed"


@value
class Choice:
    """One of the jobs that a command may mean: the newest of its kind."""

    job: str
    kind: JobKind
    jobs: int
    """How many of this kind it may mean."""


@value
class Resolution:
    """Which jobs a command goes to, in the order of ids, and how sure that is, 0..1.

    `outcome` is DONE when there are targets; else `reason` says what is missing, and `choices`
    name what may be meant.
    """

    outcome: ControlOutcome
    targets: tuple[str, ...] = ()
    method: Method = Method.NONE
    confidence: float = 0.0
    choices: tuple[Choice, ...] = ()
    reason: str = ""


@value
class Wanted:
    """A command with its target as far as it is named: a job, or a kind, or neither.

    `every` means all jobs that it may be meant for, not the newest only. `pause_clock` keeps the
    deadline from running while the job is paused.
    """

    command: Command
    direction: Direction | None = None
    dial: Dial = Dial.TEMPERATURE
    job: str = ""
    kinds: tuple[JobKind, ...] = ()
    every: bool = False
    pause_clock: bool = False


@value
class Effect:
    """What a command did with one job: the state after it, and the words for what did not happen.

    `selected` is the place of the candidate that stands now.
    """

    job: str
    kind: JobKind
    state: str
    words: str = ""
    selected: int = 0


@value
class ControlResult:
    """What came of a command (Q-18, Q-21): what it did, to which jobs, and how those were found.

    `token` is set with CONFIRMATION_REQUIRED: hand it to a confirmation with one of the choices.
    """

    outcome: ControlOutcome
    wanted: Wanted | None
    resolution: Resolution
    affected: tuple[Effect, ...] = ()
    skipped: tuple[Effect, ...] = ()
    reason: str = ""
    token: str = ""
    recognised: Recognised | None = None
