"""`python -m tests.load.decisions`: milliseconds of a decision among ten endpoints, by p99.

In this process, through the chooser of a whole gateway: by rules alone, by keywords, and with every
built-in layer over stored outcomes, with each number of which the decision must cost the same
beyond the configured cap. Outcomes are drawn; the words of prompts too. Nobody else should use the
machine meanwhile.

Each request is decided once in each of several rounds. The bar is held against `p99`, of all
decisions as they were, the median of the rounds. A host that takes the processor away for a few
milliseconds makes such a number its own, so two things stand beside it to judge by: `steady`, the
99th percentile over requests of the median of a request's rounds, which has no such moment in it,
and a first row with the same loop of plain Python each time.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import uvloop

from gateway.app import Gateway
from gateway.cli.serve import spared
from gateway.config.load import build
from gateway.core.deadline import Deadline
from gateway.core.experience import Observation
from gateway.core.hole import Hole, HoleSpec, Request
from gateway.features.lexical import lexical_features
from gateway.learning.experience import learn
from gateway.learning.head import train_head
from gateway.learning.settings import LearningSettings

ENDPOINTS = tuple(f"endpoint-{number}" for number in range(10))
WORDS = tuple(f"word{number}" for number in range(4_000))
CAP = 10_000
STORED = (1_000, CAP, 3 * CAP)
CALLS, ROUNDS = 1_000, 7
LOOPS = 16_000
PROMPT_WORDS = 200


def say(line: str) -> None:
    """Print a line of the table."""
    print(line)  # noqa: T201 - a suite prints its table


def settings(*, topics: bool, shadows: float = 0.0) -> dict[str, Any]:
    """Configure ten endpoints that nobody calls; with `shadows` of 1 all layers always run."""
    return {
        "learning": {"builtin_topics": topics, "shadow_share": shadows, "tick_s": 3600},
        "outcomes": {"features_per_s": 0},
        "endpoint": [
            {
                "name": name,
                "url": "127.0.0.1:9",
                "health": "none",
                "cost_per_1k_tokens": place + 1,
                "capabilities": ["high_quality" if place else "fast_inference"],
            }
            for place, name in enumerate(ENDPOINTS)
        ],
    }


def requests(rng: np.random.Generator, opening: str) -> list[Request]:
    """Draw requests of about 1,500 characters."""
    return [
        Request(
            Hole(
                f"# {opening}{' '.join(rng.choice(WORDS, PROMPT_WORDS))}\ndef f():\n    ",
                spec=HoleSpec(language="python"),
            ),
            f"request-{number}",
        )
        for number in range(CALLS)
    ]


async def timed(gateway: Gateway, asked: Sequence[Request]) -> list[float]:
    """Return the milliseconds of each decision."""
    chooser = gateway.learner.chooser
    found: list[float] = []
    for request in asked:
        deadline = Deadline(time.monotonic() + 60)
        began = time.perf_counter()
        await chooser.choose(gateway.router, request, deadline)
        found.append(1e3 * (time.perf_counter() - began))
    return found


def looped() -> list[float]:
    """Return the milliseconds of each of as many loops that do the same."""
    found: list[float] = []
    for _ in range(CALLS):
        began = time.perf_counter()
        sum(number * number for number in range(LOOPS))
        found.append(1e3 * (time.perf_counter() - began))
    return found


def told(what: str, rounds: Sequence[Sequence[float]], bar_ms: float | None = None) -> bool:
    """Print the row of some milliseconds [rounds, requests]; say whether its bar was met."""
    by_request = np.median(rounds, axis=0)
    median, steady = float(np.median(by_request)), float(np.quantile(by_request, 0.99))
    late = float(np.median(np.quantile(rounds, 0.99, axis=1)))
    met = bar_ms is None or late < bar_ms
    held = "" if bar_ms is None else f"{bar_ms:>7g}  {'ok' if met else 'MISSED'}"
    say(f"{what:<44}{median:>9.3f}{late:>9.3f}{steady:>9.3f}{held}")
    return met


async def row(gateway: Gateway, what: str, asked: Sequence[Request], bar_ms: float) -> bool:
    """Measure and print one row; say whether its bar was met."""
    await timed(gateway, asked[:100])
    with spared():
        return told(what, [await timed(gateway, asked) for _ in range(ROUNDS)], bar_ms)


def taught(rng: np.random.Generator, stored: int) -> list[Observation]:
    """Draw outcomes of all endpoints for so many requests."""
    pool = [lexical_features(one) for one in requests(rng, "")]
    scores = rng.integers(2, size=(stored, len(ENDPOINTS))).astype(float)
    return [
        Observation(pool[number % len(pool)], tuple(zip(ENDPOINTS, line, strict=True)))
        for number, line in enumerate(scores.tolist())
    ]


async def measure() -> bool:
    """Print the table; say whether every bar was met."""
    rng = np.random.default_rng(7)
    say(f"{'a decision among 10 endpoints, ms':<44}{'median':>9}{'p99':>9}{'steady':>9}{'bar':>7}")
    told("the same loop of plain Python each time", [looped() for _ in range(ROUNDS)])
    async with Gateway(build(settings(topics=False), "bench")) as gateway:
        met = await row(gateway, "rules decide", requests(rng, ""), 1.0)
    async with Gateway(build(settings(topics=True), "bench")) as gateway:
        keyworded = requests(rng, "refactor this algorithm ")
        met &= await row(gateway, "keywords decide", keyworded, 1.0)
    async with Gateway(build(settings(topics=True, shadows=1.0), "bench")) as gateway:
        knowledge = gateway.learner.knowledge
        for stored in STORED:
            observations = taught(rng, stored)
            limits = LearningSettings(max_observations=CAP)
            head = train_head(observations[-CAP:], limits)
            experience = learn(observations, limits, head=head, version=1)
            knowledge.state = replace(knowledge.state, experience=experience)
            what = f"every layer, {stored:,} outcomes stored"
            met &= await row(gateway, what, requests(rng, ""), 5.0)
    return met


def main() -> int:
    """Print the table; return 0 when every bar was met."""
    argparse.ArgumentParser(prog="tests.load.decisions", description=__doc__).parse_args()
    return 0 if uvloop.run(measure()) else 1


if __name__ == "__main__":
    sys.exit(main())
