"""The live dashboard: what its keys do, and what it does without a gateway."""

from __future__ import annotations

from ensemble.v1.telemetry_service_pb2 import GetDashboardResponse
from ensemble_client import EnsembleError
from google.protobuf.duration_pb2 import Duration
from rich.console import Console, RenderableType

from gateway.cli.live_dashboard import AGAIN_S, LiveDashboard
from gateway.cli.showing_dashboard import printable


class Desk:
    """A gateway, a keyboard and a screen; an empty key is a wait that ended without one."""

    def __init__(self, *keys: str, trouble: tuple[int, ...] = ()) -> None:
        self._keys = [*keys, "q"]
        self._trouble = trouble
        self.asked: list[float | None] = []
        self.waited: list[float] = []
        self.screens: list[str] = []

    def ask(self, window_s: float | None) -> GetDashboardResponse:
        self.asked.append(window_s)
        if len(self.asked) in self._trouble:
            raise EnsembleError("nothing answers")
        seconds = 3600 if window_s is None else int(window_s)
        return GetDashboardResponse(window=Duration(seconds=seconds), refresh=Duration(seconds=3))

    def read_key(self, within_s: float) -> str:
        self.waited.append(within_s)
        return self._keys.pop(0)

    def show(self, what: RenderableType) -> None:
        console = Console(width=100, markup=False, emoji=False, highlight=False)
        with console.capture() as capture:
            console.print(what)
        self.screens.append(capture.get())

    def run(self, window_s: float | None = None) -> Desk:
        LiveDashboard(self.ask, self.read_key, self.show, window_s).run()
        return self


def test_it_looks_as_often_as_the_gateway_is_configured():
    """D-02 ✗: the script and the configuration said different times."""
    desk = Desk("", "r").run()
    assert desk.asked == [None] * 3
    assert desk.waited == [3.0] * 3


def test_plus_and_minus_change_the_window_within_a_minute_and_a_day():
    """D-01: the window changes by keys, to a minute at least."""
    assert Desk("+", "+", "+").run().asked == [None, 21_600, 86_400, 86_400]
    assert Desk("-", "-", "-", "-").run().asked == [None, 900, 300, 60, 60]
    assert Desk("-", "+").run(1000.0).asked == [1000.0, 900, 3600]


def test_a_gateway_that_cannot_be_asked_leaves_the_last_picture():
    desk = Desk("", "", trouble=(2,)).run()
    assert ["nothing answers" in screen for screen in desk.screens] == [False, True, False]
    assert "last 1 h" in desk.screens[1]


def test_without_any_picture_it_tries_again_and_the_keys_work():
    desk = Desk("-", trouble=(1,)).run()
    assert desk.waited[0] == AGAIN_S
    assert desk.asked == [None, 60]


def test_what_a_terminal_would_obey_is_taken_out_of_a_callers_text():
    assert printable("id\x1b[2J\n7") == "id?[2J?7"
