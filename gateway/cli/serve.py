"""`ensemble serve`: run a gateway."""

from __future__ import annotations

import asyncio
import gc
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.exits import Exit, exits, fail
from gateway.cli.options import ConfigFile

if TYPE_CHECKING:
    from collections.abc import Generator

    from gateway.config.schema import Settings


def serve(
    config: ConfigFile = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")
    ] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then drain.

    Prints `gateway listening on HOST:PORT` on standard output once callers may come, and then
    `admin listener on HOST:PORT` where one is configured.
    """
    with exits():
        from gateway.config.load import default_path, load

        path = config or default_path()
        settings = load(path, _overrides(host, port, log_level))
        run(settings, path)


def run(settings: Settings, path: Path) -> None:
    """Serve with checked settings."""
    import uvloop

    from gateway.telemetry.logs import set_up

    set_up(settings.log.level, settings.log.format)
    uvloop.run(_serve(settings, path))


async def _serve(settings: Settings, path: Path) -> None:
    from gateway.app import Gateway
    from gateway.ingress.standard import stop_on_signals

    stop = asyncio.Event()
    stop_on_signals(stop)
    try:
        made = Gateway(settings, sources=(str(path),))
    except ValueError as error:
        fail(str(error), Exit.CONFIG)
    async with made as gateway:
        port = await gateway.start()
        with spared():
            print(f"gateway listening on {settings.server.host}:{port}", flush=True)
            if gateway.observability.admin_port is not None:
                admin = f"{settings.admin.host}:{gateway.observability.admin_port}"
                print(f"admin listener on {admin}", flush=True)
            await gateway.serve(stop)


@contextmanager
def spared() -> Generator[None]:
    """Spare everything made so far from garbage collection, which would stop every request for it.

    Full collections look through all that lives, some 70 ms long.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _overrides(host: str | None, port: int | None, log_level: str | None) -> dict[str, Any]:
    server = {k: v for k, v in {"host": host, "port": port}.items() if v is not None}
    overrides: dict[str, Any] = {"server": server} if server else {}
    if log_level is not None:
        overrides["log"] = {"level": log_level}
    return overrides
