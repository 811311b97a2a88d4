"""The n-gram engine criticises and repairs drafts, by what it knows of code and nothing else."""

from __future__ import annotations

import ast
import asyncio
import math
from collections.abc import Callable

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.candidate import FinishReason
from gateway.core.constraint import Constraint, ForbiddenText
from gateway.core.hole import NO_SAMPLING, Sampling
from gateway.core.ports import Draft, Operation
from gateway.modelserver.engine import End, Engine, Piece, Query, Refusal
from gateway.modelserver.model import train
from gateway.modelserver.ngram import LONGEST_DRAFT, NgramEngine, NgramSettings
from gateway.modelserver.review import MOST_LINES
from tests.fakes.ngram import tiny_engine

HEAD = "def load(path):\n    with open(path) as file:\n"
TAIL = "    return data\n"
GOOD = "        data = file.read()\n"
ODD = "        data = file.read()\n        zebra >> quagga ^ okapi\n        file.close()\n"
FIRST_ODD = "        zebra >> quagga ^ okapi\n" + GOOD
BROKEN = "        data = file.read()\n        data = (file\n        file.close()\n"


async def told(
    operation: Operation,
    draft: Draft,
    *,
    engine: Engine | None = None,
    prompt: str = HEAD,
    suffix: str = TAIL,
    sampling: Sampling = NO_SAMPLING,
    constraints: tuple[Constraint, ...] = (),
) -> tuple[str, list[Piece], End]:
    query = Query(prompt, suffix, sampling, constraints, "python", operation=operation, draft=draft)
    said = [item async for item in (engine or tiny_engine()).complete(query)]
    pieces = [item for item in said if isinstance(item, Piece)]
    end = said[-1]
    assert isinstance(end, End)
    return "".join(piece.text for piece in pieces), pieces, end


async def critique(text: str, **where: object) -> list[str]:
    return (await told(Operation.CRITIQUE, Draft(text), **where))[0].split("\n")


async def repaired(text: str, *issues: str, **where: object) -> str:
    return (await told(Operation.REPAIR, Draft(text, issues), **where))[0]


def parses(text: str) -> bool:
    try:
        ast.parse(HEAD + text + TAIL)
    except SyntaxError:
        return False
    return True


async def test_a_critique_of_likely_code_that_parses_is_ok() -> None:
    assert await critique(GOOD) == ["OK"]


async def test_a_critique_tells_that_a_draft_does_not_parse_and_where() -> None:
    (first, *_) = await critique(BROKEN)
    assert first.startswith("syntax: ")
    assert "of the fill" in first


async def test_a_critique_names_the_lines_that_are_least_likely() -> None:
    issues = await critique(ODD)
    assert [issue.partition(":")[0] for issue in issues] == ["line 2"]
    assert "mean log-probability" in issues[0]


@pytest.mark.parametrize("draft", [ODD, BROKEN])
async def test_a_critique_quotes_nothing_of_the_draft(draft: str) -> None:
    words = " ".join(await critique(draft))
    for name in ("zebra", "okapi", "data", "file"):
        assert name not in words


async def test_a_critique_of_nothing_says_so() -> None:
    assert (await critique(" \n"))[0].startswith("non_empty: ")


async def test_a_critique_names_the_requirements_that_a_draft_fails() -> None:
    no_read = Constraint("no_read", ForbiddenText(("read",)))
    (issue,) = await critique(GOOD, constraints=(no_read,))
    assert issue.startswith("no_read: ")


async def test_a_critique_names_no_more_lines_than_it_may() -> None:
    odd = "        a1 >> b2 ^ c3 @ d4\n"
    plain = "        data = file.read()\n" * 60
    issues = await critique(plain + odd * 6, engine=tiny_engine(parse=False))
    assert len(issues) == MOST_LINES
    assert all(issue.startswith("line 6") for issue in issues)


async def test_a_critique_counts_what_was_read_and_written() -> None:
    text, _, end = await told(Operation.CRITIQUE, Draft(ODD))
    assert end.finish is FinishReason.STOP
    assert end.usage.prompt_tokens > 30
    assert 0 < end.usage.completion_tokens <= len(text)


async def test_a_critique_is_the_same_whatever_the_sampling() -> None:
    hot = Sampling(temperature=1.5, seed=9, max_tokens=1, stop=("line",))
    assert await critique(ODD) == await critique(ODD, sampling=hot)


async def test_a_repair_is_another_text() -> None:
    assert (await repaired(GOOD)).strip() not in {"", GOOD.strip()}


async def test_a_repair_changes_the_line_that_an_issue_names_and_keeps_the_others() -> None:
    """The issues are used: another line is at fault, another one is written anew."""
    second = "        file.write(data)\n"
    text = await repaired(GOOD + second, "syntax: not so (line 1 of the fill)")
    assert text.endswith("\n" + second)
    assert not text.startswith(GOOD)
    text = await repaired(GOOD + second, "line 2: unlikely")
    assert text.startswith(GOOD)
    assert not text.endswith(second)


async def test_without_a_line_named_the_least_likely_one_is_written_anew() -> None:
    text = await repaired(FIRST_ODD, "unit_tests: 1 of 3 failed")
    assert "zebra" not in text
    assert text.endswith("\n" + GOOD)


