"""The first text of a stream is kept back until it is worth committing to.

Text that a caller has seen cannot be taken back; until then a failing endpoint is left without a
trace in the answer. Holding the first line costs its time and buys a silent fallback for every
stream that breaks, stalls or goes wrong within it.
"""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Protocol

from gateway.core.machine import Transition, targets
from gateway.core.value import value


class Boundary(StrEnum):
    """Where a stream begins to flow: at once, or after its first line that is not blank."""

    NONE = "none"
    LINE = "line"


@value
class HoldSettings:
    """`most_chars` are held at most while no boundary is seen: a line may have no end."""

    boundary: Boundary = Boundary.LINE
    most_chars: int = 1024


HELD, HOPELESS, RELEASED = "held", "hopeless", "released"
INITIAL = HELD
TRANSITIONS = (
    Transition(
        HELD, "boundary", RELEASED, "The first line is whole, or too long: it is handed on."
    ),
    Transition(
        HELD, "hopeless", HOPELESS, "No continuation could pass the checks: nobody sees it."
    ),
    Transition(HELD, "another_try", HELD, "The endpoint is tried again: what it wrote is dropped."),
    Transition(HOPELESS, "another_try", HELD, "The endpoint is tried again: it may do better."),
)
_NEXT = targets(TRANSITIONS)


class Foresight(Protocol):
    """Knows of a text's beginning whether anything good can come of it."""

    def hopeless(self, beginning: str) -> bool:
        """Say whether every text that begins so fails a check."""
        ...

    def costly(self, text: str) -> bool:
        """Say whether that takes so long that it belongs in a worker thread."""
        ...


class Hold:
    """What one attempt has written and nobody has seen.

    A text whose beginning is hopeless is never released: it is judged whole, like a unary answer,
    and left for the next endpoint.
    """

    __slots__ = ("_foresight", "_held", "_most_chars", "state")

    def __init__(self, most_chars: int, foresight: Foresight) -> None:
        self.state = INITIAL
        self._most_chars = most_chars
        self._foresight = foresight
        self._held = ""

    def drop(self) -> None:
        """Forget what is held: another try begins."""
        self._held = ""
        self._enter("another_try")

    async def take(self, text: str) -> str:
        """Take the next piece; return what may be handed on now, which may be nothing.

        Call it until it returns text; from then on pieces go the direct way.
        """
        if self.state == HOPELESS:
            return ""
        self._held = held = self._held + text
        line_end = held.rfind("\n") + 1
        if held[:line_end].strip():
            verified = held[:line_end]
        elif len(held) >= self._most_chars:
            verified = ""
        else:
            return ""
        if verified and await self._is_hopeless(verified):
            self._enter("hopeless")
            return ""
        self._enter("boundary")
        return held

    async def _is_hopeless(self, beginning: str) -> bool:
        if self._foresight.costly(beginning):
            return await asyncio.to_thread(self._foresight.hopeless, beginning)
        return self._foresight.hopeless(beginning)

    def _enter(self, event: str) -> None:
        self.state = _NEXT[self.state, event]
