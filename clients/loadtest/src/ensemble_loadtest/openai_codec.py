"""OpenAI's completions and chat completions: what is sent, and what is read of an answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from ensemble_loadtest.flights import Flight
from ensemble_loadtest.prompts import Asking, Prompt

DONE = b"[DONE]"
HOLE = "<hole>"
SYSTEM = (
    f"Code follows, in which {HOLE} marks a hole. Answer with the text that belongs in its place, "
    "and nothing else."
)

Document = dict[str, Any]


def bodies(prompts: Sequence[Prompt], asking: Asking, *, stream: bool) -> list[bytes]:
    """Return the bodies to send, one for each prompt."""
    return [json.dumps(_body(prompt, asking, stream=stream)).encode() for prompt in prompts]


def _body(prompt: Prompt, asking: Asking, *, stream: bool) -> Document:
    body: Document = {"model": asking.model, "max_tokens": asking.max_tokens}
    if asking.temperature is not None:
        body["temperature"] = asking.temperature
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    if not asking.chat:
        body["prompt"] = prompt.prompt
        if prompt.suffix:
            body["suffix"] = prompt.suffix
        return body
    body["messages"] = [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": f"{prompt.prompt}{HOLE}{prompt.suffix}"},
    ]
    return body


def read_answer(flight: Flight, body: bytes) -> str:
    """Note what a whole answer holds; return why it is none, empty when it is one."""
    document = document_of(body)
    if document is None:
        return "MALFORMED_MESSAGE"
    _note(flight, document)
    choices = document.get("choices")
    return "" if isinstance(choices, list) and choices else "NO_ANSWER"


def read_event(flight: Flight, data: bytes) -> tuple[bool, bool, str]:
    """Read one event of a stream: whether it has text, whether it is the end, what went wrong."""
    if data == DONE:
        return False, True, ""
    document = document_of(data)
    if document is None:
        return False, False, "MALFORMED_MESSAGE"
    if document.get("error"):
        return False, False, f"STREAM_ERROR {word_of(document)}".strip()
    _note(flight, document)
    text = ended = False
    for choice in document.get("choices") or ():
        delta = choice.get("delta") or choice
        text = text or bool(delta.get("content") or delta.get("text"))
        ended = ended or bool(choice.get("finish_reason"))
    return text, ended, ""


def document_of(raw: bytes) -> Document | None:
    """Read a JSON object; None for anything else."""
    try:
        document = json.loads(raw)
    except ValueError:
        return None
    return cast("Document", document) if isinstance(document, dict) else None


def word_of(document: Mapping[str, Any] | None) -> str:
    """Return the code of an error, else its type; empty when it has neither."""
    error = (document or {}).get("error")
    if not isinstance(error, dict):
        return ""
    known = cast("Document", error)
    return str(known.get("code") or known.get("type") or "")[:64]


def _note(flight: Flight, document: Document) -> None:
    """Note tokens where they are reported, and the gateway's own additions."""
    usage = document.get("usage")
    if isinstance(usage, dict):
        counts = cast("Document", usage)
        flight.prompt_tokens = int(counts.get("prompt_tokens") or 0)
        flight.completion_tokens = int(counts.get("completion_tokens") or 0)
    ours = document.get("ensemble")
    if isinstance(ours, dict):
        known = cast("Document", ours)
        flight.endpoint = str(known.get("endpoint") or flight.endpoint)
        flight.cost_micros = int(known.get("cost_micros") or flight.cost_micros)
        flight.cached = bool(known.get("cached") or flight.cached)
