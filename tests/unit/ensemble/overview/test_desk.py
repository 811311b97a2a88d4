"""What an operator sees at one moment."""

from __future__ import annotations

import asyncio
import logging
from math import inf, nan
from typing import Any

import pytest

from gateway.config.dashboard import TargetsConfig
from gateway.core.candidate import Attempt, AttemptStatus
from gateway.core.faults import Fault, Reason
from gateway.core.matching import LayerName, LayerRecord, LayerStatus
from gateway.core.overview import (
    ArmRow,
    ExperimentRow,
    Grade,
    GuardRow,
    Handover,
    Overview,
    Target,
)
from gateway.ensemble.choosing.setup import Knowledge
from gateway.ensemble.feedback.teacher import Teacher
from gateway.ensemble.feedback.watching import LAYERS, RoutingWatch
from gateway.ensemble.overview.alarms import Alarms
from gateway.ensemble.overview.desk import OverviewDesk, OverviewSettings
from gateway.state.minutes import Minutes
from gateway.state.reading import EndpointReading
from tests.fakes.desks import HARMFUL, teaching
from tests.fakes.logged import event, reviewed
from tests.fakes.ticks import Ticks
from tests.fakes.virtual import VirtualClock, run_virtual

NOW = 1_000_000 * 60.0
FAILED = AttemptStatus.FAILED


class Fleet:
    def __init__(self) -> None:
        self.drained = frozenset({"strong"})
        self.endpoints = {"weak": None, "strong": None}

    def reading(self, name: str) -> EndpointReading:
        ejected = name == "strong"
        return EndpointReading("open", in_flight=2, concurrency_limit=8, waiting=1, ejected=ejected)


class Rig:
    def __init__(self, layers: tuple[str, ...] = ()) -> None:
        self.wall, self.clock = Ticks(NOW), Ticks(5.0)
        self.minutes = Minutes(["weak", "strong"], LAYERS, self.wall)
        self.watch = RoutingWatch(self.minutes)
        self.teacher = Teacher(Knowledge(), teaching(experiments=(HARMFUL,)), lambda: ("weak",))
        self.desk = OverviewDesk(
            self.minutes,
            Fleet(),
            self.teacher,
            OverviewSettings(TargetsConfig().bars(), {"keyword": 0.8}),
            guards=lambda: (GuardRow("retries", 3),),
            layers=lambda: layers,
            clock=self.clock,
            wall=self.wall,
        )

    def look(self, window_s: float = 3600.0) -> Overview:
        return asyncio.run(self.desk.look(window_s))


def attempt(name: str, status: AttemptStatus, reason: str = "", elapsed_s: float = 0.2) -> Attempt:
    return Attempt(name, 1, status, reason, elapsed_s=elapsed_s, cost_micros=7)


def test_traffic_endpoints_and_handovers_are_of_the_window():
    rig = Rig()
    left = attempt("weak", FAILED, Reason.UPSTREAM_TIMEOUT)
    moved = (("weak", "strong", str(Reason.UPSTREAM_TIMEOUT)),)
    answered = attempt("strong", AttemptStatus.OK)
    rig.minutes.ended(0.4, (left, answered), moved, fell_back=True)
    rig.wall.now += 60
    rig.clock.now += 60
    rig.minutes.ended(0.4, (answered,))
    rig.minutes.ended(0.4, (), failed=True)
    found = rig.look(120.0)
    assert (found.at, found.window_s, found.uptime_s) == (NOW + 60, 120.0, 60.0)
    assert (found.requests, found.succeeded, found.failed, found.fallback_used) == (3, 2, 1, 1)
    assert found.cost_micros == 21
    assert found.p50_s == pytest.approx(0.4, rel=0.05)
    first, second = found.traffic
    assert (first.start, first.requests, first.fallbacks, first.failed) == (NOW, 1, 1, 0)
    assert (second.start, second.requests, second.failed) == (NOW + 60, 2, 1)
    weak, strong = found.endpoints
    assert (weak.name, weak.attempts, weak.failures, weak.success_rate) == ("weak", 1, 1, 0.0)
    assert (weak.p50_s, weak.breaker, weak.drained, weak.ejected) == (None, "open", False, False)
    assert (strong.attempts, strong.success_rate, strong.cost_micros) == (2, 1.0, 14)
    assert (strong.in_flight, strong.limit, strong.waiting) == (2, 8, 1)
    assert (strong.drained, strong.ejected) == (True, True)
    assert found.handovers == (Handover("weak", "strong", "UPSTREAM_TIMEOUT", 1),)
    assert found.guards == (GuardRow("retries", 3),)
    assert rig.look(60.0).fallback_used == 0


