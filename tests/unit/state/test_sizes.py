from __future__ import annotations

from sys import getsizeof

from gateway.core.candidate import Candidate, Completion
from gateway.core.hole import HoleKind
from gateway.state.sizes import size_of


def test_a_text_takes_what_it_takes() -> None:
    assert size_of("x" * 1000) == getsizeof("x" * 1000)


def test_what_is_made_once_takes_nothing() -> None:
    assert size_of(None) == size_of(True) == size_of(HoleKind.BLOCK) == 0


def test_every_part_is_counted_and_none_twice() -> None:
    text = "x" * 1000
    assert size_of((text, text)) == getsizeof((text, text)) + getsizeof(text)
    assert size_of(frozenset({text})) == getsizeof(frozenset({text})) + getsizeof(text)
    logprobs = tuple(number / 7 for number in range(100))
    plain = size_of(Candidate(0, "alpha", Completion(text)))
    known = size_of(Candidate(0, "alpha", Completion(text, logprobs=logprobs)))
    assert known == plain + size_of(logprobs)
    assert size_of(logprobs) == getsizeof(logprobs) + 100 * getsizeof(0.5)
