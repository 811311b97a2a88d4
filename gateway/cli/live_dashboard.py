"""The dashboard that looks again and again, and what its keys do."""

from __future__ import annotations

from collections.abc import Callable

from ensemble.v1.telemetry_service_pb2 import GetDashboardResponse
from ensemble_client import EnsembleError
from rich.console import Group, RenderableType
from rich.text import Text

from gateway.cli.showing_dashboard import dashboard_parts, seconds_in

WINDOWS_S = (60, 300, 900, 3600, 21_600, 86_400)
KEYS = "q ends, r looks now, + and - change the window"
AGAIN_S = 5.0
"""Until the next try where the gateway has not said how often to look."""


class LiveDashboard:
    """Shows what `ask` returns for a window, and acts on keys, until q is pressed.

    `read_key` waits for a key, `show` puts a picture on the screen. A gateway that cannot be asked
    leaves the last picture standing, with the reason, and is asked again.
    """

    def __init__(
        self,
        ask: Callable[[float | None], GetDashboardResponse],
        read_key: Callable[[float], str],
        show: Callable[[RenderableType], None],
        window_s: float | None,
    ) -> None:
        self._ask = ask
        self._read_key = read_key
        self._show = show
        self._window_s = window_s
        self._found: GetDashboardResponse | None = None

    def run(self) -> None:
        """Go on until q, or the end of the keys' input."""
        while True:
            self._look()
            wait_s = AGAIN_S if self._found is None else seconds_in(self._found.refresh)
            if not self._act(self._read_key(wait_s)):
                return

    def _look(self) -> None:
        trouble = ""
        try:
            self._found = self._ask(self._window_s)
        except EnsembleError as error:
            trouble = str(error)
        parts = [] if self._found is None else dashboard_parts(self._found)
        if trouble:
            parts = [Text(f"cannot be asked: {trouble}", "red"), *parts]
        self._show(Group(*parts, Text(KEYS, "dim")))

    def _act(self, key: str) -> bool:
        """Do what a key says; False to end."""
        if key in {"q", "Q", "\x04"}:
            return False
        now_s = self._now_s()
        if key in {"+", "="}:
            self._window_s = next((one for one in WINDOWS_S if one > now_s), WINDOWS_S[-1])
        elif key in {"-", "_"}:
            shorter = (one for one in reversed(WINDOWS_S) if one < now_s)
            self._window_s = next(shorter, WINDOWS_S[0])
        return True

    def _now_s(self) -> float:
        if self._window_s is not None:
            return self._window_s
        return WINDOWS_S[0] if self._found is None else seconds_in(self._found.window)
