"""What the words of an error say, where a server has no name for it.

The words may quote the prompt, so that no more of them leaves than one of the marks below, and only
their beginning is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

CONTEXT = "context_length_exceeded"
MODEL = "model_not_found"
PARAMETERS = "invalid_parameters"
MOST_CHARS = 400

_MARKS: Mapping[str, re.Pattern[str]] = {
    # vLLM and LiteLLM, llama.cpp and its Python binding, Text Generation Inference
    CONTEXT: re.compile(
        r"maximum context length|ContextWindowExceeded|exceeds? (?:the )?(?:available )?context"
        r"|(?:prompt|input) is too long|`inputs` tokens \+ `max_new_tokens` must be",
        re.IGNORECASE,
    ),
    # LiteLLM
    MODEL: re.compile(r"\A\W*(?:litellm\.\w+: )?(?:\S+: )?Invalid model name passed in model="),
    # What FastAPI found wrong with the body, which llama.cpp's Python server reports as its own
    # failure
    PARAMETERS: re.compile(
        r"\A(?:\[|\d+ validation errors?:\s+)\{'type': '\w+', 'loc': \('body', "
    ),
}


def marks_in(words: object) -> tuple[str, ...]:
    """Return the mark that the words of an error deserve, or none."""
    if not isinstance(words, str):
        return ()
    start = words[:MOST_CHARS]
    return tuple(mark for mark, pattern in _MARKS.items() if pattern.search(start))[:1]
