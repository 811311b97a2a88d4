"""Confidence that rests on checks, not on speed (E-08), and is always a number (E-09)."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from gateway.core.candidate import Candidate, Completion
from gateway.core.constraint import Verdict, VerdictStatus
from gateway.ensemble.judge import (
    ADVISORY,
    AGREEMENT,
    FORM,
    LOGPROB,
    MOST_GAINED,
    PRIOR,
    REQUIRED,
    SCORERS,
    TESTS,
    agreement,
    best,
    good_enough,
    legacy_speed,
    score,
)

PASSED, FAILED, UNCHECKED = VerdictStatus.PASSED, VerdictStatus.FAILED, VerdictStatus.UNCHECKED

NON_EMPTY = Verdict("non_empty", PASSED)
PARSES = Verdict("syntax", PASSED)
BROKEN = Verdict("syntax", FAILED)
MEETS = Verdict("schema", PASSED, required=True)
MISSES = Verdict("schema", FAILED, required=True)
UNKNOWN = Verdict("types", UNCHECKED, required=True)
LIKED = Verdict("style", PASSED)
DISLIKED = Verdict("style", FAILED)


def candidate(*verdicts: Verdict, index: int = 0, confidence: float = 0.5) -> Candidate:
    return Candidate(index, "one", Completion("x"), verdicts, confidence)


def value(
    *verdicts: Verdict,
    logprobs: tuple[float, ...] = (),
    share: float | None = None,
    cases: str = "",
) -> float:
    behaviour = [case == "1" for case in cases]
    return score(Completion("x", logprobs=logprobs), verdicts, share, behaviour).value


def probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


def test_nothing_checked_is_the_prior() -> None:
    assert value() == pytest.approx(probability(PRIOR))
    assert value(UNKNOWN, UNKNOWN) == value()
    assert 0.66 < value() < 0.70


def test_the_evidence_adds_up_in_log_odds() -> None:
    """E-08: a probability, not a mean of marks: each weight is the one that the module names."""
    checks = 2 * FORM.passed + REQUIRED.passed - ADVISORY.failed
    tests = TESTS.slope * (3 - TESTS.even * 4) / 5
    tokens = LOGPROB.slope * (math.exp(-0.2) - LOGPROB.even)
    alike = AGREEMENT.slope * (0.75 - AGREEMENT.even)
    found = value(
        NON_EMPTY, PARSES, MEETS, DISLIKED, logprobs=(-0.1, -0.3), share=0.75, cases="1101"
    )
    assert found == pytest.approx(probability(PRIOR + checks + tests + tokens + alike))


def test_unchecked_never_counts_as_passed() -> None:
    assert value(NON_EMPTY, UNKNOWN) == value(NON_EMPTY)
    assert value(MEETS, UNKNOWN) < value(MEETS, PARSES)


def test_more_and_heavier_checks_count_for_more() -> None:
    ladder = [
        value(NON_EMPTY, BROKEN, MISSES),
        value(NON_EMPTY, PARSES, MISSES),
        value(NON_EMPTY, BROKEN),
        value(NON_EMPTY, BROKEN, MEETS),
        value(NON_EMPTY, PARSES, DISLIKED),
        value(NON_EMPTY),
        value(NON_EMPTY, PARSES),
        value(NON_EMPTY, PARSES, LIKED),
        value(NON_EMPTY, PARSES, MEETS),
        value(NON_EMPTY, PARSES, MEETS, LIKED),
    ]
    assert ladder == sorted(ladder)
    assert len(set(ladder)) == len(ladder)
    assert ladder[-1] > 0.9


def test_a_text_that_does_not_parse_is_hardly_ever_right_whatever_else_it_meets() -> None:
    """Of 1,347 recorded fills that do not parse none was right; a schema met does not mend that."""
    assert value(NON_EMPTY, BROKEN, MEETS) < 0.1


def test_a_refused_text_has_next_to_no_confidence_whatever_else_speaks_for_it() -> None:
    others = [LIKED] * 50
    found = value(NON_EMPTY, PARSES, MISSES, *others, logprobs=(0.0,), share=1.0, cases="1" * 200)
    assert 0 < found < 0.02


def test_any_number_of_passed_checks_is_no_certainty() -> None:
    assert value(*[MEETS] * 200) == pytest.approx(probability(PRIOR + MOST_GAINED))


def test_any_number_of_failed_checks_is_a_number() -> None:
    assert 0 <= value(*[MISSES] * 200) < 1e-300


def test_parsing_alone_leaves_it_at_the_rate_of_the_recorded_models() -> None:
    """What Refine's bar has to be measured against when a hole has no other check."""
    assert value(NON_EMPTY, PARSES) == pytest.approx(0.69, abs=0.005)
    assert value(NON_EMPTY, PARSES, DISLIKED) < 0.5
    assert value(NON_EMPTY, PARSES, LIKED, cases="11") > 0.9


def test_more_cases_passed_and_more_cases_at_all_count_for_more() -> None:
    assert value(cases="000") < value(cases="100") < value(cases="110") < value(cases="111")
    assert value(cases="1") < value(cases="1" * 60)
    assert value(cases="0") > value(cases="0" * 60)
    assert value(cases="1" * 60) < 0.95
    assert value(cases="0" * 60) < 0.2


@pytest.mark.parametrize(
    ("cases", "logprobs", "share", "method"),
    [
        ("", (), None, "validators"),
        ("", (-0.1,), None, "validators+logprob"),
        ("", (), 0.5, "validators+agreement"),
        ("10", (), None, "validators+tests"),
        ("00", (-0.1,), 0.0, "validators+tests+logprob+agreement"),
    ],
)
def test_the_method_names_what_was_weighed(
    cases: str, logprobs: tuple[float, ...], share: float | None, method: str
) -> None:
    behaviour = [case == "1" for case in cases]
    completion = Completion("x", logprobs=logprobs)
    assert score(completion, (PARSES,), share, behaviour).method == method


@pytest.mark.parametrize("name", ["default", "legacy_speed"])
def test_every_scorer_takes_a_candidate_with_and_without_agreement(name: str) -> None:
    one = replace(candidate(PARSES), behaviour=(True, False))
    for share in (None, 0.5):
        found = SCORERS[name](one, share)
        assert 0 <= found.value <= 1
    assert SCORERS["default"](one, 0.5).method == "validators+tests+agreement"


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


def test_among_the_refused_fewer_failed_required_checks_come_first() -> None:
    other = Verdict("regex", FAILED, required=True)
    once = candidate(MISSES, BROKEN, DISLIKED, index=1)
    twice = candidate(MISSES, other, index=0)
    assert best([twice, once]) is once


def test_a_higher_utility_comes_before_everything_but_acceptance() -> None:
    alone = replace(candidate(PARSES, confidence=0.9), behaviour=(True, True), utility=2.0)
    agreed = replace(
        candidate(PARSES, DISLIKED, index=1, confidence=0.3), behaviour=(True,), utility=3.0
    )
    refused = replace(candidate(MISSES, index=2), utility=9.0)
    assert best([alone, agreed, refused]) is agreed
    assert best([alone, replace(agreed, utility=2.0)]) is alone


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


def test_agreement_is_the_share_of_the_others_that_are_equal() -> None:
    one, other = (True, False), (False, True)
    assert agreement([one, one, other]) == (0.5, 0.5, 0.0)
    assert agreement([one]) == (0.0,)
    assert agreement([]) == ()
