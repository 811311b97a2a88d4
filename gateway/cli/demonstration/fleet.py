"""The processes of a demonstration: three model servers and a gateway, ended by their pids."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.cli.demonstration.endpoints import CONFIG, PROFILES

START_S = 120.0
"""The first start trains the models."""

STOP_S = 5.0
READY = re.compile(rb"listening on \S+:(\d+)")


class StartError(Exception):
    """A process did not start; the message names it and its log."""


@dataclass(frozen=True, slots=True)
class Service:
    """A running `ensemble` command that listens on `port` of this machine."""

    name: str
    process: asyncio.subprocess.Process
    port: int

    async def kill(self) -> None:
        """End it at once, as a crash would, and wait until it is gone."""
        if self.process.returncode is None:
            os.kill(self.process.pid, signal.SIGKILL)
            await self.process.wait()


@dataclass(frozen=True, slots=True)
class Fleet:
    """The gateway and the model servers behind it, by name."""

    gateway: Service
    servers: dict[str, Service]


@asynccontextmanager
async def running(folder: Path, starting: Callable[[str], None]) -> AsyncGenerator[Fleet]:
    """Start everything; `folder` takes the configuration and the logs. Stops all of it at the end.

    `starting` hears the name of each process before it is started. The model servers start one
    after the other, because each of them may train and keep all processors busy with that. Raises
    StartError.
    """
    async with AsyncExitStack() as stack:
        servers: dict[str, Service] = {}
        for profile in PROFILES:
            starting(profile)
            servers[profile] = await stack.enter_async_context(
                _service(
                    profile, folder, "model-server", "--engine", "ngram", "--profile", profile,
                    "--port", "0",
                )
            )  # fmt: skip
        config = folder / "gateway.toml"
        ports = {name: service.port for name, service in servers.items()}
        # Without bubblewrap the tests of a candidate are told to be unchecked.
        sandbox = "bubblewrap" if shutil.which("bwrap") else "none"
        config.write_text(CONFIG.format(sandbox=sandbox, **ports), encoding="utf-8")
        starting("gateway")
        gateway = await stack.enter_async_context(
            _service("gateway", folder, "serve", "--config", str(config))
        )
        yield Fleet(gateway, servers)


@asynccontextmanager
async def _service(name: str, folder: Path, *arguments: str) -> AsyncGenerator[Service]:
    """Run `ensemble ARGUMENTS` from the line that says where it listens until the block ends."""
    path = folder / f"{name}.log"
    with path.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gateway",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env=environment(),
            # Ctrl-C on the terminal is ours to handle: the fleet stops in order.
            start_new_session=True,
        )
    try:
        yield Service(name, process, await _port(name, process, path))
    finally:
        await _stop(process)


def environment() -> dict[str, str]:
    """Our own environment without settings that are meant for another gateway."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ENSEMBLE_")}
    return {**kept, "PYTHONUNBUFFERED": "1"}


async def _port(name: str, process: asyncio.subprocess.Process, log: Path) -> int:
    printed = process.stdout
    try:
        async with asyncio.timeout(START_S):
            while printed is not None and (line := await printed.readline()):
                if found := READY.search(line):
                    return int(found[1])
            code = await process.wait()
    except TimeoutError:
        raise StartError(f"{name} did not start in {START_S:g} s; see {log}") from None
    raise StartError(f"{name} ended with exit code {code} before it listened; see {log}")


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Ask the process to end and kill it when it does not, or when nobody waits any longer."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
