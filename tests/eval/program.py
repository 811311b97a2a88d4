"""Run an assembled program in a process of its own, with limits and without a network."""

from __future__ import annotations

import asyncio
import ctypes
import resource
import sys

SECONDS = 10
MEMORY = 1 << 30
CLONE_NEWNET = 0x40000000


def confine() -> None:
    """Limit the child before it runs anything; a fresh network namespace has no interface."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Needs privileges; without them the program still runs under the limits above.
    ctypes.CDLL(None).unshare(CLONE_NEWNET)


async def passes(program: str) -> bool:
    """True when the program ends by itself, in time, with exit code 0."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        preexec_fn=confine,
    )
    try:
        await asyncio.wait_for(process.communicate(program.encode()), SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
        return False
    return process.returncode == 0
