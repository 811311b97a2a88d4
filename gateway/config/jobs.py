"""Settings of jobs and of the commands to them, and the words and manifests that come with them."""

from __future__ import annotations

import secrets
import time
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, TypeVar

from pydantic import Field, ValidationError, field_validator

from gateway.config.section import Seconds, Section
from gateway.core.control import Command, Dial, Direction, JobKind, Recognised, Unrecognised
from gateway.core.jobs import Manifest, Manifests
from gateway.core.ports import Clock
from gateway.ensemble.jobs.commanding import Commander, PauseSettings
from gateway.ensemble.jobs.desk import ControlDesk
from gateway.ensemble.jobs.detached import DetachedRuns
from gateway.ensemble.jobs.keeper import JobKeeper
from gateway.routing.control.recognise import Recogniser
from gateway.routing.control.words import Language, Phrase, Spoken, words_of
from gateway.state.control_counts import TenantCounts
from gateway.state.jobs import JobLimits, JobRegistry
from gateway.state.questions import Questions

LANGUAGES = ("en", "ru")
_DIRECTIONS = frozenset({"up", "down"})
_Key = TypeVar("_Key")


class JobsConfig(Section):
    """Jobs: what is seen of the work in progress, and how it is steered."""

    max_live: int = Field(
        default=16_384, ge=1, le=1_000_000, description="Most jobs at once; more are not tracked."
    )
    recent: int = Field(
        default=1000, ge=0, le=100_000, description="Jobs that ended without an error, kept."
    )
    failed: int = Field(default=200, ge=0, le=100_000, description="Failed jobs kept.")
    kept_s: Seconds = Field(default=600.0, description="Longest time that an ended job is kept.")
    kept_bytes: int = Field(
        default=16 * 1024 * 1024,
        ge=0,
        description="Most memory of candidates kept; the oldest are let go of first.",
    )
    max_detached: int = Field(
        default=256, ge=0, le=100_000, description="Most detached jobs at once; more are refused."
    )
    detached_s: Seconds = Field(
        default=300.0, description="Deadline of a detached job, from its start."
    )
    max_pause_s: Seconds = Field(
        default=300.0, description="Longest pause; after it the job goes on by itself."
    )
    pause_clock: bool = Field(
        default=False, description="The deadline stands still during a pause unless told otherwise."
    )
    confirm_s: Seconds = Field(default=300.0, description="Time to answer a confirmation.")
    ask_gap: int = Field(
        default=20, ge=0, le=100, description="Kinds this close in priority are asked about."
    )
    max_watchers: int = Field(
        default=256, ge=1, le=100_000, description="WatchJob streams at once; more are refused."
    )
    slow_ms: float = Field(
        default=5.0, ge=1, le=100, description="Commands that take longer to resolve are counted."
    )
    priority: dict[JobKind, int] = Field(
        default={}, description="Priority by kind, where it is not that of the kind's manifest."
    )

    @field_validator("priority")
    @classmethod
    def in_bands(cls, value: dict[JobKind, int]) -> dict[JobKind, int]:
        """Confidence is computed from gaps between 0 and 100."""
        for kind, priority in value.items():
            if not 0 <= priority <= 100:  # noqa: PLR2004 - the bands end there
                raise ValueError(f"{kind} must be from 0 to 100")
        return value

    @property
    def limits(self) -> JobLimits:
        """What the registry keeps."""
        return JobLimits(
            self.max_live,
            self.recent,
            self.failed,
            self.kept_s,
            self.kept_bytes,
            self.max_detached,
            self.max_watchers,
        )


class _ManifestTable(Section):
    """The manifest of one kind; a command that nobody knows is an error."""

    priority: int = Field(ge=0, le=100)
    commands: frozenset[Command]


class _LanguageFile(Section):
    """The words of one language."""

    commands: dict[Command, tuple[str, ...]]
    volume: dict[str, tuple[str, ...]]
    directions: dict[Direction, tuple[str, ...]]
    dials: dict[Dial, tuple[str, ...]]
    kinds: dict[JobKind, tuple[str, ...]]
    words: dict[Literal["every", "negations", "fillers"], tuple[str, ...]]


