"""Streamed answers: events as they come, for one choice or several side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from gateway.core.answer import Answer
from gateway.core.events import Delta, Emit, Event
from gateway.core.exchange import Exchange
from gateway.ingress.openai.answer import Done
from gateway.ingress.openai.call import HttpCall
from gateway.ingress.openai.chunks import DONE, Chunks
from gateway.ingress.openai.errors import Header
from gateway.ingress.openai.wanted import Wanted

Headers = Callable[[str], tuple[Header, ...]]
"""Makes the headers of a stream, given the endpoint that writes first."""


class Stream:
    """Writes the events of one call.

    It is opened by the first text, so that whatever fails before has a status of its own.
    """

    def __init__(
        self, call: HttpCall, wanted: Wanted, created: int, trace_id: str, headers: Headers
    ) -> None:
        self._call = call
        self._wanted = wanted
        self._created = created
        self._trace_id = trace_id
        self._headers = headers
        self._chunks: Chunks | None = None
        self._opening = asyncio.Lock()
        self._sent: dict[int, int] = {}

    def listener(self, index: int) -> Emit:
        """Make what takes the events of one choice."""

        async def emit(event: Event) -> None:
            if isinstance(event, Delta) and event.text:
                await self._text(index, event.text, event.endpoint)

        return emit

    async def ended(self, index: int, done: Done) -> None:
        """Send what is left of a choice, and why it ended."""
        chosen = done[1].chosen
        rest = chosen.completion.text[self._sent.get(index, 0) :]
        if rest or index not in self._sent:
            await self._text(index, rest, chosen.endpoint)
        chunks = await self._opened(chosen.endpoint)
        await self._call.write(chunks.end(index, done, self._trace_id))

    async def finish(self, done: Sequence[Done]) -> None:
        """Say that all of it is whole."""
        answers: list[Answer] = [answer for _, answer in done]
        chunks = await self._opened(answers[0].chosen.endpoint)
        await self._call.write(chunks.usage(answers) + DONE, last=True)

    async def _text(self, index: int, text: str, endpoint: str) -> None:
        chunks = self._chunks or await self._opened(endpoint)
        first = b"" if index in self._sent else chunks.role(index)
        self._sent[index] = self._sent.get(index, 0) + len(text)
        await self._call.write(first + (chunks.text(index, text) if text else b""))

    async def _opened(self, endpoint: str) -> Chunks:
        if self._chunks is None:
            # Several choices may have their first text at the same time.
            async with self._opening:
                if self._chunks is None:
                    await self._call.open(self._headers(endpoint))
                    self._chunks = Chunks(
                        self._wanted, self._call.request_id, self._created, endpoint
                    )
        return self._chunks


async def side_by_side(
    exchanges: Sequence[Exchange], handled: Callable[[int, Exchange], Awaitable[Done]]
) -> list[Done]:
    """Handle the exchanges of all choices at once. The first failure ends the others."""
    if len(exchanges) == 1:
        return [await handled(0, exchanges[0])]

    async def one(index: int, exchange: Exchange) -> Done:
        return await handled(index, exchange)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(*each)) for each in enumerate(exchanges)]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]
