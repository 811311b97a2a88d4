"""Features of a request's text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.features import BUCKETS, MAX_COUNT
from gateway.features.lexical import (
    LONGEST_NAME,
    WORDS_AFTER,
    WORDS_BEFORE,
    WORDS_OF_INTENT,
    lexical_features,
)
from tests.fakes.past import asked, request

GOLDEN = [44031, 57697, 92639, 99432, 145274, 189340, 239559]


def test_the_same_text_gives_the_same_buckets_for_ever() -> None:
    """What is stored would mean something else: whoever changes this raises FEATURE_VERSION."""
    features = asked("def parse_date(text):")
    assert features.buckets.tolist() == GOLDEN
    assert features.counts.tolist() == [1.0] * 7


def test_single_words_and_pairs_of_neighbours_count() -> None:
    features = asked("alpha beta alpha beta")
    # alpha, beta, "alpha beta" twice each, "beta alpha" once.
    assert sorted(features.counts.tolist()) == [1.0, 2.0, 2.0, 2.0]


def test_order_matters_to_pairs_and_case_does_not() -> None:
    forth, back = asked("alpha beta"), asked("beta ALPHA")
    assert len(set(forth.buckets.tolist()) & set(back.buckets.tolist())) == 2


def test_identifiers_fall_apart_at_underscores_but_a_blank_to_fill_in_is_a_word() -> None:
    assert asked("parse_date").buckets.tolist() == asked("parse date").buckets.tolist()
    assert len(asked("_____").buckets) == 1


@given(st.text(st.characters(max_codepoint=127) | st.sampled_from("_ aB"), max_size=60))
def test_a_letter_that_is_not_ascii_changes_nothing_about_the_words_that_are(text: str) -> None:
    """Texts that are all ASCII are read in another way, for speed."""
    plain, other = asked(text), asked(f"{text} é")
    alone = set(asked("é").buckets.tolist())
    found = set(plain.buckets.tolist()) - set(other.buckets.tolist())
    assert found == set()
    # What is added: the letter itself, and the pair it makes with the last word.
    assert len(set(other.buckets.tolist()) - set(plain.buckets.tolist()) - alone) <= 1


def test_no_pair_spans_two_texts() -> None:
    apart = lexical_features(request("alpha", suffix="beta", intent="gamma"))
    assert sorted(apart.counts.tolist()) == [1.0, 1.0, 1.0]
    assert apart.length == len("alpha") + len("beta") + len("gamma")


def test_the_words_nearest_to_the_hole_count() -> None:
    before = " ".join(f"a{number}" for number in range(WORDS_BEFORE + 5))
    after = " ".join(f"b{number}" for number in range(WORDS_AFTER + 5))
    intent = " ".join(f"c{number}" for number in range(WORDS_OF_INTENT + 5))
    whole = lexical_features(request(before, suffix=after, intent=intent))
    near = lexical_features(
        request(
            " ".join(before.split()[5:]),
            suffix=" ".join(after.split()[:-5]),
            intent=" ".join(intent.split()[:-5]),
        )
    )
    assert whole.buckets.tolist() == near.buckets.tolist()
    assert len(whole.buckets) <= 2 * (WORDS_BEFORE + WORDS_AFTER + WORDS_OF_INTENT)
    assert whole.length == len(before) + len(after) + len(intent)


@pytest.mark.parametrize("text", ["", " \n\t", "+-*/", "x" * 100_000, "\ud800 lone", "数据 処理"])
def test_any_text_has_features(text: str) -> None:
    features = asked(text)
    assert len(features.buckets) == len(features.counts)
    assert all(0 <= bucket < BUCKETS for bucket in features.buckets.tolist())
    assert features.buckets.tolist() == sorted(set(features.buckets.tolist()))


def test_a_word_counts_no_more_often_than_the_most() -> None:
    assert asked("again " * 300).counts.max() == MAX_COUNT


def test_task_and_language_are_those_of_the_request_cut_to_a_length() -> None:
    features = asked("x", task="refactor" * 20)
    assert features.language == "python"
    assert features.task == ("refactor" * 20)[:LONGEST_NAME]
    assert not asked("x").task
