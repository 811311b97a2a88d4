"""A client of one server: connections made when they are needed, calls spread over them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gateway.h2.aio.client_call import ClientCall
from gateway.h2.aio.client_connection import ClientConnection
from gateway.h2.aio.link import LinkSettings
from gateway.h2.grpc.framing import ACCEPTED, framed
from gateway.h2.grpc.metadata import fields_of
from gateway.h2.grpc.status import CallError, Code
from gateway.h2.grpc.timeouts import timeout_of
from gateway.h2.limits import Limits
from gateway.h2.reading import FieldCache
from gateway.h2.settings import Settings
from gateway.h2.writing import block
from gateway.h2.writing import field as written

Pairs = Iterable[tuple[str, str | bytes]]

USER_AGENT = b"ensemble-h2/1"
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 10.0
"""Of connecting again after it failed; doubled each time."""

SECRET = frozenset({b"authorization", b"cookie", b"x-api-key"})


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """`max_connections` to one server, opened while those before take no more calls.

    `max_message` bytes of an answer; `connect_s` for one connection.
    """

    max_connections: int = 4
    max_message: int = 8 * 1024 * 1024
    connect_s: float = 10.0
    engine: Settings = field(default_factory=Settings)
    limits: Limits = field(default_factory=Limits)
    link: LinkSettings = field(default_factory=LinkSettings)


class Channel:
    """Belongs to one event loop. `close` ends every call with CANCELLED and every connection."""

    def __init__(
        self,
        host: str,
        port: int,
        settings: ChannelSettings | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        authority: str = "",
    ) -> None:
        self._host, self._port = host, port
        self._settings = settings or ChannelSettings()
        self._tls = tls
        named = authority or (f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        self._head = block(
            (
                (b":method", b"POST"),
                (b":scheme", b"https" if tls else b"http"),
                (b":authority", named.encode()),
            )
        )
        self._tail = block(
            (
                (b"te", b"trailers"),
                (b"content-type", b"application/grpc"),
                (b"user-agent", USER_AGENT),
                (b"grpc-accept-encoding", ACCEPTED),
            )
        )
        self._cache = FieldCache()
        self._connections: list[ClientConnection] = []
        self._connecting: asyncio.Task[bool] | None = None
        self._news: asyncio.Future[None] | None = None
        self._wait_s = 0.0
        self._not_before = 0.0
        self._last = ""
        self._closed = False

    async def unary(
        self, path: str, message: bytes, metadata: Pairs = (), timeout_s: float | None = None
    ) -> bytes:
        """Make a call of one message and one answer. Raises CallError for any end but OK.

        A call that the peer never looked at is made once more, on another connection.
        """
        try:
            return await self._once(path, message, metadata, timeout_s)
        except CallError as error:
            if not error.unprocessed:
                raise
        return await self._once(path, message, metadata, timeout_s)

    @asynccontextmanager
    async def call(
        self,
        path: str,
        metadata: Pairs = (),
        timeout_s: float | None = None,
        message: bytes | None = None,
    ) -> AsyncGenerator[ClientCall]:
        """Make a call; with `message`, the only one that it has. Leaving it cancels what runs.

        `timeout_s` is told to the peer; whoever waits here longer must say so. Raises CallError.
        """
        call = await self.begin(path, metadata, timeout_s, message)
        try:
            yield call
        finally:
            call.abandon()

    async def begin(
        self,
        path: str,
        metadata: Pairs = (),
        timeout_s: float | None = None,
        message: bytes | None = None,
    ) -> ClientCall:
        """Make a call that its caller must `abandon`, however it ends; else like `call`."""
        connection = await self._connection()
        head = self._block(path, metadata, timeout_s)
        body = None if message is None else framed(message)
        return connection.begin(head, self._settings.max_message, body)

    async def close(self) -> None:
        """End everything; awaits what it began."""
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait((self._connecting,))
        for connection in self._connections:
            for call in tuple(connection.calls.values()):
                call.fail(CallError(Code.CANCELLED, "the channel was closed"))
            connection.link.close()
        self._tell()

    async def _once(
        self, path: str, message: bytes, metadata: Pairs, timeout_s: float | None
    ) -> bytes:
        async with self.call(path, metadata, timeout_s, message) as call:
            answer = await call.read()
            if answer is None:
                raise CallError(Code.INTERNAL, "an answer without a message", call.trailers)
            if await call.read() is not None:
                raise CallError(Code.INTERNAL, "more than one message answers a unary call")
            return answer

    def _block(self, path: str, metadata: Pairs, timeout_s: float | None) -> bytes:
        parts = [self._head, block(((b":path", path.encode()),)), self._tail]
        if timeout_s is not None:
            parts.append(written(b"grpc-timeout", timeout_of(timeout_s)))
        extra = fields_of(metadata)
        if extra:
            parts.append(block(extra, SECRET))
        return b"".join(parts)

    async def _connection(self) -> ClientConnection:
        """Find a connection that takes a call, or wait for one. Raises CallError."""
        while True:
            if self._closed:
                raise CallError(Code.CANCELLED, "the channel was closed")
            usable = [one for one in self._connections if one.takes_calls]
            if usable:
                return min(usable, key=_busy) if len(usable) > 1 else usable[0]
            self._connections = [one for one in self._connections if not one.gone or one.calls]
            await self._more()

    async def _more(self) -> None:
        """Connect once more, or wait until a call ends where there are connections enough."""
        loop = asyncio.get_running_loop()
        # Those that end with their last call are not counted, or a new one would wait for it.
        staying = sum(not one.gone for one in self._connections)
        if self._connecting is None and staying < self._settings.max_connections:
            if loop.time() < self._not_before:
                raise CallError(Code.UNAVAILABLE, self._last, unconnected=True)
            self._connecting = loop.create_task(self._connect(), name="h2 connect")
        if (connecting := self._connecting) is not None:
            await asyncio.wait((connecting,))
            if not connecting.cancelled() and not connecting.result():
                raise CallError(Code.UNAVAILABLE, self._last, unconnected=True)
            return
        if self._news is None or self._news.done():
            self._news = loop.create_future()
        await asyncio.shield(self._news)

    async def _connect(self) -> bool:
        """Make one connection; say whether it could be. For a while after that calls fail at once.

        It raises nothing: nobody may be waiting for it any more.
        """
        settings, loop = self._settings, asyncio.get_running_loop()
        connection = ClientConnection(
            settings.engine, settings.limits, settings.link, self._cache, self._tell
        )
        try:
            async with asyncio.timeout(settings.connect_s):
                await loop.create_connection(
                    lambda: connection.link, self._host, self._port, ssl=self._tls
                )
                await connection.ready()
        except (OSError, TimeoutError, UnicodeError, CallError) as error:
            self._wait_s = min(LONGEST_WAIT_S, max(FIRST_WAIT_S, 2 * self._wait_s))
            self._not_before = loop.time() + self._wait_s
            self._last = f"cannot connect to {self._host}:{self._port} ({_words(error)})"
            return False
        else:
            self._wait_s = 0.0
            self._connections.append(connection)
            return True
        finally:
            self._connecting = None
            if connection not in self._connections:
                # Also when it was cancelled while it waited for the greeting.
                connection.link.abort("it was not made in time")

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)


def _busy(connection: ClientConnection) -> int:
    return len(connection.calls)


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it took too long"
    if isinstance(error, CallError):
        return error.message
    return str(error) or type(error).__name__
