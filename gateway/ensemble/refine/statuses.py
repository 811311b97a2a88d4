"""From which status a hole goes to which, and why: the table that drives a refinement."""

from __future__ import annotations

from gateway.core.machine import Transition, targets
from gateway.core.refinement import HoleStatus

INITIAL = HoleStatus.PENDING
TRANSITIONS = (
    Transition(
        HoleStatus.PENDING,
        "begin",
        HoleStatus.IN_PROGRESS,
        "Every hole that it depends on is filled, and it is its turn in a round.",
    ),
    Transition(
        HoleStatus.PENDING,
        "block",
        HoleStatus.BLOCKED,
        "A hole that it depends on ended without a fill.",
    ),
    Transition(HoleStatus.PENDING, "give_up", HoleStatus.FAILED, "All rounds are made."),
    Transition(
        HoleStatus.IN_PROGRESS,
        "accept",
        HoleStatus.FILLED,
        "No required check failed and the confidence suffices: the fill stands in the text.",
    ),
    Transition(
        HoleStatus.IN_PROGRESS,
        "retry",
        HoleStatus.PENDING,
        "RETRY_ALTERNATE: the next round asks other endpoints at another temperature.",
    ),
    Transition(
        HoleStatus.IN_PROGRESS,
        "split",
        HoleStatus.PENDING_CHILDREN,
        "DECOMPOSE: smaller holes stand in its place.",
    ),
    Transition(
        HoleStatus.IN_PROGRESS,
        "fail",
        HoleStatus.FAILED,
        "DECOMPOSE: it cannot be split any further.",
    ),
    Transition(
        HoleStatus.IN_PROGRESS,
        "review",
        HoleStatus.NEEDS_HUMAN,
        "HUMAN_REVIEW: the best text that was rejected is kept for a person.",
    ),
    Transition(HoleStatus.IN_PROGRESS, "skip", HoleStatus.SKIPPED, "SKIP: it stays open."),
    Transition(
        HoleStatus.PENDING_CHILDREN,
        "accept",
        HoleStatus.FILLED,
        "Every part is filled and the joined fill passes the required checks of the whole.",
    ),
    Transition(
        HoleStatus.PENDING_CHILDREN,
        "fail",
        HoleStatus.FAILED,
        "A part ended without a fill, or the joined fill failed a required check.",
    ),
)
_NEXT = targets(TRANSITIONS)

OPEN = frozenset({HoleStatus.PENDING, HoleStatus.IN_PROGRESS, HoleStatus.PENDING_CHILDREN})
"""Statuses in which a hole is still worked on; every other one is its last."""


def unfilled(status: HoleStatus) -> bool:
    """Say whether a hole has ended without a fill."""
    return status not in OPEN and status is not HoleStatus.FILLED


def next_status(status: HoleStatus, event: str) -> HoleStatus:
    """Return where an event leads. Raises KeyError when it cannot happen in this status."""
    return HoleStatus(_NEXT[status, event])
