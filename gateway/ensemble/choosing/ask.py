"""One request before the learned layers: each is asked once, however many arms want to know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.core.deadline import Deadline
from gateway.core.decision import RoutingDecision, RoutingReason
from gateway.core.endpoint import Endpoint
from gateway.core.features import Features
from gateway.core.hole import Request
from gateway.core.matcher import MatchQuery, RouteMatcher
from gateway.core.matching import LayerName, LayerStatus, Proposal
from gateway.core.tracing import TraceRecorder
from gateway.ensemble.choosing.setup import LearnedState
from gateway.ensemble.matching import MatcherExecutor
from gateway.ensemble.telling import record_match
from gateway.routing.cascade import Ran
from gateway.routing.gain import Estimate, estimate

PREDICTED = frozenset({LayerName.KNN, LayerName.HEAD})
"""The layers that go by what was predicted."""


@dataclass(slots=True)
class Ask:
    """A request, what the rules say of it, and what the layers have said so far.

    `state`: what was known when the request came, whatever is learned meanwhile. `permitted`: the
    endpoints among which the learned router may choose, in the rules' order. `estimate` is made
    when it is first needed: cheaper layers may decide without it.
    """

    prior: RoutingDecision
    request: Request
    state: LearnedState
    features: Features
    permitted: tuple[Endpoint, ...]
    query: MatchQuery
    deadline: Deadline
    matchers: Mapping[LayerName, RouteMatcher]
    executor: MatcherExecutor
    estimate: Estimate | None = None
    ran: dict[LayerName, Ran] = field(default_factory=dict[LayerName, Ran])
    trace: TraceRecorder | None = None

    async def layer(self, name: LayerName) -> Ran:
        """Run a layer, or say again how it ended."""
        (ran,) = await self.layers((name,))
        return ran

    async def layers(self, names: Sequence[LayerName]) -> tuple[Ran, ...]:
        """Run several layers, those that wait at the same time."""
        missing = [
            self.matchers[name] for name in names if name in self.matchers and name not in self.ran
        ]
        if missing:
            if not PREDICTED.isdisjoint(names):
                self.predict()
            for ran in await self.executor.run(missing, self.query, self.deadline):
                self.ran[LayerName(ran.name)] = ran
                if self.trace is not None:
                    record_match(self.trace, ran)
        return tuple(self.ran.get(name) or _absent(name) for name in names)

    @property
    def predictable(self) -> bool:
        """True when past outcomes may be asked about this request."""
        return bool(self.matchers and self.state.experience.observations)

    def predict(self) -> None:
        """Predict the quality of each permitted endpoint, where that is possible."""
        if self.estimate is None and self.predictable:
            self.estimate = estimate(self.state.experience, self.features, self.query.permitted)
            by_layer = {one.layer: one for one in self.estimate.layers}
            self.query = replace(self.query, estimates=by_layer)

    def only_computes(self, name: LayerName) -> bool:
        """Say whether a layer would neither wait for anything nor need a thread."""
        matcher = self.matchers.get(name)
        return matcher is None or matcher.inline

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        """Everything proposed so far."""
        return tuple(ran.proposal for ran in self.ran.values() if ran.proposal is not None)


def _absent(name: LayerName) -> Ran:
    return Ran(name, LayerStatus.UNAVAILABLE, error="it is not configured")


REQUIRED = frozenset({RoutingReason.SECURITY_MATCH, RoutingReason.CONSTRAINED_MATCH})
"""Rules whose capability is needed, not only wished for, where some endpoint has it."""


def permitted_of(
    decision: RoutingDecision, by_name: Mapping[str, Endpoint]
) -> tuple[Endpoint, ...]:
    """Say among which endpoints something learned may choose, in the rules' order."""
    chain = tuple(by_name[name] for name in decision.chain)
    if decision.reason in REQUIRED:
        return tuple(one for one in chain if decision.capability in one.capabilities)
    return chain
