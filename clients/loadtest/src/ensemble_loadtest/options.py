"""Turns what stands on the command line into a plan. Every function raises PlanError."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ensemble_loadtest.address import read_address
from ensemble_loadtest.faults import PlanError
from ensemble_loadtest.plan import FROM_ENVIRONMENT, Arrivals, Header, Load, Plan, Protocol
from ensemble_loadtest.prompts import BUILT_IN, Asking, Prompt, of_size, read_prompts
from ensemble_loadtest.schedule import Segment, read_trace, steps
from ensemble_loadtest.slo import read_objective
from ensemble_loadtest.spans import rate_of, seconds_of


@dataclass(frozen=True, slots=True)
class Shape:
    """How requests arrive; exactly one of the first five says it."""

    rate: str | None
    ramp: str | None
    step: str | None
    trace: Path | None
    workers: int | None
    speed: float
    arrivals: Arrivals
    seed: int

    def chosen(self) -> str:
        """Return the name of the one that is given."""
        ways = {
            "--rate": self.rate,
            "--ramp": self.ramp,
            "--step": self.step,
            "--trace": self.trace,
            "--workers": self.workers,
        }
        given = [name for name, value in ways.items() if value is not None]
        if len(given) != 1:
            what = f"{' and '.join(given)} exclude each other: " if given else ""
            raise PlanError(f"{what}give one of {', '.join(ways)}")
        return given[0]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much; the first four are spans of time."""

    duration: str
    warmup: str
    timeout: str
    max_lag: str
    requests: int
    max_in_flight: int
    processes: int
    connections: int


@dataclass(frozen=True, slots=True)
class Speech:
    """Whom to speak to, how, and about what."""

    target: str
    protocol: Protocol
    stream: bool
    prompts: Path | None
    prompt_chars: int | None
    headers: Sequence[str]
    api_key_env: str | None
    ca: Path | None


def plan_of(speech: Speech, shape: Shape, limits: Limits, asking: Asking, slo: str) -> Plan:
    """Return the plan of a command line."""
    return Plan(
        address=read_address(speech.target),
        load=load_of(shape, limits),
        protocol=speech.protocol,
        stream=speech.stream,
        prompts=prompts_of(speech.prompts, speech.prompt_chars),
        asking=asking,
        slo=read_objective(slo),
        headers=headers_of(speech.headers, speech.api_key_env),
        ca_file=None if speech.ca is None else str(speech.ca),
        processes=limits.processes,
        connections=limits.connections,
        timeout_s=seconds_of("--timeout", limits.timeout),
        warmup_s=seconds_of("--warmup", limits.warmup),
        max_lag_s=seconds_of("--max-lag", limits.max_lag),
    )


def load_of(shape: Shape, limits: Limits) -> Load:
    """Return how requests arrive."""
    chosen = shape.chosen()
    seconds = seconds_of("--duration", limits.duration)
    trace: tuple[float, ...] = ()
    if shape.trace is not None:
        offsets = read_trace(shape.trace.name, read_text("--trace", shape.trace))
        trace = tuple(one / shape.speed for one in offsets if one / shape.speed <= seconds)
        seconds = min(seconds, max(trace[-1], 1e-3))
    return Load(
        seconds=seconds,
        workers=shape.workers or 0,
        segments=_segments(chosen, shape, seconds),
        arrivals=shape.arrivals,
        trace=trace,
        max_requests=limits.requests,
        max_in_flight=limits.max_in_flight,
        seed=shape.seed,
    )


def _segments(chosen: str, shape: Shape, seconds: float) -> tuple[Segment, ...]:
    if seconds <= 0:
        raise PlanError("--duration: must be longer than 0")
    if chosen == "--rate":
        return steps([rate_of("--rate", shape.rate or "")], seconds)
    if chosen == "--step":
        return steps([rate_of("--step", one) for one in (shape.step or "").split(",")], seconds)
    if chosen == "--ramp":
        start, separator, end = (shape.ramp or "").partition(":")
        if not separator:
            raise PlanError(f"--ramp: {shape.ramp!r}: write two rates, such as 100:2000")
        return (Segment(seconds, rate_of("--ramp", start), rate_of("--ramp", end)),)
    return ()


def headers_of(texts: Sequence[str], key_variable: str | None) -> tuple[Header, ...]:
    """Read `name: text` and `name: env:VARIABLE`; the variable of a key makes a bearer token."""
    found: list[Header] = []
    for text in texts:
        name, separator, value = text.partition(":")
        if not separator or not name.strip():
            raise PlanError(f"--header: write 'name: text' or 'name: {FROM_ENVIRONMENT}VARIABLE'")
        found.append(Header(name.strip(), value.strip()))
    if key_variable:
        found.append(Header("authorization", f"{FROM_ENVIRONMENT}Bearer {key_variable}"))
    return tuple(found)


def prompts_of(file: Path | None, characters: int | None) -> tuple[Prompt, ...]:
    """Return the prompts of a file, of a size, or the built-in ones."""
    if file is not None and characters is not None:
        raise PlanError("--prompts and --prompt-chars exclude each other")
    if file is not None:
        return read_prompts(file.name, read_text("--prompts", file))
    return BUILT_IN if characters is None else of_size(characters)


def read_text(option: str, file: Path) -> str:
    """Read a file of UTF-8."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"{option}: {file} cannot be read: {error}") from None


def write_text(option: str, file: Path, text: str) -> None:
    """Write a file of UTF-8."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise PlanError(f"{option}: {file} cannot be written: {error}") from None
