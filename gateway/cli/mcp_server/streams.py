"""Standard input that can be ended from here.

A thread that waits in `read` for a client that says nothing cannot be stopped. This one waits for
the client or for `stop`, whichever is first, so that a signal ends the server as the end of the
input does.
"""

from __future__ import annotations

import asyncio
import os
import select
from collections.abc import AsyncIterator

MOST_LINE = 16 * 1024 * 1024
"""Bytes of one message; a longer one is cut into lines that are none."""

AT_ONCE = 64 * 1024


class Lines:
    """The lines of a descriptor, each bounded, until it ends or `stop` is called.

    Neither the descriptor nor the pipe of `stop` is closed, for a thread may still wait for them.
    """

    def __init__(self, descriptor: int, most: int = MOST_LINE) -> None:
        self._from = descriptor
        self._most = most
        self._held = bytearray()
        self._woken, self._wake = os.pipe()

    def stop(self) -> None:
        """End the lines for whoever waits for one, now or later."""
        os.write(self._wake, b".")

    async def __aiter__(self) -> AsyncIterator[str]:
        """Hand out each line as it comes."""
        while line := await asyncio.to_thread(self._line):
            yield line.decode("utf-8", errors="replace")

    def _line(self) -> bytes:
        """Wait for a line; nothing at the end."""
        looked_at = 0
        while True:
            end = self._held.find(b"\n", looked_at) + 1
            if end or len(self._held) >= self._most:
                return self._taken(min(end or self._most, self._most))
            looked_at = len(self._held)
            ready, _, _ = select.select([self._from, self._woken], [], [])
            if self._woken in ready:
                return b""
            data = os.read(self._from, AT_ONCE)
            if not data:
                return self._taken(len(self._held))
            self._held += data

    def _taken(self, size: int) -> bytes:
        line = bytes(self._held[:size])
        del self._held[:size]
        return line
