"""The admin listener: HTTP for operators and their tools, on an address of its own.

GET /metrics is scraped by Prometheus, /healthz says that the process lives, /readyz whether it
takes requests; / is the dashboard. Needs the extra `http`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Generator, Sequence
from importlib import import_module
from typing import Any

from gateway.core.telemetry import MetricsPage
from gateway.core.value import value
from gateway.ingress.dashboard.site import Dashboard
from gateway.ingress.dashboard.sources import DashboardSources
from gateway.ingress.listener import ListenError

NO_EXTRA = (
    "admin.port needs an HTTP server that is not installed: run "
    "`pip install 'ensemble-gateway[http]'`"
)

CONNECTIONS = 64
"""Most requests at once; operators are few."""

IDLE_S = 30
LEAVE_S = 2
"""Longest wait for running answers when it is closed."""

Route = tuple[str, Callable[[Any], Awaitable[Any]]]


@value
class Pages:
    """What is served. `metrics` is None where they are off; `not_ready` says why, or nothing.

    `metrics` takes the Accept header. `dashboard`: what its pages show, None where there are none.
    """

    metrics: Callable[[str], Awaitable[MetricsPage]] | None
    not_ready: Callable[[], Sequence[str]]
    dashboard: DashboardSources | None = None


class AdminListener:
    """An HTTP server in the gateway's own event loop; `start` binds it, `close` ends it.

    Raises ValueError without the extra.
    """

    def __init__(self, host: str, port: int, pages: Pages) -> None:
        try:
            # By name: they are not installed with the gateway, and an idle one does not load them.
            self._uvicorn = import_module("uvicorn")
            self._dashboard = None if pages.dashboard is None else Dashboard(pages.dashboard, host)
            app = _app(pages, self._dashboard)
        except ImportError:
            raise ValueError(NO_EXTRA) from None
        self._host, self._port = host, port
        self._server = self._made(app)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Listen; return the port. Raises ListenError when the address is taken or not ours."""
        bound = self._bind()
        self._task = asyncio.create_task(self._server.serve([bound]), name="admin listener")
        port: int = bound.getsockname()[1]
        return port

    async def close(self) -> None:
        """Stop listening, let running answers end, and await the server."""
        if self._task is not None:
            self._server.should_exit = True
            if self._dashboard is not None:
                # A stream never ends by itself.
                await self._dashboard.close()
            await self._task
            self._task = None

    def _bind(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        try:
            return socket.create_server((self._host, self._port), family=family)
        except OSError as error:
            raise ListenError(
                f"cannot listen on {self._host}:{self._port} ({error.strerror}); choose another "
                "with admin.host and admin.port"
            ) from None

    def _made(self, app: Any) -> Any:
        uvicorn = self._uvicorn

        class Server(uvicorn.Server):
            """Leaves the signals to the process it runs in."""

            @contextlib.contextmanager
            def capture_signals(self) -> Generator[None]:
                yield

        return Server(
            uvicorn.Config(
                app,
                lifespan="off",
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                limit_concurrency=CONNECTIONS,
                timeout_keep_alive=IDLE_S,
                timeout_graceful_shutdown=LEAVE_S,
            )
        )


def _app(pages: Pages, dashboard: Dashboard | None) -> Any:
    applications = import_module("starlette.applications")
    responses, routing = import_module("starlette.responses"), import_module("starlette.routing")
    text = responses.PlainTextResponse

    async def metrics(request: Any) -> Any:
        if pages.metrics is None:
            return text("metrics are off: set telemetry.prometheus\n", 404)
        page = await pages.metrics(request.headers.get("accept", ""))
        return responses.Response(page.text, media_type=page.content_type)

    async def alive(_: Any) -> Any:
        return text("ok\n")

    async def ready(_: Any) -> Any:
        why = pages.not_ready()
        return text("\n".join((*why, "")), 503) if why else text("ok\n")

    async def nothing(_: Any) -> Any:
        return text(
            "the dashboard is off: set dashboard.enabled (here are /metrics, /healthz, /readyz)\n",
            404,
        )

    routes: tuple[Route, ...] = (
        ("/metrics", metrics),
        ("/healthz", alive),
        ("/readyz", ready),
        *((("/", nothing),) if dashboard is None else dashboard.routes()),
    )
    return applications.Starlette(
        routes=[routing.Route(path, page, methods=["GET"]) for path, page in routes]
    )
