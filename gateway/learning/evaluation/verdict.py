"""What the estimates mean, in words, and when they mean nothing."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.learning.evaluation.cases import ROUNDING, Case, Cases
from gateway.learning.evaluation.measured import Measured

NEEDED_SUPPORT = 0.9
"""Least share of the policy's choices that the log must have been able to make."""

NEEDED_SIZE = 100.0
"""Least effective number of decisions."""


def why_no_cases(found: Cases) -> str:
    """Say why nothing can be estimated at all."""
    if found.cases:
        return f"the policy cannot tell what it would choose in any of {len(found.cases)} decisions"
    return (
        f"no decision has a known outcome and propensities ({found.unknown} of unknown outcome, "
        f"{found.skipped} of an impossible record)"
    )


def why_not(cases: Sequence[Case], support: float, effective_size: float) -> str:
    """Say why the log supports no answer; empty when it does."""
    weighed = [case for case in cases if not case.known]
    differing = sum(not case.same for case in weighed)
    if differing and all(len(case.propensities) == 1 for case in weighed):
        return (
            f"all of its {len(weighed)} decisions were deterministic and the policy differs in "
            f"{differing}; let some be drawn, by an experiment or the adaptive policy"
        )
    if support < NEEDED_SUPPORT:
        return (
            f"only {support:.1%} of the policy's choices could have been made by the log, "
            f"{NEEDED_SUPPORT:.0%} are needed"
        )
    if effective_size < NEEDED_SIZE:
        return (
            f"{len(cases)} decisions are worth {effective_size:.1f} under the policy, "
            f"{NEEDED_SIZE:.0f} are needed"
        )
    return ""


def answer(measured: Measured, support: float) -> str:
    """Compare the policy with the log, by the doubly robust estimate."""
    gain, mean = measured.gain, measured.doubly_robust.mean
    if gain.low > 0:
        words = "the policy is better than what was done"
    elif gain.high < 0:
        words = "the policy is worse than what was done"
    elif gain.low == gain.high:
        words = "the policy earns what was earned"
    else:
        words = "the policy is neither better nor worse beyond doubt"
    notes = ""
    if support < 1 - ROUNDING:
        notes += f"; {1 - support:.1%} of its choices rest on predictions alone"
    if measured.clipped:
        notes += f"; {measured.clipped} weights were cut at {measured.clip:.1f}"
    return (
        f"{words}: mean quality {mean:.3f} against {measured.logged.mean:.3f}, a difference of "
        f"{gain.mean:+.3f} ({gain.low:+.3f} to {gain.high:+.3f}){notes}"
    )
