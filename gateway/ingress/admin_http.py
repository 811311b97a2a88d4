"""The admin listener: HTTP for operators and their tools, on an address of its own.

GET /metrics is scraped by Prometheus, /healthz says that the process lives, /readyz whether it
takes requests; / is the dashboard. Needs the extra `http`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from typing import Any

from gateway.core.telemetry import MetricsPage
from gateway.core.value import value
from gateway.ingress.dashboard.site import Dashboard
from gateway.ingress.dashboard.sources import DashboardSources
from gateway.ingress.http_listener import HttpListener, HttpSettings, missing_extra

TABLE = "admin"
CONNECTIONS = 64
"""Most requests at once; operators are few."""

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
    """The pages on a listener of their own; `start` binds it, `close` ends it.

    Raises ValueError without the extra.
    """

    def __init__(self, host: str, port: int, pages: Pages) -> None:
        try:
            self._dashboard = None if pages.dashboard is None else Dashboard(pages.dashboard, host)
            app = _app(pages, self._dashboard)
            self._listener = HttpListener(app, HttpSettings(TABLE, host, port, CONNECTIONS))
        except ImportError:
            raise missing_extra(TABLE) from None

    async def start(self) -> int:
        """Listen; return the port. Raises ListenError when the address is taken or not ours."""
        return await self._listener.start()

    async def close(self) -> None:
        """Stop listening, let running answers end, and await the server."""
        if self._dashboard is not None:
            # A stream never ends by itself.
            await self._dashboard.close()
        await self._listener.drain(LEAVE_S)


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
