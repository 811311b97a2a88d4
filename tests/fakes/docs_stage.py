"""Where the examples of one page run: a folder, the servers it starts, and what was said last.

Pages name ports as a reader would use them. Whatever a page starts takes a free port instead, and
everything on the page that names the port is told the real one.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.cli.main import app
from tests.fakes.docs_blocks import Block, Command, commands

SEEN = {
    "DECISION_ID": re.compile(r'"decision_id": "([^"]+)"'),
    "TRACE_ID": re.compile(r"\btrace ([0-9a-f]{32})"),
    "JOB_ID": re.compile(r'"job_id": "([^"]+)"'),
}
PORT = re.compile(r"^port = (\d+)", re.MULTILINE)
SERVES = re.compile(r"^(?:\.venv/bin/)?ensemble (?:serve|model-server|mcp --http)\b")
SHELL = re.compile(r"""[|<>&;`$]|^\w+=|\\\n""")
EXAMPLES = "docs/examples/"
"""Configurations there are served on a free port that no example asks."""
SECONDS = 50


@dataclass(slots=True)
class Server:
    """A process that listens until it is stopped."""

    process: subprocess.Popen[str]
    words: Sequence[str]
    command: Command

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            code = self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@dataclass(slots=True)
class Stage:
    """Runs the blocks of a page in `folder`.

    `ports` has the real port for each of the page, `seen` the newest ids for their placeholders,
    `environment` what commands find there. `trained` is a folder of trained models.
    """

    folder: Path
    trained: Path
    ports: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    servers: list[Server] = field(default_factory=list)
    starting: list[Server] = field(default_factory=list)
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "__main__"})

    def real(self, text: str) -> str:
        """The text with the real ports and ids in the places of the page's."""
        words = {**self.seen, **self.ports}
        either = "|".join(rf"(?<![\w.-])(?:{word})(?![\w.-])" for word in words)
        return re.sub(either, lambda found: words[found[0]], text) if words else text

    def save(self, block: Block) -> None:
        (self.folder / block.file).write_text(self.real(block.text), encoding="utf-8")

    def python(self, block: Block) -> str:
        """Run a program among the names that the page's earlier programs left; what it printed."""
        self.settle()
        code = compile(self.real(block.text), block.place, "exec")

        def run() -> None:
            with contextlib.chdir(self.folder):
                exec(code, self.names)

        said, failure = captured(run)
        assert not failure, f"{block.place}\n{said}\n{failure}"
        return said

    def console(self, block: Block, elsewhere: tuple[str, ...] = ()) -> None:
        """Run the commands of a block but those that begin like one of `elsewhere`."""
        for command in commands(block):
            if command.line.startswith(elsewhere):
                continue
            code, said = self.run(command)
            place = f"{block.place}: {command.line}\n{said}"
            assert code == block.exit_code, f"exit code {code}, not {block.exit_code}: {place}"
            if not SERVES.match(command.line):
                self.hold(command, said)
            for name, pattern in SEEN.items():
                if found := pattern.findall(said):
                    self.seen[name] = found[-1]

    def hold(self, command: Command, said: str) -> None:
        """Hold what a command said against what the page shows of it."""
        for line in command.shown:
            assert occurs(self.real(line), said), f"{line!r}: {command.line} says\n{said}"

    def tell(self, what: str) -> None:
        """Obey a comment: `stop WORD` ends the server so started, `NAME=VALUE` sets a variable."""
        self.settle()
        if what.startswith("stop "):
            word = self.real(what.removeprefix("stop "))
            (server,) = (one for one in self.servers if word in one.words)
            self.servers.remove(server)
            server.stop()
        else:
            name, _, value = what.partition("=")
            self.environment[name] = self.real(value)

    def close(self) -> None:
        for server in reversed(self.servers):
            server.stop()

    def run(self, command: Command) -> tuple[int, str]:
        line = self.real(command.line).replace(".venv/bin/", "")
        words = shlex.split(line)
        if SERVES.match(line):
            self.starting.append(self.start(words[1:], command))
            return 0, ""
        self.settle()
        if words[0] == "ensemble" and not SHELL.search(re.sub(r"'[^']*'", "", line)):
            return self.invoke(words[1:])
        if words[0] == "curl" and shutil.which("curl") is None:
            pytest.skip("curl is not installed: the examples with it are not run")
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def invoke(self, words: Sequence[str]) -> tuple[int, str]:
        """Run a command in this process: starting one for each would take most of the time."""
        ended: list[int] = []

        def run() -> None:
            with contextlib.chdir(self.folder):
                result = CliRunner().invoke(app, words, env=self.environment)
            ended.append(result.exit_code)
            sys.stdout.write(result.output)
            if result.exception and not isinstance(result.exception, SystemExit):
                raise result.exception

        said, failure = captured(run)
        return (-1, said + failure) if failure else (ended[0], said)

    def settle(self) -> None:
        """Wait until every server that was started listens: together they take less time."""
        while self.starting:
            server = self.starting.pop(0)
            assert server.process.stdout is not None
            said = server.process.stdout.readline()
            if "listening on" not in said:
                log = (self.folder / "servers.log").read_text("utf-8")
                raise AssertionError(f"{server.command.line} does not listen: {said}{log}")
            self.hold(server.command, said)

    def start(self, words: Sequence[str], command: Command) -> Server:
        """Start a server."""
        if any(word.startswith(EXAMPLES) for word in words):
            words = [*words, "--port", "0"]
        elif words[0] == "model-server":
            words = [*words, "--corpus-tokens", "20000", "--cache", str(self.trained)]
        with (self.folder / "servers.log").open("a", encoding="utf-8") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "gateway", *words],
                cwd=self.folder,
                env={**os.environ, **self.environment},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.servers.append(Server(process, words, command))
        return self.servers[-1]


def captured(run: Callable[[], None]) -> tuple[str, str]:
    """Run it in a thread, where it may have a loop of its own: what it printed, why it failed."""
    failure: list[str] = []

    def guarded() -> None:
        try:
            run()
        except SystemExit as left:
            if left.code:
                failure.append(f"exit {left.code}")
        except BaseException:  # noqa: BLE001 - whatever it is, the page is to blame
            failure.append(traceback.format_exc())

    thread = threading.Thread(target=guarded, daemon=True)
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        thread.start()
        thread.join(SECONDS)
    return said.getvalue(), "it did not end" if thread.is_alive() else "".join(failure)


def occurs(shown: str, said: str) -> bool:
    """Whether a line of a page stands in the output; `...` on the page is any text."""
    pattern = r"[^\n]*".join(
        r"\s+".join(map(re.escape, part.split())) for part in re.split(r"\s*\.\.\.\s*", shown)
    )
    return re.search(pattern, said) is not None


def listened(page: Iterable[Block]) -> Iterator[str]:
    """The ports that the page's servers listen on, as the page has them."""
    found = list(page)
    lines = [one.line for block in found if block.language == "console" for one in commands(block)]
    serving = [line for line in lines if SERVES.match(line) and EXAMPLES not in line]
    for line in serving:
        yield from re.findall(r"(?:--port |--http \S+:)(\d+)", line)
    if any(" serve" in line for line in serving):
        yield "50051"
        for block in found:
            yield from PORT.findall(block.text) if block.file and block.language == "toml" else ()


def free_port() -> str:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])
