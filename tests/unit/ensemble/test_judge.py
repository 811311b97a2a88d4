"""Confidence that rests on checks, not on speed (E-08), and is always a number (E-09)."""

from __future__ import annotations

import math

import pytest

from gateway.core.candidate import Candidate, Completion
from gateway.core.constraint import Verdict, VerdictStatus
from gateway.ensemble.judge import PRIOR, agreement, best, good_enough, legacy_speed, score

PASSED, FAILED, UNCHECKED = VerdictStatus.PASSED, VerdictStatus.FAILED, VerdictStatus.UNCHECKED

NON_EMPTY = Verdict("non_empty", PASSED)
PARSES = Verdict("syntax", PASSED)
BROKEN = Verdict("syntax", FAILED)
MEETS = Verdict("schema", PASSED, required=True)
MISSES = Verdict("schema", FAILED, required=True)
UNKNOWN = Verdict("types", UNCHECKED, required=True)


def candidate(*verdicts: Verdict, index: int = 0, confidence: float = 0.5) -> Candidate:
    return Candidate(index, "one", Completion("x"), verdicts, confidence)


def value(
    *verdicts: Verdict, logprobs: tuple[float, ...] = (), share: float | None = None
) -> float:
    return score(Completion("x", logprobs=logprobs), verdicts, share).value


def test_nothing_checked_is_the_prior() -> None:
    assert value() == PRIOR
    assert value(UNKNOWN, UNKNOWN) == PRIOR


def test_unchecked_never_counts_as_passed() -> None:
    assert value(NON_EMPTY, UNKNOWN) == value(NON_EMPTY)
    assert value(MEETS, UNKNOWN) < value(MEETS, PARSES)


def test_more_and_heavier_checks_count_for_more() -> None:
    ladder = [
        value(NON_EMPTY, BROKEN, MISSES),
        value(NON_EMPTY, PARSES, MISSES),
        value(NON_EMPTY, BROKEN),
        value(NON_EMPTY),
        value(NON_EMPTY, BROKEN, MEETS),
        value(NON_EMPTY, PARSES),
        value(NON_EMPTY, PARSES, MEETS),
    ]
    assert ladder == sorted(ladder)
    assert len(set(ladder)) == len(ladder)
    assert ladder[-1] > 0.9


@pytest.mark.parametrize(
    ("logprobs", "share", "method"),
    [
        ((), None, "validators"),
        ((-0.1,), None, "validators+logprob"),
        ((), 0.5, "validators+agreement"),
        ((-0.1,), 0.5, "validators+logprob+agreement"),
    ],
)
def test_the_method_names_what_was_weighed(
    logprobs: tuple[float, ...], share: float | None, method: str
) -> None:
    assert score(Completion("x", logprobs=logprobs), (PARSES,), share).method == method


def test_likelier_tokens_and_agreement_raise_the_confidence() -> None:
    assert value(PARSES, logprobs=(-0.01, -0.02)) > value(PARSES, logprobs=(-2.0, -3.0))
    assert value(PARSES, share=1.0) > value(PARSES, share=0.0)
    assert value(PARSES, logprobs=(5.0,)) == value(PARSES, logprobs=(0.0,))


def test_the_checks_outweigh_likelihood_and_agreement_together() -> None:
    sure_and_wrong = value(NON_EMPTY, BROKEN, MISSES, logprobs=(0.0,), share=1.0)
    unsure_and_right = value(NON_EMPTY, PARSES, MEETS, logprobs=(-9.0,), share=0.0)
    assert unsure_and_right > sure_and_wrong


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_counts_as_zero_and_is_reported(bad: float) -> None:
    by_tokens = score(Completion("x", logprobs=(-0.1, bad)), (PARSES,))
    assert by_tokens.value == pytest.approx(value(PARSES, logprobs=(-1e9,)))
    assert not by_tokens.finite
    by_agreement = score(Completion("x"), (PARSES,), bad)
    assert by_agreement.value == value(PARSES, share=0.0)
    assert not by_agreement.finite
    assert score(Completion("x", logprobs=(-0.1,)), (PARSES,), 0.5).finite


def test_a_correct_slow_answer_is_not_rated_low() -> None:
    """E-08: rated by speed, 12 ms a token can never exceed 0.4, however right the text is."""
    assert legacy_speed(12_000, 0, 40).value <= 0.4
    assert legacy_speed(12_000, 500, 40).value < 0.4
    assert value(NON_EMPTY, PARSES, MEETS) > 0.8


@pytest.mark.parametrize(
    ("us_per_token", "check_us", "tokens", "expected"),
    [
        (0, 0, 1, 1.0),
        (5_000, 500, 10, 0.5),
        (10_000, 1_000, 10, 0.0),
        (20_000, 9_000, 10, 0.0),
        (0, 0, 0, 0.0),
        (-10_000, 0, 1, 1.0),
    ],
)
def test_the_speed_formula_is_that_of_earlier_ensembles(
    us_per_token: float, check_us: float, tokens: int, expected: float
) -> None:
    rated = legacy_speed(us_per_token, check_us, tokens)
    assert rated.value == pytest.approx(expected)
    assert (rated.method, rated.finite) == ("legacy_speed", True)


def test_the_speed_formula_never_gives_nan() -> None:
    assert legacy_speed(math.nan, 0, 1).value == 0
    assert not legacy_speed(0, math.inf, 1).finite


def test_nan_never_wins() -> None:
    """E-09: compared as equal, a NaN confidence won or lost by its place in the list."""
    right = candidate(PARSES, index=1, confidence=0.1)
    nan = candidate(PARSES, index=0, confidence=math.nan)
    infinite = candidate(PARSES, index=2, confidence=math.inf)
    assert best([nan, right, infinite]) is right
    assert best([infinite, right, nan]) is right


def test_accepted_comes_before_confidence_and_fewer_failures_before_that() -> None:
    refused = candidate(MISSES, index=0, confidence=1.0)
    blemished = candidate(MEETS, BROKEN, index=1, confidence=0.9)
    clean = candidate(MEETS, PARSES, index=2, confidence=0.2)
    assert best([refused, blemished, clean]) is clean
    assert best([refused, blemished]) is blemished
    worse = candidate(MISSES, BROKEN, index=3, confidence=1.0)
    assert best([worse, refused]) is refused


def test_ties_go_to_the_lowest_index_in_any_order() -> None:
    one, two = candidate(PARSES, index=1), candidate(PARSES, index=2)
    assert best([two, one]) is one
    assert best([one, two]) is one


def test_there_is_no_best_of_nothing() -> None:
    with pytest.raises(ValueError, match="empty"):
        best([])


def test_good_enough_means_that_no_check_failed_at_all() -> None:
    assert good_enough(candidate(NON_EMPTY, PARSES, UNKNOWN))
    assert not good_enough(candidate(NON_EMPTY, BROKEN))
    assert not good_enough(candidate(MISSES))


def test_agreement_is_the_share_of_others_with_the_same_tokens() -> None:
    assert agreement(["a + b", "a+b\n", "b+a"]) == (0.5, 0.5, 0.0)
    assert agreement(["a b", "ab"]) == (0.0, 0.0)
    assert agreement(["a"]) == (0.0,)
    assert agreement([]) == ()
