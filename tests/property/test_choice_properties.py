"""What holds for every choice among candidates and for every confidence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core.candidate import Candidate, Completion
from gateway.core.constraint import Verdict, VerdictStatus
from gateway.ensemble.choose import decided, rate
from gateway.ensemble.judge import SCORERS, best, score

DEFAULT = SCORERS["default"]

# A busy machine is no failure of the product.
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

VERDICT = st.builds(
    Verdict,
    st.sampled_from(["non_empty", "syntax", "schema", "style"]),
    st.sampled_from(list(VerdictStatus)),
    required=st.booleans(),
)
VERDICTS = st.lists(VERDICT, max_size=5).map(tuple)
LOGPROBS = st.lists(st.floats(-9, 0), max_size=3).map(tuple)
CASES = 4
BEHAVIOUR = st.tuples(*[st.booleans()] * CASES)
SETTLED = st.sampled_from([VerdictStatus.PASSED, VerdictStatus.FAILED])
FEW_VERDICTS = st.lists(
    st.builds(Verdict, st.just("a"), SETTLED, required=st.booleans()), max_size=1
)


@st.composite
def several(draw: st.DrawFn, most: int = 6, behaviour: st.SearchStrategy = BEHAVIOUR):
    """Draw candidates as the ensemble hands them over: judged one by one."""
    found: list[Candidate] = []
    for index in range(draw(st.integers(1, most))):
        one = Candidate(
            index,
            "one",
            Completion("x", logprobs=draw(LOGPROBS)),
            tuple(draw(FEW_VERDICTS)),
            behaviour=draw(behaviour),
        )
        found.append(rated_alone(one))
    return found


def rated_alone(one: Candidate) -> Candidate:
    rated = DEFAULT(one, None)
    return one.rated(rated.value, rated.method)


def chosen(candidates: Sequence[Candidate]) -> Candidate:
    return best(rate(candidates, DEFAULT))


def with_texts(candidates: Sequence[Candidate], texts: Sequence[str]) -> list[Candidate]:
    return [
        replace(one, completion=replace(one.completion, text=text))
        for one, text in zip(candidates, texts, strict=True)
    ]


@CALM
@given(candidates=several(behaviour=st.just(()) | BEHAVIOUR), data=st.data())
def test_the_texts_do_not_matter(candidates: list[Candidate], data: st.DataObject) -> None:
    """E-07: the most frequent text was right less often than a random one (.158 against .221)."""
    size = len(candidates)
    texts = st.lists(st.sampled_from(["a", "a + b", "a+b"]), min_size=size, max_size=size)
    one, other = (with_texts(candidates, data.draw(texts)) for _ in range(2))
    assert chosen(one).index == chosen(other).index
    for each in (one, other):
        assert [found.confidence for found in rate(each, DEFAULT)] == [
            found.confidence for found in rate(candidates, DEFAULT)
        ]


@CALM
@given(verdicts=VERDICTS, size=st.integers(1, 6))
def test_without_tests_and_log_probabilities_the_first_of_equals_is_chosen(
    verdicts: tuple[Verdict, ...], size: int
) -> None:
    """Not the one with the most frequent text, as the last two have here."""
    texts = [str(index) for index in range(size)] + ["same", "same"]
    candidates = [
        rated_alone(Candidate(index, "one", Completion(text), verdicts))
        for index, text in enumerate(texts)
    ]
    assert chosen(candidates).index == 0


@CALM
@given(candidates=several(), data=st.data())
def test_the_order_in_which_they_came_does_not_change_the_choice(
    candidates: list[Candidate], data: st.DataObject
) -> None:
    came = data.draw(st.permutations(candidates))
    assert chosen(came).index == chosen(candidates).index


@CALM
@given(candidates=several(behaviour=st.just(()) | BEHAVIOUR))
def test_an_accepted_one_is_chosen_when_there_is_one(candidates: list[Candidate]) -> None:
    assert chosen(candidates).accepted or not any(one.accepted for one in candidates)


@CALM
@given(candidates=several(behaviour=st.just(()) | BEHAVIOUR))
def test_clusters_are_those_that_do_the_same(candidates: list[Candidate]) -> None:
    rated = rate(candidates, DEFAULT)
    assert [one.index for one in rated] == [one.index for one in candidates]
    ran = [one for one in rated if one.behaviour]
    for one in ran:
        alike = [other for other in ran if other.behaviour == one.behaviour]
        assert {other.cluster for other in alike} == {one.cluster}
        assert one.utility is not None
        if any(one.behaviour):
            expected = math.sqrt(len(alike)) * sum(one.behaviour)
            assert math.isclose(one.utility, expected)
        else:
            assert one.utility == 0
    assert all(0 <= one.confidence <= 1 for one in rated)


@CALM
@given(candidates=several(), later=several(most=4))
def test_what_is_decided_for_certain_no_candidate_to_come_changes(
    candidates: list[Candidate], later: list[Candidate]
) -> None:
    """The bound of adaptive N, against every way in which the rest may come out."""
    if not decided(candidates, len(later)):
        return
    before = chosen(candidates)
    for more in range(1, len(later) + 1):
        new = [replace(one, index=one.index + len(candidates)) for one in later[:more]]
        assert chosen([*candidates, *new]).behaviour == before.behaviour


@CALM
@given(
    candidates=several(),
    to_come=st.integers(0, 6),
    margins=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_a_smaller_margin_and_fewer_to_come_never_ask_for_more(
    candidates: list[Candidate], to_come: int, margins: tuple[float, float]
) -> None:
    if decided(candidates, to_come, max(margins)):
        assert decided(candidates, to_come, min(margins))
        assert decided(candidates, max(0, to_come - 1), max(margins))


@CALM
@given(
    verdicts=VERDICTS, more=VERDICT, logprobs=LOGPROBS, share=st.none() | st.floats(0, 1),
    behaviour=st.lists(st.booleans(), max_size=5),
)  # fmt: skip
def test_no_passed_check_lowers_a_confidence_and_no_failed_one_raises_it(
    verdicts: tuple[Verdict, ...],
    more: Verdict,
    logprobs: tuple[float, ...],
    share: float | None,
    behaviour: list[bool],
) -> None:
    completion = Completion("x", logprobs=logprobs)
    before = score(completion, verdicts, share, behaviour).value
    after = score(completion, (*verdicts, more), share, behaviour).value
    match more.status:
        case VerdictStatus.PASSED:
            assert after >= before
        case VerdictStatus.FAILED:
            assert after <= before
        case _:
            assert after == before


@CALM
@given(verdicts=VERDICTS, behaviour=st.lists(st.booleans(), min_size=1, max_size=9), data=st.data())
def test_no_passed_case_lowers_a_confidence_and_no_failed_one_raises_it(
    verdicts: tuple[Verdict, ...], behaviour: list[bool], data: st.DataObject
) -> None:
    def value(cases: Sequence[bool]) -> float:
        return score(Completion("x"), verdicts, None, cases).value

    before = value(behaviour)
    assert value([*behaviour, False]) <= before <= value([*behaviour, True])
    place = data.draw(st.integers(0, len(behaviour) - 1))
    one_less = [case and at != place for at, case in enumerate(behaviour)]
    assert value(one_less) <= before


@CALM
@given(verdicts=VERDICTS, shares=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_more_agreement_never_lowers_a_confidence(
    verdicts: tuple[Verdict, ...], shares: tuple[float, float]
) -> None:
    low, high = (
        score(Completion("x"), verdicts, share, (True,)).value
        for share in (min(shares), max(shares))
    )
    assert low <= high


@CALM
@given(verdicts=VERDICTS, required=VERDICT, logprobs=LOGPROBS, share=st.none() | st.floats(0, 1))
def test_a_refused_candidate_has_next_to_no_confidence(
    verdicts: tuple[Verdict, ...],
    required: Verdict,
    logprobs: tuple[float, ...],
    share: float | None,
) -> None:
    refusal = replace(required, status=VerdictStatus.FAILED, required=True)
    completion = Completion("x", logprobs=logprobs)
    assert score(completion, (*verdicts, refusal), share, (True,) * 60).value < 0.02
