"""The TypeScript client: its example against a real gateway, and its rules against a scripted one.

Node.js and npm must be there; what npm installs stands in `clients/typescript/node_modules`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ensemble_client import GenerateRequest
from ensemble_client.testing import Answer, Failure, FakeGateway, Hold, Reply

from tests.interop.processes import environment, free_port, gateway, last_line, server
from tests.interop.rows import CannotRunError, Row, judged

PEER = "TypeScript client"
ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "clients" / "typescript"
OLDEST_NODE = 20
INSTALL_S, BUILD_S, RUN_S = 300.0, 120.0, 30.0
UNAVAILABLE = Failure(reason="ALL_ENDPOINTS_FAILED", retried=True)
RECORDED = {
    "prompt": "def add(a, b):\n    return ",
    "suffix": "\n\nprint(add(1, 2))\n",
    "completions": [{"text": "a + b"}],
}
"""What the model servers answer to the hole of the example."""
SAW = {
    "fill": "a + b",
    "stream": "a + b",
    "batch": "a + b; no text was good",
    "list of endpoints": "fake",
    "failure with its details": "ALL_CANDIDATES_REJECTED",
    "UNAVAILABLE is retried": "third",
    "three tries at most": "ALL_ENDPOINTS_FAILED",
    "pushback forbids a retry": "ALL_ENDPOINTS_FAILED",
    "stream that breaks": "STREAM_TRUNCATED",
    "stream without its end": "the stream ended without its last event",
    "deadline": "DeadlineExceeded",
    "cancellation": "Canceled",
    "nobody listens": "Unavailable",
}
"""What each case of clients/typescript/test/cases.ts must see."""
TRIES = {"retried": 3, "always": 3, "forbidden": 1, "held": 1}
"""How often each prompt must have come."""


def run(work: Path) -> Iterator[Row]:
    """Build the client and run the cases."""
    version = node_version()
    build()
    with _example(work.absolute()) as example:
        yield from judged(PEER, version, {"its examples": example})
    held, left = Hold(), Hold("a b", after=1)
    with FakeGateway(_answers(held, left)) as fake:
        said = _node("test/cases.js", fake.target)
        seen = {one["case"]: one for one in map(json.loads, said.splitlines())}
        cases: dict[str, Callable[[], object]] = {
            case: lambda case=case: _judge(seen.get(case, {}), SAW[case]) for case in SAW
        }
        cases["the gateway sees who left"] = lambda: [one.gone() for one in (held, left)] and ""
        cases["tries"] = lambda: _tries(fake)
        cases["who asks"] = lambda: _identity(fake)
        yield from judged(PEER, version, cases)


def node_version() -> str:
    """Return the version of Node.js; raises CannotRunError where there is none, or an old one."""
    if not (shutil.which("node") and shutil.which("npm")):
        raise CannotRunError("Node.js or npm is not installed")
    version = _done(["node", "--version"], RUN_S).strip().removeprefix("v")
    if int(version.partition(".")[0]) < OLDEST_NODE:
        raise CannotRunError(f"Node.js {version} is older than {OLDEST_NODE}")
    return version


def build() -> None:
    """Do what `make typescript` does; raises CannotRunError where npm cannot install."""
    npm = ["npm", "--prefix", str(PROJECT), "--silent"]
    if not _installed():
        try:
            _done([*npm, "ci"], INSTALL_S)
        except AssertionError as error:
            raise CannotRunError(f"npm ci: {error}") from None
    _done([sys.executable, str(ROOT / "protos" / "generate.py"), "--check"], BUILD_S)
    _done([*npm, "run", "generate"], BUILD_S)
    _done([*npm, "run", "build"], BUILD_S)


def _installed() -> bool:
    done = PROJECT / "node_modules" / ".package-lock.json"
    wanted = PROJECT / "package-lock.json"
    return done.is_file() and done.stat().st_mtime >= wanted.stat().st_mtime


@contextmanager
def _example(work: Path) -> Generator[Callable[[], str]]:
    """Serve a recorded answer by two model servers and a gateway; yield what runs the example."""
    recorded = work / "recorded.jsonl"
    recorded.write_text(json.dumps(RECORDED) + "\n", encoding="utf-8")
    own = free_port()
    tables = [f"[server]\nport = {own}\n"]
    with ExitStack() as servers:
        for name in ("first", "second"):
            port = free_port()
            command = [sys.executable, "-m", "gateway", "model-server", "--engine", "replay"]
            command += ["--file", str(recorded), "--port", str(port), "--latency", "none"]
            log = work / f"{name}.log"
            servers.enter_context(
                server(command, log, lambda said: "listening on" in said, environment())
            )
            tables.append(f'[[endpoint]]\nname = "{name}"\nurl = "grpc://127.0.0.1:{port}"\n')
        servers.enter_context(gateway(work, "\n".join(tables)))
        yield lambda: _example_says(own)


def _example_says(port: int) -> str:
    filled, streamed = _node("example/fill.js", f"127.0.0.1:{port}").splitlines()
    assert filled == "a + b by first after 1 attempts", filled
    assert streamed == "a + b by first", streamed
    short = _node("example/short.js", f"127.0.0.1:{port}").strip()
    assert short == "a + b by first", short
    return "filled and streamed"


def _answers(held: Hold, left: Hold) -> Callable[[GenerateRequest], Answer]:
    scripts: Mapping[str, Iterator[Answer]] = {
        "retried": iter((UNAVAILABLE, UNAVAILABLE, "third")),
        "always": iter((UNAVAILABLE, UNAVAILABLE, UNAVAILABLE)),
        "forbidden": iter((Failure(reason="ALL_ENDPOINTS_FAILED", retry_after=1.5),)),
        "broken": iter((Failure(reason="STREAM_TRUNCATED", pieces=("a ",)),)),
        "cut": iter((Reply("a ", cut=True),)),
        "held": iter((held,)),
        "left": iter((left,)),
    }
    refused = Failure(reason="ALL_CANDIDATES_REJECTED", message="no text was good", best="retrun")

    def answer(request: GenerateRequest) -> Answer:
        if request.prompt == "refused":
            return refused
        return next(scripts[request.prompt]) if request.prompt in scripts else "a + b"

    return answer


def _judge(seen: Mapping[str, str], expected: str) -> str:
    assert seen.get("saw") == expected, seen.get("wrong") or seen.get("saw") or "it did not run"
    return expected


def _tries(fake: FakeGateway) -> str:
    prompts = [request.prompt for request in fake.requests]
    came = {prompt: prompts.count(prompt) for prompt in TRIES}
    assert came == TRIES, str(came)
    return ", ".join(f"{prompt} {count}" for prompt, count in came.items())


def _identity(fake: FakeGateway) -> str:
    for call in fake.calls:
        assert call.metadata["authorization"] == "Bearer s3cret"
        assert call.metadata["x-ensemble-tenant"] == "acme"
    # The tries of one call are one request.
    ids = {call.metadata["x-request-id"] for call in fake.calls}
    assert len(fake.calls) - len(ids) == 2 * 2, f"{len(ids)} ids in {len(fake.calls)} calls"
    return f"{len(ids)} requests in {len(fake.calls)} calls"


def _node(program: str, target: str) -> str:
    return _done(["node", str(PROJECT / "dist" / program), target], RUN_S)


def _done(command: Sequence[str], seconds: float) -> str:
    """Run a command to its end and return what it printed; it fails with its last line."""
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        list(command),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        env=environment({"PATH": paths}),
    )
    assert done.returncode == 0, f"{Path(command[0]).name}: {last_line(done.stderr or done.stdout)}"
    return done.stdout
