"""The primary, then its fallbacks, until a candidate is good enough (E-03)."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.core.candidate import Candidate
from gateway.core.endpoint import Endpoint
from gateway.core.events import Failover
from gateway.core.faults import Fault, Kind, Reason
from gateway.ensemble.ending import settle, truncated
from gateway.ensemble.judge import good_enough
from gateway.ensemble.run import Run

FINAL_KINDS = frozenset({Kind.CANCELLED, Kind.INTERNAL})
FINAL_REASONS = frozenset({Reason.BUDGET_EXHAUSTED, Reason.DEADLINE_EXCEEDED})


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
            if _is_final(fault):
                break
            # What goes on from text already sent is the same candidate.
            index += not exchange.streamed
            continue
        failed = None
        candidates.append(candidate)
        if good_enough(candidate) or exchange.streamed:
            break
        index += 1
        await run.emit_left()
    else:
        exchange.exhausted = True
    if failed is not None and exchange.streamed:
        raise truncated(faults[-1])
    chosen = settle(candidates, faults)
    if not exchange.streamed and chosen.completion.text:
        await run.emit_text(chosen.completion.text, chosen.index, chosen.endpoint)
    return chosen


def _is_final(fault: Fault) -> bool:
    """True when no other endpoint can help: the caller left, the time or the budget is over."""
    return fault.kind in FINAL_KINDS or fault.reason in FINAL_REASONS


async def _announce(run: Run, failed: Endpoint, endpoint: Endpoint) -> None:
    resumed_at = sum(len(piece) for piece in run.exchange.streamed)
    await run.emit(Failover(failed.name, endpoint.name, resumed_at))
