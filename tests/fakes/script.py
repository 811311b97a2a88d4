"""What a fake model server is told to do, whatever protocol it speaks, and what it saw."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum


class Failure(StrEnum):
    OVERLOADED = "overloaded"
    UNAVAILABLE = "unavailable"
    INVALID = "invalid"
    UNKNOWN_MODEL = "unknown_model"
    UNAUTHENTICATED = "unauthenticated"
    DENIED = "denied"
    BROKEN = "broken"


@dataclass
class Script:
    """`words` is what an error says; nothing of it may come out of an adapter.

    `failure_after` streams that many pieces before the failure. `cut` ends a stream without its
    end marker, `hang` never answers (a stream: after the pieces), `endless` streams the last piece
    for ever, `malformed` sends bytes that are no message. `ends` is how often the end marker is
    sent. `drip` sends a stream of a protocol without frames byte by byte.
    """

    pieces: tuple[str, ...] = ("return ", "a + b\n", "\N{SNOWMAN} \N{GRINNING FACE}")
    finish: str = "stop"
    model: str = "tiny-1"
    prompt_tokens: int = 11
    completion_tokens: int = 3
    logprobs: tuple[float, ...] = (-0.5, -0.25, -1.5)
    failure: Failure | None = None
    failure_after: int | None = None
    retry_after_s: int | None = None
    words: str = "upstream says: sk-other-secret and your prompt"
    cut: bool = False
    hang: bool = False
    endless: bool = False
    malformed: bool = False
    ends: int = 1
    drip: bool = False

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@dataclass
class Asked:
    """One call as the server saw it. `before` holds the text before the hole."""

    before: str
    after: str
    model: str
    headers: dict[str, str]
    streamed: bool
    body: object = None
    time_left_s: float | None = None


@dataclass
class Witness:
    """`started` is set with every call, `left` when a caller goes away before the end."""

    asked: list[Asked] = field(default_factory=list)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    def saw(self, asked: Asked) -> None:
        self.asked.append(asked)
        self.started.set()

    async def called(self, times: int) -> None:
        """Wait until so many calls have come."""
        while len(self.asked) < times:
            self.started.clear()
            await self.started.wait()
