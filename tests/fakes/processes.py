"""Real processes of ours over loopback: started, waited for, ended by pid."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import IO

READY = re.compile(rb"listening on \S+:(\d+)")
START_SECONDS = 120
STOP_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Running:
    """A running `ensemble` command that listens on `port`."""

    process: asyncio.subprocess.Process
    port: int

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it by a signal and return its exit code; one that does not end is killed."""
        if self.process.returncode is None:
            self.process.send_signal(how)
        try:
            return await asyncio.wait_for(self.process.wait(), STOP_SECONDS)
        except TimeoutError:
            self.process.kill()
            return await self.process.wait()


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that ran to its end."""

    code: int
    out: str
    err: str


async def run(*arguments: str, env: dict[str, str] | None = None) -> Ended:
    """Run `ensemble ARGUMENTS` to its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=env,
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            out, err = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    return Ended(process.returncode or 0, out.decode(), err.decode())


@asynccontextmanager
async def start(
    *arguments: str,
    env: dict[str, str] | None = None,
    module: str = "gateway",
    stderr: IO[bytes] | None = None,
) -> AsyncIterator[Running]:
    """Start `ensemble ARGUMENTS --port 0` and wait for the line that says where it listens.

    `module` is run in place of the product's; `stderr` takes what it says there.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        "--port",
        "0",
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
        env=env,
    )
    assert process.stdout is not None
    running: Running | None = None
    try:
        async with asyncio.timeout(START_SECONDS):
            line = await process.stdout.readline()
        found = READY.search(line)
        if found is None:
            raise RuntimeError(f"{module} {arguments} did not start: exit {process.returncode}")
        running = Running(process, int(found.group(1)))
        yield running
    finally:
        await (running or Running(process, 0)).stop()
