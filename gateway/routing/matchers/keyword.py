"""Proposes by the words and phrases of topics: X-04, L-03 to L-05.

Each keyword found counts once, by its weight w. With several, the support for a topic is
1 - prod(1 - w). A phrase hides those that lie within it, also of other topics: who writes `unit
test` did not write `test`. A negative takes away the strongest keyword that is left; a booster adds
a little to what is left, and nothing to nothing.

Evidence is -log(1 - support), which adds up. The topic with most of it is proposed; of equal ones
that with the longest phrase, then with the lower priority number, then, when both go to the same
endpoint, by name. Otherwise they tie, and the matcher abstains. Its confidence is

    support - RIVAL * (1 - evidence / (evidence + evidence of the rivals))

Rivals are the topics found that go elsewhere, or nowhere, unless their priority number is higher:
the operator then said which of the two is meant.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from gateway.core.matcher import MatchQuery, RouteMatcher
from gateway.core.matching import LayerName, Proposal
from gateway.core.topics import Keyword, Topic
from gateway.core.value import value
from gateway.routing.matchers.eligible_topics import (
    ALIKE,
    NO_TOPIC,
    NO_WORDS,
    ROUNDED,
    reachable,
    spoken,
)
from gateway.routing.matchers.phrases import PhraseTable, Span, longest, phrase_words
from gateway.routing.matchers.wording import words_of_request

RIVAL = 0.3
"""What a topic loses when nearly all evidence is for others."""

BOOST = 0.12
"""Weight of a booster."""

SUREST = 0.999
"""Weight of a keyword that is given 1, so that others can still weigh against it."""


@value
class Claim:
    """What was found for one topic. `keywords` are those that count, strongest first.

    `evidence`: -log(1 - support); 0 when no keyword counts. `order` sorts the better claim first,
    and is equal for claims that tie.
    """

    topic: Topic
    keywords: tuple[Keyword, ...]
    boosters: tuple[str, ...] = ()
    negatives: tuple[str, ...] = ()
    evidence: float = 0.0
    order: tuple[float, int, int] = (0.0, 0, 0)

    @property
    def found(self) -> str:
        """In words, everything that was found, for the record."""
        counted = ", ".join(f"{one.phrase} {one.weight:g}" for one in self.keywords)
        others = (("boosted by", self.boosters), ("against", self.negatives))
        said = [f"{word} {', '.join(phrases)}" for word, phrases in others if phrases]
        return "; ".join([counted or "nothing that counts", *said])


class KeywordMatcher(RouteMatcher):
    """Finds the keywords of topics among a request's words.

    Raises ValueError for a keyword, booster or negative without a letter or digit, and for a weight
    that is not above 0 and at most 1: mend the topic.
    """

    name = LayerName.KEYWORD
    weight = 0.40
    inline = True

    def __init__(self, topics: Sequence[Topic]) -> None:
        for topic in topics:
            for keyword in topic.keywords:
                if not 0 < keyword.weight <= 1:
                    raise ValueError(
                        f"topic {topic.name}: weight {keyword.weight:g} of keyword "
                        f"{keyword.phrase!r} is not above 0 and at most 1"
                    )
        self._topics = tuple(topics)
        self._holders: dict[str, set[str]] = {}
        for topic in topics:
            for keyword in topic.keywords:
                self._holders.setdefault(keyword.phrase, set()).add(topic.name)
        self._phrases = {topic.name: frozenset(_phrases(topic)) for topic in topics}
        self._table = PhraseTable(phrase for topic in topics for phrase in _phrases(topic))

    def match(self, query: MatchQuery) -> Proposal:
        """Propose the endpoint of the topic that most keywords speak for."""
        topics = spoken(self._topics, query.request.hole)
        if not reachable(topics, query):
            return Proposal(self.name, words=NO_TOPIC, abstained=True)
        words = words_of_request(query.request.hole)
        if not words:
            return Proposal(self.name, words=NO_WORDS, abstained=True)
        spans = self._table.find(words)
        return self._decide(self._claims(topics, spans) if spans else [], query)

    def _claims(self, topics: Sequence[Topic], spans: Sequence[Span]) -> list[Claim]:
        """Sum up what was found, for each topic of which anything was."""
        found = {span.phrase for span in spans}
        names = {topic.name for topic in topics}
        # Boosters and negatives hide nothing: they are about their own topic only.
        keywords = {one for one in found if names.intersection(self._holders.get(one, ()))}
        counting = {span.phrase for span in longest(one for one in spans if one.phrase in keywords)}
        claims = (
            _claim(topic, found, counting)
            for topic in topics
            if not self._phrases[topic.name].isdisjoint(found)
        )
        return [claim for claim in claims if claim.keywords or claim.negatives]

    def _decide(self, claims: list[Claim], query: MatchQuery) -> Proposal:
        claims = sorted(claims, key=lambda claim: (claim.order, claim.topic.name))
        details = tuple((claim.topic.name, claim.found) for claim in claims)
        reach = query.reach
        able = [claim for claim in claims if claim.keywords and claim.topic.name in reach]
        if not able:
            return Proposal(self.name, words="no keyword found", details=details)
        best, endpoint = able[0], reach[able[0].topic.name]
        ties = [claim for claim in able if claim.order == best.order]
        if any(reach[claim.topic.name] != endpoint for claim in ties):
            return Proposal(self.name, words=ALIKE, details=details, abstained=True)
        rivals = [
            claim.evidence
            for claim in claims
            if reach.get(claim.topic.name) != endpoint
            and claim.topic.priority <= best.topic.priority
        ]
        exclusivity = best.evidence / math.fsum((best.evidence, *rivals))
        support = -math.expm1(-best.evidence)
        return Proposal(
            self.name,
            endpoint,
            max(support - RIVAL * (1 - exclusivity), 0.0),
            best.topic.name,
            f"{', '.join(repr(one.phrase) for one in best.keywords)} for {best.topic.name}",
            (*details, ("support", f"{support:.3f}"), ("exclusivity", f"{exclusivity:.3f}")),
        )


def _phrases(topic: Topic) -> list[str]:
    keywords = [keyword.phrase for keyword in topic.keywords]
    return [*keywords, *topic.boosters, *topic.negatives]


def _claim(topic: Topic, found: set[str], counting: set[str]) -> Claim:
    negatives = tuple(phrase for phrase in topic.negatives if phrase in found)
    boosters = tuple(phrase for phrase in topic.boosters if phrase in found)
    keywords = tuple(_distinct(topic, counting)[len(negatives) :])
    if not keywords:
        return Claim(topic, keywords, boosters, negatives)
    weights = [keyword.weight for keyword in keywords] + [BOOST] * len(boosters)
    evidence = math.fsum(-math.log1p(-min(weight, SUREST)) for weight in weights)
    size = max(len(phrase_words(keyword.phrase).parts) for keyword in keywords)
    order = (-round(evidence, ROUNDED), -size, topic.priority)
    return Claim(topic, keywords, boosters, negatives, evidence, order)


def _distinct(topic: Topic, counting: set[str]) -> list[Keyword]:
    """The topic's keywords that were found, strongest first; other spellings of one count once."""
    hits = [keyword for keyword in topic.keywords if keyword.phrase in counting]
    by_strength = sorted(hits, key=lambda one: (-one.weight, one.phrase))
    by_words: dict[tuple[str, ...], Keyword] = {}
    for keyword in by_strength:
        by_words.setdefault(phrase_words(keyword.phrase).parts, keyword)
    return list(by_words.values())