def manifests_of(config: JobsConfig, text: str | None = None) -> Manifests:
    """Read the manifests, `text` or those that come with the product, and override priorities.

    Raises ValueError for a kind or a command that does not exist, and for a kind without a
    manifest (Q-19).
    """
    read = tomllib.loads(_data("kinds") if text is None else text)
    manifests: dict[JobKind, Manifest] = {}
    for name, table in read.items():
        kind = _kind(name)
        try:
            manifest = _ManifestTable.model_validate(table)
        except ValidationError as error:
            raise ValueError(f"{name}: {error.errors()[0]['msg']}") from None
        priority = config.priority.get(kind, manifest.priority)
        manifests[kind] = Manifest(kind, priority, manifest.commands)
    missing = set(JobKind) - set(manifests)
    if missing:
        raise ValueError(f"no manifest of: {', '.join(sorted(missing))}")
    return manifests


@cache
def recogniser() -> Recogniser:
    """Make what reads commands, in the languages that come with the product."""
    return Recogniser([language_of(name, _data(name)) for name in LANGUAGES])


def language_of(name: str, text: str) -> Language:
    """Read the words of a language. Raises ValueError for what is not known in them."""
    try:
        read = _LanguageFile.model_validate(tomllib.loads(text))
    except ValidationError as error:
        raise ValueError(f"{name}: {error.errors()[0]['msg']}") from None
    commands = [
        (words_of(phrase), Spoken(command))
        for command, phrases in read.commands.items()
        for phrase in phrases
    ]
    for key, phrases in read.volume.items():
        spoken = _turned(name, key)
        commands += ((words_of(phrase), spoken) for phrase in phrases)
    return Language(
        name,
        tuple(commands),
        _pairs(read.kinds),
        _pairs(read.dials),
        _pairs(read.directions),
        *(
            tuple(words_of(phrase) for phrase in read.words.get(word, ()))
            for word in ("every", "negations", "fillers")
        ),
    )


def _turned(name: str, key: str) -> Spoken:
    """Read what the phrases under a key of `volume` say: `any`, `up`, or `verbosity_down`."""
    if key == "any":
        return Spoken(Command.VOLUME)
    dial, _, direction = key.rpartition("_")
    if direction not in _DIRECTIONS or (dial and dial not in set(Dial)):
        raise ValueError(f"{name}: volume.{key} is no dial and direction")
    return Spoken(Command.VOLUME, Direction(direction), Dial(dial) if dial else None)


def _kind(name: str) -> JobKind:
    try:
        return JobKind(name)
    except ValueError:
        raise ValueError(f"{name} is no kind of job; use {', '.join(JobKind)}") from None


def _pairs(named: dict[_Key, tuple[str, ...]]) -> tuple[tuple[Phrase, _Key], ...]:
    return tuple((words_of(one), key) for key, phrases in named.items() for one in phrases)


def _data(name: str) -> str:
    return files("gateway.config").joinpath("control", f"{name}.toml").read_text("utf-8")


def _recognise(text: str) -> Recognised | Unrecognised:
    """Read a command; the words are loaded with the first one."""
    return recogniser()(text)


@dataclass(frozen=True, slots=True)
class Jobs:
    """What a gateway has of jobs: their store, what makes them, what steers them, and an owner."""

    registry: JobRegistry
    keeper: JobKeeper
    desk: ControlDesk
    detached: DetachedRuns


def jobs_of(config: JobsConfig, clock: Clock) -> Jobs:
    """Make what tracks and steers the jobs of a gateway."""
    registry = JobRegistry(config.limits, clock, time.time, secrets.token_hex(4))
    desk = ControlDesk(
        registry,
        manifests_of(config),
        _recognise,
        Commander(registry, PauseSettings(config.max_pause_s, config.pause_clock)),
        Questions(config.confirm_s, clock, secrets.token_urlsafe),
        TenantCounts(config.slow_ms),
        clock,
        gap=config.ask_gap,
    )
    return Jobs(registry, JobKeeper(registry, clock), desk, DetachedRuns(config.detached_s))
