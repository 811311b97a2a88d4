"""Runs the MCP server over standard input and output, or over HTTP, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any, cast

from gateway.cli.mcp_server.addresses import Address
from gateway.cli.mcp_server.server import tool_server
from gateway.cli.mcp_server.streams import Lines
from gateway.ingress.listener import ListenError
from gateway.ingress.standard import stop_on_signals

if TYPE_CHECKING:
    from collections.abc import Generator

    from mcp.server import Server

    from gateway.cli.mcp_server.tool import Desk

PATH = "/mcp"
LEAVE_S = 2
"""Longest wait for running answers when an HTTP server is stopped."""

CONNECTIONS = 64
IDLE_S = 30
MOST_SESSIONS = 64


async def serve_stdio(desk: Desk) -> None:
    """Serve one client over standard input and output; ends with either, or by a signal.

    A second signal ends the process at once. Whatever else is printed meanwhile goes to standard
    error.
    """
    from mcp.server.stdio import stdio_server

    server, lines, stop = tool_server(desk), Lines(sys.stdin.fileno()), asyncio.Event()
    stop_on_signals(stop)

    async def end() -> None:
        await stop.wait()
        for number in (signal.SIGTERM, signal.SIGINT):
            # Where the client reads no more, what is to be written may wait for ever.
            asyncio.get_running_loop().remove_signal_handler(number)
        lines.stop()

    ending = asyncio.create_task(end(), name="end of standard input")
    try:
        # It reads nothing but lines.
        async with stdio_server(stdin=cast("Any", lines)) as (reading, writing):
            await server.run(reading, writing, server.create_initialization_options())
    except* BrokenPipeError:
        # The client has gone, which is its way to end.
        pass
    finally:
        stop.set()
        await ending


async def serve_http(desk: Desk, address: Address) -> None:
    """Serve clients over streamable HTTP until a signal.

    Prints `mcp listening on http://HOST:PORT/mcp` on standard output once they may come. Raises
    ListenError when the address is taken or not ours.
    """
    bound = _bind(address)
    stop = asyncio.Event()
    stop_on_signals(stop)
    server = _http_server(tool_server(desk), address)
    serving = asyncio.create_task(server.serve([bound]), name="MCP over HTTP")
    stopping = asyncio.create_task(stop.wait(), name="signal")
    try:
        port = bound.getsockname()[1]
        print(f"mcp listening on http://{address.shown_host}:{port}{PATH}", flush=True)
        await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    finally:
        server.should_exit = True
        stopping.cancel()
        await asyncio.gather(stopping, return_exceptions=True)
        await serving


def _bind(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family)
    except OSError as error:
        raise ListenError(
            f"cannot listen on {address.host}:{address.port} ({error.strerror}); choose another "
            "with --http"
        ) from None


def _http_server(tools: Server[Any], address: Address) -> Any:
    import uvicorn
    from mcp.server.transport_security import TransportSecuritySettings

    class Uvicorn(uvicorn.Server):
        """Leaves the signals to the process it runs in."""

        @contextlib.contextmanager
        def capture_signals(self) -> Generator[None]:
            yield

    names = address.names()
    app = tools.streamable_http_app(
        streamable_http_path=PATH,
        host=address.host,
        max_sessions=MOST_SESSIONS,
        transport_security=TransportSecuritySettings(
            enable_dns_rebinding_protection=True,
            allowed_hosts=[form for name in names for form in (name, f"{name}:*")],
            allowed_origins=[
                f"{scheme}://{form}"
                for name in names
                for form in (name, f"{name}:*")
                for scheme in ("http", "https")
            ],
        ),
    )
    return Uvicorn(
        uvicorn.Config(
            app,
            lifespan="on",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=CONNECTIONS,
            timeout_keep_alive=IDLE_S,
            timeout_graceful_shutdown=LEAVE_S,
        )
    )
