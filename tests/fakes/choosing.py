"""A chooser over the real router and the real layers, with a clock and a record that a test reads.

Two endpoints: `cheap`, which the rules prefer for what is simple, and `dear`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from gateway.core.deadline import Deadline
from gateway.core.decision import Learned
from gateway.core.endpoint import Capability, Endpoint
from gateway.core.experience import Observation
from gateway.core.feedback import RoutingEvent
from gateway.core.hole import Hole, HoleOrigin, HoleSpec, Request
from gateway.core.matcher import MatchQuery, RouteMatcher
from gateway.core.matching import LayerName, LayerRecord, Proposal
from gateway.core.scoring import NOTHING_LIVE, LiveInput
from gateway.core.snapshot import Snapshot
from gateway.core.topics import Topic
from gateway.ensemble.choosing.chooser import Chooser
from gateway.ensemble.choosing.chosen import Chosen
from gateway.ensemble.choosing.setup import (
    ALL_LAYERS,
    ChoosingSetup,
    Knowledge,
    Surroundings,
)
from gateway.ensemble.matching import MatcherExecutor, MatchingSettings
from gateway.features.lexical import bare_features, lexical_features
from gateway.learning.experience import learn
from gateway.routing.matchers.keyword import KeywordMatcher
from gateway.routing.matchers.learned import LearnedMatcher
from gateway.routing.matchers.shape import ShapeMatcher
from gateway.routing.matchers.similarity import SimilarityMatcher
from gateway.routing.router import ModelRouter
from tests.fakes.ticks import Ticks

CHEAP = Endpoint(
    "cheap", frozenset({Capability.FAST_INFERENCE}), priority=1, cost_micros_per_1k=100
)
DEAR = Endpoint(
    "dear",
    frozenset({Capability.HIGH_QUALITY, Capability.SECURITY_AWARE}),
    priority=2,
    cost_micros_per_1k=1000,
)
BOTH = (CHEAP, DEAR)
WALL = 1_700_000_000.0


def real_layers(topics: Sequence[Topic], min_gain: float = 0.02) -> list[RouteMatcher]:
    """Return the layers as a gateway makes them: those that go by topics where there are any."""
    learned = [LearnedMatcher(layer, min_gain) for layer in (LayerName.KNN, LayerName.HEAD)]
    by_topic = [KeywordMatcher(topics), SimilarityMatcher(topics), ShapeMatcher(topics)]
    return [*(by_topic if topics else ()), *learned]


class Says(RouteMatcher):
    """A layer that always says the same, after `first` was awaited when it is given."""

    def __init__(
        self,
        name: LayerName,
        endpoint: str = "",
        confidence: float = 0.0,
        topic: str = "",
        first: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self.name = name
        self.inline = first is None
        self.calls = 0
        self._proposal = Proposal(name, endpoint, confidence, topic)
        self._first = first

    def match(self, query: MatchQuery) -> Proposal:
        self.calls += 1
        return self._proposal

    async def match_async(self, query: MatchQuery) -> Proposal:
        if self._first is not None:
            await self._first()
        return self.match(query)


class Choosing:
    """A chooser and all that is about it; `setup` has fields of ChoosingSetup."""

    def __init__(
        self,
        endpoints: Iterable[Endpoint] = BOTH,
        *,
        router: ModelRouter | None = None,
        layers: Sequence[RouteMatcher] | None = None,
        recorded: bool = True,
        live: Callable[[str], LiveInput] = lambda _: NOTHING_LIVE,
        layers_on: frozenset[LayerName] = ALL_LAYERS,
        **setup: Any,
    ) -> None:
        self.setup = ChoosingSetup(**{"layers": layers_on, "shadow_share": 0.0, **setup})
        self.knowledge = Knowledge()
        self.events: list[RoutingEvent] = []
        self.clock = Ticks()
        self.router = router or ModelRouter(Snapshot.of(tuple(endpoints)))
        self.surroundings = Surroundings(
            lexical_features,
            bare_features,
            live,
            self.clock,
            lambda: WALL,
            self.events.append if recorded else None,
        )
        if layers is None:
            layers = real_layers(self.setup.topics, self.setup.min_gain)
        self.chooser = Chooser(
            self.setup,
            layers,
            MatcherExecutor(MatchingSettings(), self.clock, layers),
            self.knowledge,
            self.surroundings,
        )

    async def choose(
        self, request: Request, *, seconds: float = 60.0, explain: bool = False
    ) -> Chosen:
        until = Deadline(self.clock() + seconds)
        return await self.chooser.choose(self.router, request, until, explain=explain)

    async def learned(self, request: Request) -> Learned:
        found = (await self.choose(request)).decision.learned
        assert found is not None
        return found

    def know(self, **fields: Any) -> None:
        """Replace parts of the state in force."""
        self.knowledge.state = replace(self.knowledge.state, **fields)

    def experienced(self, observations: Sequence[Observation]) -> None:
        self.know(experience=learn(observations, version=1))


def asked(prompt: str = "x = ", *, intent: str = "", task: str = "", **fields: Any) -> Request:
    """A request; `intent` is what topics are looked for in beside the prompt."""
    spec = HoleSpec(origin=HoleOrigin(intent=intent) if intent else None)
    labels = (("task", task),) if task else ()
    known = {"request_id": "r", "labels": labels, **fields}
    return Request(Hole(prompt, spec=spec), **known)


FAMILIES = 25
"""Words that more than a tenth of all requests have tell the layers nothing."""


def prompt_about(task: str, family: int) -> str:
    return f"{task}{family} {task}part{family} {task}piece{family}"


def lessons(task: str, *, times: int = 200, **qualities: float) -> list[Observation]:
    """Say that requests of a task, in several families of words, had these qualities."""
    return [
        Observation(
            lexical_features(
                asked(f"{prompt_about(task, number % FAMILIES)} own{number}", task=task)
            ),
            tuple(qualities.items()),
            WALL + number,
        )
        for number in range(times)
    ]


def layer(learned: Learned, name: LayerName) -> LayerRecord:
    (record,) = [one for one in learned.layers if one.layer is name]
    return record
