"""A real MLServer with a small runtime of text as an endpoint of the gateway."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from ensemble.v1.admin_service_pb2 import EndpointHealth, ListEndpointsRequest
from ensemble.v1.admin_service_pb2_grpc import AdminServiceStub
from grpc import insecure_channel

from tests.fakes.gateways import Failure
from tests.interop.asking import PATIENCE_S, Caller, caller_of
from tests.interop.processes import answers, free_port, gateway, peers_environment, server
from tests.interop.rows import Row, judged
from tests.interop.venvs import python_of

PEER, VERSION = "MLServer", "1.7.1"
RUNTIME = Path(__file__).with_name("runtime.py")
MODEL = "text"
PROMPT = "def add(a, b):\n    "
ENDPOINTS = {
    "unary": "",
    "raw": "raw = true",
    "stream": 'stream = "mlserver"',
    "absent": "",
}
"""The endpoints by name and tag, and what stands in the table of each; `absent` has no model."""


def run(work: Path) -> Iterator[Row]:
    """Run the cases of the server."""
    python = python_of(work, f"mlserver=={VERSION}")
    work = work.absolute()
    own, http, grpc, metrics = (free_port() for _ in range(4))
    models = work / "models"
    models.mkdir(exist_ok=True)
    shutil.copyfile(RUNTIME, models / RUNTIME.name)
    settings = {
        "http_port": http,
        "grpc_port": grpc,
        "metrics_port": metrics,
        "host": "127.0.0.1",
        "parallel_workers": 0,
        # The REST server forbids it for any streaming model; the gateway asks over gRPC.
        "gzip_enabled": False,
        "metrics_endpoint": None,
    }
    _write(models / "settings.json", settings)
    _write(models / "model-settings.json", {"name": MODEL, "implementation": "runtime.TextModel"})
    command = [str(python.with_name("mlserver")), "start", str(models)]
    ready = answers(f"http://127.0.0.1:{http}/v2/models/{MODEL}/ready")
    with (
        server(command, work / "server.log", ready, peers_environment()),
        gateway(work, _config(own, grpc)),
        caller_of(own) as caller,
    ):
        yield from judged(PEER, VERSION, _cases(caller, own))


def _write(path: Path, document: object) -> None:
    path.write_text(json.dumps(document), encoding="utf-8")


def _config(own: int, port: int) -> str:
    tables = [f'[server]\nport = {own}\n\n[retry]\nmax_tries = 1\n\n[stream]\nhold = "none"\n']
    for name, more in ENDPOINTS.items():
        health = 'health = "none"\n' if name != "unary" else ""
        tables.append(
            f'[[endpoint]]\nname = "{name}"\nprotocol = "oip"\nurl = "127.0.0.1:{port}"\n'
            f'model = "{"absent" if name == "absent" else MODEL}"\ntags = ["{name}"]\n{health}'
            f'[endpoint.oip]\ndecimals = "string"\n{more}\n'
        )
    return "\n".join(tables)


def _cases(caller: Caller, port: int) -> dict[str, Callable[[], object]]:
    return {
        "ServerReady and ModelReady": lambda: _healthy(port),
        "infer": lambda: _filled(caller, "unary"),
        "raw contents": lambda: _filled(caller, "raw"),
        "suffix": lambda: _suffix(caller),
        "parameters": lambda: _parameters(caller),
        "usage and finish reason": lambda: _usage(caller),
        "stream of its own form": lambda: _streamed(caller, "stream", 3),
        "stream as one piece": lambda: _streamed(caller, "unary", 1),
        "leaving a stream": lambda: _left(caller),
        "exception is UNAVAILABLE": lambda: _refused(
            caller, "unary", "FAIL", "UNAVAILABLE", "UPSTREAM_ERROR"
        ),
        "exception within a stream": lambda: _refused(
            caller, "stream", "FAIL", "UNAVAILABLE", "UPSTREAM_ERROR"
        ),
        "unknown model is ours to mend": lambda: _refused(
            caller, "absent", PROMPT, "UNAVAILABLE", "UPSTREAM_MODEL_UNKNOWN"
        ),
        "200 in a row": lambda: _many(caller),
    }


def _healthy(port: int) -> str:
    with insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = AdminServiceStub(channel)
        listed = stub.ListEndpoints(ListEndpointsRequest(), timeout=PATIENCE_S)
    health = {one.name: one.state.health for one in listed.endpoints}["unary"]
    assert health == EndpointHealth.ENDPOINT_HEALTH_SERVING, EndpointHealth.Name(health)
    return "serving"


def _filled(caller: Caller, tag: str) -> str:
    answer = caller.fill(tag, PROMPT)
    assert answer.text.startswith("return a + b"), f"{len(answer.text)} other characters"
    return f"by {answer.endpoint}, model {answer.model}"


def _suffix(caller: Caller) -> str:
    text = caller.fill("unary", PROMPT, suffix="\n\nprint(1)").text
    assert "suffix=10" in text, "it did not come"
    return "10 characters came"


def _parameters(caller: Caller) -> str:
    sampling = {"max_tokens": 12, "temperature": 0.25, "seed": 7, "stop": ["\n", ";"]}
    text = caller.fill("unary", PROMPT, sampling=sampling).text
    for word in ("max_tokens=12", "temperature=0.25", "seed=7", 'stop=["\\n", ";"]'):
        assert word in text, f"{word.partition('=')[0]} did not come"
    return "max_tokens, temperature as text, seed, stop"


def _usage(caller: Caller) -> str:
    answer = caller.fill("unary", PROMPT)
    assert answer.usage.completion_tokens > 0, "no usage"
    assert answer.finish_reason, "no finish reason"
    return f"{answer.usage.prompt_tokens} + {answer.usage.completion_tokens} tokens"


def _streamed(caller: Caller, tag: str, least: int) -> str:
    streamed = caller.stream(tag, PROMPT)
    assert streamed.text.startswith("return a + b"), f"{len(streamed.text)} other characters"
    assert streamed.deltas >= least, f"{streamed.deltas} pieces"
    return f"{streamed.deltas} pieces"


def _left(caller: Caller) -> str:
    call = caller.start("stream", "SLOW")
    next(event for event in call if event.HasField("delta"))
    call.cancel()
    return _filled(caller, "stream")


def _refused(caller: Caller, tag: str, prompt: str, status: str, reason: str) -> str:
    failed: Failure = caller.refused(tag, prompt)
    found = [str(attempt.reason) for attempt in failed.attempts]
    assert (failed.code.name, found) == (status, [reason]), f"{failed.code.name}, {found}"
    return reason


def _many(caller: Caller) -> str:
    for number in range(200):
        caller.fill("unary", f"x{number} = ")
    return "all answered"
