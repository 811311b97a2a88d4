"""A real LiteLLM proxy as an endpoint; its models answer from its configuration, offline."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from gateway.core.candidate import Completion
from gateway.core.chat import Chat, ChatMessage, ToolCall
from gateway.core.endpoint import Endpoint, Protocol
from tests.fakes.gateways import Failure
from tests.interop.asking import Caller, caller_of, converse
from tests.interop.processes import answers, free_port, gateway, peers_environment, server
from tests.interop.rows import Row, judged
from tests.interop.venvs import python_of

PEER, VERSION = "LiteLLM proxy", "1.106.2"
KEY = "sk-of-the-proxy"
ANSWER = "return a + b"
ARGUMENTS = '{"at": 1}'
TOOL = {"type": "function", "function": {"name": "run", "parameters": {"type": "object"}}}
MODELS = {
    "tiny": ANSWER,
    "limited": "litellm.RateLimitError",
    "broken": "litellm.InternalServerError",
    "window": "litellm.ContextWindowExceededError",
}
"""What each model answers; LiteLLM raises the errors named so."""


def run(work: Path) -> Iterator[Row]:
    """Run the cases of the proxy."""
    python, port, own = python_of(work, f"litellm[proxy]=={VERSION}"), free_port(), free_port()
    work = work.absolute()
    (work / "config.yaml").write_text(_proxy_config(), encoding="utf-8")
    command = [str(python), "-m", "litellm.proxy.proxy_cli", "--config", str(work / "config.yaml")]
    env = peers_environment({"LITELLM_MASTER_KEY": KEY, "LITELLM_LOCAL_MODEL_COST_MAP": "True"})
    place = ["--host", "127.0.0.1", "--port", str(port)]
    ready = answers(f"http://127.0.0.1:{port}/health/liveliness")
    with (
        server(command + place, work / "server.log", ready, env),
        gateway(work, _gateway_config(own, port), {"PROXY_KEY": KEY, "WRONG_KEY": "sk-wrong"}),
        caller_of(own) as caller,
    ):
        yield from judged(PEER, VERSION, _cases(caller, f"http://127.0.0.1:{port}/v1"))


def _proxy_config() -> str:
    call = {"id": "c1", "type": "function", "function": {"name": "run", "arguments": ARGUMENTS}}
    models = "".join(
        f"  - model_name: {name}\n    litellm_params: "
        f'{{model: openai/tiny, api_key: none, mock_response: "{answer}"}}\n'
        for name, answer in MODELS.items()
    )
    models += (
        "  - model_name: calling\n    litellm_params: {model: openai/tiny, api_key: none, "
        f"mock_response: '', mock_tool_calls: {json.dumps([call])}}}\n"
    )
    # Its own retries and cooldowns would stand between its errors and us.
    return f"model_list:\n{models}router_settings: {{num_retries: 0, disable_cooldowns: true}}\n"


def _gateway_config(own: int, port: int) -> str:
    tables = (
        f'[server]\nport = {own}\n\n[retry]\nmax_tries = 1\n\n[stream]\nhold = "none"\n',
        *(_endpoint(name, port) for name in (*MODELS, "absent")),
        _endpoint("older", port, 'openai_mode = "completions"', model="tiny"),
        _endpoint("locked", port, model="tiny", key="WRONG_KEY"),
    )
    return "\n".join(tables)


def _endpoint(name: str, port: int, more: str = "", model: str = "", key: str = "PROXY_KEY") -> str:
    return (
        f'[[endpoint]]\nname = "{name}"\nprotocol = "openai"\nmodel = "{model or name}"\n'
        f'url = "http://127.0.0.1:{port}/v1"\nsecret_ref = "env:{key}"\ntags = ["{name}"]\n{more}\n'
    )


def _cases(caller: Caller, url: str) -> dict[str, Callable[[], object]]:
    return {
        "chat": lambda: _filled(caller, "tiny"),
        "completion": lambda: _filled(caller, "older"),
        "suffix": lambda: _filled(caller, "older", suffix="\n"),
        "stream": lambda: _streamed(caller, "tiny"),
        "stream of the older call": lambda: _streamed(caller, "older"),
        "usage in streams": lambda: _usage(caller),
        "tool calls": lambda: _calling(url),
        "429 is RESOURCE_EXHAUSTED": lambda: _left(
            caller, "limited", "RESOURCE_EXHAUSTED", "UPSTREAM_OVERLOADED"
        ),
        "500 is UNAVAILABLE": lambda: _left(caller, "broken", "UNAVAILABLE", "UPSTREAM_ERROR"),
        "context overflow is INVALID_ARGUMENT": lambda: _overflow(caller),
        "unknown model (400) is ours to mend": lambda: _left(
            caller, "absent", "UNAVAILABLE", "UPSTREAM_MODEL_UNKNOWN"
        ),
        "wrong key is ours to mend": lambda: _left(
            caller, "locked", "UNAVAILABLE", "UPSTREAM_AUTH"
        ),
    }


def _filled(caller: Caller, tag: str, **fields: object) -> str:
    answer = caller.fill(tag, "def add(a, b):\n    ", **fields)
    assert answer.text == ANSWER, f"{len(answer.text)} other characters"
    assert answer.usage.completion_tokens > 0, "no usage"
    return f"{answer.usage.prompt_tokens} + {answer.usage.completion_tokens} tokens"


def _streamed(caller: Caller, tag: str) -> str:
    streamed = caller.stream(tag)
    assert streamed.text == ANSWER, f"{len(streamed.text)} other characters"
    assert streamed.deltas > 1, "one piece"
    return f"{streamed.deltas} pieces"


def _usage(caller: Caller) -> str:
    usage = caller.stream("tiny").done.usage
    assert usage.completion_tokens > 0, "no usage"
    return f"{usage.completion_tokens} tokens"


def _calling(url: str) -> str:
    endpoint = Endpoint("calling", protocol=Protocol.OPENAI, url=url, model="calling")
    chat = Chat((ChatMessage("user", "run it"),), tools=json.dumps([TOOL]))
    said = converse(endpoint, chat, secret=KEY)
    assert isinstance(said, Completion), said
    assert said.tool_calls == (ToolCall("c1", "run", ARGUMENTS),), said.tool_calls
    return f"{said.tool_calls[0].name}{said.tool_calls[0].arguments}"


def _left(caller: Caller, tag: str, status: str, reason: str) -> str:
    failed = caller.refused(tag)
    shown = f"{failed.code.name}, {_reasons(failed)}"
    assert failed.code.name == status, shown
    assert _reasons(failed) == [reason], shown
    assert "litellm" not in failed.message.lower(), "the words of the proxy came through"
    return reason


def _overflow(caller: Caller) -> str:
    words = _left(caller, "window", "INVALID_ARGUMENT", "UPSTREAM_REFUSED_REQUEST")
    assert "so large a request" in caller.refused("window").message, "not told what is too large"
    return words


def _reasons(failed: Failure) -> list[str]:
    return [str(attempt.reason) for attempt in failed.attempts]
