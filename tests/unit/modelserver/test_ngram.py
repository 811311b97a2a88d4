from __future__ import annotations

import asyncio
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.candidate import FinishReason
from gateway.core.hole import Sampling
from gateway.modelserver.contexts import SortedContexts
from gateway.modelserver.engine import End, Query
from gateway.modelserver.model import train
from gateway.modelserver.ngram import NgramEngine, NgramSettings
from gateway.modelserver.shape import Ending, Shape, ending_of
from gateway.modelserver.syntax import Surroundings
from tests.fakes.ngram import LINES, fill, tiny_engine, tiny_model

HEAD = "def load(path):\n    with open(path) as file:\n"
TAIL = "    return data\n"


async def test_a_closed_line_is_filled_with_its_indentation_and_its_break() -> None:
    text, pieces, end = await fill(tiny_engine(), HEAD, TAIL)
    assert text == "        data = file.read()\n"
    assert end is not None
    assert end.finish is FinishReason.STOP
    assert end.usage.completion_tokens == len(pieces)
    assert all(len(piece.logprobs) == 1 and piece.logprobs[0] <= 0 for piece in pieces)


async def test_an_open_line_ends_where_the_suffix_brings_the_break() -> None:
    text, _, _ = await fill(tiny_engine(), HEAD + "        data", "\n" + TAIL)
    assert text == " = file.read()"


async def test_a_hole_inside_a_line_ends_where_the_suffix_goes_on() -> None:
    text, _, _ = await fill(tiny_engine(), HEAD + "        data = ", "read()\n" + TAIL)
    assert text == "file."


async def test_a_word_that_the_prompt_broke_off_is_completed() -> None:
    text, _, _ = await fill(tiny_engine(), HEAD + "        data = fi", "\n" + TAIL)
    assert text == "le.read()"


async def test_without_a_suffix_the_block_that_was_begun_ends_the_fill() -> None:
    text, _, end = await fill(tiny_engine(), "def read(path):\n    with open(path) as file:\n")
    assert text.endswith("\n")
    assert all(line.startswith("        ") for line in text.splitlines())
    assert end is not None
    assert end.finish is FinishReason.STOP


async def test_the_file_at_hand_is_learned_from() -> None:
    once = "def f(zeppelin):\n    zeppelin.fly_over(1)\n    return None\n\n\n"
    before = once * 3 + "def g(zeppelin):\n    zeppelin."
    text, _, _ = await fill(tiny_engine(), before, "\n    return None\n")
    assert text == "fly_over(1)"


async def test_a_fill_that_parses_is_preferred() -> None:
    prompt, suffix = "def f(a):\n    if a:\n", "    return None\n"
    engine = tiny_engine(width=8)
    text, _, _ = await fill(engine, prompt, suffix)
    found = Surroundings.of(prompt, "\n" + suffix)
    assert found is not None
    assert found.reads(text.rstrip("\n"))


async def test_max_tokens_ends_a_fill_with_length() -> None:
    sampling = Sampling(max_tokens=2)
    text, pieces, end = await fill(tiny_engine(), HEAD, TAIL, sampling)
    assert len(pieces) <= 2
    assert text
    assert end is not None
    assert end.finish is FinishReason.LENGTH


@pytest.mark.parametrize("stop", [".read", "file.r", " = "])
async def test_generation_ends_before_a_stop_string(stop: str) -> None:
    whole, _, _ = await fill(tiny_engine(), HEAD, TAIL)
    text, _, end = await fill(tiny_engine(), HEAD, TAIL, Sampling(stop=(stop,)))
    assert text == whole[: whole.index(stop)]
    assert end is not None
    assert end.finish is FinishReason.STOP


async def test_greedy_fills_do_not_vary() -> None:
    fills = {
        (await fill(tiny_engine(), HEAD, TAIL, Sampling(temperature=0.0, seed=seed)))[0]
        for seed in range(5)
    }
    assert len(fills) == 1


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**64 - 1), st.floats(0.01, 2.0), st.sampled_from(["", "\n", TAIL, "read"]))
def test_the_same_seed_gives_the_same_fill(seed: int, temperature: float, suffix: str) -> None:
    sampling = Sampling(seed=seed, temperature=temperature, max_tokens=20)

    async def once() -> object:
        return await fill(tiny_engine(width=2), HEAD, suffix, sampling)

    first, second = asyncio.run(once()), asyncio.run(once())
    assert first == second


async def test_seeds_give_different_fills() -> None:
    engine = tiny_engine(width=1, parse=False)
    prompt = "def close(file):\n    "
    fills = {
        (await fill(engine, prompt, "\n", Sampling(temperature=1.5, seed=seed)))[0]
        for seed in range(20)
    }
    assert len(fills) > 1


async def test_top_k_1_is_greedy_whatever_the_seed() -> None:
    engine = tiny_engine(width=1)
    fills = {
        (await fill(engine, HEAD, "\n", Sampling(temperature=2.0, top_k=1, seed=seed)))[0]
        for seed in range(5)
    }
    assert len(fills) == 1


