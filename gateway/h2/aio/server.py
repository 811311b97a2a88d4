"""A gRPC server over HTTP/2 with prior knowledge, or over TLS with ALPN."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from gateway.h2.aio.server_connection import VOLATILE, Handler, ServerConnection, ServerSettings
from gateway.h2.aio.wheel import Wheel
from gateway.h2.reading import FieldCache

ALPN = "h2"


class Server:
    """Listens and answers calls. `handler_of` finds the handler of a path, None for an unknown one.

    `max_connections`: more are closed at once. Use `start`, then `drain`; every task is awaited.
    """

    def __init__(
        self,
        handler_of: Callable[[str], Handler | None],
        settings: ServerSettings | None = None,
        *,
        max_connections: int = 10_000,
    ) -> None:
        self._handler_of = handler_of
        self._settings = settings or ServerSettings()
        self._most = max_connections
        self._cache = FieldCache(volatile=VOLATILE)
        self._connections: set[ServerConnection] = set()
        self._listener: asyncio.Server | None = None
        self._wheel: Wheel | None = None
        self._empty: asyncio.Event = asyncio.Event()
        self.refused = 0
        self._draining = False
        self.ended_by_limit: dict[str, int] = {}

    async def start(
        self, host: str, port: int, *, tls: ssl.SSLContext | None = None, backlog: int = 1024
    ) -> int:
        """Listen; return the port. Raises OSError when the address is taken or not ours."""
        loop = asyncio.get_running_loop()
        self._wheel = Wheel()
        self._listener = await loop.create_server(
            self._accept,
            host,
            port,
            ssl=tls,
            ssl_handshake_timeout=self._settings.link.greeting_s if tls else None,
            backlog=backlog,
        )
        bound: tuple[str, int] = self._listener.sockets[0].getsockname()
        return bound[1]

    async def drain(self, grace_s: float) -> None:
        """Take no new calls, give running ones `grace_s` to end, then end them."""
        self._draining = True
        if self._listener is not None:
            self._listener.close()
        for connection in self._connections:
            connection.drain()
        deadline = asyncio.get_running_loop().time() + grace_s
        while any(connection.calls for connection in self._connections):
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                break
            tasks = [
                call.task
                for connection in self._connections
                for call in connection.calls.values()
                if call.task is not None
            ]
            if not tasks:
                break
            await asyncio.wait(tasks, timeout=left)
        await self._close()

    async def _close(self) -> None:
        tasks = [task for connection in self._connections for task in connection.end_calls()]
        if tasks:
            await asyncio.wait(tasks)
        for connection in tuple(self._connections):
            # It names the last call that was looked at: later ones may be made again elsewhere.
            connection.link.connection.go_away()
            connection.link.close()
        while self._connections:
            self._empty.clear()
            await self._empty.wait()
        if self._wheel is not None:
            self._wheel.close()
        if self._listener is not None:
            await self._listener.wait_closed()

    def _accept(self) -> asyncio.BaseProtocol:
        if self._wheel is None:
            raise RuntimeError("the server has not been started")
        connection = ServerConnection(
            self._handler_of, self._settings, self._cache, self._wheel, self._made, self._gone
        )
        return connection.link

    def _made(self, connection: ServerConnection) -> bool:
        # Not in `_accept`: a TLS handshake that fails tells the end of no connection.
        # Nor is one taken that waited to be accepted when the drain began: nobody would tell it.
        if self._draining or len(self._connections) >= self._most:
            self.refused += 1
            return False
        self._connections.add(connection)
        return True

    def _gone(self, connection: ServerConnection, _: str) -> None:
        self._connections.discard(connection)
        if connection.ended is not None and connection.ended.limit:
            limit = connection.ended.limit
            self.ended_by_limit[limit] = self.ended_by_limit.get(limit, 0) + 1
        self._empty.set()
