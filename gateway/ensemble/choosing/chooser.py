"""Chooses beyond the rules, and has every decision recorded."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from numpy.random import default_rng

from gateway.core.candidate import Candidate
from gateway.core.deadline import Deadline
from gateway.core.decision import Learned, RoutingDecision
from gateway.core.endpoint import Endpoint
from gateway.core.experiments import Arm, Experiment
from gateway.core.features import Features
from gateway.core.hole import Objective, Request, RoutingMode
from gateway.core.matcher import MatchQuery, RouteMatcher
from gateway.core.matching import FusedMatch, LayerName
from gateway.core.snapshot import Snapshot
from gateway.core.tracing import TraceRecorder
from gateway.ensemble.choosing.ask import Ask, permitted_of
from gateway.ensemble.choosing.chosen import Chosen, nothing_learns
from gateway.ensemble.choosing.deciding import RULES, Decider, Way
from gateway.ensemble.choosing.event import Decided, event_of
from gateway.ensemble.choosing.numbers import DecisionIds
from gateway.ensemble.choosing.own_reports import own_reports
from gateway.ensemble.choosing.setup import ChoosingSetup, Knowledge, LearnedState, Surroundings
from gateway.ensemble.matching import MatcherExecutor
from gateway.ensemble.telling import record_cascade
from gateway.routing.cascade import Activation, activation
from gateway.routing.hints import extract_hints, wants_lite
from gateway.routing.matchers.wording import words_of_request
from gateway.routing.router import ModelRouter
from gateway.routing.scoring import BY_PRIORITY
from gateway.routing.split import assign, propensity, unit_of
from gateway.routing.topics import reach

NO_ARM = ""
KEPT_COSTS = 512
Costs = tuple[tuple[str, int], ...]

log = logging.getLogger(__name__)


class Chooser:
    """Asks the learned layers about requests. Belongs to one event loop.

    Where nothing was learned and nothing is asked for beyond the rules, the decision is the rules'
    own, the very same value. Whoever makes the executor closes it.
    """

    def __init__(
        self,
        setup: ChoosingSetup,
        matchers: Iterable[RouteMatcher],
        executor: MatcherExecutor,
        knowledge: Knowledge,
        surroundings: Surroundings,
    ) -> None:
        self.setup = setup
        self.knowledge = knowledge
        self._matchers = {LayerName(matcher.name): matcher for matcher in matchers}
        self._weights = {matcher.name: matcher.weight for matcher in self._matchers.values()}
        self._executor = executor
        self._outside = surroundings
        self._rng = default_rng()
        self._tokens = Allowance(setup.features_per_s)
        self._ids = DecisionIds()
        # Of requests of the same traits, which share one decision.
        self._costs: dict[int, tuple[RoutingDecision, Costs]] = {}
        self._topics = {topic.name: topic for topic in setup.topics} if setup.enabled else {}

    async def choose(
        self,
        router: ModelRouter,
        request: Request,
        deadline: Deadline,
        *,
        explain: bool = False,
        trace: TraceRecorder | None = None,
    ) -> Chosen:
        """Decide where a request goes. Raises Fault as the router does.

        A decision that is unclear is that of the rules, with the questions: see `Chosen`. With
        `explain` the layers are asked also where they have no say, to tell what they would need.
        """
        began = self._outside.clock()
        prior = router.route(request)
        if self.setup.by_priority and request.objective is Objective.BALANCED:
            request = replace(request, objective=BY_PRIORITY[request.priority])
        state = self.knowledge.state
        if request.routing_mode is RoutingMode.LEARNED and not self.setup.enabled:
            raise nothing_learns()
        asked = self._asked(request, state)
        if not asked and (not explain or request.routing_mode is RoutingMode.RULES):
            return self._as_ruled(router, prior, request, state, began)
        try:
            ask = self._ask(router, prior, request, deadline, state)
            ask.trace = trace
            shadow = explain or self._rng.random() < self.setup.shadow_share
            told = explain or trace is not None
            decided = await self._decided(ask, began, deadline, shadow=shadow, told=told)
            if not asked:
                decided = replace(decided, decision=_explained(prior, decided.decision))
        except Exception as error:
            if request.routing_mode is RoutingMode.LEARNED:
                raise
            # What was learned may be wrong in a way that nobody foresaw; the rules are not.
            # Its words might quote the request.
            place = traceback.extract_tb(error.__traceback__)[-1]
            log.error(  # noqa: TRY400
                "the learned router failed, so the rules decide",
                extra={
                    "error": type(error).__name__,
                    "at": f"{place.filename}:{place.lineno} {place.name}",
                },
            )
            return self._as_ruled(router, prior, request, state, began, in_full=False)
        if trace is not None:
            record_cascade(trace, decided.decision)
        return self._recorded(decided)

    def judged(self, decision_id: str, candidates: Sequence[Candidate], snapshot: Snapshot) -> None:
        """Take in what test cases say of the answers to a recorded decision."""
        if decision_id and self.setup.from_checks and any(one.behaviour for one in candidates):
            at = self._outside.wall()
            self.knowledge.own.extend(own_reports(decision_id, candidates, snapshot, at))

    def _asked(self, request: Request, state: LearnedState) -> bool:
        """Say whether anything beyond the rules has a say in a request."""
        if request.routing_mode is RoutingMode.RULES:
            return False
        if request.objective is not Objective.BALANCED:
            return True
        return self.setup.enabled and bool(
            request.routing_mode is RoutingMode.LEARNED
            or state.experience.observations
            or state.experiments
            or state.bandit.classes
            or self._topics
        )

    def _ask(
        self,
        router: ModelRouter,
        prior: RoutingDecision,
        request: Request,
        deadline: Deadline,
        state: LearnedState,
    ) -> Ask:
        experience = state.experience
        features = self._features(
            request, self._outside.clock(), wanted=experience.observations > 0
        )
        permitted = permitted_of(prior, router.snapshot.by_name)
        names = tuple(one.name for one in permitted)
        by_cost = sorted(permitted, key=lambda one: (one.cost_micros_per_1k, one.rank))
        query = MatchQuery(
            request,
            names,
            reach(self.setup.topics, permitted),
            tuple(one.name for one in by_cost),
            features,
            experience,
        )
        matchers = self._matchers if self.setup.enabled else {}
        return Ask(
            prior,
            request,
            state,
            features,
            permitted,
            query,
            deadline,
            matchers,
            self._executor,
        )

    async def _decided(
        self, ask: Ask, began: float, deadline: Deadline, *, shadow: bool, told: bool
    ) -> Decided:
        state, request = ask.state, ask.request
        decider = Decider(
            self.setup,
            state,
            self._weights,
            self._rng,
            self._outside.live,
            deadline.left(began),
            shadow,
            told,
        )
        tried = self.setup.enabled and request.routing_mode is RoutingMode.AUTO
        experiments = state.experiments if tried else ()
        assigned = [(one, assign(one, unit_of(one, request))) for one in experiments]
        drawn = [(one, arm) for one, arm in assigned if arm is not None]
        acting = next(((one, arm) for one, arm in drawn if not arm.shadow), None)
        shadows = [(one, arm) for one, arm in drawn if arm.shadow]
        arms = shadows if acting is None else [acting, *shadows]
        own = await decider.decide(ask, None if acting is None else acting[1])
        ways = {NO_ARM: own} if acting is None else {_key(*acting): own}
        for one, arm in _all_arms(experiments):
            if _key(one, arm) not in ways:
                ways[_key(one, arm)] = await decider.decide(ask, arm)
        if NO_ARM not in ways:
            ways[NO_ARM] = await decider.decide(ask, None)
        return Decided(
            ask.prior,
            self._decision(ask, own, _mixture(experiments, ways), arms, began),
            request,
            state,
            began,
            ask.features,
            tuple((one.name, arm.name, ways[_key(one, arm)].endpoint) for one, arm in shadows),
            _costs(ask.permitted),
            () if ask.estimate is None else ask.estimate.quality,
        )

    def _decision(
        self,
        ask: Ask,
        way: Way,
        chances: Mapping[str, float],
        arms: list[tuple[Experiment, Arm]],
        began: float,
    ) -> RoutingDecision:
        prior, state, match = ask.prior, ask.state, way.match
        words = words_of_request(ask.request.hole) if self._topics else None
        if words is not None:
            topic = self._topics.get(match.topic)
            hints = () if topic is None else extract_hints(topic, words)
            match = replace(match, hints=hints, lite=wants_lite(words))
        predicted = ask.estimate
        learned = Learned(
            way.decided_by,
            way.confidence,
            way.layers,
            way.scores,
            tuple(chances.items()),
            support=0.0 if predicted is None else predicted.support,
            similarity=0.0 if predicted is None else predicted.similarity,
            effective_n=0.0 if predicted is None else predicted.effective_n,
            observations=state.experience.observations,
            match=match,
            arms=tuple((one.name, arm.name) for one, arm in arms),
            threshold_version=state.thresholds.version,
            features=_described(ask.features),
            predictions=()
            if predicted is None
            else tuple(f"{one.layer}: {one.words}" for one in predicted.layers),
            elapsed_s=self._outside.clock() - began,
            clarification=way.clarification,
            candidates=self._worth(match),
        )
        if way.decided_by == RULES:
            return replace(prior, learned=learned)
        rest = (name for name in prior.chain if name not in way.order)
        return replace(
            prior,
            primary=way.order[0],
            fallbacks=(*way.order[1:], *rest),
            reason=way.reason,
            detail=f"{way.words}; by the rules: {prior.detail}",
            learned=learned,
        )

    def _worth(self, match: FusedMatch) -> int:
        """Say how many candidates a request is worth: one for a small thing, two in doubt."""
        if match.lite:
            return 1
        if not (self.setup.two_when_close and match.ambiguous):
            return 0
        best, second = (score for _, score in match.candidates[:2])
        return 2 if activation(best, second) is Activation.BEST_OF_TWO else 0

    def _as_ruled(
        self,
        router: ModelRouter,
        prior: RoutingDecision,
        request: Request,
        state: LearnedState,
        began: float,
        *,
        in_full: bool = True,
    ) -> Chosen:
        """Keep the rules' decision; features are computed for so many a second only."""
        if self._outside.record is None:
            return Chosen(prior)
        features = self._features(request, began) if in_full else self._outside.bare(request)
        costs = self._costs_of(router, prior)
        return self._recorded(Decided(prior, prior, request, state, began, features, costs=costs))

    def _features(self, request: Request, now: float, *, wanted: bool = False) -> Features:
        """Compute features where they are wanted; else, to be recorded, for so many a second."""
        if wanted or self._tokens.take(now):
            return self._outside.features(request)
        return self._outside.bare(request)

    def _costs_of(self, router: ModelRouter, prior: RoutingDecision) -> Costs:
        """Return the prices among which the rules chose; kept, by identity, for requests alike."""
        kept = self._costs.get(id(prior))
        if kept is None:
            if len(self._costs) >= KEPT_COSTS:
                self._costs.clear()
            kept = prior, _costs(permitted_of(prior, router.snapshot.by_name))
            self._costs[id(prior)] = kept
        return kept[1]

    def _recorded(self, decided: Decided) -> Chosen:
        record = self._outside.record
        if record is None:
            return Chosen(decided.decision)
        at = self._outside.wall()
        made = self._ids.at(at)
        event = event_of(decided, made, at, self._outside.clock() - decided.began)
        record(event)
        if event.arms or event.shadows:
            self.knowledge.exposed.append(event)
        return Chosen(decided.decision, made)


