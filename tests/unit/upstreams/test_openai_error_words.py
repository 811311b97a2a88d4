"""What the words of an error say, and what they must not be taken for."""

from __future__ import annotations

import pytest

from gateway.upstreams.errors_text import CONTEXT, MODEL, PARAMETERS, marks_in

SAID = {
    "This model's maximum context length is 4096 tokens. However, you requested 5000": CONTEXT,
    "request (4476 tokens) exceeds the available context size (4096 tokens)": CONTEXT,
    "litellm.ContextWindowExceededError: litellm.BadRequestError: x": CONTEXT,
    "Your prompt is too long: please shorten it": CONTEXT,
    "/completions: Invalid model name passed in model=gpt-9. Call `/v1/models`": MODEL,
    "litellm.BadRequestError: Invalid model name passed in model=gpt-9": MODEL,
    "[{'type': 'missing', 'loc': ('body', 'messages'), 'msg': 'Field required'}]": PARAMETERS,
    "3 validation errors:\n  {'type': 'missing', 'loc': ('body', 'prompt')}": PARAMETERS,
}


@pytest.mark.parametrize("words", SAID)
def test_words_have_their_mark(words: str) -> None:
    assert marks_in(words) == (SAID[words],)


@pytest.mark.parametrize(
    "words",
    [
        None,
        7,
        "",
        "the server is out of memory",
        "the model said: Invalid model name passed in model=x",
        "wrong: [{'type': 'missing', 'loc': ('body', 'messages')}]",
        "x" * 400 + "maximum context length",
    ],
)
def test_other_words_have_none(words: object) -> None:
    assert marks_in(words) == ()
