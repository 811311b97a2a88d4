"""`ensemble` with a bug in it: `python -m tests.fakes.buggy_gateway serve ...`.

The ensemble raises an error that quotes the prompt, once where a request waits for it and once in a
task that nobody awaits.
"""

from __future__ import annotations

import asyncio

import gateway.ensemble.filler
from gateway.cli.main import main
from gateway.ensemble.run import Run

LOST: list[asyncio.Task[None]] = []


async def sequential(run: Run) -> None:
    prompt = run.exchange.request.hole.prompt
    LOST[:] = [asyncio.create_task(raises(prompt))]
    await raises(prompt)


async def raises(prompt: str) -> None:
    raise ValueError(f"cannot handle {prompt}")


if __name__ == "__main__":
    gateway.ensemble.filler.sequential = sequential
    main()
