"""What scripts do with the official client, unchanged but for the base URL.

Needs nothing but that client. As a program it takes the base URLs of two gateways
(`tests/fakes/openai_stage.py`) and prints a line of JSON for each case.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import openai
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

TEXT = "return a + b\n\N{SNOWMAN} \N{GRINNING FACE}"
HELLO: Any = [{"role": "user", "content": "Write a sum."}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
PATIENCE_S = 10.0
ROOM = "x-ratelimit-remaining-requests"


@dataclass(frozen=True)
class Stage:
    """Base URLs: of a gateway with every model, and of one that takes one request at a time."""

    wide: str
    tight: str

    def client(self, *, retries: int = 0, tight: bool = False) -> OpenAI:
        """Connect."""
        url = self.tight if tight else self.wide
        return OpenAI(base_url=url, api_key="any", max_retries=retries, timeout=PATIENCE_S)


def chat(stage: Stage) -> None:
    with stage.client() as client:
        done = client.chat.completions.create(model="plain", messages=HELLO, temperature=0.2)
    assert done.choices[0].message.content == TEXT
    assert done.choices[0].message.role == "assistant"
    assert done.choices[0].finish_reason == "stop"
    assert done.usage is not None
    assert (done.usage.prompt_tokens, done.usage.total_tokens) == (11, 14)
    assert done.model_extra is not None
    assert done.model_extra["ensemble"]["endpoint"] == "plain"


def chat_stream(stage: Stage) -> None:
    with stage.client() as client:
        stream = client.chat.completions.create(
            model="plain", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
        chunks = list(stream)
    assert chunks[0].choices[0].delta.role == "assistant"
    pieces = [one.choices[0].delta.content or "" for one in chunks if one.choices]
    assert "".join(pieces) == TEXT
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None
    assert (chunks[-1].choices, chunks[-1].usage.total_tokens) == ([], 14)


def stream_helper(stage: Stage) -> None:
    with (
        stage.client() as client,
        client.chat.completions.stream(model="plain", messages=HELLO) as stream,
    ):
        stream.until_done()
        done = stream.get_final_completion()
    assert done.choices[0].message.content == TEXT


def completion_with_suffix(stage: Stage) -> None:
    with stage.client() as client:
        done = client.completions.create(model="fim", prompt="def f(", suffix="): pass")
    assert done.choices[0].text == TEXT
    assert done.object == "text_completion"


def completion_stream(stage: Stage) -> None:
    with stage.client() as client:
        stream = client.completions.create(model="fim", prompt="def f(", stream=True)
        assert "".join(chunk.choices[0].text for chunk in stream) == TEXT


class Weather(BaseModel):
    """What a model is to answer."""

    city: str
    degrees: int


def json_schema_parsed(stage: Stage) -> None:
    with stage.client() as client:
        done = client.chat.completions.parse(model="json", messages=HELLO, response_format=Weather)
    assert done.choices[0].message.parsed == Weather(city="Rome", degrees=21)


def json_schema_refused(stage: Stage) -> None:
    with stage.client(retries=2) as client:
        error = failed(
            lambda: client.chat.completions.parse(
                model="plain", messages=HELLO, response_format=Weather
            ),
            openai.ConflictError,
        )
    assert error.code == "all_candidates_rejected"


def json_object(stage: Stage) -> None:
    with stage.client() as client:
        done = client.chat.completions.create(
            model="json", messages=HELLO, response_format={"type": "json_object"}
        )
    assert json.loads(done.choices[0].message.content or "")["city"] == "Rome"


def tools_round_trip(stage: Stage) -> None:
    messages = [*HELLO]
    with stage.client() as client:
        asked = client.chat.completions.create(model="tools", messages=messages, tools=[WEATHER])
        (call,) = asked.choices[0].message.tool_calls or []
        assert asked.choices[0].finish_reason == "tool_calls"
        assert call.type == "function"
        assert json.loads(call.function.arguments) == {"city": "Rome"}
        messages.append(asked.choices[0].message)
        messages.append({"role": "tool", "tool_call_id": call.id, "content": "sunny"})
        done = client.chat.completions.create(model="tools", messages=messages, tools=[WEATHER])
    assert done.choices[0].message.content == "It is sunny."


def tools_streamed(stage: Stage) -> None:
    with (
        stage.client() as client,
        client.chat.completions.stream(model="tools", messages=HELLO, tools=[WEATHER]) as stream,
    ):
        done = stream.get_final_completion()
    (call,) = done.choices[0].message.tool_calls or []
    assert (call.id, call.function.name) == ("c-1", "weather")


def three_choices(stage: Stage) -> None:
    with stage.client() as client:
        done = client.chat.completions.create(model="plain", messages=HELLO, n=3, seed=7)
    assert [one.index for one in done.choices] == [0, 1, 2]
    assert {one.message.content for one in done.choices} == {TEXT}


def logprobs(stage: Stage) -> None:
    with stage.client() as client:
        done = client.chat.completions.create(model="plain", messages=HELLO, logprobs=True)
    told = done.choices[0].logprobs
    assert told is not None
    assert [token.logprob for token in told.content or []] == [-0.5, -0.25, -1.5]


def sampling(stage: Stage) -> None:
    with stage.client() as client:
        done = client.chat.completions.create(
            model="plain",
            messages=HELLO,
            stop=["END"],
            seed=3,
            top_p=0.9,
            max_completion_tokens=50,
            presence_penalty=0,
            user="ann",
            metadata={"task": "sum"},
        )
    assert done.choices[0].message.content == TEXT


def extension(stage: Stage) -> None:
    with stage.client() as client:
        done = client.chat.completions.create(
            model="plain",
            messages=HELLO,
            extra_body={"ensemble": {"strategy": "best_of_n", "n": 2, "return_candidates": True}},
        )
    assert done.model_extra is not None
    assert len(done.model_extra["ensemble"]["response"]["candidates"]) >= 1


def unknown_model(stage: Stage) -> None:
    with stage.client(retries=2) as client:
        error = failed(
            lambda: client.chat.completions.create(model="gpt-4", messages=HELLO),
            openai.NotFoundError,
        )
    assert (error.code, error.param) == ("model_not_found", "model")


def bad_field(stage: Stage) -> None:
    with stage.client() as client:
        error = failed(
            lambda: client.chat.completions.create(model="plain", messages=HELLO, temperature=9),
            openai.BadRequestError,
        )
    assert (error.type, error.param) == ("invalid_request_error", "temperature")


def shed(stage: Stage) -> None:
    with stage.client(tight=True) as client:
        stream = client.chat.completions.create(model="slow", messages=HELLO, stream=True)
        next(iter(stream))
        error = failed(
            lambda: client.chat.completions.create(model="plain", messages=HELLO),
            openai.RateLimitError,
        )
        stream.close()
    assert error.code == "rate_limit_exceeded"
    assert float(error.response.headers["retry-after-ms"]) > 0


def shed_then_served(stage: Stage) -> None:
    """The client's own retries get through once there is room."""
    with stage.client(retries=5, tight=True) as client:
        stream = client.chat.completions.create(model="slow", messages=HELLO, stream=True)
        next(iter(stream))
        with stage.client(tight=True) as other:
            failed(
                lambda: other.chat.completions.create(model="plain", messages=HELLO),
                openai.RateLimitError,
            )
        stream.close()
        done = client.chat.completions.create(model="plain", messages=HELLO)
    assert done.choices[0].message.content == TEXT


