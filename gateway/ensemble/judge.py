"""How likely a candidate is right, and which of several is the best (E-08, E-09).

The confidence is a probability: the log-odds of all that is known are summed,

    p = 1 / (1 + exp(-(PRIOR + checks + tests + logprob + agreement)))

`PRIOR`, `TESTS` and `AGREEMENT` are fitted on recorded fills of four real models for the
even-numbered tasks of HumanEval; `make eval` fits them again and tells how far off the confidence
is on the odd-numbered ones. The other weights are chosen, for want of data, as said beside each.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence

from gateway.core.candidate import Candidate, Completion
from gateway.core.constraint import Verdict, VerdictStatus
from gateway.core.value import value
from gateway.validation.compile import BUILT_IN, EXAMPLES

PRIOR = 0.7
"""Log-odds that a text about which nothing is known is right: 0.67.

So many fills of three instruct models pass (gpt-4 .86, gpt-3.5 .72, codellama-34b .43), which
whoever sets up an ensemble is likelier to have than the weak base model also on record, whose fills
pass at .23 (codegen-16B). Of a weak model, only tests and agreement bring the confidence down.
"""


@value
class Weight:
    """Log-odds that a check adds when it passes, and takes away when it fails."""

    passed: float
    failed: float


REQUIRED = Weight(1.5, 12.0)
"""Chosen: what the caller requires decides. No other evidence outweighs a refusal."""

ADVISORY = Weight(0.5, 1.0)
"""Chosen before the fit, so that `TESTS` tells what the cases say beside their verdict."""

FORM = Weight(0.04, 5.0)
"""Of not being empty, and of parsing. Together, passed, they are fitted: most wrong texts parse
too. Of 1,347 recorded fills that do not, none was right."""

MOST_GAINED = 3.0
"""Most that passed checks add together: they are not independent of each other."""


@value
class Line:
    """Log-odds of a share: `slope` x (share - `even`), nothing for a share of `even`."""

    slope: float
    even: float


TESTS = Line(4.4, 0.53)
"""Of the test cases passed, over one case more than there are: a few say less than many."""

AGREEMENT = Line(2.0, 0.39)
"""Of the other candidates that pass the same cases."""

LOGPROB = Line(1.0, 0.5)
"""Of the mean token probability. Chosen: no recorded fill has log-probabilities."""

LEAST_LOG_ODDS = -700.0
"""Below this `exp` overflows; it is no probability that anybody could tell from 0."""


@value
class Score:
    """A confidence, always finite and in 0..1, and the name of what it was made of.

    `finite` is False when an input was NaN or infinite and counted as 0, so that it can be counted.
    """

    value: float
    method: str
    finite: bool = True


Scorer = Callable[[Candidate, float | None], Score]
"""Takes a candidate and the share of the others that behave like it, None where nobody knows."""


def score(
    completion: Completion,
    verdicts: Sequence[Verdict],
    agreement_share: float | None = None,
    behaviour: Sequence[bool] = (),
) -> Score:
    """Tell how likely a text is right from its checks, test cases, tokens and agreement.

    A passed check or case never lowers the confidence and a failed one never raises it. A check
    that was not made says nothing. `agreement_share` is the share of the other candidates that
    pass the same cases, never of those with the same text. Non-finite inputs count as 0.
    """
    log_odds = PRIOR + _checked(verdicts)
    method, finite = "validators", True
    if behaviour:
        cases = len(behaviour)
        log_odds += TESTS.slope * (sum(behaviour) - TESTS.even * cases) / (cases + 1)
        method += "+tests"
    if completion.logprobs:
        log_odds += LOGPROB.slope * (_likelihood(completion.logprobs) - LOGPROB.even)
        method += "+logprob"
        finite = all(map(math.isfinite, completion.logprobs))
    if agreement_share is not None:
        log_odds += AGREEMENT.slope * (_unit(agreement_share) - AGREEMENT.even)
        method += "+agreement"
        finite = finite and math.isfinite(agreement_share)
    return Score(1 / (1 + math.exp(-max(log_odds, LEAST_LOG_ODDS))), method, finite)


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


def _by_evidence(candidate: Candidate, agreement_share: float | None) -> Score:
    return score(candidate.completion, candidate.verdicts, agreement_share, candidate.behaviour)


def _by_speed(candidate: Candidate, _: float | None) -> Score:
    tokens = candidate.completion.usage.completion_tokens
    us_per_token = candidate.elapsed_s * 1e6 / max(1, tokens)
    return legacy_speed(us_per_token, candidate.check_s * 1e6, tokens)


SCORERS: Mapping[str, Scorer] = {"default": _by_evidence, "legacy_speed": _by_speed}
"""The scorers by the name that the configuration gives them."""


def agreement(behaviours: Sequence[Hashable]) -> tuple[float, ...]:
    """For each behaviour, the share of the others that are equal to it; 0 without others."""
    counts = Counter(behaviours)
    others = max(1, len(behaviours) - 1)
    return tuple((counts[one] - 1) / others for one in behaviours)


def best(candidates: Sequence[Candidate]) -> Candidate:
    """Choose by, in this order, what was found and what is likely.

    Accepted before refused, what keeps to the examples in the code around the hole before what does
    not, higher utility where test cases ran (see `choose`), fewer failed required checks, more
    cases passed, fewer failed checks, higher confidence, lower index: never by the texts. Raises
    ValueError when there is no candidate.
    """
    return candidates[0] if len(candidates) == 1 else min(candidates, key=_rank)


def good_enough(candidate: Candidate) -> bool:
    """Say whether no check failed, required or not, so that no other candidate need be asked."""
    for verdict in candidate.verdicts:  # noqa: SIM110 - a generator costs more than most loops
        if verdict.status is VerdictStatus.FAILED:
            return False
    return True


def keeps_to_examples(candidate: Candidate) -> bool:
    """Say whether the examples in the code around the hole hold, as far as is known.

    People wrote them for this very code: one that fails says more than any agreement about cases
    that a model made up.
    """
    failed = VerdictStatus.FAILED
    return not any(
        one.constraint == EXAMPLES and one.status is failed for one in candidate.verdicts
    )


def _rank(candidate: Candidate) -> tuple[bool, bool, float, int, int, int, float, int]:
    failed = refused = 0
    for verdict in candidate.verdicts:
        if verdict.status is VerdictStatus.FAILED:
            failed += 1
            refused += verdict.required
    return (
        refused > 0,
        not keeps_to_examples(candidate),
        -(candidate.utility or 0.0),
        refused,
        -sum(candidate.behaviour),
        failed,
        -_unit(candidate.confidence),
        candidate.index,
    )


def _checked(verdicts: Sequence[Verdict]) -> float:
    gained = lost = 0.0
    for verdict in verdicts:
        if verdict.status is VerdictStatus.PASSED:
            gained += _weight(verdict).passed
        elif verdict.status is VerdictStatus.FAILED:
            lost += _weight(verdict).failed
    return min(gained, MOST_GAINED) - lost


def _weight(verdict: Verdict) -> Weight:
    if verdict.required:
        return REQUIRED
    return FORM if verdict.constraint in BUILT_IN else ADVISORY


def _likelihood(logprobs: Sequence[float]) -> float:
    """Take the geometric mean of the tokens' probabilities."""
    if not all(map(math.isfinite, logprobs)):
        return 0.0
    return math.exp(sum(min(0.0, one) for one in logprobs) / len(logprobs))


def _unit(value: float) -> float:
    """Bring into 0..1; what is not finite becomes 0, because NaN would compare as equal (E-09)."""
    if 0.0 < value < 1.0:
        return value
    return 1.0 if 1.0 <= value < math.inf else 0.0
