"""Topics and queries that the tests of several matchers share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.core.endpoint import Capability
from gateway.core.hole import Hole, HoleOrigin, HoleSpec, Request
from gateway.core.matcher import MatchQuery
from gateway.core.topics import Keyword, Topic


def topic(name: str, *phrases: str, weight: float = 0.88, **more: object) -> Topic:
    keywords = tuple(Keyword(phrase, weight) for phrase in phrases)
    return Topic(name, Capability.CODE_COMPLETION, keywords=keywords, **more)


def saying(intent: str, language: str = "") -> Hole:
    return Hole("", spec=HoleSpec(language=language, origin=HoleOrigin(intent=intent)))


def reaching(topics: Sequence[Topic]) -> dict[str, str]:
    """Each topic goes to an endpoint of its own."""
    return {one.name: f"to-{one.name}" for one in topics}


def asking(hole: Hole | str, reach: Mapping[str, str]) -> MatchQuery:
    wanted = saying(hole) if isinstance(hole, str) else hole
    return MatchQuery(Request(wanted, "r"), tuple(dict.fromkeys(reach.values())), reach)
