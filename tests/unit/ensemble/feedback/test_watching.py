"""What a recorder takes in is counted by the minute, and so is what an earlier run wrote."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

import pytest

from gateway.core.feedback import OutcomeReport, Reviewed
from gateway.core.stores import StoreError
from gateway.ensemble.feedback import watching
from gateway.ensemble.feedback.watching import LAYERS, PAGE, RoutingWatch, judgement_of
from gateway.state.minute import Judgement, RoutingSums
from gateway.state.minutes import MINUTES, Minutes
from tests.fakes.logged import event, reported, reviewed
from tests.fakes.ticks import Ticks

NOW = 1_000_000 * 60.0


class Store:
    """Rows of a store, oldest first; `asked` notes the pages, `trouble` is raised by the next."""

    def __init__(self, *rows: Reviewed) -> None:
        self.rows = rows
        self.asked: list[float] = []
        self.trouble: list[StoreError] = []

    async def reviewed(
        self, since: float, until: float, limit: int, *, labelled: bool
    ) -> Sequence[Reviewed]:
        self.asked.append(until)
        if len(self.asked) > 1 and self.trouble:
            raise self.trouble.pop()
        found = [row for row in self.rows if since <= row.event.at < until]
        return sorted(found, key=lambda row: (row.event.at, row.event.decision_id))[-limit:][::-1]


class Rig:
    def __init__(self, monkeypatch: pytest.MonkeyPatch | None = None) -> None:
        self.wall = Ticks(NOW)
        self.minutes = Minutes(["weak", "strong"], LAYERS, self.wall)
        self.watch = RoutingWatch(self.minutes)

    @property
    def routing(self) -> RoutingSums:
        return self.minutes.read(self.wall.now, MINUTES)[0].routing

    async def rebuild(self, store: Store) -> int:
        return await self.watch.rebuild(store, self.wall.now)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "PAUSE_S", 0.0)


def row(number: int, at: float, quality: float | None = None) -> Reviewed:
    return reviewed("weak", quality, at=at, decision_id=f"d{number:04}")


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (reviewed("weak", 1.0), Judgement(1000.0, "rules", 1.0, right=True)),
        (reviewed("weak", 0.2), Judgement(1000.0, "rules", 0.2, right=False)),
        (reviewed("weak", 7.0), Judgement(1000.0, "rules", None, None)),
        (
            reported({"weak": 0.2, "strong": 0.9}),
            Judgement(1000.0, "rules", 0.2, right=False, misrouted=True),
        ),
        (
            reported({"weak": 0.8, "strong": 0.9}),
            Judgement(1000.0, "rules", 0.8, right=False),
        ),
        (reported({"strong": 0.9}), Judgement(1000.0, "rules", None, None)),
        (
            Reviewed(event(), {"": OutcomeReport("d", corrected_endpoint="strong")}),
            Judgement(1000.0, "rules", None, right=False, corrected=True),
        ),
        (
            Reviewed(event(), {"": OutcomeReport("d", corrected_endpoint="weak")}),
            Judgement(1000.0, "rules", None, right=True),
        ),
    ],
)
def test_what_is_known_of_a_decision_is_what_an_analysis_would_say(known, expected):
    assert judgement_of(known) == expected


def test_a_decision_that_asked_back_or_was_not_reported_about_is_not_judged():
    """L-09: a request for clarification chose nothing."""
    rig = Rig()
    rig.watch.reviewed(reviewed("weak", None, at=NOW))
    rig.watch.reviewed(reviewed("", 1.0, at=NOW, clarification=True))
    assert rig.routing.reported == 0
    rig.watch.reviewed(reviewed("weak", 1.0, at=NOW))
    assert rig.routing.reported == 1


async def test_an_earlier_day_is_counted_page_by_page():
    rows = [row(number, NOW - 3 * PAGE + number, 1.0) for number in range(2 * PAGE + 10)]
    rig, store = Rig(), Store(*rows)
    assert await rig.rebuild(store) == len(rows)
    assert (rig.routing.decisions, rig.routing.right) == (len(rows), len(rows))
    assert len(store.asked) == 3


async def test_decisions_of_one_moment_are_counted_once_however_pages_cut_them():
    same = [row(number, NOW - 60) for number in range(PAGE + 7)]
    older = [row(1000 + number, NOW - 120) for number in range(5)]
    rig = Rig()
    counted = await rig.rebuild(Store(*older, *same[:20], row(2000, NOW - 30)))
    assert counted == rig.routing.decisions == 26
    rig = Rig()
    cut = [row(number, NOW - 60 - number // 20) for number in range(2 * PAGE)]
    assert await rig.rebuild(Store(*cut)) == rig.routing.decisions == 2 * PAGE


async def test_more_decisions_of_one_moment_than_a_page_end_the_rebuild():
    rig = Rig()
    assert await rig.rebuild(Store(*[row(number, NOW - 60) for number in range(PAGE)])) == PAGE


async def test_what_is_older_than_a_day_or_comes_later_is_left_out():
    rig = Rig()
    assert await rig.rebuild(Store(row(1, NOW - 86_401), row(2, NOW), row(3, NOW - 1))) == 1


async def test_a_rebuild_is_bounded(monkeypatch):
    """Nothing may be read without an end."""
    monkeypatch.setattr(watching, "MOST_REBUILT", PAGE)
    rig = Rig()
    rows = [row(number, NOW - 1000 + number) for number in range(3 * PAGE)]
    assert await rig.rebuild(Store(*rows)) == PAGE


async def test_a_store_that_fails_leaves_the_rest_uncounted(caplog):
    rows = [row(number, NOW - 1000 + number) for number in range(2 * PAGE)]
    rig, store = Rig(), Store(*rows)
    store.trouble.append(StoreError("the store is busy", retryable=True))
    with caplog.at_level(logging.WARNING):
        assert await rig.rebuild(store) == PAGE
    assert "earlier decisions are not counted" in caplog.text


async def test_a_report_that_comes_while_it_is_rebuilt_counts_once():
    rig = Rig()
    late = row(1, NOW - 60, 0.0)
    rig.watch.reviewed(replace(late, reports={"weak": OutcomeReport("d", "weak", quality=1.0)}))
    assert await rig.rebuild(Store(late)) == 1
    assert rig.routing.reported == 1
