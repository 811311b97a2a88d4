"""What the answers add up to, and whether the demonstration kept its promise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles

from gateway.cli.demonstration.answers import Answer
from gateway.cli.demonstration.verifying import Doctests, parses

FEWEST_HOLES = 40


@dataclass(frozen=True, slots=True)
class Checked:
    """An answer and what its fill makes of the module.

    `examples` is the number of examples in the module's own doctests, 0 when the hole is not in a
    module whose doctests run it. `doctests` is what they found, None when they could not be run to
    their end (or were not run at all).
    """

    answer: Answer
    parses: bool
    examples: int = 0
    doctests: Doctests | None = None

    @classmethod
    def of(cls, answer: Answer, examples: int, doctests: Doctests | None) -> Checked:
        """Check the syntax of the filled module."""
        filled = answer.filled and parses(answer.question.hole.filled(answer.text))
        return cls(answer, filled, examples, doctests)

    @property
    def passes(self) -> bool:
        """True when every one of the module's examples ran and passed."""
        own = self.doctests
        return own is not None and own.passed and own.attempted == self.examples

    @property
    def verified(self) -> bool:
        """True when the module parses and passes its own doctests, where it has any."""
        return self.parses and (self.passes or not self.examples)


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts over some answers; times in milliseconds, 0 without answers."""

    sent: int
    answered: int
    typed_errors: int
    lost: int
    filled: int
    exact: int
    parses: int
    with_doctests: int
    doctests_passed: int
    verified: int
    fallbacks_after_a_failed_call: int
    fallbacks_after_a_failed_check: int
    p50_ms: float
    p95_ms: float

    @classmethod
    def of(cls, checked: Sequence[Checked], sent: int) -> Totals:
        """Count; a hole that was sent and has no answer at all is lost."""
        answers = [one.answer for one in checked]
        lost = sum(one.lost for one in answers)
        p50, p95 = _percentiles([one.ms for one in answers if one.answered])
        return cls(
            sent=sent,
            answered=sum(one.answered for one in answers),
            typed_errors=sum(not one.answered and not one.lost for one in answers),
            lost=lost + sent - len(answers),
            filled=sum(one.filled for one in answers),
            exact=sum(one.exact for one in answers),
            parses=sum(one.parses for one in checked),
            with_doctests=sum(one.examples > 0 for one in checked),
            doctests_passed=sum(one.passes for one in checked),
            verified=sum(one.verified for one in checked),
            fallbacks_after_a_failed_call=sum(bool(one.rescued_from) for one in answers),
            fallbacks_after_a_failed_check=sum(one.moved_on for one in answers),
            p50_ms=p50,
            p95_ms=p95,
        )


def shortcomings(checked: Sequence[Checked], sent: int, killed: str) -> list[str]:
    """Say in words what was promised and not kept; empty when everything was.

    How many fills are right is no promise: it is reported as it is.
    """
    totals = Totals.of(checked, sent)
    reasons: list[str] = []
    if sent < FEWEST_HOLES:
        reasons.append(f"{sent} holes were sent, fewer than {FEWEST_HOLES}")
    if totals.lost:
        seen = sorted({one.answer.error for one in checked if one.answer.lost})
        reasons.append(f"{totals.lost} requests were lost ({', '.join(seen) or 'no answer'})")
    if not totals.filled:
        reasons.append("no hole was filled")
    if not any(one.answer.after_kill and killed in one.answer.rescued_from for one in checked):
        reasons.append(f"no hole fell back from {killed} to another endpoint after it was killed")
    return reasons


def _percentiles(times: Sequence[float]) -> tuple[float, float]:
    """Median and 95th percentile, interpolated between neighbours."""
    if len(times) < 2:  # noqa: PLR2004 - quantiles need two values
        return (times[0], times[0]) if times else (0.0, 0.0)
    cuts = quantiles(times, n=100, method="inclusive")
    return cuts[49], cuts[94]
