"""How much a candidate is to be trusted, and which of several is the best (E-08, E-09)."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from gateway.core.candidate import Candidate, Completion
from gateway.core.constraint import Verdict, VerdictStatus
from gateway.core.value import value

PRIOR = 0.5
"""Confidence in a text about which no check could say anything."""

PRIOR_WEIGHT = 0.5
REQUIRED_WEIGHT = 4.0
OPTIONAL_WEIGHT = 1.0
TRIVIAL_WEIGHT = 0.25
"""That a text is not empty says little for it."""

VALIDATORS_SHARE = 0.7
LOGPROB_SHARE = 0.2
AGREEMENT_SHARE = 0.1
"""Shares of the three signals; those that are missing leave theirs to the others."""

_TOKEN = re.compile(r"\w+|[^\w\s]")


@value
class Score:
    """A confidence, always finite and in 0..1, and the name of what it was made of.

    `finite` is False when an input was NaN or infinite and counted as 0, so that it can be counted.
    """

    value: float
    method: str
    finite: bool = True


Scorer = Callable[[Candidate, float | None], Score]
"""Takes a candidate and, when there are others, the agreement with them."""


def score(
    completion: Completion, verdicts: Sequence[Verdict], agreement_share: float | None = None
) -> Score:
    """Weigh what the checks found, the mean token probability and the agreement.

    The checks give (prior + weight of passed) / (prior + weight of checked): exactly the prior of
    0.5 when nothing was checked, and nearer to the share of passed checks the more were made. A
    check that was not made never counts as passed. Token log-probabilities give the geometric
    mean of the probabilities. Non-finite inputs count as 0.
    """
    total, weighed = VALIDATORS_SHARE, VALIDATORS_SHARE * _validated(verdicts)
    method, finite = "validators", True
    if completion.logprobs:
        total += LOGPROB_SHARE
        weighed += LOGPROB_SHARE * _likelihood(completion.logprobs)
        method += "+logprob"
        finite = all(map(math.isfinite, completion.logprobs))
    if agreement_share is not None:
        total += AGREEMENT_SHARE
        weighed += AGREEMENT_SHARE * _unit(agreement_share)
        method += "+agreement"
        finite = finite and math.isfinite(agreement_share)
    return Score(_unit(weighed / total), method, finite)


def legacy_speed(us_per_token: float, check_us: float, tokens: int) -> Score:
    """Rate by speed alone, as earlier ensembles did (E-08); for comparison with them only.

    clamp(0.6 x (1 - min(us_per_token / 10000, 1)) + 0.4 x (1 - min(check_us / 1000, 1))), and 0
    without tokens. A correct answer of more than 10 ms a token never exceeds 0.4.
    """
    finite = math.isfinite(us_per_token) and math.isfinite(check_us)
    if tokens <= 0 or not finite:
        return Score(0.0, "legacy_speed", finite)
    speed = 0.6 * (1 - min(us_per_token / 10_000, 1))
    checking = 0.4 * (1 - min(check_us / 1_000, 1))
    return Score(_unit(speed + checking), "legacy_speed")


def _by_checks(candidate: Candidate, agreement_share: float | None) -> Score:
    return score(candidate.completion, candidate.verdicts, agreement_share)


def _by_speed(candidate: Candidate, _: float | None) -> Score:
    tokens = candidate.completion.usage.completion_tokens
    us_per_token = candidate.elapsed_s * 1e6 / max(1, tokens)
    return legacy_speed(us_per_token, candidate.check_s * 1e6, tokens)


SCORERS: Mapping[str, Scorer] = {"default": _by_checks, "legacy_speed": _by_speed}
"""The scorers by the name that the configuration gives them."""


def agreement(texts: Sequence[str]) -> tuple[float, ...]:
    """For each text, the share of the other texts with the same tokens; 0 when there is no other.

    White space does not count. It is a weak sign, because many right fills differ as texts; it is
    a small part of the score and never chooses by itself.
    """
    tokens = [tuple(_TOKEN.findall(text)) for text in texts]
    counts = Counter(tokens)
    others = max(1, len(texts) - 1)
    return tuple((counts[one] - 1) / others for one in tokens)


def best(candidates: Sequence[Candidate]) -> Candidate:
    """Choose: accepted before refused, fewer failed checks, higher confidence, lower index.

    Raises ValueError when there is no candidate.
    """
    return candidates[0] if len(candidates) == 1 else min(candidates, key=_rank)


def good_enough(candidate: Candidate) -> bool:
    """Say whether no check failed, required or not, so that no other candidate need be asked."""
    for verdict in candidate.verdicts:  # noqa: SIM110 - a generator costs more than most loops
        if verdict.status is VerdictStatus.FAILED:
            return False
    return True


def _rank(candidate: Candidate) -> tuple[bool, int, float, int]:
    return (
        not candidate.accepted,
        _failures(candidate),
        -_unit(candidate.confidence),
        candidate.index,
    )


def _failures(candidate: Candidate) -> int:
    failures = 0
    for verdict in candidate.verdicts:
        if verdict.status is VerdictStatus.FAILED:
            failures += 1
    return failures


def _validated(verdicts: Sequence[Verdict]) -> float:
    passed, checked = PRIOR * PRIOR_WEIGHT, PRIOR_WEIGHT
    for verdict in verdicts:
        if verdict.status is not VerdictStatus.UNCHECKED:
            weight = _weight(verdict)
            checked += weight
            passed += weight if verdict.status is VerdictStatus.PASSED else 0.0
    return passed / checked


def _weight(verdict: Verdict) -> float:
    if verdict.required:
        return REQUIRED_WEIGHT
    return TRIVIAL_WEIGHT if verdict.constraint == "non_empty" else OPTIONAL_WEIGHT


def _likelihood(logprobs: Sequence[float]) -> float:
    if not all(map(math.isfinite, logprobs)):
        return 0.0
    return math.exp(sum(min(0.0, one) for one in logprobs) / len(logprobs))


def _unit(value: float) -> float:
    """Bring into 0..1; what is not finite becomes 0, because NaN would compare as equal (E-09)."""
    if 0.0 < value < 1.0:
        return value
    return 1.0 if 1.0 <= value < math.inf else 0.0
