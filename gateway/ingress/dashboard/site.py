"""The dashboard as routes of the admin listener. It is loaded with the extra `http` only."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

from gateway.core.faults import Fault, Kind
from gateway.ingress.dashboard import guard
from gateway.ingress.dashboard.asked import TraceQuery, name_of, traces_of
from gateway.ingress.dashboard.look import SharedLook, why_late
from gateway.ingress.dashboard.sources import DashboardSources
from gateway.ingress.dashboard.stream import EventStream, Streams
from gateway.ingress.dashboard.views import FILES, Asked, View, Views

FRESH = 0.9
"""Part of the refresh for which a look is kept: so that each new event has new numbers."""

LONG = "public, max-age=31536000, immutable"
STATUS = {Kind.INVALID: 400, Kind.NOT_FOUND: 404}
HEADINGS = {400: "This address asks for something that is not there", 404: "Not found"}

Endpoint = Callable[[Any], Awaitable[Any]]


class Dashboard:
    """Answers requests for pages; `close` ends the streams and what looks for them.

    `host` is the address of the listener. Raises ImportError without the extra `http`.
    """

    def __init__(self, sources: DashboardSources, host: str) -> None:
        self._responses = import_module("starlette.responses")
        self._sources = sources
        self._host = host
        self._views = Views(sources)
        self._look = SharedLook(sources.overview, sources.look.refresh_s * FRESH, time.monotonic)
        self.streams = Streams()

    def routes(self) -> tuple[tuple[str, Endpoint], ...]:
        """Return paths and what answers them."""
        return (
            *((view.path, self._guarded(self._page_of(view))) for view in View),
            ("/trace", self._guarded(self._trace)),
            ("/events", self._guarded(self._events)),
            ("/static/{name:path}", self._guarded(self._static)),
        )

    async def close(self) -> None:
        """End all streams and looks. The responses end with their streams."""
        self.streams.close()
        await self._look.close()

    def _guarded(self, endpoint: Endpoint) -> Endpoint:
        """Refuse strangers, and answer a Fault with a page that says what is wrong."""

        async def answer(request: Any) -> Any:
            if guard.is_stranger(request.headers.get("host", ""), self._host):
                return self._responses.PlainTextResponse(
                    "the dashboard listens on this machine only: ask for it by localhost or its "
                    "address\n",
                    403,
                    guard.HEADERS,
                )
            try:
                return await endpoint(request)
            except (Fault, TimeoutError) as error:
                return await self._problem(error)

        return answer

    def _page_of(self, view: View) -> Endpoint:
        async def page(request: Any) -> Any:
            asked = self._asked(view, request.query_params)
            return self._html(await self._views.page(asked, await self._look.at(asked.window)))

        return page

    async def _trace(self, request: Any) -> Any:
        query = request.query_params
        window, name = self._views.windows.picked(query), name_of(query)
        source = self._sources.traces
        found = None if source is None else source.get(name)
        if found is None:
            why = f"Of {name!r} no trace is kept: it was not traced, or newer ones took its place."
            if source is None:
                why = "No traces are kept: set trace.enabled."
            return self._html(await self._views.problem("No such trace", why, window), 404)
        return self._html(await self._views.trace(found, window))

    async def _events(self, request: Any) -> Any:
        name = request.query_params.get("view", "")
        view = next((one for one in View if one == name), View.OVERVIEW)
        asked = self._asked(view, request.query_params)

        async def part() -> str:
            return await self._views.part(asked, await self._look.at(asked.window))

        return EventStream(self.streams, part, self._sources.look.refresh_s)

    async def _static(self, request: Any) -> Any:
        name = request.path_params["name"]
        if name not in FILES:
            return self._responses.PlainTextResponse("no such file\n", 404, guard.HEADERS)
        return self._responses.Response(
            self._views.static[name],
            headers=guard.HEADERS | {"Cache-Control": LONG},
            media_type=FILES[name],
        )

    async def _problem(self, error: Fault | TimeoutError) -> Any:
        status = STATUS.get(error.kind, 503) if isinstance(error, Fault) else 503
        heading = HEADINGS.get(status, "The numbers cannot be shown now")
        text = await self._views.problem(heading, why_late(error), self._views.windows.first)
        return self._html(text, status)

    def _asked(self, view: View, query: Any) -> Asked:
        wanted = traces_of(query) if view is View.TRACES else TraceQuery()
        return Asked(view, self._views.windows.picked(query), wanted)

    def _html(self, text: str, status: int = 200) -> Any:
        body = text.encode("utf-8", "replace")
        headers = guard.HEADERS | {"Cache-Control": "no-store"}
        return self._responses.HTMLResponse(body, status, headers)
