"""Decisions of a cascade: which layer proposed what, and what came of it."""

from __future__ import annotations

from typing import Any

from gateway.core.feedback import OutcomeReport, Reviewed
from gateway.core.matching import LayerName, LayerRecord, LayerStatus
from tests.fakes.logged import event


def ran(
    layer: LayerName,
    confidence: float,
    endpoint: str,
    *,
    threshold: float = 0.7,
    shadow: bool = False,
    **fields: Any,
) -> LayerRecord:
    """A layer that ran; it decided when it was sure enough and no shadow."""
    decided = confidence >= threshold and not shadow
    status = LayerStatus.DECIDED if decided else LayerStatus.DECLINED
    known: dict[str, Any] = {"status": status, "elapsed_s": 0.01, **fields}
    return LayerRecord(
        layer,
        confidence=confidence,
        threshold=threshold,
        endpoint=endpoint,
        shadow=shadow,
        **known,
    )


def decision(
    *layers: LayerRecord,
    chosen: str = "weak",
    right: str = "",
    quality: float | None = None,
    **fields: Any,
) -> Reviewed:
    """A decision; with `right` somebody named the right endpoint, else only a quality if any."""
    row = event(chosen, layers=layers, **fields)
    if not right and quality is None:
        return Reviewed(row)
    known = OutcomeReport("d", chosen, quality=quality, corrected_endpoint=right)
    return Reviewed(row, {chosen: known})
