"""What the model server's process reports: which call started or was left, and when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal

PATIENCE_S = 10.0

Kind = Literal["started", "left"]


class Events:
    """Lines `EVENT REQUEST_ID TIME`, kept until somebody waits for them."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], asyncio.Future[float]] = {}

    async def time_of(self, kind: Kind, request_id: str) -> float:
        """Return when it happened, in seconds of the monotonic clock of the machine.

        Raises TimeoutError when it does not happen within ten seconds.
        """
        async with asyncio.timeout(PATIENCE_S):
            return await self._future(kind, request_id)

    def take(self, line: bytes) -> None:
        """Note one line."""
        kind, request_id, at = line.decode().split()
        future = self._future(kind, request_id)
        if not future.done():
            future.set_result(float(at))

    def _future(self, kind: str, request_id: str) -> asyncio.Future[float]:
        key = (kind, request_id)
        if key not in self._seen:
            self._seen[key] = asyncio.get_running_loop().create_future()
        return self._seen[key]


@asynccontextmanager
async def events_of(lines: asyncio.StreamReader) -> AsyncGenerator[Events]:
    """Follow a process's standard output."""
    events = Events()

    async def follow() -> None:
        async for line in lines:
            events.take(line)

    following = asyncio.create_task(follow())
    try:
        yield events
    finally:
        following.cancel()
        await asyncio.wait([following])
