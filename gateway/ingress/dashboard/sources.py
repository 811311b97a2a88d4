"""What the dashboard reads; it changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.core.overview import Look, OverviewSource
from gateway.core.trace import Trace
from gateway.core.value import value


class TraceSource(Protocol):
    """The traces that are kept; `gateway.state.traces.TraceStore` is one."""

    def every(self) -> Sequence[Trace]:
        """Return all of them, oldest first."""
        ...

    def get(self, name: str) -> Trace | None:
        """Return the newest of a trace id or a request id, None when there is none."""
        ...


@value
class DashboardSources:
    """What is shown. `traces` is None where none are kept.

    `look`: the window that is shown at first, and how often pages are brought up to date; however
    many are open, the overview of a window is asked for no more often. `title` names the gateway
    to who watches several.
    """

    overview: OverviewSource
    traces: TraceSource | None = None
    look: Look = Look()
    title: str = "ensemble-gateway"
