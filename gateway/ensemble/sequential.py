"""The primary, then its fallbacks, until a candidate is good enough (E-03)."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.core.candidate import Candidate
from gateway.core.constraint import VerdictStatus
from gateway.core.endpoint import Endpoint
from gateway.core.events import Failover
from gateway.core.faults import Fault
from gateway.core.ports import Draft
from gateway.core.tracing import TraceRecorder
from gateway.ensemble.ending import is_final, settle, truncated
from gateway.ensemble.judge import good_enough
from gateway.ensemble.run import Run


async def sequential(run: Run) -> Candidate:
    """Walk the chain and stop at the first candidate that fails no check.

    A failed call and a failed check are both reasons to go on. While nothing was sent to a
    streaming caller, falling back is silent to its text; afterwards the next endpoint goes on from
    the text already sent, if it can. Raises Fault when the chain ends without an acceptable
    candidate; a candidate that fails advisory checks only is returned when nothing better came.
    """
    return await walk(run, run.chain, [], [])


async def walk(
    run: Run, chain: Sequence[Endpoint], candidates: list[Candidate], faults: list[Fault]
) -> Candidate:
    """Try the endpoints of `chain` in order; the lists hold what came, and failed, before."""
    exchange = run.exchange
    index = len(candidates) + len(faults)
    failed: Endpoint | None = None
    for place, endpoint in enumerate(chain):
        if failed is not None and exchange.streamed:
            if not endpoint.continues:
                continue
            await _announce(run, failed, endpoint)
        try:
            candidate = await run.attempt(
                endpoint,
                index=index,
                streamed=exchange.emit is not None,
                last=endpoint is chain[-1],
                ahead=tuple(chain[place + 1 :]),
            )
        except Fault as fault:
            await run.emit_left()
            faults.append(fault)
            failed = endpoint
            if is_final(fault):
                break
            # What goes on from text already sent is the same candidate.
            index += not exchange.streamed
            continue
        failed = None
        candidates.append(candidate)
        if good_enough(candidate) or exchange.streamed:
            break
        if exchange.request.repair:
            run.draft = draft_of(candidate)
        index += 1
        await run.emit_left()
    else:
        exchange.exhausted = True
    if failed is not None and exchange.streamed:
        raise truncated(faults[-1])
    trace = exchange.trace
    chosen = settle(candidates, faults) if trace is None else _told(trace, candidates, faults)
    if not exchange.streamed and chosen.completion.text:
        await run.emit_text(chosen.completion.text, chosen.index, chosen.endpoint)
    return chosen


def _told(
    trace: TraceRecorder, candidates: Sequence[Candidate], faults: Sequence[Fault]
) -> Candidate:
    """Settle, and tell the trace how."""
    with trace.stage("aggregate") as stage:
        stage.tell(candidates=len(candidates), failed=len(faults))
        chosen = settle(candidates, faults)
        stage.tell(chosen=chosen.index, endpoint=chosen.endpoint)
        return chosen


def draft_of(candidate: Candidate) -> Draft:
    """Make of a candidate that failed a draft to be repaired, with the reasons as its issues."""
    issues = tuple(
        f"{verdict.constraint}: {verdict.reason}"
        for verdict in candidate.verdicts
        if verdict.status is VerdictStatus.FAILED
    )
    return Draft(candidate.completion.text, issues)


async def _announce(run: Run, failed: Endpoint, endpoint: Endpoint) -> None:
    resumed_at = sum(len(piece) for piece in run.exchange.streamed)
    await run.emit(Failover(failed.name, endpoint.name, resumed_at))
