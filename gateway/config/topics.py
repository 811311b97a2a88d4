"""Settings of topics: what requests may be about, and where those go."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated

from pydantic import Field, model_validator

from gateway.config.problems import Problem
from gateway.config.section import Name, Section, Share
from gateway.core.endpoint import Capability
from gateway.core.topics import Hint, Keyword, Topic
from gateway.routing.matchers.keyword import KeywordMatcher
from gateway.routing.matchers.shape import ShapeMatcher

Phrase = Annotated[str, Field(min_length=1, max_length=256)]


class KeywordTable(Section):
    """A word or phrase that speaks for a topic."""

    phrase: Phrase = Field(description="Matched as whole words.")
    weight: Share = Field(default=0.88, description="Confidence when it is alone.")


class HintTable(Section):
    """A modifier that a request may ask for."""

    name: Name = Field(description="Its name.")
    group: Name = Field(description="At most one hint of a group applies.")
    phrases: tuple[Phrase, ...] = Field(min_length=1, description="What asks for it.")
    negatives: tuple[Phrase, ...] = Field(default=(), description="What forbids it.")


class TopicTable(Section):
    """What requests may be about, and where those go."""

    name: Name = Field(description="Unique name.")
    capability: Capability | None = Field(
        default=None, description="Goes to the first endpoint with it."
    )
    endpoint: Name | None = Field(default=None, description="Goes to this endpoint or group.")
    priority: int = Field(default=0, ge=-1000, le=1000, description="Lower wins a tie.")
    keywords: tuple[KeywordTable, ...] = Field(default=(), description="What speaks for it.")
    boosters: tuple[Phrase, ...] = Field(default=(), description="What speaks for it a little.")
    negatives: tuple[Phrase, ...] = Field(default=(), description="What speaks against it.")
    samples: tuple[Phrase, ...] = Field(default=(), description="Requests about it, as examples.")
    description: str = Field(default="", max_length=2048, description="It in words.")
    language: str = Field(default="", description="Programming language; empty: any.")
    shapes: tuple[Name, ...] = Field(default=(), description="Shapes of requests about it.")
    hints: tuple[HintTable, ...] = Field(default=(), description="Modifiers of such requests.")

    @model_validator(mode="after")
    def goes_somewhere(self) -> TopicTable:
        """A topic needs one place to go."""
        if (self.capability is None) == (self.endpoint is None):
            raise ValueError("needs either `capability` or `endpoint`")
        return self

    def topic(self) -> Topic:
        """Return it as the matchers know it."""
        return Topic(
            name=self.name,
            capability=self.capability,
            endpoint=self.endpoint or "",
            priority=self.priority,
            keywords=tuple(Keyword(one.phrase, one.weight) for one in self.keywords),
            boosters=self.boosters,
            negatives=self.negatives,
            samples=self.samples,
            description=self.description,
            language=self.language,
            shapes=self.shapes,
            hints=tuple(
                Hint(one.name, one.group, one.phrases, one.negatives) for one in self.hints
            ),
        )


def topic_problems(topics: Sequence[TopicTable], endpoints: Collection[str]) -> list[Problem]:
    """Check what no single key can tell: names, endpoints, and what the matchers refuse."""
    problems: list[Problem] = []
    names = [one.name for one in topics]
    for place, one in enumerate(topics):
        path = f"topic[{place}]"
        if one.name in names[:place]:
            why = f"{one.name!r} is used twice"
            problems.append(Problem(f"{path}.name", why, "give each its own name"))
        if one.endpoint is not None and one.endpoint not in endpoints:
            why = f"{one.endpoint!r} is not among the endpoints and groups"
            problems.append(Problem(f"{path}.endpoint", why, f"use one of: {', '.join(endpoints)}"))
        for matcher in (KeywordMatcher, ShapeMatcher):
            try:
                matcher((one.topic(),))
            except ValueError as error:
                problems.append(Problem(path, str(error), "correct or remove it"))
    return problems
