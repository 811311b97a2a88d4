"""The rows of an overview, made of what was counted; costly with a long window, so for a thread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from gateway.core.matching import LayerName
from gateway.core.overview import MINUTE_S, Handover, LayerRow, RecentDecision, TrafficPoint
from gateway.core.value import value
from gateway.ensemble.overview.targets import NO_LAYER, OverviewBars, graded
from gateway.learning.targets import Bar
from gateway.state.buckets import BUCKETS, counts_of, quantiles
from gateway.state.minute import (
    BILLION,
    EndpointTotals,
    LayerSums,
    MinuteTraffic,
    RoutingSums,
    Totals,
)

MOST_HANDOVERS = 50
"""Handovers that are shown: the most frequent ones."""

RANKS = (0.5, 0.95, 0.99)
NO_TRAFFIC = MinuteTraffic(0, 0, 0, bytes(4 * BUCKETS))

Times = tuple[float | None, ...]
"""Median, 95th and 99th percentile in seconds; None when nothing was timed."""


@value
class Counted:
    """What was counted in a window, without how things stand now.

    `times` are of answered requests; `endpoints` pairs the sums of each with its times.
    """

    requests: int
    failed: int
    fallbacks: int
    cost_micros: int
    times: Times
    traffic: tuple[TrafficPoint, ...]
    endpoints: Mapping[str, tuple[EndpointTotals, Times]]
    handovers: tuple[Handover, ...]
    routing: RoutingSums
    recent: tuple[RecentDecision, ...]


def counted(totals: Totals, recent: tuple[RecentDecision, ...], last: int, minutes: int) -> Counted:
    """Work out what so many minutes say, the last one numbered `last`."""
    rows = [totals.traffic.get(last - back, NO_TRAFFIC) for back in reversed(range(minutes))]
    buckets = counts_of([row.times for row in rows])
    (times,) = quantiles(buckets.sum(axis=0, dtype=np.int64)[np.newaxis], RANKS)
    return Counted(
        requests=sum(row.requests for row in rows),
        failed=sum(row.failed for row in rows),
        fallbacks=sum(row.fallbacks for row in rows),
        cost_micros=sum(one.cost_micros for one in totals.endpoints.values()),
        times=times,
        traffic=tuple(
            TrafficPoint(
                (last - minutes + 1 + place) * MINUTE_S,
                row.requests,
                row.failed,
                row.fallbacks,
                p50_s,
                p95_s,
            )
            for place, (row, (p50_s, p95_s)) in enumerate(
                zip(rows, quantiles(buckets, RANKS[:2]), strict=True)
            )
        ),
        endpoints={
            name: (one, quantiles(one.times[np.newaxis], RANKS)[0])
            for name, one in totals.endpoints.items()
        },
        handovers=_handovers(totals),
        routing=totals.routing,
        recent=recent,
    )


def _handovers(totals: Totals) -> tuple[Handover, ...]:
    found = sorted(totals.handovers.items(), key=lambda one: (-one[1], one[0]))
    return tuple(Handover(*moved, count) for moved, count in found[:MOST_HANDOVERS])


def layer_rows(
    sums: RoutingSums, present: Iterable[str], bars: OverviewBars, accuracy: Mapping[str, float]
) -> tuple[LayerRow, ...]:
    """Make a row for each layer in `present` and each that was asked, in the cascade's order.

    `accuracy` has what layers should reach.
    """
    names = dict.fromkeys((*map(str, LayerName), *sums.layers))
    shown = {*present, *(name for name, one in sums.layers.items() if one.asked)}
    return tuple(
        _layer_row(name, sums.layers.get(name, NO_LAYER), sums.decisions, bars, accuracy)
        for name in names
        if name in shown
    )


def _layer_row(
    name: str, of: LayerSums, decisions: int, bars: OverviewBars, accuracy: Mapping[str, float]
) -> LayerRow:
    target, quality = accuracy.get(name), of.quality / BILLION
    return LayerRow(
        name=name,
        attempts=of.asked,
        captured=of.captured,
        share=of.captured / decisions if decisions else 0.0,
        confidence=of.confidence / of.proposals if of.proposals else None,
        mean_s=of.elapsed_s / of.asked if of.elapsed_s else None,
        accuracy=quality / of.judged if of.judged else None,
        judged=of.judged,
        share_grade=graded(bars.share_of(name), of.captured, decisions if of.asked else 0),
        accuracy_grade=graded(
            None if target is None else Bar(name, target, target), quality, of.judged
        ),
    )
