"""What a stopped run gives: the best so far, or the text that its caller has seen already."""

from __future__ import annotations

from gateway.core.candidate import Candidate, Completion
from gateway.core.constraint import Verdict, VerdictStatus
from gateway.ensemble.ending import settle
from gateway.ensemble.jobs.faults import stopped
from gateway.ensemble.run import Run

UNFINISHED = "the text is unfinished: its job was stopped"
METHOD = "unfinished"


def so_far(run: Run) -> Candidate:
    """Return the best candidate that no required check refused, or the text streamed so far.

    The checks say nothing about a text that broke off: each verdict is UNCHECKED. Raises
    Fault(CANCELLED, JOB_STOPPED) when there is neither, UNVERIFIED for candidates that a check
    refused.
    """
    exchange = run.exchange
    if exchange.streamed:
        verdicts = tuple(
            Verdict(named.name, VerdictStatus.UNCHECKED, UNFINISHED, required=named.required)
            for named in run.checks.checks
        )
        written = Completion("".join(exchange.streamed))
        last = exchange.attempts[-1] if exchange.attempts else None
        index, endpoint = (0, "") if last is None else (last.candidate, last.endpoint)
        return Candidate(index, endpoint, written, verdicts, method=METHOD)
    if exchange.candidates:
        return settle(exchange.candidates, [])
    raise stopped()
