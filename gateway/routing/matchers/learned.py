"""The layers that learned from outcomes, as matchers: they propose by what they predict."""

from __future__ import annotations

from gateway.core.hole import Objective
from gateway.core.matcher import MatchQuery, RouteMatcher
from gateway.core.matching import LayerName, Proposal

QUALITY_FIRST = frozenset({Objective.ACCURATE, Objective.COMPLETE})
"""Objectives for which a better answer is worth any price."""

UNAVAILABLE = {
    LayerName.KNN: "no outcome is known yet",
    LayerName.HEAD: "no head is trained for these endpoints; see `ensemble tune propose`",
}


class LearnedMatcher(RouteMatcher):
    """Proposes the cheapest endpoint whose predicted quality is within `min_gain` of the best.

    A dearer one has to be worth it: by its gain, not because the cheaper one may fail. For requests
    whose objective is quality it proposes the best. The confidence is the layer's own: that the
    best of its predictions does at least as well as every other endpoint.
    """

    inline = True

    def __init__(self, layer: LayerName, min_gain: float) -> None:
        """`layer`: knn or head; `min_gain`: quality, 0..1."""
        self.name = layer
        self._layer = layer
        self._min_gain = min_gain

    def why_unavailable(self, query: MatchQuery) -> str:
        """Say that it has learned nothing yet."""
        return "" if self.name in query.estimates else UNAVAILABLE[self._layer]

    def match(self, query: MatchQuery) -> Proposal:
        """Propose by the predictions of the layer."""
        estimate = query.estimates[self.name]
        quality = dict(estimate.quality)
        best = max(quality.values())
        slack = 0.0 if query.request.objective in QUALITY_FIRST else self._min_gain
        endpoint = next(name for name in query.by_cost if quality[name] >= best - slack)
        predicted = ", ".join(f"{name} {quality[name]:.3f}" for name in query.by_cost)
        return Proposal(
            self.name,
            endpoint,
            estimate.confidence,
            words=estimate.words,
            details=(
                ("predicted", predicted),
                ("gain", f"{quality[endpoint] - quality[query.by_cost[0]]:+.3f}"),
                ("support", f"{estimate.support:.2f}"),
            ),
        )
