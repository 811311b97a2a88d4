"""Several candidates at once; the first that clears its checks, or the best of all (E-06, E-07)."""

from __future__ import annotations

import asyncio

from gateway.core.candidate import Candidate
from gateway.core.constraint import VerdictStatus
from gateway.core.faults import Fault
from gateway.ensemble.ending import settle
from gateway.ensemble.judge import agreement, good_enough
from gateway.ensemble.run import Run
from gateway.ensemble.sequential import walk
from gateway.routing.sampling import spread


async def best_of_n(run: Run, n: int) -> Candidate:
    """Ask for `n` candidates over the endpoints of the chain, seeds and temperatures.

    Ends early at the first candidate that a real check passed and none failed; the others are
    cancelled and awaited. Otherwise the best of those that came is chosen, agreement between them
    counting a little. When no candidate is acceptable, the endpoints not yet asked are tried in
    turn. Raises Fault like `sequential`.
    """
    tasks = [asyncio.create_task(_candidate(run, index, n)) for index in range(n)]
    try:
        candidates, faults = await _collect(tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if not any(candidate.accepted for candidate in candidates):
        return await walk(run, run.chain[n:], candidates, faults)
    if len(candidates) > 1:
        candidates = _rescore(run, candidates)
    chosen = settle(candidates, faults)
    await run.emit_text(chosen.completion.text, chosen.index, chosen.endpoint)
    return chosen


async def _candidate(run: Run, index: int, n: int) -> Candidate:
    endpoint = run.chain[index % len(run.chain)]
    sampling = spread(run.plan(endpoint), index, n, request=run.exchange.request)
    return await run.attempt(
        endpoint,
        index=index,
        sampling=sampling,
        last=len(run.chain) == 1,
        ahead=run.chain[n:],
    )


async def _collect(
    tasks: list[asyncio.Task[Candidate]],
) -> tuple[list[Candidate], list[Fault]]:
    """Take candidates as they come, until one is verified or all are in."""
    candidates: list[Candidate] = []
    faults: list[Fault] = []
    for next_done in asyncio.as_completed(tasks):
        try:
            candidate = await next_done
        except Fault as fault:
            faults.append(fault)
            continue
        candidates.append(candidate)
        if _verified(candidate):
            break
    return candidates, faults


def _verified(candidate: Candidate) -> bool:
    """True when a check of substance passed and none failed."""
    return good_enough(candidate) and any(
        verdict.status is VerdictStatus.PASSED and verdict.constraint != "non_empty"
        for verdict in candidate.verdicts
    )


def _rescore(run: Run, candidates: list[Candidate]) -> list[Candidate]:
    """Score again with the agreement between the candidates, and record the new scores."""
    shares = agreement([candidate.completion.text for candidate in candidates])
    rescored: list[Candidate] = []
    for candidate, share in zip(candidates, shares, strict=True):
        score = run.scorer(candidate, share)
        rescored.append(candidate.rated(score.value, score.method))
    run.exchange.candidates[:] = rescored
    return rescored
