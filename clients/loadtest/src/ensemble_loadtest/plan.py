"""What a run is to do; sent to every process."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ensemble_loadtest.address import Address
from ensemble_loadtest.faults import PlanError
from ensemble_loadtest.prompts import BUILT_IN, Asking, Prompt, summary
from ensemble_loadtest.schedule import Segment
from ensemble_loadtest.slo import Objective

MAX_CELLS = 300
"""Points of the plots over time."""

FROM_ENVIRONMENT = "env:"


class Protocol(StrEnum):
    """How the target is spoken to."""

    NATIVE = "native"
    OIP = "oip"
    OPENAI = "openai"


class Arrivals(StrEnum):
    """How the gaps between requests of an open loop are drawn."""

    POISSON = "poisson"
    CONSTANT = "constant"


@dataclass(frozen=True, slots=True)
class Header:
    """A header field to send; its text may stand in an environment variable, as secrets should."""

    name: str
    text: str

    def value(self) -> str:
        """Return the text, read from the environment if it is there. Raises PlanError."""
        if not self.text.startswith(FROM_ENVIRONMENT):
            return self.text
        variable = self.text.removeprefix(FROM_ENVIRONMENT)
        prefix, _, name = variable.rpartition(" ")
        found = os.environ.get(name)
        if not found:
            raise PlanError(f"--header {self.name}: the environment has no {name}")
        return f"{prefix} {found}" if prefix else found


@dataclass(frozen=True, slots=True)
class Load:
    """How requests arrive.

    `workers` callers that each wait for their answer make a closed loop; with 0, requests arrive by
    `segments`, or at the offsets of a `trace`, whether the target keeps up or not.
    """

    seconds: float = 10.0
    workers: int = 0
    segments: tuple[Segment, ...] = ()
    arrivals: Arrivals = Arrivals.POISSON
    trace: tuple[float, ...] = ()
    max_requests: int = 0
    max_in_flight: int = 10_000
    seed: int = 0

    def __str__(self) -> str:
        if self.workers:
            return f"closed loop of {self.workers}"
        if self.trace:
            return f"replay of {len(self.trace)} arrivals"
        rates = [f"{one.start_rate:g}" for one in self.segments]
        if self.segments and self.segments[-1].end_rate != self.segments[-1].start_rate:
            rates.append(f"{self.segments[-1].end_rate:g}")
        return f"open loop, {self.arrivals} at {' → '.join(rates)}/s"


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a process must know. What was to be sent before `warmup_s` is not counted."""

    address: Address
    load: Load
    protocol: Protocol = Protocol.NATIVE
    stream: bool = False
    prompts: tuple[Prompt, ...] = BUILT_IN
    asking: Asking = field(default_factory=Asking)
    slo: Objective = field(default_factory=Objective)
    headers: tuple[Header, ...] = ()
    ca_file: str | None = None
    processes: int = 1
    connections: int = 1
    timeout_s: float = 30.0
    warmup_s: float = 0.0
    max_lag_s: float = 0.01

    @property
    def counted_s(self) -> float:
        """Length of the schedule that counts."""
        return self.load.seconds - self.warmup_s

    @property
    def cell_s(self) -> float:
        """Length of one point of the plots over time: whole seconds, and not too many of them."""
        return max(1.0, -(-self.load.seconds // MAX_CELLS))

    def check(self) -> None:
        """Raise PlanError for what cannot be run."""
        load = self.load
        if load.seconds <= 0:
            raise PlanError("--duration: must be longer than 0")
        if self.warmup_s >= load.seconds:
            raise PlanError("--warmup: must be shorter than --duration")
        if not load.workers and not load.trace and not sum(one.arrivals for one in load.segments):
            raise PlanError(
                "no request would be sent: give --rate, --ramp, --step, --trace or --workers"
            )
        if self.slo.of_streams and not self.stream:
            raise PlanError("--slo: ttft and tpot are seen in streams only; add --stream")
        if load.workers and load.workers < self.processes:
            raise PlanError("--workers: fewer than --processes")
        for header in self.headers:
            header.value()

    def header_fields(self) -> Sequence[tuple[str, str]]:
        """Return the header fields to send."""
        return [(header.name.lower(), header.value()) for header in self.headers]

    def described(self) -> dict[str, object]:
        """Say for a report what was run; of headers the names only, of prompts the sizes."""
        return {
            "target": f"{self.address.authority}{self.address.path}",
            "protocol": str(self.protocol) + (" chat" if self.asking.chat else ""),
            "stream": self.stream,
            "load": str(self.load),
            "seconds": self.load.seconds,
            "warmup_s": self.warmup_s,
            "max_requests": self.load.max_requests,
            "max_in_flight": self.load.max_in_flight,
            "seed": self.load.seed,
            "processes": self.processes,
            "connections": self.connections,
            "timeout_s": self.timeout_s,
            "prompts": summary(self.prompts),
            "model": self.asking.model,
            "max_tokens": self.asking.max_tokens,
            "slo": str(self.slo),
            "headers": sorted(header.name for header in self.headers),
        }
