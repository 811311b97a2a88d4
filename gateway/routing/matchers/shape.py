"""Proposes by the shape of a hole, whatever its words (X-07)."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.core.matcher import MatchQuery, RouteMatcher
from gateway.core.matching import LayerName, Proposal
from gateway.core.topics import Topic
from gateway.core.value import value
from gateway.routing.matchers.detectors import SHAPES
from gateway.routing.matchers.eligible_topics import ALIKE, NO_TOPIC, spoken


@value
class Fit:
    """The shapes of one topic that a hole has, surest first."""

    topic: Topic
    shapes: tuple[str, ...]

    @property
    def confidence(self) -> float:
        """That of the surest: shapes often come together, so that several say little more."""
        return SHAPES[self.shapes[0]].confidence

    @property
    def order(self) -> tuple[float, int, int]:
        """Sorts the better fit first; equal for fits that tie."""
        return (-self.confidence, -len(self.shapes), self.topic.priority)


class ShapeMatcher(RouteMatcher):
    """Tells the shapes that topics ask for.

    The surest shape wins, then the topic with more of its shapes, then the lower priority number,
    then, when both go to the same endpoint, the name. Otherwise they tie, and it abstains. Raises
    ValueError for a shape that is not known: correct its spelling in the topic.
    """

    name = LayerName.SHAPE
    weight = 0.15
    inline = True

    def __init__(self, topics: Sequence[Topic]) -> None:
        for topic in topics:
            for shape in topic.shapes:
                if shape not in SHAPES:
                    known = ", ".join(sorted(SHAPES))
                    raise ValueError(
                        f"topic {topic.name}: shape {shape!r} is unknown; known are {known}"
                    )
        self._topics = tuple(topic for topic in topics if topic.shapes)
        wanted = {shape for topic in topics for shape in topic.shapes}
        self._wanted = sorted(wanted, key=lambda name: (-SHAPES[name].confidence, name))

    def match(self, query: MatchQuery) -> Proposal:
        """Propose the endpoint of the topic whose surest shape the hole has."""
        hole = query.request.hole
        topics = [topic for topic in spoken(self._topics, hole) if topic.name in query.reach]
        if not topics:
            return Proposal(self.name, words=NO_TOPIC, abstained=True)
        shapes = [name for name in self._wanted if SHAPES[name].detect(hole)]
        details = tuple((name, f"{SHAPES[name].confidence:g}") for name in shapes)
        fits = sorted(_fits(topics, shapes), key=lambda fit: (fit.order, fit.topic.name))
        if not fits:
            return Proposal(self.name, words="no shape that a topic asks for", details=details)
        best, endpoint = fits[0], query.reach[fits[0].topic.name]
        ties = [fit for fit in fits if fit.order == best.order]
        if any(query.reach[fit.topic.name] != endpoint for fit in ties):
            return Proposal(self.name, words=ALIKE, details=details, abstained=True)
        words = f"{', '.join(best.shapes)} for {best.topic.name}"
        return Proposal(self.name, endpoint, best.confidence, best.topic.name, words, details)


def _fits(topics: Sequence[Topic], shapes: Sequence[str]) -> list[Fit]:
    fits = [
        Fit(topic, tuple(shape for shape in shapes if shape in topic.shapes)) for topic in topics
    ]
    return [fit for fit in fits if fit.shapes]
