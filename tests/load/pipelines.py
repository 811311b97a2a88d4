"""`python -m tests.load.pipelines`: milliseconds of a pipeline's step beside its bar (Y-07).

Each built-in pipeline runs through the whole composed ensemble in this process, with endpoints
that answer at once: no network, no serialisation. A step's time holds everything but the calls
themselves, the policies around them included. Medians of rounds; nobody else should use the
machine meanwhile.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from unittest.mock import patch

import uvloop

from gateway import app
from gateway.config.load import build
from gateway.config.pipelines import pipelines_of
from gateway.core.answer import Answer
from gateway.core.candidate import Completion, FinishReason, Usage
from gateway.core.composition import PipelineDefinition
from gateway.core.deadline import Deadline
from gateway.core.exchange import Exchange
from gateway.core.hole import Hole, HoleSpec, Request
from gateway.core.pipeline import PipelineReport, PipelineRun
from gateway.core.ports import Operation, SendText, Task
from gateway.ensemble.account import UNLIMITED
from gateway.ensemble.pipeline.runner import run_pipeline

BAR_MS = 2.0
RUNS = 100
DEADLINE_S = 60.0
REQUEST = Request(Hole("x = " * 200 + "(", ")\n", HoleSpec(language="python")), "request")
CAPABILITIES = ["code_completion", "fast_inference", "high_quality"]


class Instant:
    """An endpoint that answers at once, and as a critic is never content."""

    async def generate(self, task: Task, deadline: Deadline) -> Completion:
        """Answer."""
        del deadline
        words = "too short" if task.operation is Operation.CRITIQUE else "1 + 1"
        return Completion(words, FinishReason.STOP, "m", Usage(10, 5))

    async def stream(self, task: Task, deadline: Deadline, send: SendText) -> Completion:
        """Answer in one piece."""
        done = await self.generate(task, deadline)
        await send(done.text)
        return done

    async def close(self) -> None:
        """Nothing is open."""


def instant(*_: object) -> Instant:
    """Connect to nothing."""
    return Instant()


async def measure(rounds: int) -> dict[str, tuple[int, list[float]]]:
    """Return of each pipeline the number of its steps and milliseconds of one in each round."""
    endpoints = [
        {"name": "a", "url": "127.0.0.1:1", "health": "none", "capabilities": CAPABILITIES},
        {"name": "b", "url": "127.0.0.1:2", "health": "none", "capabilities": CAPABILITIES},
    ]
    found: dict[str, tuple[int, list[float]]] = {}
    with patch.object(app, "connect", instant):
        async with app.Gateway(build({"endpoint": endpoints}, "bench")) as gateway:
            for name, definition in pipelines_of(()).items():
                steps = len(_report(await _run(gateway, definition)).nodes)
                found[name] = steps, []
                for _ in range(rounds):
                    started = time.process_time()
                    for _ in range(RUNS):
                        await _run(gateway, definition)
                    spent_s = time.process_time() - started
                    found[name][1].append(spent_s / RUNS / steps * 1e3)
    return found


async def _run(gateway: app.Gateway, definition: PipelineDefinition) -> Answer:
    exchange = Exchange(REQUEST, Deadline(time.monotonic() + DEADLINE_S))
    filler = gateway.ensemble.filler(UNLIMITED)
    return await run_pipeline(filler, exchange, definition, PipelineRun(definition.name))


def _report(answer: Answer) -> PipelineReport:
    if not isinstance(answer.report, PipelineReport):
        raise TypeError("a run's answer has its report")
    return answer.report


def main() -> int:
    """Print the table; 1 when the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=21)
    found = uvloop.run(measure(parser.parse_args().rounds))
    head = f"{'pipeline':<28}{'steps':>6}{'min':>8}{'median':>8}{'max':>8}{'bar':>8}"
    print(f"{head}   (ms of one step)")  # noqa: T201 - a suite prints its table
    missed = 0
    for name, (steps, spent) in found.items():
        median = statistics.median(spent)
        missed += median >= BAR_MS
        numbers = f"{min(spent):8.3f}{median:8.3f}{max(spent):8.3f}{BAR_MS:8.1f}"
        verdict = "ok" if median < BAR_MS else "MISSED"
        print(f"{name:<28}{steps:>6}{numbers}   {verdict}")  # noqa: T201 - as above
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
