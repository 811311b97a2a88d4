"""`ensemble mcp`: tools for programs that speak MCP."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.exits import Exit, exits, fail
from gateway.cli.options import DEFAULT_TARGET, DEFAULT_TIMEOUT, Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from ensemble_client import AsyncClient

    from gateway.cli.mcp_server.addresses import Address
    from gateway.cli.mcp_server.exports import ExportDirectory
    from gateway.cli.mcp_server.tool import Desk

NO_EXTRA = (
    "`ensemble mcp` needs the MCP SDK, which is not installed: run "
    "`pip install 'ensemble-gateway[mcp]'`"
)

Http = Annotated[
    str | None,
    typer.Option("--http", metavar="HOST:PORT", help="Serve streamable HTTP here, not stdio."),
]
AllowRemote = Annotated[
    bool, typer.Option("--allow-remote", help="Let --http listen on more than loopback.")
]
AllowedHost = Annotated[
    list[str] | None,
    typer.Option("--allowed-host", help="Name by which it is reached; may be given several times."),
]
ExportDir = Annotated[
    Path | None, typer.Option("--export-dir", help="Directory that exports go to; else none.")
]
Token = Annotated[
    str | None,
    typer.Option("--token", help="env:NAME or file:/path of the gateway's bearer token."),
]
Tenant = Annotated[str | None, typer.Option("--tenant", help="Tenant to ask the gateway as.")]
CallTimeout = Annotated[
    float, typer.Option("--timeout", min=0.001, help="Longest time of one tool call, in seconds.")
]
Ca = Annotated[
    Path | None, typer.Option("--ca", help="PEM file of roots to trust; speaks TLS then.")
]


def mcp(
    http: Http = None,
    allow_remote: AllowRemote = False,
    allowed_host: AllowedHost = None,
    export_dir: ExportDir = None,
    token: Token = None,
    tenant: Tenant = None,
    ca: Ca = None,
    target: Target = DEFAULT_TARGET,
    timeout: CallTimeout = DEFAULT_TIMEOUT,
) -> None:
    """Serve tools over MCP: telemetry, traces, routes and fills of a running gateway.

    On standard input and output until the client closes them, or over HTTP; ends by SIGTERM.
    Everything logged goes to standard error.
    """
    try:
        import_module("mcp.server")
    except ImportError:
        fail(NO_EXTRA, Exit.USAGE)
    from gateway.cli.mcp_server.addresses import address_of
    from gateway.cli.mcp_server.credentials import connecting
    from gateway.cli.mcp_server.tool import Desk
    from gateway.telemetry.logs import set_up

    with exits(), ExitStack() as stack:
        try:
            address = address_of(http, remote=allow_remote, allowed=tuple(allowed_host or ()))
            connect = connecting(target, token=token, tenant=tenant, ca=ca)
        except ValueError as error:
            fail(str(error), Exit.USAGE)
        exports = stack.enter_context(_opened(export_dir)) if export_dir else None
        # The SDK's own lines below a warning show parts of what was sent.
        set_up("warning", "auto")
        asyncio.run(_serve(partial(Desk, timeout_s=timeout, exports=exports), connect, address))


def _opened(folder: Path) -> ExportDirectory:
    from gateway.cli.mcp_server.exports import ExportDirectory

    try:
        return ExportDirectory(folder)
    except OSError as error:
        words = f"--export-dir {folder} cannot be used: {error.strerror}; name a directory"
        fail(words, Exit.USAGE)


async def _serve(
    desk: Callable[[AsyncClient], Desk], connect: Callable[[], AsyncClient], address: Address | None
) -> None:
    from gateway.cli.mcp_server.serving import serve_http, serve_stdio

    async with connect() as client:
        if address is None:
            await serve_stdio(desk(client))
        else:
            await serve_http(desk(client), address)
