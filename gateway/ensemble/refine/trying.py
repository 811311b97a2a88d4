"""One try of one hole: what is asked for, and what follows from what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.core.candidate import Attempt, AttemptStatus, Candidate
from gateway.core.constraint import VerdictStatus
from gateway.core.faults import Fault, Reason
from gateway.core.hole import Hole, Request
from gateway.core.ports import Draft
from gateway.core.refinement import FailureStrategy, RefineOptions
from gateway.core.snapshot import Snapshot
from gateway.core.value import value
from gateway.ensemble.ending import is_final
from gateway.ensemble.judge import best
from gateway.ensemble.part import Part
from gateway.ensemble.refine.plan import OF_SOURCE, under
from gateway.ensemble.refine.state import Holes, HoleState
from gateway.ensemble.sequential import draft_of
from gateway.routing.sampling import DEFAULT_TEMPERATURE, drawn_again

LEFT = frozenset({AttemptStatus.FAILED, AttemptStatus.TIMEOUT, AttemptStatus.REJECTED})
"""How the attempts ended of endpoints that failed for a hole."""


@value
class Outcome:
    """What a try gave: a text, the best there is, and why it is not good enough, or nothing."""

    candidate: Candidate | None
    lack: str


def scheduled(options: RefineOptions, tries: int) -> float:
    """Temperature after so many tries of a hole (P-02): the last one stays; 0.7 without any."""
    temperatures = options.temperatures
    return temperatures[min(tries, len(temperatures) - 1)] if temperatures else DEFAULT_TEMPERATURE


def request_of(request: Request, state: HoleState, hole: Hole, options: RefineOptions) -> Request:
    """Make the request for a hole's next try out of the one for the source.

    A temperature that the caller fixed stands over the schedule; a later try draws another text all
    the same.
    """
    sampling = request.sampling
    if sampling.temperature is None:
        sampling = replace(sampling, temperature=scheduled(options, state.tries))
    name = f"{request.request_id}/{state.hole.id}"
    sampling = drawn_again(sampling, state.tries, name)
    return replace(request, hole=hole, request_id=name, sampling=sampling)


def outcome_of(part: Part, min_confidence: float) -> Outcome:
    """Say whether a hole is filled (P-06): no required check failed and the confidence suffices.

    Raises a fault that concerns the request and not the hole: it ends the refinement.
    """
    if part.answer is not None:
        chosen = part.answer.chosen
        return Outcome(chosen, _lack(chosen, min_confidence))
    assert part.fault is not None, "a part without an answer has its fault"  # noqa: S101
    _raise_final(part.fault)
    return Outcome(best(part.candidates) if part.candidates else None, part.fault.message)


def _lack(candidate: Candidate, min_confidence: float) -> str:
    if candidate.confidence >= min_confidence:
        return ""
    failed = [one.constraint for one in candidate.verdicts if one.status is VerdictStatus.FAILED]
    words = f"confidence {candidate.confidence:.2f} is below {min_confidence:.2f}"
    return f"{words}; failed: {', '.join(failed)}" if failed else words


def _raise_final(fault: Fault) -> None:
    if is_final(fault):
        raise fault
    if fault.reason is Reason.INVALID_FIELD:
        # Of the common part: what is the hole's own was looked at before the first round.
        violations = tuple(under(OF_SOURCE, fault.violations))
        raise Fault(fault.kind, fault.origin, fault.reason, fault.message, violations=violations)


def leave(
    holes: Holes, state: HoleState, lack: str, failed: frozenset[str], *, repair: bool
) -> None:
    """Do with a hole without a good fill as its failure strategy says (P-03).

    `lack` says what is wrong, `failed` names the endpoints that it is the fault of; with `repair`
    the next try gets the rejected text.
    """
    rejected = state.candidate
    match state.strategy:
        case FailureStrategy.RETRY_ALTERNATE:
            state.leave_out(failed)
            if repair and rejected is not None:
                draft = draft_of(rejected)
                state.draft = draft if draft.issues else Draft(draft.text, (lack,))
            holes.enter(state, "retry", lack)
        case FailureStrategy.DECOMPOSE:
            holes.split(state, lack)
        case FailureStrategy.HUMAN_REVIEW:
            state.fill = "" if rejected is None else rejected.completion.text
            holes.enter(state, "review", lack)
        case _:
            holes.enter(state, "skip", lack)


def failed_endpoints(part: Part, snapshot: Snapshot) -> frozenset[str]:
    """Name those that gave no good fill as the router knows them: a replica by its group."""
    names = {attempt.endpoint for attempt in part.attempts if attempt.status in LEFT}
    names.update(candidate.endpoint for candidate in part.candidates)
    return frozenset(one.group or one.name for one in snapshot.callable if one.name in names)


def mark_left(
    attempts: list[Attempt], part: str, candidates: Sequence[Candidate], lack: str
) -> None:
    """Let the record say of texts that no check refused why they were left all the same."""
    left = {candidate.index for candidate in candidates}
    for place, attempt in enumerate(attempts):
        if (
            attempt.part == part
            and attempt.candidate in left
            and attempt.status is AttemptStatus.OK
        ):
            attempts[place] = replace(
                attempt, status=AttemptStatus.REJECTED, reason=Reason.CHECK_FAILED, detail=lack
            )
