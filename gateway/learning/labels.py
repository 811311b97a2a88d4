"""Which endpoint was right for a decision, as far as anybody reported it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.core.feedback import Reviewed, quality_of
from gateway.learning.rewards import is_possible

GOOD_AT = 0.5
"""An answer of this quality or more is good, unless the caller of a function says otherwise."""


@dataclass(frozen=True, slots=True, eq=False)
class Label:
    """What is known of the right choice for one decision.

    `right`: the endpoints known to be right, None while that is unknown. `qualities`: those known,
    0..1, by endpoint. `corrected`: the endpoint that a caller would have chosen, empty when nobody
    said.
    """

    right: frozenset[str] | None
    qualities: Mapping[str, float]
    corrected: str = ""
    good_at: float = GOOD_AT

    def judge(self, endpoint: str) -> bool | None:
        """Say whether a choice of `endpoint` is known to be right or wrong; None for neither.

        Where no right endpoint is known, an answer may still be: a bad one makes its endpoint
        wrong. Without these only successes would be counted, and every share would be 1.
        """
        if not endpoint:
            return None
        if self.right is not None:
            return endpoint in self.right
        quality = self.qualities.get(endpoint)
        return None if quality is None else quality >= self.good_at


NO_LABEL = Label(None, {})


def label_of(row: Reviewed, good_at: float = GOOD_AT) -> Label:
    """Tell what is known of the right choice; a missing report is never a success (O-06).

    Right is first of: the endpoint of the latest correction; of several answers of known quality
    those of the best, unless all are equally bad; the endpoint chosen if its answer is good. A
    request for clarification chose nothing, so that nothing about it is right or wrong (L-09).
    """
    if row.event.clarification:
        return NO_LABEL
    corrected = _correction(row)
    qualities: dict[str, float] = {}
    for endpoint in sorted(row.reports):  # "" first: what names the chosen endpoint counts more
        quality = quality_of(row.reports[endpoint])
        if quality is not None and is_possible(quality):
            qualities[endpoint or row.event.chosen] = quality
    right = frozenset({corrected}) if corrected else _best(row.event.chosen, qualities, good_at)
    return Label(right, qualities, corrected, good_at)


def _correction(row: Reviewed) -> str:
    named = [report for report in row.reports.values() if report.corrected_endpoint]
    return max(named, key=lambda report: report.at).corrected_endpoint if named else ""


def _best(chosen: str, qualities: Mapping[str, float], good_at: float) -> frozenset[str] | None:
    if len(qualities) > 1:
        best = max(qualities.values())
        tells = best >= good_at or best > min(qualities.values())
        return frozenset(name for name in qualities if qualities[name] == best) if tells else None
    return frozenset({chosen}) if qualities.get(chosen, -1.0) >= good_at else None
