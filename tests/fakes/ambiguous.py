"""Bare commands in sessions where more than one job may be meant, with what each of them means.

Sessions and phrases were written before the first run of the resolver over them; decision 0040
says what changed after it. A session is what callers have at once; every command is given in both
languages, two ways each. What is meant is the name of a job, ASK where the rules want a question
(two kinds close in priority and a command that cannot be taken back, or more than two kinds that
are close), or NOBODY where no job can follow.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.core.control import Command, Direction, JobKind
from gateway.core.jobs import JobState

ASK, NOBODY = "ask", "nobody"

PHRASES: dict[Command, tuple[str, ...]] = {
    Command.STOP: ("stop", "halt please", "стоп", "остановить"),
    Command.CANCEL: ("cancel", "abort it", "отмена", "отмени это"),
    Command.PAUSE: ("pause", "hold on", "пауза", "подожди"),
    Command.RESUME: ("resume", "go on", "продолжи", "возобновить"),
    Command.NEXT: ("next", "skip this one", "следующий", "пропусти"),
    Command.PREVIOUS: ("previous", "go back", "предыдущий", "назад"),
    Command.VOLUME: ("louder", "volume up", "громче", "сделай громче"),
}
UP = Direction.UP


@dataclass(frozen=True)
class Fake:
    """A job as the resolver sees it; greater ids are newer."""

    id: str
    kind: JobKind
    state: JobState = JobState.RUNNING
    active_at: float = 0.0
    choices: int = 0


@dataclass(frozen=True)
class Session:
    """Jobs, and what each command means among them; every other one means `bare`."""

    name: str
    jobs: tuple[Fake, ...]
    means: dict[Command, str]
    bare: str = ""


def _jobs(*kinds: JobKind, state: JobState = JobState.RUNNING) -> tuple[Fake, ...]:
    """Jobs of these kinds named job-1, job-2..., each active a second after the one before."""
    return tuple(
        Fake(f"job-{place}", kind, state, float(place)) for place, kind in enumerate(kinds, 1)
    )


I, P, B, M, O = JobKind  # noqa: E741 - one letter for each kind, in this file only
DONE, HELD = JobState.SUCCEEDED, JobState.PAUSED

SESSIONS: tuple[Session, ...] = (
    Session(
        "an orchestrator fills many holes at once",
        _jobs(*[I] * 50),
        {Command.RESUME: "any", Command.PREVIOUS: NOBODY},
        "job-50",
    ),
    Session(
        "an editor asks while a batch runs in the background",
        _jobs(B, I),
        {Command.RESUME: "any", Command.PREVIOUS: NOBODY},
        "job-2",
    ),
    Session(
        "two batches run",
        _jobs(B, B),
        {Command.RESUME: "any", Command.PREVIOUS: NOBODY},
        "job-2",
    ),
    Session(
        "three pipelines run",
        _jobs(P, P, P),
        {Command.RESUME: "any", Command.NEXT: NOBODY, Command.PREVIOUS: NOBODY},
        "job-3",
    ),
    Session(
        "a batch runs beside maintenance",
        _jobs(M, B),
        {
            Command.STOP: ASK,
            Command.CANCEL: ASK,
            Command.RESUME: "any",
            Command.PREVIOUS: NOBODY,
        },
        "job-2",
    ),
    Session(
        "an editor asks while evaluations run",
        _jobs(M, M, I),
        {Command.RESUME: "any", Command.PREVIOUS: NOBODY},
        "job-3",
    ),
    Session(
        "an editor asks while a pipeline runs",
        _jobs(P, I),
        {
            Command.STOP: ASK,
            Command.CANCEL: ASK,
            Command.RESUME: "any",
            Command.PREVIOUS: NOBODY,
        },
        "job-2",
    ),
    Session(
        "a paused request and one that runs",
        (Fake("job-1", I, HELD, 1.0), Fake("job-2", I, active_at=2.0)),
        {Command.RESUME: "job-1", Command.PREVIOUS: NOBODY},
        "job-2",
    ),
    Session(
        "a paused batch and a request",
        (Fake("job-1", B, HELD, 3.0), Fake("job-2", I, active_at=2.0)),
        {Command.RESUME: "job-1", Command.PREVIOUS: NOBODY},
        "job-2",
    ),
    Session(
        "candidates to look at while a batch runs",
        (Fake("job-1", I, DONE, 1.0, 4), Fake("job-2", B, active_at=2.0)),
        {
            Command.NEXT: "job-1",
            Command.PREVIOUS: "job-1",
            Command.RESUME: "any",
        },
        "job-2",
    ),
    Session(
        "two lists of candidates to look at",
        (Fake("job-1", I, DONE, 1.0, 4), Fake("job-2", I, DONE, 2.0, 2)),
        {Command.NEXT: "job-2", Command.PREVIOUS: "job-2"},
        NOBODY,
    ),
    Session(
        "an editor, a batch and other work",
        _jobs(O, B, I),
        {Command.RESUME: "any", Command.PREVIOUS: NOBODY},
        "job-3",
    ),
    Session(
        "twenty jobs of all kinds",
        _jobs(*[O, M, B, P, I] * 4),
        {
            Command.STOP: ASK,
            Command.CANCEL: ASK,
            Command.RESUME: "any",
            Command.PREVIOUS: NOBODY,
        },
        "job-20",
    ),
)
"""`any`: every job is so already, and which one is named does not matter."""
