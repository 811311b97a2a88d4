"""Where callers said that another endpoint should have been chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from gateway.core.feedback import Reviewed
from gateway.core.value import value

ENOUGH = 3
"""Corrections of one kind of task to one endpoint after which they are no accident (X-21)."""


@value
class FailedMatch:
    """A decision that was corrected: `decided_by` chose `chosen`, and not `corrected`."""

    decision_id: str
    task: str
    decided_by: str
    confidence: float
    chosen: str
    corrected: str


@value
class Correction:
    """A kind of task that callers corrected to an endpoint, in so many decisions.

    It is a proposal: whoever takes it up gives the endpoint such tasks by a rule or a sample.
    """

    task: str
    endpoint: str
    decisions: int


def failed_matches(rows: Iterable[Reviewed]) -> tuple[FailedMatch, ...]:
    """Return the decisions that were corrected, in their order, once for each other endpoint.

    A correction to the endpoint that was chosen says that the decision was right.
    """
    return tuple(
        FailedMatch(
            row.event.decision_id,
            row.event.task,
            row.event.decided_by,
            row.event.confidence,
            row.event.chosen,
            corrected,
        )
        for row in rows
        for corrected in sorted({one.corrected_endpoint for one in row.reports.values()})
        if corrected not in {"", row.event.chosen}
    )


def corrections(failed: Iterable[FailedMatch], enough: int = ENOUGH) -> tuple[Correction, ...]:
    """Return which tasks were corrected to which endpoint at least `enough` times, most first.

    Decisions without a kind of task are left out: they may have nothing in common.
    """
    counted = Counter((one.task, one.corrected) for one in failed if one.task)
    found = [Correction(*pair, times) for pair, times in counted.items() if times >= enough]
    return tuple(sorted(found, key=lambda one: (-one.decisions, one.task, one.endpoint)))
