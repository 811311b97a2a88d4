"""What one way of routing makes of a request: that of everybody, or that of an experiment's arm."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from numpy.random import Generator

from gateway.core.decision import RoutingReason
from gateway.core.experiments import Arm
from gateway.core.hole import Objective, Request, RoutingMode
from gateway.core.matching import (
    NO_MATCH,
    Clarification,
    FusedMatch,
    LayerName,
    LayerRecord,
    LayerStatus,
    Level,
    Proposal,
)
from gateway.core.scoring import LiveInput, ScoredEndpoint
from gateway.ensemble.choosing.ask import Ask
from gateway.ensemble.choosing.setup import ALL_LAYERS, ChoosingSetup, LearnedState
from gateway.learning.bandit import choose, class_named
from gateway.routing.cascade import (
    ORDER,
    Cascade,
    CascadeResult,
    Ending,
    Ran,
    questions_for,
)
from gateway.routing.fuse import fuse
from gateway.routing.scoring import rank
from gateway.routing.split import in_arm, thresholds_in

RULES, OBJECTIVE = "rules", "objective"
SWITCHED_OFF = "it is switched off"


@dataclass(frozen=True, slots=True)
class Way:
    """One way's choice. `order`: the permitted endpoints, the chosen first.

    `propensities`: with which probability each would have been chosen first, going this way.
    """

    order: tuple[str, ...]
    decided_by: str
    reason: RoutingReason
    confidence: float
    propensities: Mapping[str, float]
    layers: tuple[LayerRecord, ...] = ()
    scores: tuple[ScoredEndpoint, ...] = ()
    match: FusedMatch = NO_MATCH
    clarification: Clarification | None = None
    words: str = ""

    @property
    def endpoint(self) -> str:
        """The one chosen first."""
        return self.order[0]


@dataclass(frozen=True, slots=True)
class Decider:
    """Decides for one request, going one way or another; what the layers say is asked once.

    `shadow`: the layers after the deciding one are asked too. `told`: somebody wants to read how
    the endpoints rank, also where that decides nothing.
    """

    setup: ChoosingSetup
    state: LearnedState
    weights: Mapping[str, float]
    rng: Generator
    live: Callable[[str], LiveInput]
    budget_s: float
    shadow: bool = False
    told: bool = False

    async def decide(self, ask: Ask, arm: Arm | None) -> Way:
        """Decide as everybody's requests are decided, or as those in an arm."""
        request = ask.request if arm is None else in_arm(ask.request, arm)
        if request.routing_mode is RoutingMode.RULES:
            return self._as_ruled(ask)
        if request.objective is not Objective.BALANCED:
            ask.predict()
        elif arm is not None and any(one.name == arm.endpoint for one in ask.permitted):
            words = f"arm {arm.name!r} prefers {arm.endpoint!r}"
            taken = self._taken(ask, arm.endpoint, "experiment", RoutingReason.EXPERIMENT, words)
            return replace(taken, scores=self._scores(ask, request.objective))
        found, match = await self._found(ask, arm)
        if found.proposal is not None and found.proposal.topic:
            match = replace(match, topic=found.proposal.topic)
        scores = self._scores(ask, request.objective)
        way = self._followed(ask, found, request, scores)
        records = found.records
        if way.decided_by == OBJECTIVE:
            # What they say teaches, but it was not followed.
            records = tuple(replace(one, shadow=one.attempted) for one in records)
        return replace(way, scores=scores, layers=records, match=match)

    def _followed(
        self, ask: Ask, found: CascadeResult, request: Request, scores: tuple[ScoredEndpoint, ...]
    ) -> Way:
        """Follow the first that has something to say: objective, layers, adaptive policy, rules."""
        learned = request.routing_mode is RoutingMode.LEARNED
        if request.objective is not Objective.BALANCED and not (learned and not ask.predictable):
            return self._by_objective(request.objective, scores)
        if found.proposal is not None:
            return self._by_layer(ask, found, found.proposal)
        way = self._adapted(ask)
        if way is not None:
            return way
        ruled = self._as_ruled(ask)
        if learned or self.setup.clarify:
            return replace(ruled, clarification=found.clarification)
        return ruled

    def _scores(self, ask: Ask, objective: Objective) -> tuple[ScoredEndpoint, ...]:
        if objective is Objective.BALANCED and not self.told:
            return ()
        wanted = ask.prior.capability
        fit = {
            one.name: float(wanted in one.capabilities)
            for one in ask.permitted
            if wanted is not None
        }
        quality = {} if ask.estimate is None else dict(ask.estimate.quality)
        return rank(
            ask.permitted,
            {one.name: self.live(one.name) for one in ask.permitted},
            objective,
            budget_s=self.budget_s,
            quality=quality,
            fit=fit,
        )

    async def _found(self, ask: Ask, arm: Arm | None) -> tuple[CascadeResult, FusedMatch]:
        thresholds, allowed = self.state.thresholds, self.setup.layers
        if arm is not None:
            thresholds = thresholds_in(arm, thresholds)
            allowed = allowed if arm.layers is None else allowed & arm.layers
        if self.setup.fused:
            return await self._fused(ask, allowed)
        if LayerName.SHAPE in allowed and LayerName.SHAPE in ask.matchers:
            await ask.layer(LayerName.SHAPE)
        cascade = Cascade(
            thresholds,
            ask.request,
            left_out=dict.fromkeys(ALL_LAYERS - allowed, SWITCHED_OFF),
            best_effort=self.setup.best_effort,
            shadow=self.shadow,
        )
        while (layer := cascade.wanted) is not None:
            if cascade.settled and not ask.only_computes(layer):
                # Nobody waits for what only teaches.
                break
            cascade.take(await ask.layer(layer))
        return cascade.result(), self._match(ask)

    async def _fused(
        self, ask: Ask, allowed: frozenset[LayerName]
    ) -> tuple[CascadeResult, FusedMatch]:
        """Let all layers decide together: a HIGH match does."""
        every = (*ORDER, LayerName.SHAPE)
        rans = await ask.layers([layer for layer in every if layer in allowed])
        match = self._match(ask)
        sure = match.level is Level.HIGH
        records = (
            *(_fused_record(ran, match.endpoint if sure else "") for ran in rans),
            *(
                LayerRecord(layer, LayerStatus.SKIPPED, threshold=0.0, reason=SWITCHED_OFF)
                for layer in every
                if layer not in allowed
            ),
        )
        if sure:
            leading = Proposal(
                "fusion", match.endpoint, match.evidence, match.topic, words=_shares(match)
            )
            return CascadeResult(Ending.DECIDED, records, None, leading), match
        candidates = tuple(name for name, _ in match.candidates)
        asked = Clarification(questions_for(ask.request), candidates)
        return CascadeResult(Ending.CLARIFICATION, records, clarification=asked), match

    def _match(self, ask: Ask) -> FusedMatch:
        return fuse(ask.proposals, self.weights, self.setup.fusion)

    def _by_objective(self, objective: Objective, scores: tuple[ScoredEndpoint, ...]) -> Way:
        order = tuple(one.endpoint for one in scores)
        return Way(
            order,
            OBJECTIVE,
            RoutingReason.OBJECTIVE,
            scores[0].utility,
            {order[0]: 1.0},
            words=f"objective {objective.value} ranks {order[0]!r} first",
        )

    def _by_layer(self, ask: Ask, found: CascadeResult, proposal: Proposal) -> Way:
        words = f"{proposal.layer} chose {proposal.endpoint!r}"
        if found.ending is Ending.BEST_EFFORT:
            words += ", though less sure than its threshold asks for"
        if proposal.words:
            words += f": {proposal.words}"
        return self._taken(
            ask,
            proposal.endpoint,
            proposal.layer,
            RoutingReason.LEARNED,
            words,
            proposal.confidence,
        )

    def _adapted(self, ask: Ask) -> Way | None:
        """Draw by the adaptive policy; None while it is off or knows nothing."""
        settings = self.setup.adaptive
        if settings is None:
            return None
        kind = class_named(ask.features.task, ask.prior.reason)
        names = [one.name for one in ask.permitted]
        drawn = choose(self.state.bandit, kind, names, self.rng, settings)
        if drawn is None:
            return None
        chances = dict(drawn.propensities)
        chance = chances[drawn.endpoint]
        words = f"{drawn.endpoint!r} was drawn with a probability of {chance:.2f} in {kind}"
        way = self._taken(ask, drawn.endpoint, "adaptive", RoutingReason.ADAPTIVE, words)
        return replace(way, confidence=chance, propensities=chances)

    def _as_ruled(self, ask: Ask) -> Way:
        order = tuple(one.name for one in ask.permitted)
        return Way(order, RULES, ask.prior.reason, 0.0, {order[0]: 1.0})

    def _taken(
        self,
        ask: Ask,
        endpoint: str,
        decided_by: str,
        reason: RoutingReason,
        words: str,
        confidence: float = 1.0,
    ) -> Way:
        """Take an endpoint first; the others keep their order."""
        rest = (one.name for one in ask.permitted if one.name != endpoint)
        return Way((endpoint, *rest), decided_by, reason, confidence, {endpoint: 1.0}, words=words)


def _fused_record(ran: Ran, endpoint: str) -> LayerRecord:
    """Record a layer's part in a common decision for an endpoint, empty when there was none."""
    proposal, status, reason = ran.proposal, ran.status, ran.error
    if proposal is None:
        return LayerRecord(LayerName(ran.name), status, reason=reason, elapsed_s=ran.elapsed_s)
    if status is LayerStatus.DECIDED and proposal.endpoint != endpoint:
        status = LayerStatus.DECLINED
        reason = "the layers chose another" if endpoint else "the layers together are not sure"
    return LayerRecord(
        LayerName(ran.name),
        status,
        proposal.confidence,
        0.0,
        proposal.endpoint,
        proposal.topic,
        reason or proposal.words,
        ran.elapsed_s,
        proposal.details,
    )


def _shares(match: FusedMatch) -> str:
    parts = ", ".join(f"{layer} {part:.2f}" for layer, part in match.contributions if part > 0)
    return f"evidence {match.evidence:.2f}, coverage {match.coverage:.2f} ({parts})"
