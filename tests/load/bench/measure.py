"""Runs of a target between runs of the yardstick."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.load.bench.processes import Running


class WrongAnswerError(Exception):
    """A target answered wrongly or not at all: what was measured is worth nothing."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """How a target is loaded in every run."""

    kind: str
    in_flight: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Sample:
    """One run: CPU of the target per good answer, and the callers' times; all in microseconds."""

    cpu_us: float
    p50_us: float
    p99_us: float
    good: int


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a target, and the two runs of the yardstick beside it."""

    sample: Sample
    before: Sample
    after: Sample

    @property
    def ratio(self) -> float:
        """The target's CPU per answer, relative to the yardstick's."""
        return self.sample.cpu_us / ((self.before.cpu_us + self.after.cpu_us) / 2)

    @property
    def reference_p50_us(self) -> float:
        """The yardstick's median time at this moment."""
        return (self.before.p50_us + self.after.p50_us) / 2


@dataclass(frozen=True, slots=True)
class Loader:
    """Gives orders to the load process."""

    process: Running

    def order(self, kind: str, target: Running, in_flight: int, **limits: float) -> dict[str, Any]:
        """Give one order; return its report. Raises WrongAnswerError."""
        wanted = {"kind": kind, "target": target.address, "in_flight": in_flight, **limits}
        print(json.dumps(wanted), file=self.process.stdin, flush=True)
        report: dict[str, Any] = json.loads(self.process.stdout.readline())
        if report["bad"] or not report["good"]:
            raise WrongAnswerError(f"{wanted}: {report}")
        return report

    def sample(self, target: Running, traffic: Traffic) -> Sample:
        """Run one load on a target. Raises WrongAnswerError."""
        before = target.cpu_seconds()
        report = self.order(traffic.kind, target, traffic.in_flight, seconds=traffic.seconds)
        spent = target.cpu_seconds() - before
        good = report["good"]
        return Sample(1e6 * spent / good, report["p50_us"], report["p99_us"], good)

    def rounds(
        self,
        yardstick: Running,
        targets: Mapping[str, Running],
        traffic: Traffic,
        count: int,
    ) -> dict[str, list[Run]]:
        """Run every target `count` times, each run between two of the yardstick."""
        runs: dict[str, list[Run]] = {name: [] for name in targets}
        before = self.sample(yardstick, traffic)
        for _ in range(count):
            for name, target in targets.items():
                sample = self.sample(target, traffic)
                after = self.sample(yardstick, traffic)
                runs[name].append(Run(sample, before, after))
                before = after
        return runs
