"""What is kept of the answer of a job that has ended."""

from __future__ import annotations

from gateway.core.answer import Answer
from gateway.core.jobs import JobCandidate


def ranked(answer: Answer) -> tuple[JobCandidate, ...]:
    """List the texts that may be selected: the chosen one, then the others from the best on.

    One that a required check refused is never handed out.
    """
    chosen = answer.chosen
    others = sorted(
        (one for one in answer.candidates if one.accepted and one.index != chosen.index),
        key=lambda one: (-one.confidence, one.index),
    )
    return tuple(
        JobCandidate(one.index, one.endpoint, one.completion.text, one.confidence)
        for one in (chosen, *others)
    )
