"""The suite can fail: texts that are cut, repeated or joined wrongly are seen as such."""

from __future__ import annotations

import pytest

from tests.conformance.texts import Asked, Judgement, Text, asked_in, judge

TEXT = Text("a-7", 4)
LINES = TEXT.pieces


@pytest.mark.parametrize(
    ("got", "judgement"),
    [
        (LINES, Judgement.WHOLE),
        ([], Judgement.TRUNCATED),
        (LINES[:3], Judgement.TRUNCATED),
        ([*LINES[:3], LINES[3][:-1]], Judgement.TRUNCATED),
        ([LINES[0], *LINES[2:]], Judgement.TRUNCATED),
        ([*LINES, LINES[3]], Judgement.REPEATED),
        ([*LINES[:2], *LINES[1:]], Judgement.REPEATED),
        ([*LINES[:2], LINES[2][:9], *LINES[2:]], Judgement.REPEATED),
        ([LINES[1], LINES[0], *LINES[2:]], Judgement.REPEATED),
        (["something else\n"], Judgement.REPEATED),
        ([*LINES, "more\n"], Judgement.REPEATED),
        (Text("a-8", 4).pieces, Judgement.REPEATED),
    ],
)
def test_a_text_is_whole_only_when_it_is_the_right_one(
    got: list[str], judgement: Judgement
) -> None:
    assert judge(TEXT, "".join(got)) is judgement


def test_every_line_is_as_wide_as_asked_for() -> None:
    assert {len(line) for line in Text("wide", 3, 200).pieces} == {200}


def test_a_prompt_names_the_text_that_is_the_answer_to_it() -> None:
    assert asked_in("code before\n" + TEXT.prompt) == Asked(TEXT, LINES)


def test_what_was_begun_is_not_said_again() -> None:
    begun = TEXT.prompt + LINES[0] + LINES[1][:10]
    asked = asked_in(begun)
    assert asked is not None
    assert asked.left == [LINES[1][10:], *LINES[2:]]


def test_the_chat_prompt_of_the_gateway_is_read_up_to_its_fence() -> None:
    chat = (
        f"Fill this hole.\nCode before the hole:\n```\n{TEXT.prompt}{LINES[0]}\n```\nOnly the fill."
    )
    asked = asked_in(chat, chat=True)
    assert asked is not None
    assert asked.left == LINES[1:]


@pytest.mark.parametrize("prompt", ["no case", TEXT.prompt + "what nobody wrote"])
def test_a_prompt_without_a_case_or_with_a_wrong_start_is_none(prompt: str) -> None:
    assert asked_in(prompt) is None
