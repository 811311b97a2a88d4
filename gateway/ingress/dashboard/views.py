"""The pages as HTML: templates, what is put into them, and what all of them show."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from enum import StrEnum
from hashlib import sha256
from importlib import import_module
from pathlib import Path

from gateway.core.overview import Grade, Overview, Target
from gateway.core.trace import Trace
from gateway.core.value import value
from gateway.ingress.dashboard import units
from gateway.ingress.dashboard.asked import ENDED, TraceQuery, query_of, windows_with
from gateway.ingress.dashboard.handover_flow import LEFT, RIGHT, WIDTH, handover_flow
from gateway.ingress.dashboard.look import LOOK_S
from gateway.ingress.dashboard.sources import DashboardSources
from gateway.ingress.dashboard.waterfall import waterfall

HERE = Path(__file__).parent
FILES = {
    "dashboard.css": "text/css",
    "dashboard.js": "text/javascript",
    "theme.js": "text/javascript",
    "icon.svg": "image/svg+xml",
    "vendor/htmx.min.js": "text/javascript",
    "vendor/uPlot.iife.min.js": "text/javascript",
    "vendor/uPlot.min.css": "text/css",
}
"""What may be asked for under /static/, and as what it is sent."""

SIGNS = {Grade.GOOD: "✓", Grade.WARN: "▲", Grade.BAD: "✕", Grade.UNKNOWN: "○"}
WORDS = {Grade.GOOD: "good", Grade.WARN: "off target", Grade.BAD: "alarm", Grade.UNKNOWN: "no data"}
SHOWN_NAMES = 2
TABLE_MINUTES = 30


class View(StrEnum):
    """The views that are kept up to date, by the name of their template."""

    OVERVIEW = "overview"
    ROUTING = "routing"
    FALLBACKS = "fallbacks"
    TRACES = "traces"

    @property
    def path(self) -> str:
        """Where it is."""
        return "/" if self is View.OVERVIEW else f"/{self}"


@value
class Asked:
    """What a page shows: a view over a window, and for the traces which of them."""

    view: View
    window: int
    query: TraceQuery = TraceQuery()

    @property
    def address(self) -> str:
        """The query of its address."""
        if self.view is View.TRACES:
            return self.query.address(self.window)
        return query_of(window=self.window)


class Views:
    """Renders pages; `static` are the files that they need, by name. Raises ImportError."""

    def __init__(self, sources: DashboardSources) -> None:
        jinja = import_module("jinja2")
        self._sources = sources
        self.windows = windows_with(sources.look.window_s)
        self.static = {name: (HERE / "static" / name).read_bytes() for name in FILES}
        self._templates = jinja.Environment(
            loader=jinja.FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=jinja.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        for unit in (
            units.duration,
            units.percent,
            units.dollars,
            units.count,
            units.clock_time,
            units.moment,
        ):
            self._templates.filters[unit.__name__] = unit
        self._templates.globals |= {
            "views": tuple(View),
            "windows": self.windows.names,
            "signs": SIGNS,
            "said": WORDS,
            "ended": ENDED,
            "gateway": sources.title,
            "static": self._address,
            "query_of": query_of,
            "unknown": units.UNKNOWN,
        }

    async def page(self, asked: Asked, overview: Overview) -> str:
        """Render a whole page."""
        return await self._rendered("page.html", self._live(asked, overview))

    async def part(self, asked: Asked, overview: Overview) -> str:
        """Render what of a page changes."""
        return await self._rendered("live.html", self._live(asked, overview))

    async def trace(self, trace: Trace, window: int) -> str:
        """Render the page of one trace."""
        told: dict[str, object] = {
            "view": View.TRACES,
            "trace": trace,
            "rows": waterfall(trace),
            "window": window,
            "title": f"Trace {trace.request_id or trace.trace_id}",
        }
        return await self._rendered("trace.html", told)

    async def problem(self, heading: str, message: str, window: int) -> str:
        """Render a page that says why there is no other."""
        told = {"heading": heading, "message": message, "window": window, "title": heading}
        return await self._rendered("problem.html", told)

    def _live(self, asked: Asked, overview: Overview) -> dict[str, object]:
        told: dict[str, object] = {
            "view": asked.view,
            "window": asked.window,
            "address": asked.address,
            "overview": overview,
            "missed": _missed(overview),
            "title": title(asked.view, overview),
        }
        match asked.view:
            case View.OVERVIEW:
                told |= _traffic(overview)
            case View.ROUTING:
                told |= {"traced": self._traced(overview)}
            case View.FALLBACKS:
                told |= {
                    "flow": handover_flow(overview.handovers),
                    "drawing": {"width": WIDTH, "left": LEFT, "right": RIGHT},
                }
            case View.TRACES:
                told |= self._traces(asked.query, overview)
        return told

    def _traces(self, query: TraceQuery, overview: Overview) -> dict[str, object]:
        source = self._sources.traces
        kept = () if source is None else source.every()
        found, more = query.page(kept)
        names = {one.name for one in overview.endpoints} | {one.endpoint for one in kept}
        return {
            "tracing": source is not None,
            "kept": len(kept),
            "query": query,
            "found": found,
            "more": more,
            "longest_s": max((one.elapsed_s for one in found), default=0.0),
            "names": sorted((names | {query.wanted.endpoint}) - {""}),
        }

    def _traced(self, overview: Overview) -> frozenset[str]:
        """Which of the newest decisions have a trace to look at."""
        source = self._sources.traces
        if source is None:
            return frozenset()
        asked = {one.request_id for one in overview.recent}
        return frozenset(name for name in asked if name and source.get(name) is not None)

    def _address(self, name: str) -> str:
        """Where a static file is; another one has another address, so it may be kept for long."""
        return f"/static/{name}?v={sha256(self.static[name]).hexdigest()[:12]}"

    async def _rendered(self, name: str, told: Mapping[str, object]) -> str:
        """Render in a thread: a long table would hold up the requests of the gateway."""
        async with asyncio.timeout(LOOK_S):
            return await asyncio.to_thread(self._render, name, told)

    def _render(self, name: str, told: Mapping[str, object]) -> str:
        text: str = self._templates.get_template(name).render(told)
        return text


def title(view: View, overview: Overview) -> str:
    """Name a page; targets that are missed come first, to be seen in the bar of tabs."""
    name, missed = view.capitalize(), _missed(overview)
    if not missed:
        return name
    few = len(missed) <= SHOWN_NAMES
    words = ", ".join(one.name for one in missed) if few else f"{len(missed)} targets"
    return f"✕ {words} · {name}"


def _missed(overview: Overview) -> tuple[Target, ...]:
    return tuple(one for one in overview.targets if one.grade is Grade.BAD)


def _traffic(overview: Overview) -> dict[str, object]:
    points = overview.traffic
    columns = {
        "t": [round(one.start) for one in points],
        "requests": [one.requests for one in points],
        "failed": [one.failed for one in points],
        "p50": [_milliseconds(one.p50_s) for one in points],
        "p95": [_milliseconds(one.p95_s) for one in points],
    }
    return {
        "traffic": json.dumps(columns, separators=(",", ":")),
        "minutes": points[-TABLE_MINUTES:][::-1],
        "answered": any(one.requests for one in points),
    }


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)
