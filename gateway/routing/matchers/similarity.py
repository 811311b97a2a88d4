"""Proposes the topic whose texts are nearest to the request's: X-05, X-06, L-10.

Each sample, keyword, description and name of a topic is a row. A row's score is its nearness times
the weight of its source times that of the language, and a topic's score that of its best row. All
rows are compared, so there is no cluster to choose wrongly (L-10): topics are few.

Nearness is max(0, 1 - d/2), where d is the squared distance of the two unit vectors, which makes it
their cosine. With d = 1 - cosine, texts that have nothing in common would be near by a half.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from gateway.core.embedding import Embedder
from gateway.core.matcher import MatchQuery, RouteMatcher
from gateway.core.matching import LayerName, Proposal
from gateway.core.topics import Topic
from gateway.core.value import value
from gateway.routing.matchers.eligible_topics import NO_TOPIC, NO_WORDS, ROUNDED, other_language
from gateway.routing.matchers.tfidf import TextIndex
from gateway.routing.matchers.tokens import Words, words_of
from gateway.routing.matchers.wording import request_text

SOURCE_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {"sample": 1.0, "keyword": 0.8, "description": 0.6, "name": 0.5}
)
OTHER_LANGUAGE = 0.9
"""What a topic of another programming language keeps of its score."""

MOST_CANDIDATES = 5
"""Topics in the details of a proposal."""

Nearness = Callable[[str, Words], NDArray[np.float64]]
"""How near a request, as text and as words, is to each row: 0..1, as [rows]."""


@value
class Row:
    """One text of a topic; `label` says which, for the record."""

    topic: Topic
    source: str
    text: str
    label: str


class SimilarityMatcher(RouteMatcher):
    """Compares the words of a request with the texts of topics.

    With `embed`, by its vectors; those of the topics are made once, here, and the matcher is no
    longer `inline`, because a model may take long. Else by TF-IDF. It holds its confidence against
    no threshold: a weak match is passed on as weak. Raises ValueError when the embedder does not
    return one finite vector for each text.
    """

    name = LayerName.SIMILARITY
    weight = 0.40

    def __init__(self, topics: Sequence[Topic], embed: Embedder | None = None) -> None:
        self._rows = [row for topic in topics for row in _rows(topic)]
        texts = [row.text for row in self._rows]
        self._nearness = _by_vectors(embed, texts) if embed and texts else _by_words(texts)
        self.inline = embed is None

    def match(self, query: MatchQuery) -> Proposal:
        """Propose the endpoint of the nearest topic, however near. Ties: by priority, then name.

        Blocks while the embedder does. Raises what it raises, and ValueError for a vector that is
        not finite or of another length.
        """
        if not any(row.topic.name in query.reach for row in self._rows):
            return Proposal(self.name, words=NO_TOPIC, abstained=True)
        text = request_text(query.request.hole)
        words = words_of(text)
        if not words:
            return Proposal(self.name, words=NO_WORDS, abstained=True)
        candidates = _candidates(self._rows, self._nearness(text, words), query)
        details = tuple(
            (row.topic.name, f"{score:.3f} by {row.label}")
            for score, row in candidates[:MOST_CANDIDATES]
        )
        if not candidates:
            return Proposal(self.name, words="nothing like it among the topics", details=details)
        score, row = candidates[0]
        return Proposal(
            self.name,
            query.reach[row.topic.name],
            score,
            row.topic.name,
            f"most like {row.label} of {row.topic.name}",
            details,
        )


def _rows(topic: Topic) -> list[Row]:
    rows = [Row(topic, "name", topic.name, "the name")]
    rows += [
        Row(topic, "sample", text, f"sample {number}")
        for number, text in enumerate(topic.samples, start=1)
    ]
    rows += [
        Row(topic, "keyword", keyword.phrase, f"keyword {keyword.phrase!r}")
        for keyword in topic.keywords
    ]
    rows.append(Row(topic, "description", topic.description, "the description"))
    return [row for row in rows if words_of(row.text)]


def _candidates(
    rows: Sequence[Row], nearness: NDArray[np.float64], query: MatchQuery
) -> list[tuple[float, Row]]:
    """The best row of each topic that can be reached, best first; none without any likeness."""
    best: dict[str, tuple[float, Row]] = {}
    for at in np.flatnonzero(nearness > 0).tolist():
        row = rows[at]
        name = row.topic.name
        if name in query.reach:
            score = float(nearness[at]) * SOURCE_WEIGHTS[row.source]
            if other_language(row.topic, query.request.hole):
                score *= OTHER_LANGUAGE
            if name not in best or score > best[name][0]:
                best[name] = (score, row)
    return sorted(
        best.values(),
        key=lambda one: (-round(one[0], ROUNDED), one[1].topic.priority, one[1].topic.name),
    )


def _by_words(texts: Sequence[str]) -> Nearness:
    index = TextIndex(texts)
    return lambda _, words: index.cosines(words)


def _by_vectors(embed: Embedder, texts: Sequence[str]) -> Nearness:
    vectors = _vectors(embed, texts)

    def nearness(text: str, _: Words) -> NDArray[np.float64]:
        vector = _vectors(embed, [text])[0]
        if len(vector) != vectors.shape[1]:
            raise ValueError("the embedder returned vectors of different lengths")
        return np.maximum(vectors @ vector, 0.0)

    return nearness


def _vectors(embed: Embedder, texts: Sequence[str]) -> NDArray[np.float64]:
    """Unit vectors of texts, as [texts, dimensions]; a vector of zeros stays one."""
    vectors = np.asarray(embed.embed(texts), dtype=np.float64)
    if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():  # noqa: PLR2004 - [texts, dimensions]
        raise ValueError(
            f"the embedder returned an array of shape {vectors.shape} for {len(texts)} texts, or "
            "numbers that are not finite; it must be [texts, dimensions]"
        )
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1.0)
