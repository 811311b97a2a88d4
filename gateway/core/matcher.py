"""What a layer of the learned router is: something that looks at a request and proposes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.core.experience import NO_EXPERIENCE, Experience, LayerEstimate
from gateway.core.features import Features
from gateway.core.hole import Request
from gateway.core.matching import Proposal


@dataclass(frozen=True, slots=True, eq=False)
class MatchQuery:
    """What a matcher sees of a request.

    `permitted`: the endpoints that may be chosen, in the router's order; a matcher proposes one of
    them or none. `reach`: where each topic goes among them, by the topic's name; a topic that can
    go nowhere is not in it. `by_cost`: the same endpoints, cheapest first. `features` are None when
    nobody computed them. `experience` is that of the request's beginning; `estimates` is what its
    layers predict for this request, by layer.
    """

    request: Request
    permitted: tuple[str, ...]
    reach: Mapping[str, str] = field(default_factory=dict[str, str])
    by_cost: tuple[str, ...] = ()
    features: Features | None = None
    experience: Experience = NO_EXPERIENCE
    estimates: Mapping[str, LayerEstimate] = field(default_factory=dict[str, LayerEstimate])


class RouteMatcher(ABC):
    """Looks at a request and proposes where it should go (X-01).

    It never holds its confidence against a threshold: only the cascade and the fusion do (X-05).
    One that waits for something overrides `match_async`; the others run in a thread, unless
    `inline` says that they only compute for well under a millisecond or two.
    """

    name: str
    weight: float = 0.4
    """Weight in the fusion: any positive number."""

    inline: bool = False

    @abstractmethod
    def match(self, query: MatchQuery) -> Proposal:
        """Propose an endpoint, or none. May raise: the others then go on without it."""

    async def match_async(self, query: MatchQuery) -> Proposal:
        """Propose without blocking; override it to be awaited on the event loop."""
        return self.match(query)

    def why_unavailable(self, query: MatchQuery) -> str:  # noqa: ARG002 - a default of the port
        """Say why it cannot run for such a request at all; empty when it can."""
        return ""

    @property
    def supports_async(self) -> bool:
        """True when `match_async` is overridden (J-02, J-03)."""
        return type(self).match_async is not RouteMatcher.match_async
