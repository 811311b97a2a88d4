"""Server-Sent Events: one stream for each open page, as an ASGI application of its own.

A stream holds one event at a time: the next one is made when the last one was handed over, so a
reader that is slow gets fewer and newer events and no buffer grows.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from gateway.core.faults import Fault
from gateway.ingress.dashboard.look import why_late

MAX_STREAMS = 24
"""Open pages at once; far fewer than the connections of the listener, so that a scraper gets in."""

SEND_S = 5.0
"""Longest wait for a reader to take an event; who takes longer is left, and may come again."""

LONGEST_S = 3600.0
"""After which a stream ends; its page opens another."""

BEAT_S = 10.0
"""Longest silence of a stream: a page that hears nothing for twice as long takes it for cut."""

LAST_S = 0.5
HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Page = Callable[[], Awaitable[str]]
"""Renders what an open page should show now. Raises Fault, or TimeoutError when that takes long."""

log = logging.getLogger(__name__)


class Streams:
    """Counts the streams that run and ends them all: `close`. It belongs to one event loop."""

    def __init__(self, most: int = MAX_STREAMS) -> None:
        self._most = most
        self._closed = False
        self._running: dict[asyncio.Future[None], None] = {}

    @property
    def running(self) -> int:
        """How many there are."""
        return len(self._running)

    def enter(self) -> asyncio.Future[None] | None:
        """Take a place: what is done when the stream must end; None when there is no place."""
        if self._closed or len(self._running) >= self._most:
            return None
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._running[ended] = None
        return ended

    def leave(self, ended: asyncio.Future[None]) -> None:
        """Give the place back."""
        del self._running[ended]

    def close(self) -> None:
        """End all, and let nobody in any more."""
        self._closed = True
        for ended in self._running:
            if not ended.done():
                ended.set_result(None)


class EventStream:
    """Tells a page what to show, again and again, until its reader leaves or all streams end."""

    def __init__(self, streams: Streams, page: Page, every_s: float) -> None:
        self._streams = streams
        self._page = page
        self._every_s = every_s

    async def __call__(self, _: object, receive: Receive, send: Send) -> None:
        """Answer as an ASGI application; 503 when too many streams run."""
        ended = self._streams.enter()
        if ended is None:
            await _refuse(send)
            return
        telling = asyncio.create_task(self._tell(send), name="dashboard stream")
        leaving = asyncio.create_task(_left(receive), name="dashboard reader")
        try:
            both: set[asyncio.Future[None]] = {telling, leaving, ended}
            await asyncio.wait(both, timeout=LONGEST_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._streams.leave(ended)
            for task in (telling, leaving):
                task.cancel()
            results = await asyncio.gather(telling, leaving, return_exceptions=True)
            for problem in results:
                if isinstance(problem, Exception) and not isinstance(problem, TimeoutError):
                    log.error("dashboard stream", exc_info=problem)
        with contextlib.suppress(TimeoutError):
            await _send(send, LAST_S, {"type": "http.response.body", "body": b""})

    async def _tell(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": list(HEADERS)}
        await _send(send, SEND_S, start)
        while True:
            try:
                told = event("view", await self._page())
            except (Fault, TimeoutError) as error:
                # Says that the stream lives, though there is nothing new.
                told = event("late", why_late(error))
            await _part(send, told)
            left_s = self._every_s
            while left_s > BEAT_S:
                await asyncio.sleep(BEAT_S)
                await _part(send, event("beat", "."))
                left_s -= BEAT_S
            await asyncio.sleep(left_s)


def event(name: str, text: str) -> bytes:
    """Write one event; each line of the text is a line of its data."""
    lines = "".join(f"data: {line}\n" for line in text.splitlines())
    return f"event: {name}\n{lines}\n".encode("utf-8", "replace")


async def _send(send: Send, limit_s: float, message: Message) -> None:
    async with asyncio.timeout(limit_s):
        await send(message)


async def _part(send: Send, text: bytes) -> None:
    await _send(send, SEND_S, {"type": "http.response.body", "body": text, "more_body": True})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _refuse(send: Send) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"retry-after", b"5")]
    body = b"too many pages of the dashboard are open: close some, or wait\n"
    await _send(send, SEND_S, {"type": "http.response.start", "status": 503, "headers": headers})
    await _send(send, SEND_S, {"type": "http.response.body", "body": body})
