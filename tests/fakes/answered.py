"""Cascades over answers that are known beforehand."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.core.matching import LayerName, LayerStatus
from gateway.routing.cascade import Cascade, CascadeResult, Ran


def run(cascade: Cascade, answers: Mapping[LayerName, Ran]) -> CascadeResult:
    """Run a cascade to its end; a layer without an answer was unavailable."""
    while (layer := cascade.wanted) is not None:
        absent = Ran(layer, LayerStatus.UNAVAILABLE, error="it is not configured")
        cascade.take(answers.get(layer, absent))
    return cascade.result()
