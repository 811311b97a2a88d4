"""Has decisions, and what became of them, counted by the minute; also those of an earlier run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from math import inf, nextafter

from gateway.core.feedback import Reviewed, RoutingEvent
from gateway.core.matching import LayerName
from gateway.core.overview import LONGEST_WINDOW_S
from gateway.core.stores import OutcomeStore, StoreError
from gateway.ensemble.choosing.deciding import OBJECTIVE, RULES
from gateway.learning.labels import label_of
from gateway.learning.rewards import is_possible, known_quality
from gateway.state.minute import Judgement
from gateway.state.minutes import Minutes

LAYERS = frozenset({RULES, OBJECTIVE, "fusion", "adaptive", "experiment", *map(str, LayerName)})
"""What may have decided."""

MOST_REBUILT = 100_000
"""Latest decisions of an earlier run that are counted again."""

PAGE = 250
"""Decisions read and counted at once; the event loop has to wait while they are counted."""

PAUSE_S = 0.1
"""Between two pages: requests come first, and nobody waits for this."""

log = logging.getLogger(__name__)


class RoutingWatch:
    """Counts what a recorder takes in. It belongs to one event loop."""

    def __init__(self, minutes: Minutes) -> None:
        self._minutes = minutes

    def decided(self, events: Iterable[RoutingEvent]) -> None:
        """Count decisions, each of which must come once."""
        for event in events:
            self._minutes.decided(event)

    def reviewed(self, row: Reviewed) -> None:
        """Count what is known of a decision, instead of what was known before."""
        if row.reports and not row.event.clarification:
            self._minutes.judged(row.event.decision_id, judgement_of(row))

    async def rebuild(self, store: OutcomeStore, until: float) -> int:
        """Count what a store has of the day before `until`, newest first; return how many.

        It goes page by page, so that requests get their turn. What cannot be read is left out.
        """
        since, counted = until - LONGEST_WINDOW_S, 0
        seen: frozenset[str] = frozenset()
        while counted < MOST_REBUILT:
            try:
                rows = await store.reviewed(since, until, PAGE, labelled=False)
            except StoreError as error:
                log.warning("earlier decisions are not counted", extra={"error": str(error)})
                break
            fresh = [row for row in rows if row.event.decision_id not in seen]
            self.decided(row.event for row in fresh)
            for row in fresh:
                self.reviewed(row)
            counted += len(fresh)
            if len(rows) < PAGE or not fresh:
                break
            until, seen = _next_page(rows)
            await asyncio.sleep(PAUSE_S)
        return counted


def judgement_of(row: Reviewed) -> Judgement:
    """Say what is known of a decision that chose an endpoint and was reported about."""
    event, label = row.event, label_of(row)
    quality, right = known_quality(row, event.chosen), label.judge(event.chosen)
    elsewhere = right is False and label.right is not None
    return Judgement(
        event.at,
        event.decided_by,
        quality if quality is not None and is_possible(quality) else None,
        right,
        label.corrected not in {"", event.chosen},
        elsewhere and label.qualities.get(event.chosen, label.good_at) < label.good_at,
    )


def _next_page(rows: Sequence[Reviewed]) -> tuple[float, frozenset[str]]:
    """Say where to go on: before the end of this moment, whose rows may have been cut apart."""
    oldest = rows[-1].event.at
    ids = frozenset(row.event.decision_id for row in rows if row.event.at == oldest)
    return nextafter(oldest, inf), ids
