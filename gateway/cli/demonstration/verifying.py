"""Checks what a fill makes of its module: does it parse, do the module's own doctests pass."""

from __future__ import annotations

import ast
import asyncio
import json
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.cli.demonstration import own_doctests

SECONDS = 15.0
"""Wall time of one run; the process limits its own CPU time and memory."""

AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Doctests:
    """What a run of a module's doctests found; `lines` (1-based) are the lines they ran."""

    attempted: int
    failed: int
    lines: frozenset[int]

    @property
    def passed(self) -> bool:
        """True when there were examples and none failed."""
        return self.attempted > 0 and self.failed == 0


def parses(source: str) -> bool:
    """True when the text is a Python module."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True


async def run_doctests(module: str, path: Path, source: str) -> Doctests | None:
    """Run the module's own doctests on `source` in a process of its own.

    Returns None when the text cannot be imported, ends its process or takes too long.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-S",
        "-B",
        own_doctests.__file__,
        module,
        str(path),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PYTHONHASHSEED": "0"},
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(SECONDS):
            printed, _ = await process.communicate(source.encode())
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    # A text that ends its process as if all were well has printed nothing.
    if process.returncode or not printed.strip():
        return None
    found = json.loads(printed)
    return Doctests(found["attempted"], found["failed"], frozenset(found["lines"]))


async def passing(sources: Mapping[str, tuple[Path, str]]) -> dict[str, Doctests]:
    """Run the doctests of untouched modules; keep those that pass on this machine."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def run(name: str) -> Doctests | None:
        async with gate:
            return await run_doctests(name, *sources[name])

    results = await asyncio.gather(*(run(name) for name in sources))
    found = zip(sources, results, strict=True)
    return {name: result for name, result in found if result is not None and result.passed}
