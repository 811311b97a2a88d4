"""The processes of a suite: a peer's server and a gateway in front of it, ended by their ids."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tests.conformance.processes import ROOT, free_port
from tests.conformance.processes import environment as without_settings
from tests.interop.rows import CannotRunError

__all__ = [
    "ROOT",
    "answers",
    "environment",
    "free_port",
    "gateway",
    "last_line",
    "peers_environment",
    "said",
    "server",
]

START_S = 180.0
STOP_S = 10.0
LOOK_AGAIN_S = 0.1


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return our own environment without settings that are meant for another gateway."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    return without_settings({"PYTHONPATH": path, **(more or {})})


def peers_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment without our packages, for a program of somebody else."""
    kept = environment(more)
    del kept["PYTHONPATH"]
    return kept


@contextmanager
def server(
    command: Sequence[str], log: Path, ready: Callable[[str], bool], env: Mapping[str, str]
) -> Generator[None]:
    """Run a server until the block ends; `ready` is asked with its output until it says yes.

    Raises CannotRunError with its last line when it ends by itself, or is not ready in time.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(env),
            cwd=log.parent,
            start_new_session=True,
        )
    try:
        until = time.monotonic() + START_S
        while not ready(said(log)):
            if process.poll() is not None or time.monotonic() > until:
                raise CannotRunError(
                    f"{Path(command[0]).name} did not start: {last_line(said(log))}"
                )
            time.sleep(LOOK_AGAIN_S)
        yield
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        # With what it started: it leads a group of its own.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def said(log: Path) -> str:
    """Return what a server wrote so far."""
    return log.read_text(encoding="utf-8", errors="replace")


def last_line(text: str) -> str:
    """Return the last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "without a word"


def answers(url: str) -> Callable[[str], bool]:
    """Return what tells whether an HTTP server answers a GET, with any status."""

    def ready(_: str) -> bool:
        try:
            with urlopen(url, timeout=5):
                return True
        except URLError as error:
            return hasattr(error, "code")
        except OSError:
            return False

    return ready


@contextmanager
def gateway(work: Path, config: str, env: Mapping[str, str] | None = None) -> Generator[None]:
    """Run `ensemble serve` with this configuration, as a user does.

    It must name the ports: `free_port` has some. The log is `gateway.log` in `work`.
    """
    path = work / "gateway.toml"
    path.write_text(config, encoding="utf-8")
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(path)]
    with server(command, work / "gateway.log", lambda out: "listening on" in out, environment(env)):
        yield
