"""Decisions and reports in the SQLite file: every statement, for the thread that owns it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import isfinite
from typing import Any, TypeVar

from gateway.core.faults import invalid
from gateway.core.features import Features
from gateway.core.feedback import OutcomeReport, Reviewed, RoutingEvent
from gateway.core.stores import MAX_REPORTS, StoreCounts, is_label, merge
from gateway.stores.database import transaction
from gateway.stores.lines import EVENTS, REPORTS

_ALL = (
    "SELECT at, decision_id, body, features FROM events"
    " WHERE at >= ? AND (at, decision_id) < (?, ?)"
    " ORDER BY at DESC, decision_id DESC LIMIT ?"
)
_LABELLED = (
    "SELECT at, decision_id, body, features FROM events"
    " WHERE at >= ? AND (at, decision_id) < (?, ?) AND labelled = 1"
    " ORDER BY at DESC, decision_id DESC LIMIT ?"
)

Result = TypeVar("Result")

Place = tuple[float, str]
"""Where a page begins: on it are decisions before this time, or of this time with a lower id."""

Page = tuple[list[Result], Place | None]
"""What can be read of some rows, newest first, and where the next ones begin; None at the end."""


class Rows:
    """The tables of decisions and reports. `unwritable` and `unreadable` are as in StoreCounts."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.unwritable = 0
        self.unreadable = 0

    def record(self, events: Iterable[RoutingEvent]) -> None:
        """Add the events whose ids are new."""
        rows = [row for row in map(self._row, events) if row is not None]
        with transaction(self._connection):
            self._connection.executemany(
                "INSERT INTO events (decision_id, at, body, features) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                rows,
            )

    def report(self, report: OutcomeReport) -> Reviewed | None:
        """Merge a report into what is known of the answer; return the decision as it now stands."""
        with transaction(self._connection):
            reviewed = self.event(report.decision_id)
            if reviewed is None:
                return None
            event, reports = reviewed.event, dict(reviewed.reports)
            endpoint = report.endpoint or event.chosen
            report = replace(report, endpoint=endpoint)
            if endpoint in reports:
                report = merge(reports[endpoint], report)
            elif len(reports) >= MAX_REPORTS:
                raise invalid(
                    "endpoint",
                    f"{MAX_REPORTS} endpoints of this decision have reports: name one of those",
                )
            reports[endpoint] = report
            self._connection.execute(
                "INSERT INTO reports (decision_id, endpoint, body) VALUES (?, ?, ?)"
                " ON CONFLICT (decision_id, endpoint) DO UPDATE SET body = excluded.body",
                (event.decision_id, endpoint, REPORTS.write(report)),
            )
            self._connection.execute(
                "UPDATE events SET labelled = ? WHERE decision_id = ?",
                (any(map(is_label, reports.values())), event.decision_id),
            )
        return Reviewed(event, reports)

    def event(self, decision_id: str) -> Reviewed | None:
        """Return a decision with its reports."""
        row = self._connection.execute(
            "SELECT body, features FROM events WHERE decision_id = ?", (decision_id,)
        ).fetchone()
        return None if row is None else self._reviewed(decision_id, *row)

    def page(self, since: float, before: Place, limit: int, *, labelled: bool) -> Page[Reviewed]:
        """Return the newest decisions before a place."""
        rows = self._connection.execute(
            _LABELLED if labelled else _ALL, (since, *before, limit)
        ).fetchall()
        return _page((self._reviewed(*row[1:]) for row in rows), rows, limit)

    def counts(self) -> StoreCounts:
        """Count the rows."""
        execute = self._connection.execute
        events, oldest, newest = execute(
            "SELECT count(*), coalesce(min(at), 0), coalesce(max(at), 0) FROM events"
        ).fetchone()
        (labelled,) = execute("SELECT count(*) FROM events WHERE labelled = 1").fetchone()
        (reports,) = execute("SELECT count(*) FROM reports").fetchone()
        return StoreCounts(
            events, labelled, reports, oldest, newest, self.unwritable, self.unreadable
        )

    def prune(self, before: float, keep: int, most: int) -> int:
        """Remove the oldest decisions, at most `most`, and their reports; return how many."""
        execute = self._connection.execute
        with transaction(self._connection):
            (old,) = execute("SELECT count(*) FROM events WHERE at < ?", (before,)).fetchone()
            (all_,) = execute("SELECT count(*) FROM events").fetchone()
            ids = execute(
                "SELECT decision_id FROM events ORDER BY at, decision_id LIMIT ?",
                (max(0, min(most, max(old, all_ - keep))),),
            ).fetchall()
            for table in ("reports", "events"):
                self._connection.executemany(
                    f"DELETE FROM {table} WHERE decision_id = ?",  # noqa: S608 - our own names
                    ids,
                )
        return len(ids)

    def _row(self, event: RoutingEvent) -> tuple[str, float, str, bytes | None] | None:
        try:
            body = EVENTS.write(event)
            features = event.features.to_bytes() if event.features else None
        except ValueError:
            # A text with half a surrogate pair. The others of its batch are not to be lost with it.
            body, features = "", None
        if not body or not isfinite(event.at):
            self.unwritable += 1
            return None
        return event.decision_id, event.at, body, features

    def _reviewed(self, decision_id: str, body: str, features: bytes | None) -> Reviewed | None:
        try:
            event = EVENTS.read(body, features=_features(features))
        except ValueError:
            self.unreadable += 1
            return None
        return Reviewed(event, self._reports(decision_id))

    def _reports(self, decision_id: str) -> dict[str, OutcomeReport]:
        rows = self._connection.execute(
            "SELECT endpoint, body FROM reports WHERE decision_id = ? ORDER BY endpoint",
            (decision_id,),
        )
        reports: dict[str, OutcomeReport] = {}
        for endpoint, body in rows:
            try:
                reports[endpoint] = REPORTS.read(body)
            except ValueError:
                self.unreadable += 1
        return reports


def _features(packed: bytes | None) -> Features | None:
    try:
        return None if packed is None else Features.from_bytes(packed)
    except ValueError:
        # Of another version: what was learned from such does not hold for this one.
        return None


def _page(
    found: Iterable[Result | None], rows: Sequence[tuple[Any, ...]], limit: int
) -> Page[Result]:
    following = (rows[-1][0], rows[-1][1]) if len(rows) == limit else None
    return [one for one in found if one is not None], following
