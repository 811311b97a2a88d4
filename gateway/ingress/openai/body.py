"""The bodies of both calls, field by field.

A field that is known is read by its reader; one that would change the answer and cannot be honoured
is refused; one that changes nothing is passed over; any other is refused by its name, so that
nothing is ever ignored without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pydantic_core import to_json

from gateway.core.chat import ChatMessage
from gateway.core.faults import invalid
from gateway.ingress.openai.fields import (
    Json,
    flag_of,
    integer_of,
    list_of,
    number_of,
    object_of,
    text_of,
    unknown,
    unsupported,
    word_of,
)
from gateway.ingress.openai.messages import messages_of, tool_choice_of, tools_of

MAX_CHOICES = 16
"""Each choice is a request of its own, and they run side by side."""

MAX_CANDIDATES = 128
MAX_TOKENS = 1_048_576
MAX_SEED = 2**63 - 1
MAX_STOPS, MAX_STOP_CHARS = 16, 256
MAX_LABELS, MAX_LABEL_CHARS = 16, 512
MAX_SCHEMA_BYTES = 256 * 1024
MOST_TEMPERATURE = 2
MOST_ALTERNATIVES = {"chat": 20, "completions": 5}
ANY_OBJECT = '{"type":"object"}'


class Body:
    """What a body says; None and empty are what it leaves open.

    `prompts`: of completions, one for each text. `schema`: JSON text that the answer must be of.
    `extension`: the object `ensemble`, None where there is none. What is open stands in the class,
    so that only what is said costs anything.
    """

    model: str = ""
    messages: tuple[ChatMessage, ...] = ()
    prompts: tuple[str, ...] = ()
    suffix: str = ""
    n: int = 1
    best_of: int | None = None
    stream: bool = False
    include_usage: bool = False
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    logprobs: bool = False
    top_logprobs: bool = False
    tools: str = ""
    tool_choice: str = ""
    parallel_tool_calls: bool | None = None
    schema: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    extension: Json | None = None


Reader = Callable[[Body, str, object], None]


def _model(body: Body, name: str, value: object) -> None:
    body.model = text_of(name, value)


def _messages(body: Body, _: str, value: object) -> None:
    body.messages = messages_of(value)


def _prompt(body: Body, name: str, value: object) -> None:
    if isinstance(value, str):
        body.prompts = (value,)
        return
    items = list_of(name, value, MAX_CHOICES)
    if not items or not all(isinstance(item, str) for item in items):
        raise invalid(name, "must be a string or a list of strings; tokens cannot be read here")
    body.prompts = tuple(text_of(name, item) for item in items)


def _suffix(body: Body, name: str, value: object) -> None:
    body.suffix = text_of(name, value)


def _n(body: Body, name: str, value: object) -> None:
    body.n = integer_of(name, value, 1, MAX_CHOICES)


def _best_of(body: Body, name: str, value: object) -> None:
    body.best_of = integer_of(name, value, 1, MAX_CANDIDATES)


def _stream(body: Body, name: str, value: object) -> None:
    body.stream = flag_of(name, value)


def _stream_options(body: Body, name: str, value: object) -> None:
    for key, one in object_of(name, value).items():
        if key not in {"include_usage", "include_obfuscation"}:
            raise unknown(f"{name}.{key}", ("include_usage", "include_obfuscation"))
        if flag_of(f"{name}.{key}", one) and key == "include_usage":
            body.include_usage = True


def _max_tokens(body: Body, name: str, value: object) -> None:
    most = integer_of(name, value, 1, MAX_TOKENS)
    if body.max_tokens not in {None, most}:
        raise invalid(name, "max_tokens and max_completion_tokens differ; give one of them")
    body.max_tokens = most


def _temperature(body: Body, name: str, value: object) -> None:
    body.temperature = number_of(name, value, 0, MOST_TEMPERATURE)


def _top_p(body: Body, name: str, value: object) -> None:
    body.top_p = number_of(name, value, 0, 1)
    if not body.top_p:
        raise invalid(name, "must be above 0; for the likeliest text set temperature to 0")


def _seed(body: Body, name: str, value: object) -> None:
    body.seed = integer_of(name, value, 0, MAX_SEED)


def _stop(body: Body, name: str, value: object) -> None:
    items = [value] if isinstance(value, str) else list_of(name, value, MAX_STOPS)
    stops = tuple(text_of(name, item) for item in items)
    if not all(0 < len(stop) <= MAX_STOP_CHARS for stop in stops):
        raise invalid(name, f"each must have from 1 to {MAX_STOP_CHARS} characters")
    body.stop = stops


def _chat_logprobs(body: Body, name: str, value: object) -> None:
    body.logprobs = flag_of(name, value)


def _top_logprobs(body: Body, name: str, value: object) -> None:
    integer_of(name, value, 0, MOST_ALTERNATIVES["chat"])
    body.top_logprobs = True


def _logprobs(body: Body, name: str, value: object) -> None:
    integer_of(name, value, 0, MOST_ALTERNATIVES["completions"])
    body.logprobs = True


def _tools(body: Body, _: str, value: object) -> None:
    body.tools = tools_of(value)


def _tool_choice(body: Body, _: str, value: object) -> None:
    body.tool_choice = tool_choice_of(value)


def _parallel(body: Body, name: str, value: object) -> None:
    body.parallel_tool_calls = flag_of(name, value)


def _response_format(body: Body, name: str, value: object) -> None:
    wanted = object_of(name, value)
    kind = word_of(f"{name}.type", wanted.get("type"), ("text", "json_object", "json_schema"))
    if kind == "json_object":
        body.schema = ANY_OBJECT
    elif kind == "json_schema":
        described = object_of(f"{name}.json_schema", wanted.get("json_schema"))
        schema = to_json(object_of(f"{name}.json_schema.schema", described.get("schema")))
        if len(schema) > MAX_SCHEMA_BYTES:
            raise invalid(f"{name}.json_schema.schema", f"must be at most {MAX_SCHEMA_BYTES} bytes")
        body.schema = schema.decode()


def _metadata(body: Body, name: str, value: object) -> None:
    labels = object_of(name, value)
    if len(labels) > MAX_LABELS:
        raise invalid(name, f"must have at most {MAX_LABELS} pairs")
    for key, one in labels.items():
        if (
            not isinstance(one, str)
            or len(one) > MAX_LABEL_CHARS
            or not 0 < len(key) <= MAX_LABEL_CHARS
        ):
            raise invalid(f"{name}.{key[:64]}", f"must be a string of {MAX_LABEL_CHARS} characters")
        body.labels = (*body.labels, (key, one))


def _user(body: Body, name: str, value: object) -> None:
    user = text_of(name, value)
    if len(user) > MAX_LABEL_CHARS:
        raise invalid(name, f"must have at most {MAX_LABEL_CHARS} characters")
    body.labels = (("user", user), *body.labels)


def _extension(body: Body, name: str, value: object) -> None:
    body.extension = object_of(name, value)


def _only_empty(_: Body, name: str, value: object) -> None:
    """Take what changes nothing when it is 0, false or empty."""
    if value:
        raise unsupported(name, "no endpoint is told of it; leave it out")


def _only_text(_: Body, name: str, value: object) -> None:
    if value != ["text"]:
        raise unsupported(name, 'answers are text: leave it out or send ["text"]')


def _old_functions(_: Body, name: str, __: object) -> None:
    raise unsupported(name, "use `tools` and `tool_choice`")


def _nothing(_: Body, __: str, ___: object) -> None:
    """Pass over what changes no answer: a hint, a place to keep it, a price."""


_SAMPLED_ALIKE: Mapping[str, Reader] = {
    "model": _model,
    "stream": _stream,
    "stream_options": _stream_options,
    "n": _n,
    "max_tokens": _max_tokens,
    "temperature": _temperature,
    "top_p": _top_p,
    "seed": _seed,
    "stop": _stop,
    "user": _user,
    "metadata": _metadata,
    "ensemble": _extension,
    **dict.fromkeys(("presence_penalty", "frequency_penalty", "logit_bias"), _only_empty),
    **dict.fromkeys(
        (
            "store",
            "service_tier",
            "safety_identifier",
            "prompt_cache_key",
            "prompt_cache_retention",
            "prompt_cache_options",
            "prediction",
        ),
        _nothing,
    ),
}
CHAT: Mapping[str, Reader] = {
    **_SAMPLED_ALIKE,
    "messages": _messages,
    "max_completion_tokens": _max_tokens,
    "logprobs": _chat_logprobs,
    "top_logprobs": _top_logprobs,
    "tools": _tools,
    "tool_choice": _tool_choice,
    "parallel_tool_calls": _parallel,
    "response_format": _response_format,
    "modalities": _only_text,
    "functions": _old_functions,
    "function_call": _old_functions,
    **dict.fromkeys(
        ("audio", "moderation", "reasoning_effort", "verbosity", "web_search_options"), _only_empty
    ),
}
COMPLETIONS: Mapping[str, Reader] = {
    **_SAMPLED_ALIKE,
    "prompt": _prompt,
    "suffix": _suffix,
    "best_of": _best_of,
    "logprobs": _logprobs,
    "echo": _only_empty,
}


def body_of(document: Mapping[str, object], readers: Mapping[str, Reader]) -> Body:
    """Read every field. Raises Fault(INVALID) naming the first one at fault."""
    body = Body()
    for name, value in document.items():
        reader = readers.get(name)
        if reader is None:
            raise unknown(name[:64], readers)
        if value is not None:
            reader(body, name, value)
    return body