async def test_a_line_that_the_draft_lacks_is_no_line_of_it() -> None:
    text = await repaired(FIRST_ODD, "line 99: out of reach", "line 0: too")
    assert "zebra" not in text
    assert text.endswith("\n" + GOOD)


@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize("parse", [False, True])
async def test_a_repair_parses_where_the_model_knows_a_text_that_does(
    width: int, parse: bool
) -> None:
    assert not parses(BROKEN)
    assert parses(await repaired(BROKEN, "line 2: broken", engine=tiny_engine(width, parse=parse)))


async def test_where_the_kept_lines_cannot_parse_all_of_them_are_written_anew() -> None:
    draft = "        data = (\n        file.close()\n        data = [\n"
    text = await repaired(draft, "line 2: unlikely")
    assert parses(text)
    assert "data = (" not in text


async def test_the_seed_decides_which_of_the_others_a_repair_is() -> None:
    async def by(seed: int) -> str:
        sampling = Sampling(temperature=0.0, seed=seed)
        return await repaired(
            "file.close()", prompt="def close(file):\n    ", suffix="\n", sampling=sampling
        )

    texts = [await by(seed) for seed in range(6)]
    assert len(set(texts)) > 1
    assert texts == [await by(seed) for seed in range(6)]


async def test_a_repair_has_a_log_probability_for_each_of_its_tokens() -> None:
    text, pieces, end = await told(Operation.REPAIR, Draft(ODD))
    assert text
    assert all(len(piece.logprobs) == 1 and piece.logprobs[0] <= 0 for piece in pieces)
    assert end.usage.completion_tokens == len(pieces)
    assert end.finish is FinishReason.STOP


async def test_a_repair_keeps_to_its_limit_and_its_stop_strings() -> None:
    _, pieces, end = await told(Operation.REPAIR, Draft(ODD), sampling=Sampling(max_tokens=3))
    assert (len(pieces), end.finish) == (3, FinishReason.LENGTH)
    text, _, end = await told(
        Operation.REPAIR, Draft(ODD), sampling=Sampling(stop=("\n        file.close",))
    )
    assert (text.count("\n"), end.finish) == (1, FinishReason.STOP)


async def test_a_repair_of_nothing_is_a_fill() -> None:
    filled, _, _ = await told(Operation.GENERATE, Draft(""))
    assert await repaired(" \n") == filled == GOOD


async def test_a_model_that_knows_no_other_text_says_so() -> None:
    engine = NgramEngine(train([], 3, 10), NgramSettings(), "empty")
    with pytest.raises(Refusal) as caught:
        await repaired("y", engine=engine, prompt="x", suffix="z")
    assert caught.value.code is grpc.StatusCode.FAILED_PRECONDITION


@pytest.mark.parametrize("operation", [Operation.CRITIQUE, Operation.REPAIR])
async def test_a_draft_that_is_too_long_is_refused(operation: Operation) -> None:
    with pytest.raises(Refusal) as caught:
        await told(operation, Draft("x" * (LONGEST_DRAFT + 1)))
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert "xx" not in caught.value.message


LINES = st.lists(
    st.sampled_from([
        "        data = file.read()", "        file.write(data)", "    return None", "", "  \t",
        "x", "        return (", "é = '", "        file.",
    ]),
    min_size=1,
    max_size=5,
)  # fmt: skip
AROUND = st.sampled_from([
    (HEAD, TAIL), (HEAD, ""), (HEAD + "        data = ", "\n" + TAIL), ("x", "y"), ("fi", "\n"),
])  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(LINES, st.booleans(), AROUND, st.integers(0, 9), st.sampled_from([0.0, 1.0]))
def test_no_repair_is_the_draft_again(
    lines: list[str], ended: bool, around: tuple[str, str], seed: int, temperature: float
) -> None:
    """Whatever the draft, the hole and the seed: another text, or none."""
    draft = "\n".join(lines) + "\n" * ended
    sampling = Sampling(seed=seed, temperature=temperature, max_tokens=60)
    prompt, suffix = around

    async def repair() -> None:
        try:
            text, pieces, _ = await told(
                Operation.REPAIR, Draft(draft), prompt=prompt, suffix=suffix, sampling=sampling
            )
        except Refusal:
            return
        assert text.strip() != draft.strip() or not draft.strip()
        assert all(math.isfinite(number) for piece in pieces for number in piece.logprobs)

    asyncio.run(repair())


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=80), AROUND)
def test_a_critique_comes_of_any_draft(draft: str, around: tuple[str, str]) -> None:
    prompt, suffix = around
    asked = told(Operation.CRITIQUE, Draft(draft), prompt=prompt, suffix=suffix)
    text, _, end = asyncio.run(asked)
    assert text
    assert end.finish is FinishReason.STOP


async def turns_while(work: Callable[[], object]) -> int:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await work()
    task.cancel()
    return turns


@pytest.mark.parametrize("operation", [Operation.CRITIQUE, Operation.REPAIR])
async def test_other_tasks_run_while_a_draft_is_read(operation: Operation) -> None:
    draft = Draft(GOOD * 20)
    assert await turns_while(lambda: told(operation, draft)) > 20
