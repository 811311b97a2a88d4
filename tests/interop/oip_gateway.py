"""What clients of the Open Inference Protocol are run against, and how they report.

A client is a program in its own environment. It gets the gateway's address and prints a line of
JSON for each case: `case`, `passed`, `detail`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.interop.processes import (
    environment,
    free_port,
    gateway,
    last_line,
    peers_environment,
    said,
    server,
)
from tests.interop.rows import Row

MODELS = {
    "fast": {"pieces": ["return ", "a + b", " # \N{SNOWMAN}"]},
    "silent": {"hang": True},
    "broken": {"failure": "broken"},
}
"""The endpoints by name, and what each does; docs of both: tests/fakes/script.py."""
CLIENT_S = 120.0


@contextmanager
def gateway_with_models(work: Path) -> Generator[str]:
    """Run the models and a gateway in front of them; yield its address."""
    own = free_port()
    tables = [
        f"[server]\nport = {own}\nbatch_in_flight = 4\n",
        '[retry]\nmax_tries = 1\n\n[stream]\nhold = "none"\n',
    ]
    with ExitStack() as stack:
        for number, (name, script) in enumerate(MODELS.items()):
            log = work / f"{name}.log"
            command = [sys.executable, "-m", "tests.fakes.model_process"]
            env = environment({"MODEL_SCRIPT": json.dumps(script)})
            stack.enter_context(server(command, log, _listens, env))
            (address,) = re.findall(r"listening on (\S+)", said(log))
            tables.append(
                f'[[endpoint]]\nname = "{name}"\nurl = "{address}"\npriority = {number}\n'
                'health = "none"\n'
            )
        stack.enter_context(gateway(work, "\n".join(tables)))
        yield f"127.0.0.1:{own}"


def _listens(output: str) -> bool:
    return "listening on" in output


def reported(peer: str, version: str, command: Sequence[str], work: Path) -> Iterator[Row]:
    """Run a client to its end and return its rows; one that ends badly is a failed row."""
    done = subprocess.run(
        list(command),
        cwd=work,
        env=peers_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=CLIENT_S,
        check=False,
    )
    (work / "client.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    for line in done.stdout.splitlines():
        row = json.loads(line)
        yield Row(peer, row["case"], row["passed"], row["detail"], version)
    if done.returncode:
        yield Row(peer, "the program", passed=False, detail=last_line(done.stderr), version=version)
