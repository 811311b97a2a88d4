"""The store against a model of two dictionaries, and its texts against what went into them."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.core.feedback import OutcomeReport, RoutingEvent
from gateway.core.matching import LayerName, LayerRecord, LayerStatus
from gateway.core.stores import is_label, merge
from gateway.stores.lines import EVENTS, REPORTS
from gateway.stores.sqlite import SqliteSettings, SqliteStore
from tests.fakes.logged import event

IDS = st.sampled_from([f"d{number}" for number in range(12)])
TIMES = st.integers(0, 6).map(float)
SHARES = st.none() | st.sampled_from([0.0, 0.25, 1.0])
FLAGS = st.none() | st.booleans()
REPORTED = st.builds(
    OutcomeReport,
    decision_id=IDS,
    endpoint=st.sampled_from(["", "weak", "strong"]),
    at=TIMES,
    compiled=FLAGS,
    tests_passed=st.none() | st.integers(0, 3),
    tests_total=st.none() | st.integers(0, 3),
    accepted=FLAGS,
    edit_distance=SHARES,
    reverted=FLAGS,
    quality=SHARES,
    corrected_endpoint=st.sampled_from(["", "", "strong"]),
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
PAIRS = st.lists(st.tuples(TEXTS, NUMBERS), max_size=3).map(tuple)
LAYERS = st.lists(
    st.builds(
        LayerRecord,
        layer=st.sampled_from(LayerName),
        status=st.sampled_from(LayerStatus),
        confidence=NUMBERS,
        threshold=NUMBERS,
        endpoint=TEXTS,
        reason=TEXTS,
        details=st.lists(st.tuples(TEXTS, TEXTS), max_size=2).map(tuple),
        shadow=st.booleans(),
    ),
    max_size=4,
).map(tuple)


class StoreMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        # Small, so that a few decisions take several pages.
        self.page = patch.multiple("gateway.stores.sqlite", PAGE=3, REMOVED=3)
        self.page.start()
        self.store = self.runner.run(SqliteStore.open(SqliteSettings()))
        self.events: dict[str, RoutingEvent] = {}
        self.reports: dict[str, dict[str, OutcomeReport]] = {}

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.runner.run(self.store.close())
            self.page.stop()
            self.runner.close()

    def newest(self) -> list[str]:
        return sorted(self.events, key=lambda one: (self.events[one].at, one), reverse=True)

    @rule(decisions=st.lists(st.tuples(IDS, TIMES), max_size=4))
    def record(self, decisions: list[tuple[str, float]]) -> None:
        events = [event(decision_id=one, at=at) for one, at in decisions]
        self.runner.run(self.store.record(events))
        for one in events:
            self.events.setdefault(one.decision_id, one)
            self.reports.setdefault(one.decision_id, {})

    @rule(report=REPORTED)
    def report(self, report: OutcomeReport) -> None:
        told = self.runner.run(self.store.report(report))
        known = self.events.get(report.decision_id)
        assert (told is None) is (known is None)
        if known is not None:
            endpoint = report.endpoint or known.chosen
            report = dataclasses.replace(report, endpoint=endpoint)
            reports = self.reports[report.decision_id]
            earlier = reports.get(endpoint)
            reports[endpoint] = report if earlier is None else merge(earlier, report)

    @rule(before=TIMES, keep=st.integers(0, 12))
    def prune(self, before: float, keep: int) -> None:
        while self.runner.run(self.store.prune(before, keep)):
            pass
        kept = [one for one in self.newest()[:keep] if self.events[one].at >= before]
        self.events = {one: self.events[one] for one in kept}
        self.reports = {one: self.reports[one] for one in kept}

    @rule(since=TIMES, until=TIMES, limit=st.integers(0, 12), labelled=st.booleans())
    def read(self, since: float, until: float, limit: int, labelled: bool) -> None:
        rows = self.runner.run(self.store.reviewed(since, until, limit, labelled=labelled))
        expected = [
            one
            for one in self.newest()
            if since <= self.events[one].at < until
            and (not labelled or any(map(is_label, self.reports[one].values())))
        ]
        assert [row.event.decision_id for row in rows] == expected[:limit]
        assert [row.reports for row in rows] == [self.reports[one] for one in expected[:limit]]

    @invariant()
    def the_counts_agree(self) -> None:
        counts = self.runner.run(self.store.counts())
        assert counts.events == len(self.events)
        assert counts.reports == sum(map(len, self.reports.values()))
        labelled = [any(map(is_label, reports.values())) for reports in self.reports.values()]
        assert counts.labelled == sum(labelled)


StoreMachine.TestCase.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
TestStore = StoreMachine.TestCase


@settings(max_examples=150, deadline=None)
@given(
    texts=st.tuples(TEXTS, TEXTS, TEXTS, TEXTS),
    numbers=st.tuples(NUMBERS, NUMBERS, NUMBERS),
    layers=LAYERS,
    pairs=st.tuples(PAIRS, PAIRS),
)
def test_every_event_is_read_as_it_was_written(
    texts: Any, numbers: Any, layers: Any, pairs: Any
) -> None:
    given_event = event(
        texts[0],
        decision_id=texts[1],
        task=texts[2],
        chain=(texts[3], texts[0]),
        at=numbers[0],
        confidence=numbers[1],
        elapsed_s=numbers[2],
        layers=layers,
        propensities=pairs[0],
        estimates=pairs[1],
    )
    line = EVENTS.write(given_event)
    assert "\n" not in line
    assert dataclasses.astuple(EVENTS.read(line)) == dataclasses.astuple(given_event)


@settings(max_examples=150, deadline=None)
@given(report=REPORTED)
def test_every_report_is_read_as_it_was_written(report: OutcomeReport) -> None:
    """O-06: what was unknown is unknown still."""
    assert REPORTS.read(REPORTS.write(report)) == report


@given(earlier=REPORTED, later=REPORTED, last=REPORTED)
def test_merging_loses_nothing_and_does_not_depend_on_the_grouping(
    earlier: OutcomeReport, later: OutcomeReport, last: OutcomeReport
) -> None:
    merged = merge(earlier, later)
    for field in dataclasses.fields(OutcomeReport):
        if field.name not in {"at", "decision_id", "endpoint"}:
            said = getattr(later, field.name)
            kept = getattr(earlier, field.name) if said in {None, ""} else said
            assert getattr(merged, field.name) == kept
    assert merge(merged, last) == merge(earlier, merge(later, last))
