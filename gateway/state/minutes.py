"""Rolling sums of every minute of the last day: what dashboards read, whatever the traffic was.

Nothing here grows with the number of requests or decisions, nor does the cost of reading (D-03).
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Collection, Sequence
from itertools import count
from threading import Lock

from gateway.core.candidate import Attempt, AttemptStatus
from gateway.core.feedback import RoutingEvent
from gateway.core.matching import LayerName
from gateway.core.overview import LONGEST_WINDOW_S, MINUTE_S, RecentDecision
from gateway.core.ports import Clock
from gateway.state.buckets import bucket_of
from gateway.state.minute import Judgement, Minute, Moved, Totals
from gateway.state.tally import OTHER

MINUTES = int(LONGEST_WINDOW_S / MINUTE_S)

SKIPPED = AttemptStatus.SKIPPED
HOUR = 60
"""Minutes whose sum is kept, until one of them changes."""

RECENT = 20
"""Newest decisions that are kept."""

MOST_JUDGED = 20_000
"""Judgements that are remembered, so that a later one about the same decision replaces it."""


class Minutes:
    """Counts requests and decisions by the minute; safe for any number of threads.

    `endpoints` and `layers` are closed sets of names: every other one counts as `other`. `wall`
    tells unix seconds. A minute's place is taken again after a day; when the clock is set back,
    what was counted for times to come is not read, and is forgotten when they come.
    """

    __slots__ = (
        "_endpoints",
        "_hours",
        "_judged",
        "_layers",
        "_lock",
        "_order",
        "_recent",
        "_ring",
        "_wall",
    )

    def __init__(self, endpoints: Collection[str], layers: Collection[str], wall: Clock) -> None:
        self._endpoints = frozenset(endpoints)
        self._layers = frozenset(layers)
        self._wall = wall
        self._lock = Lock()
        self._ring: list[Minute | None] = [None] * MINUTES
        self._recent: list[tuple[float, int, RecentDecision]] = []
        self._order = count()
        self._hours: list[tuple[int, int, Totals] | None] = [None] * (MINUTES // HOUR)
        self._judged: OrderedDict[str, Judgement] = OrderedDict()

    def ended(
        self,
        elapsed_s: float,
        attempts: Sequence[Attempt],
        moved: Sequence[Moved] = (),
        *,
        failed: bool = False,
        fell_back: bool = False,
    ) -> None:
        """Count a request that ended now, with the calls made for it and its handovers."""
        number = int(self._wall() // MINUTE_S)
        with self._lock:
            minute = self._ring[number % MINUTES]
            if minute is None or minute.number != number:
                minute = self._begin(number)
            minute.requests += 1
            if failed:
                minute.failed += 1
            else:
                minute.times[bucket_of(elapsed_s)] += 1
            if fell_back:
                minute.fallbacks += 1
            for attempt in attempts:
                if attempt.status is not SKIPPED:
                    name = attempt.endpoint
                    minute.endpoint(name if name in self._endpoints else OTHER).add(attempt)
            for handover in moved:
                minute.moved(handover)

    def decided(self, event: RoutingEvent) -> None:
        """Count a decision in the minute in which it was made; each must come once."""
        with self._lock:
            minute = self._past(event.at)
            if minute is None:
                return
            layer = LayerName.CLARIFY if event.clarification else self._layer(event.decided_by)
            minute.routing.decided(event, layer)
            entry = (event.at, next(self._order), _recent(event))
            if len(self._recent) < RECENT:
                heapq.heappush(self._recent, entry)
            else:
                heapq.heappushpop(self._recent, entry)

    def judged(self, decision_id: str, found: Judgement) -> None:
        """Count what became of a decision, instead of what was known of it before."""
        with self._lock:
            minute = self._past(found.at)
            if minute is None:
                return
            layer = self._layer(found.layer)
            earlier = self._judged.pop(decision_id, None)
            if earlier is not None:
                minute.routing.judged(earlier, layer, -1)
            minute.routing.judged(found, layer, 1)
            newest = next(reversed(self._judged.values()), found)
            self._judged[decision_id] = found
            # Those of the oldest decisions are forgotten first.
            self._judged.move_to_end(decision_id, last=found.at >= newest.at)
            if len(self._judged) > MOST_JUDGED:
                self._judged.popitem(last=False)

    def read(self, now: float, minutes: int) -> tuple[Totals, tuple[RecentDecision, ...]]:
        """Sum up so many minutes, that of `now` included, and return their newest decisions.

        The lock is held for one minute at a time: its numbers belong together.
        """
        last = int(now // MINUTE_S)
        first = last - minutes + 1
        totals = Totals()
        for hour in range(first // HOUR, last // HOUR + 1):
            begin, end = max(hour * HOUR, first), min((hour + 1) * HOUR, last + 1)
            if end - begin == HOUR and end <= last:
                totals.join(self._hour(hour))
            else:
                self._add(totals, begin, end)
        with self._lock:
            newest = sorted(self._recent, reverse=True)
        return totals, tuple(one for at, _, one in newest if first * MINUTE_S <= at <= now)

    def _hour(self, hour: int) -> Totals:
        """Return the sum of a whole hour, worked out anew only when it is not what it was."""
        begin = hour * HOUR
        found = [self._ring[number % MINUTES] for number in range(begin, begin + HOUR)]
        # These only grow. What changes meanwhile is seen by the next look.
        changes = sum(
            1 + one.requests + one.routing.changes
            for place, one in enumerate(found)
            if one is not None and one.number == begin + place
        )
        place = hour % len(self._hours)
        kept = self._hours[place]
        if kept is None or kept[:2] != (hour, changes):
            totals = Totals()
            self._add(totals, begin, begin + HOUR)
            kept = self._hours[place] = (hour, changes, totals)
        return kept[2]

    def _add(self, totals: Totals, begin: int, end: int) -> None:
        for number in range(begin, end):
            with self._lock:
                minute = self._ring[number % MINUTES]
                if minute is not None and minute.number == number:
                    totals.plus(minute)

    def _past(self, at: float) -> Minute | None:
        """Return the minute of a time that is within the last day, else None."""
        number, last = int(at // MINUTE_S), int(self._wall() // MINUTE_S)
        if not last - MINUTES < number <= last:
            return None
        minute = self._ring[number % MINUTES]
        return minute if minute is not None and minute.number == number else self._begin(number)

    def _begin(self, number: int) -> Minute:
        minute = self._ring[number % MINUTES] = Minute(number)
        return minute

    def _layer(self, name: str) -> str:
        return name if name in self._layers else OTHER


def _recent(event: RoutingEvent) -> RecentDecision:
    return RecentDecision(
        event.at,
        event.request_id,
        event.decision_id,
        event.chosen,
        event.decided_by,
        event.confidence,
        event.elapsed_s,
    )