def all_down(stage: Stage) -> None:
    with stage.client(retries=1) as client:
        error = failed(
            lambda: client.chat.completions.create(model="down", messages=HELLO),
            openai.InternalServerError,
        )
    assert error.status_code == 503
    assert error.response.request.headers["x-stainless-retry-count"] == "1"


def timeout_of_the_gateway(stage: Stage) -> None:
    with stage.client(retries=2) as client:
        error = failed(
            lambda: client.chat.completions.create(
                model="silent", messages=HELLO, extra_headers={"x-request-timeout-s": "0.2"}
            ),
            openai.APIStatusError,
        )
    assert (error.status_code, error.code) == (504, "timeout")
    assert error.response.request.headers["x-stainless-retry-count"] == "0"


def broken_stream(stage: Stage) -> None:
    with stage.client() as client:
        stream = client.chat.completions.create(model="breaks", messages=HELLO, stream=True)
        seen: list[Any] = []
        error = failed(lambda: seen.extend(stream), openai.APIError)
    assert error.code == "stream_truncated"


def cancelled_stream(stage: Stage) -> None:
    with stage.client() as client:
        before = room(client)
        stream = client.chat.completions.create(model="slow", messages=HELLO, stream=True)
        next(iter(stream))
        assert room(client) == before - 1
        stream.close()
        until(lambda: room(client) == before)


