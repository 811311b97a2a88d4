from __future__ import annotations

import pytest

from gateway.upstreams.fence import FenceStripper, strip_fence


@pytest.mark.parametrize(
    ("text", "stripped"),
    [
        ("```python\nx = 1\n```", "x = 1"),
        ("```\nx = 1\ny = 2\n```\n", "x = 1\ny = 2"),
        ("\n\n```c++ \r\nx;\r\n```  \n\n", "x;"),
        ("```python\n    indented\n```", "    indented"),
        ("```\n```", ""),
        ("```python\nno end", "no end"),
        ("```python\nx\n```\nbecause", "x\n```\nbecause"),
        ("x = 1", "x = 1"),
        ("    return 1\n", "    return 1\n"),
        ("text\n```python\nx\n```", "text\n```python\nx\n```"),
        ("`x`", "`x`"),
        ("```x = 1```", "```x = 1```"),
        ("```", "```"),
        ("", ""),
        ("```py\na\n```\nb\n```", "a\n```\nb"),
        (" " * 300 + "```\nx\n```", " " * 300 + "```\nx\n```"),
    ],
)
def test_one_surrounding_fence_is_stripped(text: str, stripped: str) -> None:
    assert strip_fence(text) == stripped


def test_plain_text_is_passed_on_at_once() -> None:
    stripper = FenceStripper()
    assert stripper.feed("re") == "re"
    assert stripper.feed("turn ```\n") == "turn ```\n"
    assert not stripper.finish()


def test_inside_a_fence_only_a_possible_end_is_held_back() -> None:
    stripper = FenceStripper()
    assert not stripper.feed("```py")
    assert stripper.feed("thon\nx = 1") == "x = 1"
    assert not stripper.feed("\n")
    assert stripper.feed("y = 2\n``") == "\ny = 2"
    assert not stripper.feed("`")
    assert not stripper.finish()


def test_a_long_tail_of_white_space_is_not_held_for_ever() -> None:
    stripper = FenceStripper()
    stripper.feed("```\nx")
    tail = "\n```" + " " * 300
    assert stripper.feed(tail) == tail
