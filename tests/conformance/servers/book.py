"""What a fault server did: every call with its times, and how each one was treated."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from tests.conformance.servers.rules import Act, Rule, Script
from tests.conformance.texts import Asked


class BrokenOffError(Exception):
    """The call was ended as its rule says, other than by an answer."""


@dataclass(slots=True)
class Call:
    """One call. Times are seconds of the monotonic clock, which all processes share.

    `how` is `open`, `finished`, `failed` (as told) or `left` (by its caller).
    """

    door: str
    name: str
    started: float
    ended: float = 0.0
    how: str = "open"
    streamed: bool = False

    def end(self, how: str) -> None:
        """Note the end; the first one counts."""
        if self.how == "open":
            self.ended, self.how = time.monotonic(), how


@dataclass(slots=True)
class Book:
    """Scripts of the doors, by name, and the calls seen."""

    scripts: dict[str, Script] = field(default_factory=dict[str, Script])
    calls: list[Call] = field(default_factory=list[Call])
    released: asyncio.Event = field(default_factory=asyncio.Event)
    counts: dict[str, int] = field(default_factory=dict[str, int])

    def told(self, door: str) -> tuple[Rule, float]:
        """Return the rule of the next call and its extra delay."""
        number = self.counts.get(door, 0)
        self.counts[door] = number + 1
        script = self.scripts.get(door, Script())
        return script.rule(number), script.delay_s(number)

    def tell(self, door: str, script: Script) -> None:
        """Give a door a new script, from its first rule on."""
        self.scripts[door] = script
        self.counts[door] = 0

    @asynccontextmanager
    async def call(self, door: str, name: str, *, streamed: bool) -> AsyncGenerator[Call]:
        """Note one call from its start to however it ends."""
        call = Call(door, name, time.monotonic(), streamed=streamed)
        self.calls.append(call)
        try:
            yield call
        except BrokenOffError:
            call.end("failed")
            raise
        except BaseException:
            call.end("left")
            raise
        call.end("finished")


class Reply(Protocol):
    """The way back of one call, as its protocol has it."""

    async def piece(self, text: str) -> None:
        """Write a piece of a streamed answer; of a whole one, keep it."""
        ...

    async def done(self) -> None:
        """Write the end of the answer."""
        ...

    async def broken(self, rule: Rule) -> None:
        """End the call as the rule says; raises BrokenOffError unless the answer goes on."""
        ...


async def perform(book: Book, door: str, asked: Asked, reply: Reply, *, streamed: bool) -> None:
    """Treat one call as its door's script says."""
    rule, extra_s = book.told(door)
    async with book.call(door, asked.text.name, streamed=streamed):
        if rule.delay_s + extra_s:
            await asyncio.sleep(rule.delay_s + extra_s)
        pieces = asked.left
        # Of a whole answer nothing is seen before its end.
        before = min(rule.after, len(pieces)) if streamed else 0
        if rule.act is not Act.ANSWER:
            await _say(reply, pieces[:before], rule.gap_s)
            await _act(book, rule, reply)
            pieces = pieces[before:]
        await _say(reply, pieces, rule.gap_s)
        await reply.done()


async def _say(reply: Reply, pieces: list[str], gap_s: float) -> None:
    for piece in pieces:
        await reply.piece(piece)
        if gap_s:
            await asyncio.sleep(gap_s)


async def _act(book: Book, rule: Rule, reply: Reply) -> None:
    """Do what is no answer; returns when the answer goes on."""
    if rule.act is Act.HANG:
        await asyncio.Event().wait()
    elif rule.act is Act.HOLD:
        await book.released.wait()
    else:
        await reply.broken(rule)