def asynchronous(stage: Stage) -> None:
    asyncio.run(_asynchronous(stage))


async def _asynchronous(stage: Stage) -> None:
    async with AsyncOpenAI(base_url=stage.wide, api_key="any", timeout=PATIENCE_S) as client:
        create = client.chat.completions.create
        many = await asyncio.gather(*(create(model="plain", messages=HELLO) for _ in range(8)))
        assert {one.choices[0].message.content for one in many} == {TEXT}
        stream = await create(model="plain", messages=HELLO, stream=True)
        pieces = [one.choices[0].delta.content or "" async for one in stream]
        assert "".join(pieces) == TEXT
        with stage.client() as watching:
            before = room(watching)
            try:
                async with asyncio.timeout(0.2):
                    await create(model="silent", messages=HELLO)
            except TimeoutError:
                until(lambda: room(watching) == before)


def models(stage: Stage) -> None:
    with stage.client() as client:
        listed = {model.id: model.owned_by for model in client.models.list()}
        assert client.models.retrieve("plain").owned_by == "endpoint"
        failed(lambda: client.models.retrieve("gpt-4"), openai.NotFoundError)
    assert listed["auto"] == "router"
    assert {"plain", "tools", "down"} <= set(listed)


def raw_response(stage: Stage) -> None:
    with stage.client() as client:
        raw = client.chat.completions.with_raw_response.create(model="plain", messages=HELLO)
    assert raw.headers["x-ensemble-endpoint"] == "plain"
    assert raw.request_id
    assert raw.parse().choices[0].message.content == TEXT
    assert int(raw.headers[ROOM]) > 0


def room(client: OpenAI) -> int:
    """How many more requests the gateway would take now."""
    return int(client.models.with_raw_response.list().headers[ROOM])


def until(reached: Callable[[], bool]) -> None:
    """Look again until it is so."""
    started = time.monotonic()
    while not reached():
        assert time.monotonic() - started < PATIENCE_S, "it never came to be"


def failed(call: Callable[[], Any], kind: type[Exception]) -> Any:
    """Return the error that a call must end in."""
    try:
        call()
    except kind as error:
        return error
    raise AssertionError("it did not fail")


CASES: tuple[Callable[[Stage], None], ...] = (
    chat,
    chat_stream,
    stream_helper,
    completion_with_suffix,
    completion_stream,
    json_schema_parsed,
    json_schema_refused,
    json_object,
    tools_round_trip,
    tools_streamed,
    three_choices,
    logprobs,
    sampling,
    extension,
    unknown_model,
    bad_field,
    shed,
    shed_then_served,
    all_down,
    timeout_of_the_gateway,
    broken_stream,
    cancelled_stream,
    asynchronous,
    models,
    raw_response,
)


def main() -> None:
    """Run every case against the gateways named on the command line."""
    stage = Stage(*sys.argv[1:3])
    for case in CASES:
        passed, detail = True, ""
        try:
            case(stage)
        except Exception as error:  # noqa: BLE001 - the other cases are still to be run
            passed, detail = False, f"{type(error).__name__}: {error}"
        row = {"case": case.__name__.replace("_", " "), "passed": passed, "detail": detail}
        print(json.dumps(row), flush=True)  # noqa: T201 - the result


if __name__ == "__main__":
    main()
