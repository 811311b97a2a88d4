from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.modelserver.tokenizer import bare, decode, encode, is_break, place, split

CODE = "def f(self):\n    if x == 'rb':\n\n        return [1.5,  2]  # two\n    \n\ttab\r\n"
CODE_LIKE = st.text(alphabet=" \n\t'\"\\#.=()+-0a_é", max_size=60)


@given(st.one_of(st.text(), CODE_LIKE), st.sampled_from(["", "    ", "\t"]))
@example(CODE, "")
@example("\n+4", "")
@example("\n \t\n  x", "\t")
def test_tokens_join_back_to_the_same_text(text: str, indent: str) -> None:
    assert "".join(split(text)) == text
    assert decode(encode(text, indent), indent) == text


def test_breaks_are_relative_to_the_line_before() -> None:
    assert encode("a:\n    b\n    c\nd") == ["a", ":", "\n+4", "b", "\n+0", "c", "\n-4", "d"]


def test_a_word_keeps_the_space_before_it_and_contexts_do_not() -> None:
    assert encode("return 'rb', x_1") == ["return", " 'rb'", ",", " x_1"]
    assert [bare(token) for token in (" x", "x", " ", "  ")] == ["x", "x", " ", "  "]


def test_a_break_left_of_column_0_cannot_be_placed() -> None:
    assert place("\n-8", "    ") is None
    with pytest.raises(ValueError, match="column 0"):
        decode(["\n-8"], "    ")


def test_breaks_with_tabs_stay_as_they_are() -> None:
    tokens = encode("a\n\tb")
    assert tokens == ["a", "\n\t", "b"]
    assert is_break(tokens[1])
