"""The processes of a scenario: fault servers, the proxy and the gateway, ended by their ids."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conformance.servers.book import Call
from tests.conformance.servers.rules import Rule, Script, to_json

LISTENING = re.compile(rb"listening on \S+:(\d+)")
START_S = 60.0
STOP_S = 10.0
LIMIT = 64 * 1024 * 1024
KINDS = ("grpc", "openai", "frames")
ROOT = Path(__file__).resolve().parents[2]
RUNNING: set[asyncio.subprocess.Process] = set()
"""Every process that was started and not ended yet: nobody else ends what is left of a scenario."""


class NotStartedError(Exception):
    """A process did not start; the message says what it wrote."""


def free_port() -> int:
    """Return a port of loopback on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Our own environment without settings that are meant for another gateway."""
    kept = {key: text for key, text in os.environ.items() if not key.startswith("ENSEMBLE_")}
    return {**kept, "PYTHONUNBUFFERED": "1", **(more or {})}


async def end(process: asyncio.subprocess.Process) -> None:
    """Ask the process to end; kill it when it does not."""
    if process.returncode is None:
        process.terminate()
        if not await _gone(process, STOP_S):
            await killed((process,), STOP_S)
    RUNNING.discard(process)


async def kill(process: asyncio.subprocess.Process) -> None:
    """End it at once, as a crash would."""
    await killed((process,), STOP_S)


async def killed(processes: Collection[asyncio.subprocess.Process], within_s: float) -> int:
    """Kill those that still run, by their ids, and wait for them; return how many there were."""
    going = [process for process in processes if process.returncode is None]
    for process in going:
        kill_now(process)
    await asyncio.gather(*(_gone(process, within_s) for process in going))
    RUNNING.difference_update(processes)
    return len(going)


def kill_now(process: asyncio.subprocess.Process) -> None:
    """Send SIGKILL and do not wait."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


async def _gone(process: asyncio.subprocess.Process, within_s: float) -> bool:
    """Wait for the end; it may never be heard of when a pipe was not read to its end."""
    try:
        async with asyncio.timeout(within_s):
            await process.wait()
    except TimeoutError:
        return False
    return True


@dataclass(slots=True)
class Ordered:
    """A process that follows orders; `ports` is what it said at its start."""

    process: asyncio.subprocess.Process
    ports: dict[str, Any]
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def order(self, do: str, **more: Any) -> dict[str, Any]:
        """Give an order; return what is said to it."""
        stdin, stdout = self.process.stdin, self.process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the process has no pipes")
        async with self._turn:
            stdin.write(json.dumps({"do": do, **more}).encode() + b"\n")
            await stdin.drain()
            async with asyncio.timeout(START_S):
                line = await stdout.readline()
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise RuntimeError(reply["error"])
        return reply


@dataclass(slots=True)
class Models(Ordered):
    """Fault servers: one for each named door."""

    def url(self, door: str, kind: str = "grpc") -> str:
        """Return the address of a door, as the gateway's configuration has it."""
        return url_of(kind, self.ports[door][kind])

    async def tell(self, door: str, *rules: Rule, script: Script | None = None) -> None:
        """Give a door its rules, or a whole script."""
        told = script or Script(rules)
        await self.order("tell", door=door, script=to_json(told))

    async def report(self) -> list[Call]:
        """Return all calls so far."""
        reply = await self.order("report")
        return [Call(*call) for call in reply["calls"]]

    async def settled(self, within_s: float = 2.0) -> list[Call]:
        """Return all calls, once none of them is open or the time is over."""
        try:
            async with asyncio.timeout(within_s):
                await self._counted(lambda counts: counts["started"] == counts["ended"])
        except TimeoutError:
            pass
        return await self.report()

    async def started(self, count: int, within_s: float = 20.0) -> None:
        """Wait until so many calls have started. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            await self._counted(lambda counts: counts["started"] >= count)

    async def _counted(self, enough: Callable[[dict[str, int]], bool]) -> None:
        while True:
            if enough(await self.order("counts")):
                return
            await asyncio.sleep(0.005)


def url_of(kind: str, port: int) -> str:
    """Return the address of a door of this kind."""
    scheme, path = ("http", "/v1") if kind == "openai" else ("grpc", "")
    return f"{scheme}://127.0.0.1:{port}{path}"


@asynccontextmanager
async def ordered(module: str, argument: object) -> AsyncGenerator[Ordered]:
    """Run a module that follows orders, from its first line until the block ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        json.dumps(argument),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environment(),
        cwd=ROOT,
        limit=LIMIT,
        start_new_session=True,
    )
    RUNNING.add(process)
    try:
        if process.stdout is None:
            raise NotStartedError(module)
        async with asyncio.timeout(START_S):
            line = await process.stdout.readline()
        if not line:
            raise NotStartedError(f"{module} ended before it listened")
        yield Ordered(process, json.loads(line))
    finally:
        await end(process)


@asynccontextmanager
async def models(
    doors: Sequence[str], ports: Mapping[str, Mapping[str, int]] | None = None
) -> AsyncGenerator[Models]:
    """Run the fault servers, on free ports unless told otherwise."""
    wanted = ports or {door: dict.fromkeys(KINDS, 0) for door in doors}
    async with ordered("tests.conformance.servers", wanted) as started:
        yield Models(started.process, started.ports)


@dataclass(slots=True)
class GatewayProcess:
    """A gateway that can be killed and started again on its port."""

    config: Path
    log: Path
    env: dict[str, str]
    port: int = 0
    process: asyncio.subprocess.Process | None = None

    @property
    def address(self) -> str:
        """Where callers connect."""
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it as a user does. Raises NotStartedError with the last lines it wrote."""
        port = self.port or free_port()
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "gateway",
                "serve",
                "--config",
                str(self.config),
                "--port",
                str(port),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=self.env,
                cwd=self.config.parent,
                start_new_session=True,
            )
        RUNNING.add(self.process)
        if self.process.stdout is None:
            raise NotStartedError("the gateway has no standard output")
        async with asyncio.timeout(START_S):
            while line := await self.process.stdout.readline():
                if found := LISTENING.search(line):
                    self.port = int(found[1])
                    return
        await end(self.process)
        said = self.log.read_text(encoding="utf-8").strip().splitlines()[-6:]
        raise NotStartedError("the gateway did not start: " + " | ".join(said))

    async def stop(self) -> None:
        """End it."""
        if self.process is not None:
            await end(self.process)

    async def kill(self) -> None:
        """End it at once, as a crash would."""
        if self.process is not None:
            await kill(self.process)

    def resident_bytes(self) -> int:
        """Resident memory."""
        pid = self.process.pid if self.process is not None else 0
        fields = Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")
