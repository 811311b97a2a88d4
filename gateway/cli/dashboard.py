"""`ensemble dashboard`: how a running gateway does, once or live."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.exits import Exit, exits, fail
from gateway.cli.options import DEFAULT_TARGET, DEFAULT_TIMEOUT, AsJson, Target, Timeout
from gateway.cli.output import print_json

if TYPE_CHECKING:
    from ensemble.v1.telemetry_service_pb2 import GetDashboardResponse
    from ensemble_client import Client

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
WINDOW = re.compile(r"(\d+)\s*([smhd]?)")


def dashboard(
    live: Annotated[
        bool, typer.Option("--live", help="Look again and again; q ends, r looks now, + - window.")
    ] = False,
    window: Annotated[
        str | None,
        typer.Option("--window", help="How far back: 90s, 15m, 1h, 1d; else as configured."),
    ] = None,
    target: Target = DEFAULT_TARGET,
    timeout: Timeout = DEFAULT_TIMEOUT,
    as_json: AsJson = False,
) -> None:
    """Show traffic, endpoints, layers, handovers and targets over a window of up to a day.

    Without a terminal --live prints once.
    """
    from ensemble_client import Client, Unimplemented

    window_s = None if window is None else seconds_of(window)
    with exits(), Client(target) as client:
        if live and not as_json and sys.stdin.isatty() and sys.stdout.isatty():
            _watch(client, window_s, timeout)
            return
        try:
            found = client.dashboard(window_s, timeout=timeout)
        except Unimplemented:
            fail("this gateway has no dashboard: set dashboard.enabled = true", Exit.FAILED)
    if as_json:
        print_json(found)
    else:
        from gateway.cli.showing_dashboard import print_dashboard

        print_dashboard(found)


def seconds_of(window: str) -> float:
    """Read a window: a number with s, m, h or d behind it, or of seconds."""
    found = WINDOW.fullmatch(window.strip())
    if found is None:
        fail(f"--window: {window!r} is no span of time; write 90s, 15m, 1h or 1d", Exit.USAGE)
    return float(found[1]) * UNITS_S[found[2] or "s"]


def _watch(client: Client, window_s: float | None, timeout: float) -> None:
    from gateway.cli.live_dashboard import LiveDashboard
    from gateway.cli.terminal import terminal

    def ask(window_s: float | None) -> GetDashboardResponse:
        return client.dashboard(window_s, timeout=timeout)

    with terminal() as (read_key, show):
        LiveDashboard(ask, read_key, show, window_s).run()
