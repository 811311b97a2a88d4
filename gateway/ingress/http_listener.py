"""An HTTP listener in the gateway's own event loop: uvicorn, without its signals and its logs.

Needs the extra `http`. An application finds what it must know of its connection in
`scope["state"]["connection"]`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Generator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from gateway.core.value import value
from gateway.ingress.listener import ListenError

CONNECTION = "connection"
LEAST_GRACE_S = 0.1
"""In less, uvicorn would report idle connections as requests that it cut."""


class Connection:
    """One connection as its application sees it: everything in `lost` is called when it is.

    ASGI tells an application that its caller left only when it asks, which takes a task for each
    request.
    """

    __slots__ = ("_keep_reading", "_transport", "lost")

    def __init__(self, transport: asyncio.Transport, keep_reading: Callable[[], None]) -> None:
        self._transport = transport
        self._keep_reading = keep_reading
        self.lost: set[Callable[[], None]] = set()

    @property
    def gone(self) -> bool:
        """Whether what is sent goes nowhere: a failed write is known before `lost` is called."""
        return self._transport.is_closing()

    def keep_reading(self) -> None:
        """Read on after a large body: a connection that is not read cannot be seen to end."""
        self._keep_reading()

    def abort(self) -> None:
        """Drop the connection with what was not sent: its other end does not read."""
        self._transport.abort()


@value
class HttpSettings:
    """Where to listen, and the limits. `table` is the one of the configuration that says so.

    `connections`: most at once, and most requests at once. `idle_s`: how long one is kept that
    asks for nothing.
    """

    table: str
    host: str
    port: int
    connections: int
    idle_s: int = 30


def missing_extra(table: str) -> ValueError:
    """Say that a listener cannot be had without the extra, and how to get it."""
    return ValueError(
        f"{table}.port needs an HTTP server that is not installed: run "
        "`pip install 'ensemble-gateway[http]'`"
    )


def require_extra(table: str) -> None:
    """Raise ValueError when a listener cannot be had, without loading what it needs."""
    if find_spec("uvicorn") is None:
        raise missing_extra(table)


class HttpListener:
    """Serves an ASGI application; `start` binds it, `drain` ends it.

    Raises ImportError without the extra.
    """

    def __init__(self, app: Any, settings: HttpSettings) -> None:
        self._settings = settings
        self._server = _server(app, settings)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Listen; return the port. Raises ListenError when the address is taken or not ours."""
        bound = self._bind()
        name = f"{self._settings.table} listener"
        self._task = asyncio.create_task(self._server.serve([bound]), name=name)
        port: int = bound.getsockname()[1]
        return port

    async def drain(self, grace_s: float) -> None:
        """Stop listening, let running requests end for so long, then cancel and await them."""
        if self._task is None:
            return
        server = self._server
        server.config.timeout_graceful_shutdown = max(grace_s, LEAST_GRACE_S)
        server.should_exit = True
        await self._task
        self._task = None
        cut = tuple(server.server_state.tasks)
        if cut:
            await asyncio.wait(cut)

    def _bind(self) -> socket.socket:
        table, host, port = self._settings.table, self._settings.host, self._settings.port
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            return socket.create_server((host, port), family=family)
        except OSError as error:
            raise ListenError(
                f"cannot listen on {host}:{port} ({error.strerror}); choose another "
                f"with {table}.host and {table}.port"
            ) from None


def _server(app: Any, settings: HttpSettings) -> Any:
    # By name: they are not installed with the gateway, and an idle one does not load them.
    uvicorn = import_module("uvicorn")
    parser: Any = import_module("uvicorn.protocols.http.auto").AutoHTTPProtocol
    made, lost = parser.connection_made, parser.connection_lost

    class Server(uvicorn.Server):
        """Leaves the signals to the process it runs in."""

        @contextlib.contextmanager
        def capture_signals(self) -> Generator[None]:
            yield

    class Protocol(parser):
        """Tells the application of its connection."""

        def connection_made(self, transport: asyncio.Transport) -> None:
            made(self, transport)
            self.connection = Connection(transport, self.flow.resume_reading)
            self.app_state = {CONNECTION: self.connection}

        def connection_lost(self, exc: Exception | None) -> None:
            lost(self, exc)
            for call in tuple(self.connection.lost):
                call()

    return Server(
        uvicorn.Config(
            app,
            http=Protocol,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            # Whoever is on this machine could say to be somebody else.
            proxy_headers=False,
            limit_concurrency=settings.connections,
            timeout_keep_alive=settings.idle_s,
        )
    )
