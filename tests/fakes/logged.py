"""Logged decisions with what was reported about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.core.feedback import OutcomeReport, Reviewed, RoutingEvent

EVEN = (("weak", 0.5), ("strong", 0.5))


def event(chosen: str = "weak", **fields: Any) -> RoutingEvent:
    """A decision between `weak` and `strong`, drawn evenly unless said otherwise."""
    known: dict[str, Any] = {
        "decision_id": "d",
        "at": 1000.0,
        "request_id": "r",
        "task": "write",
        "rule": "medium",
        "objective": "balanced",
        "chain": ("weak", "strong"),
        "decided_by": "rules",
        "confidence": 1.0,
        "propensities": EVEN,
    }
    return RoutingEvent(chosen=chosen, **{**known, **fields})


def reviewed(chosen: str = "weak", quality: float | None = None, **fields: Any) -> Reviewed:
    """A decision and the quality of the chosen endpoint's answer, None when nobody reported."""
    reports = {} if quality is None else {chosen: OutcomeReport("d", chosen, quality=quality)}
    return Reviewed(event(chosen, **fields), reports)


def reported(
    qualities: Mapping[str, float], chosen: str = "weak", source: str = "caller", **fields: Any
) -> Reviewed:
    """A decision and the quality of several endpoints' answers."""
    reports = {
        name: OutcomeReport("d", name, quality=quality, source=source)
        for name, quality in qualities.items()
    }
    return Reviewed(event(chosen, **fields), reports)
