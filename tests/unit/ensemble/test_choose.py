"""Candidates grouped by what they do, never by what they say."""

from __future__ import annotations

import math

import pytest

from gateway.core.candidate import Candidate, Completion
from gateway.core.constraint import Verdict, VerdictStatus
from gateway.ensemble.choose import decided, rate
from gateway.ensemble.judge import SCORERS, best

DEFAULT = SCORERS["default"]
PARSES = Verdict("syntax", VerdictStatus.PASSED)
BROKEN = Verdict("syntax", VerdictStatus.FAILED)
MISSES = Verdict("schema", VerdictStatus.FAILED, required=True)


def candidate(index: int, cases: str = "", *verdicts: Verdict) -> Candidate:
    behaviour = tuple(case == "1" for case in cases)
    verdicts = verdicts or (PARSES,)
    rated = DEFAULT(Candidate(index, "one", Completion("x"), verdicts, behaviour=behaviour), None)
    return Candidate(
        index, "one", Completion("x"), verdicts, rated.value, rated.method, behaviour=behaviour
    )


def those(*cases: str) -> list[Candidate]:
    return [candidate(index, one) for index, one in enumerate(cases)]


def chosen(*cases: str) -> int:
    return best(rate(those(*cases), DEFAULT)).index


def test_the_utility_is_the_root_of_the_size_of_the_cluster_times_the_cases_passed() -> None:
    rated = rate(those("110", "011", "110", "000"), DEFAULT)
    assert [one.cluster for one in rated] == [0, 1, 0, 2]
    assert [one.utility for one in rated] == pytest.approx([2 * math.sqrt(2), 2, 2 * 2**0.5, 0])


def test_agreement_outweighs_a_few_more_cases_passed() -> None:
    """E-07: a degenerate program passes most generated cases, and is alone in what it does."""
    assert chosen("1111110", "1111001", "1111001", "1111001") == 1
    assert chosen("1111110", "0000001", "0000001", "0000001") == 0


def test_many_that_pass_nothing_agree_in_vain() -> None:
    rated = rate(those("000", "000", "000", "100"), DEFAULT)
    assert best(rated).index == 3
    alone, *failing = rated[3], *rated[:3]
    assert all(one.utility == 0 for one in failing)
    assert all(one.confidence < alone.confidence for one in failing)


def test_equal_utilities_are_equal_however_they_are_rounded() -> None:
    """2 x 3 x 3 = 18 x 1 x 1, though the two products of roots differ in their last digit."""
    two = ["1110"] * 2
    eighteen = ["0001"] * 18
    rated = rate(those(*eighteen, *two), DEFAULT)
    assert rated[0].utility == rated[-1].utility
    assert best(rated).index == 18


def test_ties_go_to_more_cases_passed_then_to_the_lower_index() -> None:
    assert chosen("1000", "1000", "1000", "1000", "1100") == 4
    assert chosen("10", "01") == 0


def test_a_refused_candidate_is_never_chosen_over_an_accepted_one() -> None:
    refused = [candidate(index, "111", MISSES) for index in range(3)]
    accepted = candidate(3, "100")
    assert best(rate([*refused, accepted], DEFAULT)).index == 3


def test_one_that_failed_before_any_case_ran_passes_none() -> None:
    broken, failing = candidate(0, "", BROKEN), candidate(1, "00")
    rated = rate([broken, failing, candidate(2, "01")], DEFAULT)
    assert [one.cluster for one in rated] == [0, 0, 1]
    assert rated[0].behaviour == ()
    assert rated[0].confidence < 0.1


def test_what_nobody_ran_agrees_with_nobody() -> None:
    unknown = [candidate(0), candidate(1)]
    rated = rate([*unknown, candidate(2, "10")], DEFAULT)
    assert [one.cluster for one in rated] == [0, 1, 2]
    assert [one.utility for one in rated] == [0, 0, 1]
    assert [one.method for one in rated] == [
        "validators",
        "validators",
        "validators+tests+agreement",
    ]


def test_agreement_in_what_they_do_raises_the_confidence() -> None:
    agreed, _, alone = rate(those("110", "110", "101"), DEFAULT)
    assert agreed.confidence > alone.confidence


def test_without_any_case_they_come_back_as_they_are() -> None:
    several = those("", "", "")
    assert rate(several, DEFAULT) == several
    assert rate([], DEFAULT) == []


def test_a_single_candidate_has_nobody_to_agree_with() -> None:
    (only,) = rate(those("110"), DEFAULT)
    assert (only.cluster, only.utility) == (0, 2.0)
    assert only.method == "validators+tests"


@pytest.mark.parametrize(
    ("cases", "to_come", "is_decided"),
    [
        # Alone with all four: three others could agree in passing three, sqrt(3) x 3 > 4.
        (["1111"], 3, False),
        (["1111"], 1, True),
        (["1111", "1111"], 3, True),
        # Two with two of four, and one to come that may pass all.
        (["1100", "1100"], 1, False),
        (["1100", "1100", "1100", "1100"], 1, False),
        (["1100", "1100", "1100", "1100", "1100"], 1, True),
        # A cluster seen already may grow.
        (["1110", "1110", "1101"], 1, False),
        (["1110", "1110", "1110", "1101"], 1, True),
        # Nobody passes anything.
        (["0000", "0000"], 0, False),
        # Nobody ran anything.
        (["", ""], 1, False),
        ([], 1, False),
    ],
)
def test_the_choice_is_decided_when_no_other_behaviour_can_catch_up(
    cases, to_come, is_decided
) -> None:
    assert decided(those(*cases), to_come) is is_decided


def test_a_smaller_margin_trades_certainty_for_calls() -> None:
    undecided = those("1111", "1111", "1100")
    assert not decided(undecided, 5)
    assert decided(undecided, 5, 0.8)
    assert decided(those("1000"), 100, 0.0)
    assert not decided(those("0000"), 100, 0.0)


def test_nothing_is_decided_while_all_are_refused() -> None:
    refused = [candidate(index, "111", MISSES) for index in range(3)]
    assert not decided(refused, 0, 0.0)
    # Their behaviour counts: one to come that does the same may be accepted.
    assert not decided([*refused, candidate(3, "110")], 1)


GOOD_EXAMPLES = Verdict("hole.examples", VerdictStatus.PASSED)
BAD_EXAMPLES = Verdict("hole.examples", VerdictStatus.FAILED)


def test_what_keeps_to_the_examples_of_the_code_goes_before_any_agreement() -> None:
    """People wrote the examples for this very code; the other cases may be a model's."""
    alone = candidate(0, "1000", GOOD_EXAMPLES)
    many = [candidate(index, "0111", BAD_EXAMPLES) for index in range(1, 9)]
    assert best(rate([alone, *many], DEFAULT)).index == 0


def test_nothing_is_decided_while_a_candidate_to_come_may_be_the_first_to_keep_to_them() -> None:
    many = [candidate(index, "0111", BAD_EXAMPLES) for index in range(9)]
    assert not decided(many, 1)
    good = [candidate(index, "0111", GOOD_EXAMPLES) for index in range(9)]
    assert decided(good, 1)