class Allowance:
    """So many a second, no more than those of one second at once."""

    def __init__(self, per_s: int) -> None:
        self._per_s = per_s
        self._left = float(per_s)
        self._at = 0.0

    def take(self, now: float) -> bool:
        """Take one if there is one, at `now` seconds of the clock."""
        self._left = min(self._per_s, self._left + max(now - self._at, 0.0) * self._per_s)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def _explained(prior: RoutingDecision, found: RoutingDecision) -> RoutingDecision:
    """Keep the rules' decision, with what was found beside it."""
    learned = None if found.learned is None else replace(found.learned, clarification=None)
    return replace(prior, learned=learned)


def _costs(endpoints: Iterable[Endpoint]) -> Costs:
    return tuple((one.name, one.cost_micros_per_1k) for one in endpoints)


def _key(experiment: Experiment, arm: Arm) -> str:
    return f"{experiment.name}/{arm.name}"


def _all_arms(experiments: Iterable[Experiment]) -> list[tuple[Experiment, Arm]]:
    return [(one, arm) for one in experiments for arm in one.arms]


def _mixture(experiments: Iterable[Experiment], ways: Mapping[str, Way]) -> Mapping[str, float]:
    """Say with which probability each endpoint is chosen first, over all that is drawn or hashed.

    The first experiment acts of which the request is in an arm that is no shadow; so an experiment
    gets what those before it leave.
    """
    chances: dict[str, float] = {}
    left = 1.0
    for one in experiments:
        taken = 0.0
        for arm in one.arms:
            if not arm.shadow:
                share = propensity(one, arm)
                taken += share
                _add(chances, ways[_key(one, arm)], left * share)
        left *= 1 - taken
    _add(chances, ways[NO_ARM], left)
    return chances


def _add(chances: dict[str, float], way: Way, share: float) -> None:
    for endpoint, chance in way.propensities.items():
        if share * chance > 0:
            chances[endpoint] = chances.get(endpoint, 0.0) + share * chance


def _described(features: Features) -> tuple[tuple[str, str], ...]:
    return (
        ("length", str(features.length)),
        ("n_grams", str(len(features.buckets))),
        ("task", features.task),
        ("language", features.language),
    )
