"""One connection of either side on an asyncio transport: bytes in, bytes out, signs of life.

What is written within one turn of the event loop goes out in one write. While the transport takes
no more nothing is taken from the engine, so that a peer that does not read cannot make it grow:
the engine's own limit on unsent answers then ends the connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from gateway.h2.codes import ErrorCode
from gateway.h2.connection import Connection
from gateway.h2.events import ConnectionEnded, Event, SettingsAcknowledged

_SIGN = b"\0alive\0\0"
AT_ONCE, MESSAGE_COST = 64 * 1024, 256
"""Bytes of messages within one turn of the loop; and what each counts for beside its own."""


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """Seconds.

    `greeting_s`: in which the peer must have said how it wants to be spoken to, and in which a
    frame or a header block that it began must make progress.

    `idle_ping_s`: silence after which a ping asks for a sign of life, `ping_s` what it may take;
    a connection without a sign is closed.
    """

    greeting_s: float = 10.0
    idle_ping_s: float = 60.0
    ping_s: float = 20.0


class Link(asyncio.Protocol):
    """Drives a `Connection`. `handle` gets each event; `lost` is called once, at the end.

    `admit`, once the connection is made, says whether it may be; else it is closed at once.
    """

    def __init__(
        self,
        connection: Connection,
        settings: LinkSettings,
        handle: Callable[[Event], None],
        lost: Callable[[str], None],
        admit: Callable[[], bool] = lambda: True,
    ) -> None:
        self.connection = connection
        self.peer = ""
        self.transport: asyncio.Transport | None = None
        self._settings = settings
        self._handle = handle
        self._lost = lost
        self._admit = admit
        self._loop = asyncio.get_running_loop()
        self._paused = self._flushing = self._greeted = False
        self._room: asyncio.Future[None] | None = None
        self._heard = self._moved = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._asked = 0.0
        self._written = 0
        self._why = ""

    @property
    def closed(self) -> bool:
        """Whether nothing can be sent any more."""
        return self.transport is None or self.transport.is_closing()

    @property
    def is_paused(self) -> bool:
        """Whether the transport takes no more for now."""
        return self._paused

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the peer."""
        self.transport = cast("asyncio.Transport", transport)
        if not self._admit():
            self.abort("too many connections")
            return
        self.peer = _named(transport.get_extra_info("peername"))
        self._heard = self._moved = self._loop.time()
        self.connection.start()
        self.flush()
        self._timer = self._loop.call_later(self._settings.greeting_s, self._look)

    def data_received(self, data: bytes) -> None:
        """Take bytes in and handle what they mean, then send what that wrote."""
        self._heard = now = self._loop.time()
        events = self.connection.receive(data, now)
        if events or not self.connection.unfinished:
            self._moved = now
        for event in events:
            if type(event) is SettingsAcknowledged:
                # It has said how it wants to be spoken to, and taken in how we do.
                self._greeted = True
            elif type(event) is ConnectionEnded:
                self._why = event.text
                self._handle(event)
                self.close()
                return
            else:
                self._handle(event)
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the end."""
        if self._timer is not None:
            self._timer.cancel()
        self.transport = None
        self.resume_writing()
        self._lost(self._why or ("the connection was lost" if exc else "the connection was closed"))

    def pause_writing(self) -> None:
        """Stop to send: the transport's buffer is full."""
        self._paused = True

    def resume_writing(self) -> None:
        """Go on."""
        self._paused = False
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        self._room = None
        self._send()

    async def room(self) -> None:
        """Let others have a turn, and wait until the transport takes more, or is gone."""
        await asyncio.sleep(0)
        while self._paused:
            if self._room is None:
                self._room = self._loop.create_future()
            await asyncio.shield(self._room)

    def flush(self) -> None:
        """Have what was written sent at the end of this turn of the loop."""
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush_now)

    def wrote(self, size: int) -> bool:
        """Like `flush`, behind a message of so many bytes; say whether to wait for `room`.

        Much goes out at once: whoever writes and never waits for anything would else see no
        transport that is full, and let nobody else have a turn.
        """
        self._written += size + MESSAGE_COST
        if self._written < AT_ONCE:
            self.flush()
            return self._paused
        self._written = 0
        self._send()
        return True

    def close(self) -> None:
        """Send what is left and close."""
        transport = self.transport
        if transport is not None and not transport.is_closing():
            transport.write(self.connection.to_send())
            transport.close()
            # A peer that does not read would keep it for ever.
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_later(self._settings.ping_s, self.abort, self._why)

    def abort(self, why: str) -> None:
        """Close at once, whatever waits."""
        self._why = why
        if self.transport is not None:
            self.transport.abort()

    def _flush_now(self) -> None:
        self._flushing = False
        self._written = 0
        self._send()

    def _send(self) -> None:
        if self._paused or self.transport is None:
            return
        out = self.connection.to_send()
        if out and not self.transport.is_closing():
            self.transport.write(out)

    def _look(self) -> None:
        """Look whether the peer is alive, and when to look again."""
        now, settings = self._loop.time(), self._settings
        if not self._greeted or (
            self.connection.unfinished and now - self._moved >= settings.greeting_s
        ):
            self._why = "the peer did not greet, or finish a frame or a header block, in time"
            self.connection.go_away(ErrorCode.SETTINGS_TIMEOUT, self._why)
            self.close()
            return
        if self._heard > self._asked:
            # Whatever came is a sign: the answer to a ping may be far behind data.
            self._asked = 0.0
        if self._asked and now - self._asked >= settings.ping_s:
            self.abort("the peer gave no sign of life")
            return
        silent = now - self._heard
        wait = settings.idle_ping_s - silent
        if wait <= 0 and not self._asked:
            self._asked = now
            self.connection.ping(_SIGN)
            self.flush()
        if self._asked:
            wait = self._asked + settings.ping_s - now
        self._timer = self._loop.call_later(max(0.001, min(wait, settings.greeting_s)), self._look)


def _named(address: object) -> str:
    """Name a peer as gRPC does."""
    if isinstance(address, tuple):
        host, port = cast("tuple[str, int]", address[:2])
        return f"ipv6:[{host}]:{port}" if ":" in host else f"ipv4:{host}:{port}"
    return f"unix:{address}" if address else "unix:"
