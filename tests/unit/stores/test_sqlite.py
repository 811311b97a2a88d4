"""The store in memory; what needs a file is in tests/component."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import AsyncIterator

import numpy as np
import pytest

from gateway.core.faults import Fault, Kind
from gateway.core.features import Features
from gateway.core.feedback import OutcomeReport, Reviewed
from gateway.core.stores import MAX_REPORTS, StoreCounts, StoreError
from gateway.stores import sqlite
from gateway.stores.sqlite import SqliteSettings, SqliteStore
from tests.fakes.logged import event

PATIENCE_S = 20.0
EVER = (-float("inf"), float("inf"))
FEATURES = Features(
    np.array([3, 77], np.int32), np.array([1, 2], np.float32), 40, "write", "python"
)


@pytest.fixture
async def store(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SqliteStore]:
    monkeypatch.setattr(sqlite, "PAGE", 3)
    monkeypatch.setattr(sqlite, "REMOVED", 3)
    store = await SqliteStore.open(SqliteSettings())
    yield store
    await store.close()


def ids(rows: list[Reviewed]) -> list[str]:
    return [row.event.decision_id for row in rows]


async def filled(store: SqliteStore, number: int) -> None:
    """Record d0, d1, ...: one each second from 1000 on."""
    await store.record(
        [event(decision_id=f"d{n}", at=1000.0 + n, features=FEATURES) for n in range(number)]
    )


async def test_a_decision_is_found_by_its_id_with_its_features(store: SqliteStore) -> None:
    given = event(decision_id="d1", features=FEATURES)
    await store.record([event(decision_id="d0"), given])
    found = await store.event("d1")
    assert found is not None
    for field in dataclasses.fields(given):
        if field.name != "features":
            assert getattr(found.event, field.name) == getattr(given, field.name)
    assert found.event.features is not None
    assert found.event.features.to_bytes() == FEATURES.to_bytes()
    assert found.reports == {}
    assert await store.event("d2") is None


async def test_a_decision_recorded_twice_is_one(store: SqliteStore) -> None:
    await filled(store, 2)
    await store.report(OutcomeReport("d1", accepted=True))
    await store.record([event("strong", decision_id="d1", at=5.0)])
    counts = await store.counts()
    assert (counts.events, counts.oldest_at) == (2, 1000.0)
    found = await store.event("d1")
    assert found is not None
    assert (found.event.chosen, found.event.at, len(found.reports)) == ("weak", 1001.0, 1)


async def test_outcomes_never_multiply_the_decision(store: SqliteStore) -> None:
    """O-04: each recorded outcome used to append the whole event again."""
    await filled(store, 1)
    for number in range(5):
        await store.report(OutcomeReport("d0", at=float(number), tests_passed=number))
    assert await store.counts() == StoreCounts(1, 0, 1, 1000.0, 1000.0)
    rows = await store.reviewed(*EVER, 10, labelled=False)
    assert len(rows) == 1
    assert rows[0].reports == {"weak": OutcomeReport("d0", "weak", 4.0, tests_passed=4)}


async def test_an_outcome_is_joined_however_late_it_comes(store: SqliteStore) -> None:
    """O-05: the lookup used to read the last 1,000 lines only, and dropped older outcomes."""
    await filled(store, 2500)
    told = await store.report(OutcomeReport("d0", at=1e9, accepted=True))
    assert told is not None
    assert told.event.decision_id == "d0"
    assert told.reports["weak"].accepted is True
    found = await store.event("d0")
    assert found is not None
    assert found.reports["weak"].accepted is True


async def test_an_outcome_of_an_unknown_decision_is_told_from_one_that_is_known(
    store: SqliteStore,
) -> None:
    """O-05: it is not taken for the decision that happens to be the last one."""
    await filled(store, 1)
    assert await store.report(OutcomeReport("d1", accepted=True)) is None
    assert (await store.counts()).reports == 0


async def test_what_nobody_said_stays_unknown(store: SqliteStore) -> None:
    """O-06: a missing field used to count as correct."""
    await filled(store, 1)
    await store.report(OutcomeReport("d0", latency_s=1.5, compiled=True))
    (row,) = await store.reviewed(*EVER, 10, labelled=False)
    assert row.reports["weak"].accepted is None
    assert row.reports["weak"].quality is None
    assert await store.reviewed(*EVER, 10, labelled=True) == []
    assert (await store.counts()).labelled == 0


async def test_later_reports_add_to_earlier_ones_for_each_endpoint(store: SqliteStore) -> None:
    await filled(store, 1)
    await store.report(OutcomeReport("d0", at=1.0, accepted=True))
    await store.report(OutcomeReport("d0", "strong", 2.0, accepted=False))
    await store.report(OutcomeReport("d0", "weak", 3.0, tests_passed=1, tests_total=2))
    found = await store.event("d0")
    assert found is not None
    assert found.reports == {
        "weak": OutcomeReport("d0", "weak", 3.0, accepted=True, tests_passed=1, tests_total=2),
        "strong": OutcomeReport("d0", "strong", 2.0, accepted=False),
    }


async def test_one_decision_has_reports_of_a_bounded_number_of_endpoints(
    store: SqliteStore,
) -> None:
    await filled(store, 1)
    for number in range(MAX_REPORTS):
        await store.report(OutcomeReport("d0", f"e{number}"))
    with pytest.raises(Fault, match="endpoint: 64 endpoints") as caught:
        await store.report(OutcomeReport("d0", "one more", accepted=True))
    assert caught.value.kind is Kind.INVALID
    assert await store.report(OutcomeReport("d0", "e1", accepted=True)) is not None
    assert await store.counts() == StoreCounts(1, 1, MAX_REPORTS, 1000.0, 1000.0)


async def test_rows_come_newest_first_over_all_pages(store: SqliteStore) -> None:
    await filled(store, 10)
    newest = [f"d{n}" for n in range(9, -1, -1)]
    for limit in (0, 1, 3, 4, 9, 10, 11):
        rows = await store.reviewed(*EVER, limit, labelled=False)
        assert ids([*rows]) == newest[:limit]


async def test_a_window_begins_with_its_first_moment_and_ends_before_its_last(
    store: SqliteStore,
) -> None:
    await filled(store, 10)
    assert ids([*await store.reviewed(1003.0, 1006.0, 10, labelled=False)]) == ["d5", "d4", "d3"]


async def test_decisions_of_one_moment_are_neither_lost_nor_doubled_between_pages(
    store: SqliteStore,
) -> None:
    await store.record([event(decision_id=f"d{n}", at=7.0) for n in range(8)])
    rows = await store.reviewed(*EVER, 10, labelled=False)
    assert ids([*rows]) == [f"d{n}" for n in range(7, -1, -1)]


async def test_labelled_rows_are_those_with_a_quality_or_a_correction(store: SqliteStore) -> None:
    await filled(store, 10)
    await store.report(OutcomeReport("d2", accepted=False))
    await store.report(OutcomeReport("d5", corrected_endpoint="strong"))
    await store.report(OutcomeReport("d7", latency_s=1.0))
    assert ids([*await store.reviewed(*EVER, 10, labelled=True)]) == ["d5", "d2"]
    counts = await store.counts()
    assert (counts.labelled, counts.reports) == (2, 3)


async def test_features_of_another_version_count_as_none(store: SqliteStore) -> None:
    await filled(store, 1)
    await store.report(OutcomeReport("d0", accepted=True))
    other = bytes([99, *FEATURES.to_bytes()[1:]])
    await store._worker.run(
        lambda: store._opened.connection.execute("UPDATE events SET features = ?", (other,)), 5.0
    )
    found = await store.event("d0")
    assert found is not None
    assert found.event.features is None


async def change(store: SqliteStore, statement: str) -> None:
    await store._worker.run(lambda: store._opened.connection.execute(statement), 5.0)


async def test_a_row_that_cannot_be_read_breaks_nothing_and_is_counted(store: SqliteStore) -> None:
    await filled(store, 3)
    await store.report(OutcomeReport("d0", accepted=True))
    await change(store, "UPDATE events SET body = '{' WHERE decision_id = 'd1'")
    assert ids([*await store.reviewed(*EVER, 10, labelled=False)]) == ["d2", "d0"]
    assert await store.report(OutcomeReport("d1", accepted=True)) is None
    await change(store, "UPDATE reports SET body = '[]'")
    found = await store.event("d0")
    assert found is not None
    assert found.reports == {}
    assert (await store.counts()).unreadable == 3
    await store.report(OutcomeReport("d0", accepted=False))
    found = await store.event("d0")
    assert found is not None
    assert found.reports["weak"].accepted is False


async def test_an_event_that_cannot_be_written_does_not_take_its_batch_along(
    store: SqliteStore,
) -> None:
    bad = [event(decision_id="x", request_id="\ud800"), event(decision_id="y", at=float("nan"))]
    await store.record([event(decision_id="a"), *bad, event(decision_id="b")])
    counts = await store.counts()
    assert (counts.events, counts.unwritable) == (2, 2)


async def test_the_newest_are_kept_and_the_rest_goes_in_parts_with_its_reports(
    store: SqliteStore,
) -> None:
    await filled(store, 10)
    for number in (0, 9):
        await store.report(OutcomeReport(f"d{number}", accepted=True))
    assert [await store.prune(0.0, 5) for _ in range(3)] == [3, 2, 0]
    assert ids([*await store.reviewed(*EVER, 10, labelled=False)]) == ["d9", "d8", "d7", "d6", "d5"]
    assert await store.counts() == StoreCounts(5, 1, 1, 1005.0, 1009.0)
    assert [await store.prune(1008.0, 5) for _ in range(2)] == [3, 0]
    assert ids([*await store.reviewed(*EVER, 10, labelled=False)]) == ["d9", "d8"]


async def test_an_empty_store_counts_nothing(store: SqliteStore) -> None:
    assert await store.counts() == StoreCounts()
    assert await store.prune(1e12, 1) == 0
    await store.record([])


async def test_reading_takes_an_index_and_never_the_whole_table(store: SqliteStore) -> None:
    """O-05: a lookup does not read everything."""
    from gateway.stores import rows

    async def plan(statement: str, values: tuple[object, ...]) -> str:
        found = await store._worker.run(
            lambda: store._opened.connection.execute(
                f"EXPLAIN QUERY PLAN {statement}", values
            ).fetchall(),
            5.0,
        )
        return " ".join(row[3] for row in found)

    place = (0.0, 1.0, "", 10)
    assert "USING INDEX events_by_time" in await plan(rows._ALL, place)
    assert "USING INDEX labelled_by_time" in await plan(rows._LABELLED, place)
    for statement in (rows._ALL, rows._LABELLED):
        assert "TEMP B-TREE" not in await plan(statement, place)


async def test_a_closed_store_says_so() -> None:
    store = await SqliteStore.open(SqliteSettings())
    await store.close()
    await store.close()
    with pytest.raises(StoreError, match="the store :memory: is closed"):
        await store.counts()


async def test_a_file_that_opens_too_late_is_closed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    go, closed = threading.Event(), threading.Event()

    class Late:
        def __init__(self, _: SqliteSettings) -> None:
            assert go.wait(PATIENCE_S)
            self.connection = self

        def close(self) -> None:
            closed.set()

    monkeypatch.setattr(sqlite, "Opened", Late)
    with pytest.raises(StoreError, match="did not answer"):
        await SqliteStore.open(SqliteSettings(busy_s=0.0, timeout_s=0.01))
    go.set()
    assert await asyncio.to_thread(closed.wait, PATIENCE_S)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"busy_s": 5.0}, "busy_s"),
        ({"busy_s": -1.0}, "busy_s"),
        ({"path": ""}, "path"),
        ({"max_calls": 0}, "max_calls"),
    ],
)
def test_settings_that_cannot_be_followed_are_refused(settings, words) -> None:
    with pytest.raises(ValueError, match=words):
        SqliteSettings(**settings)
