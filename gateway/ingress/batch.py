"""Many requests on one stream: worked on together, answered in the order sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any


async def answer_in_order(
    raws: AsyncIterator[bytes], answer: Callable[[bytes], Awaitable[bytes]], in_flight: int
) -> AsyncGenerator[bytes]:
    """Yield the answer to each request, in order, with at most `in_flight` of them unanswered.

    While there is no room no further request is read, so that a fast sender is held back by flow
    control. Whatever still runs when the stream is left is cancelled and awaited.
    """
    room = asyncio.Semaphore(in_flight)
    running: asyncio.Queue[asyncio.Task[bytes] | None] = asyncio.Queue(in_flight + 1)
    started: set[asyncio.Task[bytes]] = set()

    async def read() -> None:
        async for raw in raws:
            await room.acquire()
            task = asyncio.ensure_future(answer(raw))
            started.add(task)
            task.add_done_callback(started.discard)
            await running.put(task)
        await running.put(None)

    reader = asyncio.create_task(read())
    try:
        while (task := await _next(running, reader)) is not None:
            yield await task
            room.release()
    finally:
        leftovers: list[asyncio.Task[Any]] = [reader, *started]
        for task in leftovers:
            task.cancel()
        await asyncio.gather(*leftovers, return_exceptions=True)


async def _next(
    running: asyncio.Queue[asyncio.Task[bytes] | None], reader: asyncio.Task[None]
) -> asyncio.Task[bytes] | None:
    """Take the next task; raise what the reader raised when it died instead of ending."""
    getter = asyncio.ensure_future(running.get())
    try:
        await asyncio.wait({getter, reader}, return_when=asyncio.FIRST_COMPLETED)
        if reader.done() and reader.exception() is not None:
            reader.result()
        return await getter
    finally:
        getter.cancel()
