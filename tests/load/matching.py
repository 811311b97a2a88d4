"""`python -m tests.load.matching`: milliseconds of matchers at the same time and one by one (J-07).

Three matchers wait for 10, 100 and 40 ms, as one does that asks another machine: on the event
loop, and in threads. Rounds of both ways take turns; medians. At the same time must take at least
30% less than one by one, and at most 10 ms more than the slowest. The last row has what the
executor itself costs where every matcher computes inline. Matchers that compute in Python gain
nothing from threads, and are not measured. Nobody else should use the machine meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Sequence

import uvloop

from gateway.core.deadline import Deadline
from gateway.core.hole import Hole, Request
from gateway.core.matcher import MatchQuery, RouteMatcher
from gateway.core.matching import LayerStatus, Proposal
from gateway.ensemble.matching import MatcherExecutor, MatchingSettings

WAITS_MS = (10, 100, 40)
LEAST_GAIN = 0.30
MOST_EXTRA_MS = 10.0
DEADLINE_S = 60.0
INLINE_RUNS = 2_000
QUERY = MatchQuery(Request(Hole("x = "), "request"), ("alpha",))


class Blocking(RouteMatcher):
    """Waits in its thread."""

    def __init__(self, wait_ms: int) -> None:
        self.name = f"waits {wait_ms} ms"
        self.wait_s = wait_ms / 1000

    def match(self, query: MatchQuery) -> Proposal:
        """Propose the first endpoint, late."""
        time.sleep(self.wait_s)
        return self.propose(query)

    def propose(self, query: MatchQuery) -> Proposal:
        """Propose the first endpoint."""
        return Proposal(self.name, query.permitted[0], 0.5)


class Awaiting(Blocking):
    """Waits on the event loop."""

    async def match_async(self, query: MatchQuery) -> Proposal:
        """Propose the first endpoint, late."""
        await asyncio.sleep(self.wait_s)
        return self.propose(query)


class Inline(Blocking):
    """Does not wait."""

    inline = True

    def match(self, query: MatchQuery) -> Proposal:
        """Propose the first endpoint at once."""
        return self.propose(query)


async def timed(executor: MatcherExecutor, matchers: Sequence[RouteMatcher]) -> float:
    """Milliseconds of one run. Raises ValueError when a matcher did not answer."""
    began = time.perf_counter()
    ended = await executor.run(matchers, QUERY, Deadline(time.monotonic() + DEADLINE_S))
    spent_ms = (time.perf_counter() - began) * 1e3
    if any(ran.status is not LayerStatus.DECIDED for ran in ended):
        raise ValueError(f"every matcher should answer: {ended}")
    return spent_ms


async def measure(kind: type[Blocking], rounds: int) -> tuple[float, float]:
    """Median milliseconds at the same time and one by one."""
    matchers = [kind(wait_ms) for wait_ms in WAITS_MS]
    together = MatcherExecutor(MatchingSettings(), time.monotonic)
    by_turns = MatcherExecutor(MatchingSettings(parallel=False), time.monotonic)
    spent: tuple[list[float], list[float]] = [], []
    for _ in range(rounds):
        spent[0].append(await timed(together, matchers))
        spent[1].append(await timed(by_turns, matchers))
    await together.close()
    await by_turns.close()
    return statistics.median(spent[0]), statistics.median(spent[1])


async def overhead() -> float:
    """Median milliseconds of a run of three matchers that compute inline."""
    matchers = [Inline(wait_ms) for wait_ms in WAITS_MS]
    executor = MatcherExecutor(MatchingSettings(), time.monotonic)
    spent = [await timed(executor, matchers) for _ in range(INLINE_RUNS)]
    await executor.close()
    return statistics.median(spent)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def main() -> int:
    """Print the table; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    slowest = max(WAITS_MS)
    missed = 0
    _say(f"{'matchers of 10, 100 and 40 ms':<32}{'parallel':>10}{'one by one':>12}{'less':>8}")
    for words, kind in (("awaited", Awaiting), ("in threads", Blocking)):
        parallel, sequential = uvloop.run(measure(kind, rounds))
        less = 1 - parallel / sequential
        bad = less < LEAST_GAIN or parallel > slowest + MOST_EXTRA_MS
        missed += bad
        mark = "  MISSED" if bad else "  ok"
        _say(f"{words:<32}{parallel:>10.1f}{sequential:>12.1f}{less:>8.0%}{mark}")
    _say(f"{'inline, all three':<32}{uvloop.run(overhead()):>10.3f}")
    _say(
        f"bars: at least {LEAST_GAIN:.0%} less, at most {slowest + MOST_EXTRA_MS:g} ms in parallel"
    )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
