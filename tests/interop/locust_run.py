"""Locust drives a gateway and three reference model servers, by the user class of the harness."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.interop.processes import (
    ROOT,
    environment,
    free_port,
    gateway,
    last_line,
    peers_environment,
    said,
    server,
)
from tests.interop.rows import CannotRunError, Row, judged
from tests.interop.venvs import python_of

PEER, VERSION = "Locust", "2.47.0"
USERS, SECONDS = 12, 15
PROFILES = ("fast", "quality", "constrained")
LOCUSTFILE = ROOT / "clients" / "loadtest" / "examples" / "locustfile.py"
OURS = (ROOT / "clients" / "loadtest" / "src", ROOT / "clients" / "python" / "src")


def run(work: Path) -> Iterator[Row]:
    """Run Locust once; each kind of request is a case, and no request may have failed."""
    # What our two packages need, at the versions that the product is tested with.
    pinned = re.findall(
        r"^((?:grpcio|protobuf|rich|typer)==\S+)",
        (ROOT / "constraints.txt").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    python = python_of(work, f"locust=={VERSION}", *pinned)
    work = work.absolute()
    with _gateway_with_models(work) as address:
        stats = _locust(python, work, address)
    cases = {
        name: lambda name=name: _no_failure(stats, name)
        for name in ("Generate", "GenerateStream", "first token")
    }
    yield from judged(PEER, VERSION, cases)


@contextmanager
def _gateway_with_models(work: Path) -> Generator[str]:
    """Run three small model servers and a gateway in front of them; yield its address."""
    own = free_port()
    tables = [f"[server]\nport = {own}\n"]
    with ExitStack() as stack:
        for place, profile in enumerate(PROFILES):
            log = work / f"{profile}.log"
            command = [sys.executable, "-m", "gateway", "model-server", "--engine", "ngram"]
            more = ["--profile", profile, "--corpus-tokens", "20000"]
            stack.enter_context(server([*command, *more], log, _listens, environment()))
            (address,) = re.findall(r"listening on (\S+)", said(log))
            tables.append(
                f'[[endpoint]]\nname = "{profile}"\nurl = "{address}"\npriority = {place}\n'
                "max_concurrency = 64\n"
            )
        stack.enter_context(gateway(work, "\n".join(tables)))
        yield f"127.0.0.1:{own}"


def _listens(output: str) -> bool:
    return "listening on" in output


def _locust(python: Path, work: Path, address: str) -> Mapping[str, Mapping[str, Any]]:
    """Run Locust without its page; return its statistics by the name of the request."""
    command = [
        str(python), "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--host", address,
        "-u", str(USERS), "-r", str(USERS), "-t", f"{SECONDS}s", "--stop-timeout", "10",
        "--json", "--exit-code-on-error", "0", "--loglevel", "WARNING",
    ]  # fmt: skip
    done = subprocess.run(
        command,
        cwd=work,
        env={**peers_environment(), "PYTHONPATH": os.pathsep.join(map(str, OURS))},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS + 120,
        check=False,
    )
    (work / "locust.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode:
        raise CannotRunError(f"locust ended with {done.returncode}: {last_line(done.stderr)}")
    return {entry["name"]: entry for entry in json.loads(done.stdout)}


def _no_failure(stats: Mapping[str, Mapping[str, Any]], name: str) -> str:
    entry = stats[name]
    requests, failures = entry["num_requests"], entry["num_failures"]
    if failures or not requests:
        raise AssertionError(f"{failures} of {requests} requests failed, see locust.log")
    return f"{requests} requests, 0 failed"
