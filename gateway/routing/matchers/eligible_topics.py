"""Which topics a request may be about, as far as the topics themselves say."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.core.hole import Hole
from gateway.core.matcher import MatchQuery
from gateway.core.topics import Topic

NO_WORDS = "the request has no words"
NO_TOPIC = "no topic of the hole's language reaches an endpoint that may be called"
ALIKE = "topics of different endpoints match equally well"
"""Why a matcher abstains."""

ROUNDED = 9
"""Digits of a score that count, so that the order of a sum breaks no tie."""


def other_language(topic: Topic, hole: Hole) -> bool:
    """Say whether both state a programming language, and not the same one."""
    stated = hole.spec.language.strip().casefold()
    return bool(topic.language and stated and topic.language.casefold() != stated)


def spoken(topics: Sequence[Topic], hole: Hole) -> list[Topic]:
    """Return the topics that are not of another language than the hole."""
    return [topic for topic in topics if not other_language(topic, hole)]


def reachable(topics: Sequence[Topic], query: MatchQuery) -> bool:
    """Say whether any of the topics goes to an endpoint that may be called."""
    return any(topic.name in query.reach for topic in topics)