def test_without_traffic_every_minute_is_there_and_nothing_is_known():
    found = Rig().look(86_400.0)
    assert len(found.traffic) == 1440
    assert (found.p50_s, found.traffic[0].p50_s, found.endpoints[0].success_rate) == (None,) * 3
    assert found.layers == found.recent == ()
    assert {one.grade for one in found.targets} == {Grade.UNKNOWN}


def test_layers_are_graded_by_their_own_targets():
    """D-02 ✗: a layer that should capture a third was red for it."""
    rig = Rig(("similarity", "keyword"))
    record = LayerRecord(LayerName.KEYWORD, LayerStatus.DECIDED, 0.9, 0.85, "weak", elapsed_s=0.01)
    for number in range(10):
        decided_by = "keyword" if number < 4 else "rules"
        one = event(
            at=NOW, decision_id=f"d{number}", decided_by=decided_by, layers=(record,), confidence=0
        )
        rig.watch.decided([one])
        rig.watch.reviewed(
            reviewed(quality=0.9, at=NOW, decision_id=f"d{number}", decided_by=decided_by)
        )
    keyword, similarity, rules = rig.look().layers
    assert (keyword.name, keyword.attempts, keyword.captured, keyword.share) == (
        "keyword", 10, 4, 0.4,
    )  # fmt: skip
    assert (keyword.share_grade, keyword.accuracy_grade) == (Grade.GOOD, Grade.GOOD)
    assert (keyword.accuracy, keyword.confidence) == (0.9, pytest.approx(0.9))
    assert (keyword.judged, keyword.mean_s) == (4, pytest.approx(0.01))
    assert (similarity.name, similarity.attempts, similarity.accuracy) == ("similarity", 0, None)
    assert similarity.share_grade is Grade.UNKNOWN
    assert (rules.name, rules.share, rules.confidence, rules.mean_s) == ("rules", 0.6, None, None)
    assert (rules.share_grade, rules.accuracy_grade) == (Grade.UNKNOWN, Grade.UNKNOWN)
    assert [one.decision_id for one in rig.look().recent][:2] == ["d9", "d8"]


def test_arms_of_experiments_are_those_of_the_teacher():
    rows = Rig().look().experiments
    arms = (ArmRow("control", 0, 0, None), ArmRow("new", 0, 0, None))
    assert rows == (ExperimentRow("trial", "", arms),)


@pytest.mark.parametrize("window_s", [0.0, -60.0, 59.9, 86_400.1, inf, nan])
def test_a_window_that_cannot_be_is_the_callers_mistake(window_s: float):
    with pytest.raises(Fault) as caught:
        Rig().look(window_s)
    assert [one.field for one in caught.value.violations] == ["window"]


def test_a_window_that_ends_within_a_minute_has_that_minute_too():
    assert [len(Rig().look(window_s).traffic) for window_s in (60.0, 61.0, 120.0)] == [1, 2, 2]


def overview_with(*grades: Grade) -> Overview:
    targets = tuple(Target(f"t{place}", "1", "2", grade) for place, grade in enumerate(grades))
    return Overview(0, 60, 0, 0, 0, 0, 0, 0, 0, None, None, None, targets=targets)


def test_alarms_are_told_once_a_minute_at_most_and_only_when_they_change(caplog):
    """D-05: targets past the alarm are found in the log, and the gateway stays ready."""
    seen: list[Overview | Exception] = [
        overview_with(Grade.GOOD, Grade.WARN),
        overview_with(Grade.BAD, Grade.WARN),
        overview_with(Grade.BAD, Grade.WARN),
        ValueError("x"),
        overview_with(Grade.GOOD, Grade.GOOD),
    ]
    asked: list[float] = []
    clock = VirtualClock()

    async def source(window_s: float) -> Overview:
        asked.append(window_s)
        found: Any = seen.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    async def main() -> None:
        alarms = Alarms(source, 900.0)
        alarms.start()
        await asyncio.sleep(5 * 60 + 1)
        await alarms.close()
        await alarms.close()

    with caplog.at_level(logging.INFO):
        run_virtual(clock, main())
    assert asked == [900.0] * 5
    told = [record.message for record in caplog.records if "target" in record.message]
    assert told == [
        "targets of routing are past their alarm",
        "no target of routing is past its alarm any more",
    ]
    assert "alarms could not be looked at" in caplog.text