async def test_a_small_top_p_is_greedy() -> None:
    engine = tiny_engine(width=1)
    fills = {
        (await fill(engine, HEAD, "\n", Sampling(temperature=1.0, top_p=0.01, seed=seed)))[0]
        for seed in range(5)
    }
    assert len(fills) == 1


@pytest.mark.parametrize("prompt", ["x", "\n", " ", "\t\n\r", "'", "é𐍈", "\x00", "a" * 5000])
@pytest.mark.parametrize("suffix", ["", "\n", "x", "\n\n\tx", "\x00"])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
async def test_strange_text_around_a_hole_is_no_problem(
    prompt: str, suffix: str, temperature: float
) -> None:
    sampling = Sampling(max_tokens=8, temperature=temperature)
    _, pieces, end = await fill(tiny_engine(width=2), prompt, suffix, sampling)
    assert isinstance(end, End)
    assert all(math.isfinite(logprob) for piece in pieces for logprob in piece.logprobs)


async def test_a_model_of_nothing_still_ends() -> None:
    engine = NgramEngine(train([], 3, 10), NgramSettings(), "empty")
    _, _, end = await fill(engine, "x = ", "\n")
    assert end is not None


async def test_other_tasks_run_while_a_hole_is_filled() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    _, pieces, _ = await fill(tiny_engine(), HEAD, TAIL)
    task.cancel()
    assert turns > len(pieces)


async def test_closing_a_completion_ends_it() -> None:
    said = tiny_engine().complete(Query(HEAD, TAIL))
    await anext(said)
    await said.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(said)


@pytest.mark.parametrize(
    ("prompt", "suffix", "ending"),
    [
        ("a\n", "b", Ending.CLOSED_LINE),
        ("a", "\nb", Ending.OPEN_LINE),
        ("a", "b", Ending.INSIDE),
        ("a", " \n", Ending.FREE),
    ],
)
def test_the_text_around_a_hole_tells_how_it_ends(prompt: str, suffix: str, ending: Ending) -> None:
    assert ending_of(prompt, suffix) is ending


def test_the_last_token_of_the_prompt_is_written_anew() -> None:
    shape = Shape.of("if x:\n    retu", "")
    assert shape.tokens == ("if", " x", ":", "\n+4")
    assert (shape.stub, shape.indent) == ("retu", "    ")


def test_contexts_find_every_place_that_a_run_of_tokens_is_followed_at() -> None:
    import numpy as np

    text = np.array([1, 2, 3, 1, 2, 4, 1, 2, 3], np.int32)
    contexts = SortedContexts.of(text, text, 3)
    slices = contexts.slices([9, 1, 2])
    assert [part.size for part in slices] == [9, 3, 3]
    assert sorted(contexts.followers(slices[2], 10).tolist()) == [3, 3, 4]


def test_probabilities_add_up_to_one() -> None:
    from gateway.modelserver.blend import Blend, BlendSettings
    from gateway.modelserver.tokenizer import encode

    blend = Blend(tiny_model(), BlendSettings())
    blend.learn([encode("x = file.read()"), encode("own = other")])
    following = blend.after(blend.context(encode("data = file.")))
    assert sum(following.chances.values()) + following.rest == pytest.approx(1.0, abs=0.01)
    assert max(following.chances, key=lambda n: following.chances[n]) == blend.number("read")


def test_what_occurs_once_is_unknown_and_never_written() -> None:
    model = train(["once twice twice"], 2, 100)
    assert "once" not in model.ids
    assert "twice" in model.ids
    assert LINES


async def test_where_nothing_parses_the_first_line_goes_out_as_it_is() -> None:
    text, _, end = await fill(tiny_engine(), "def read(path:\n    with open(path) as file:\n", TAIL)
    assert text.count("\n") == 1
    assert end is not None
    assert end.finish is FinishReason.STOP


async def test_a_line_that_cannot_stand_alone_gets_another_one() -> None:
    prompt = "def close(file):\n    if file is None:\n        return None\n    try:\n"
    suffix = "    except OSError:\n        return None\n"
    text, _, _ = await fill(tiny_engine(width=8), prompt, suffix)
    found = Surroundings.of(prompt, "\n" + suffix)
    assert found is not None
    assert found.reads(text.rstrip("\n"))


async def test_a_long_block_ends_with_its_limit() -> None:
    sampling = Sampling(max_tokens=70, temperature=1.5, seed=2)
    _, pieces, end = await fill(tiny_engine(width=1), "x = 1\nread(", "", sampling)
    assert end is not None
    assert len(pieces) <= 71
    assert end.finish in {FinishReason.LENGTH, FinishReason.STOP}


def test_only_a_function_of_a_bounded_size_is_parsed() -> None:
    assert Surroundings.of("x = (\n", "\n)") is None
    assert Surroundings.of("def f():\n" + "    x = 1\n" * 9000, "\n") is None
    inner = Surroundings.of(
        "class A:\n    def f(self):\n        return ", "\n\n    def g(self): ..."
    )
    assert inner is not None
    assert inner.reads("1")
    assert not inner.reads("(")
    assert Surroundings.of("def f():\n    pass\n\nx = ", "\n") is None
