"""Nothing that learns leaves what the rules allow, and without outcomes it changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.decision import ChainPolicy, RoutingDecision, RoutingReason
from gateway.core.endpoint import Endpoint
from gateway.core.experience import Observation
from gateway.core.experiments import Arm, Experiment, UnitKey
from gateway.core.faults import Fault
from gateway.core.hole import Objective, Priority, Request, RoutingMode
from gateway.core.matching import LayerName, ThresholdSet
from gateway.core.scoring import LiveInput
from gateway.core.snapshot import RouterSettings, Snapshot
from gateway.core.topics import Keyword, Topic
from gateway.ensemble.choosing.chosen import Chosen
from gateway.features.lexical import lexical_features
from gateway.learning.bandit import AdaptiveSettings, BanditState, Evidence
from gateway.routing.router import ModelRouter
from tests.fakes.choosing import WALL, Choosing
from tests.fakes.virtual import run_virtual
from tests.property.test_routing_properties import FLEET, REQUEST, SETTINGS

EAGER = ThresholdSet(7, tuple((name, 0.0) for name in LayerName if name is not LayerName.CLARIFY))
"""Every layer decides that proposes anything at all."""

MODES = st.sampled_from(RoutingMode)
OBJECTIVES = st.sampled_from(Objective)
QUALITY = st.floats(0, 1)


def chosen_by(choosing: Choosing, request: Request) -> Chosen | None:
    try:
        return run_virtual(choosing.clock, choosing.choose(request))
    except Fault:
        return None


def ruled(router: ModelRouter, request: Request) -> RoutingDecision | None:
    try:
        return router.route(request)
    except Fault:
        return None


def router_of(fleet: Sequence[Endpoint], rules: RouterSettings) -> ModelRouter:
    return ModelRouter(Snapshot.of(tuple(fleet), router=rules))


@settings(deadline=None)
@given(FLEET, SETTINGS, REQUEST, st.booleans(), st.booleans())
def test_without_outcomes_the_decision_is_the_very_value_of_the_rules(
    fleet: tuple[Endpoint, ...],
    rules: RouterSettings,
    request: Request,
    enabled: bool,
    recorded: bool,
) -> None:
    router = router_of(fleet, rules)
    expected = ruled(router, request)
    choosing = Choosing(router=router, enabled=enabled, recorded=recorded)
    found = chosen_by(choosing, request)
    if expected is None or found is None:
        assert found is None
        assert expected is None
        assert choosing.events == []
        return
    # The router keeps the decisions that no filter narrows, so there it is one and the same.
    assert found.decision == expected
    narrowed = router.route(request) is not expected
    assert narrowed or found.decision is expected
    assert found.decision.learned is None
    assert [event.decision_id for event in choosing.events] == [found.decision_id] * recorded
    for event in choosing.events:
        assert (event.chosen, event.chain) == (expected.primary, expected.chain)
        assert (event.decided_by, event.rule) == ("rules", expected.reason)
        assert event.propensities == ((expected.primary, 1.0),)
        assert UUID(event.decision_id).version == 7


@st.composite
def experiences(draw: st.DrawFn, fleet: Sequence[Endpoint], request: Request) -> list[Observation]:
    """Outcomes of requests like this one and of others, of endpoints known and unknown."""
    names = [*(endpoint.name for endpoint in fleet), "gone"]
    other = replace(request, labels=(("task", draw(st.sampled_from(["", "a", "b"]))),))
    features = [lexical_features(request), lexical_features(other)]
    return [
        Observation(
            draw(st.sampled_from(features)),
            tuple(
                {
                    name: draw(QUALITY)
                    for name in draw(st.sets(st.sampled_from(names), min_size=1))
                }.items()
            ),
            WALL + number,
        )
        for number in range(draw(st.integers(1, 6)))
    ]


@st.composite
def arms(draw: st.DrawFn, names: Sequence[str]) -> Arm:
    return Arm(
        draw(st.text("ab", min_size=1, max_size=3)),
        draw(st.floats(0.1, 10)),
        shadow=draw(st.booleans()),
        routing_mode=draw(st.none() | MODES),
        objective=draw(st.none() | OBJECTIVES),
        layers=draw(st.none() | st.frozensets(st.sampled_from(list(LayerName)))),
        thresholds=draw(st.sampled_from([(), EAGER.thresholds])),
        endpoint=draw(st.sampled_from(["", "gone", *names])),
    )


@st.composite
def choosings(draw: st.DrawFn, fleet: tuple[Endpoint, ...], request: Request) -> dict[str, Any]:
    """Everything that may have a say, as eager as it can be."""
    names = [endpoint.name for endpoint in fleet]
    topic = Topic(
        "t",
        endpoint=draw(st.sampled_from(names)),
        keywords=(Keyword(draw(st.sampled_from(["a", "x", "0"])), 1.0),),
        samples=("a x 0",),
        shapes=("security", "many_constraints"),
    )
    classes = {
        kind: {name: Evidence(draw(st.floats(0, 100)), draw(st.floats(0, 100))) for name in names}
        for kind in (*(f"rule {reason}" for reason in RoutingReason), "task a")
    }
    several = st.lists(arms(names), min_size=1, max_size=4, unique_by=lambda arm: arm.name)
    experiments = tuple(
        Experiment(
            f"e{number}",
            f"s{number}",
            tuple(draw(several)),
            UnitKey.REQUEST,
            share=draw(st.floats(0, 1)),
        )
        for number in range(draw(st.integers(0, 3)))
    )
    pick = lambda *of: draw(st.sampled_from(of))  # noqa: E731 - a short word for many lines
    return {
        "topics": pick((), (topic,)),
        "setup": {
            "fused": pick(False, True),
            "clarify": pick(False, True),
            "best_effort": pick(False, True),
            "by_priority": pick(False, True),
            "two_when_close": pick(False, True),
            "shadow_share": pick(0.0, 1.0),
            "min_gain": draw(st.floats(0, 1)),
            "adaptive": pick(None, AdaptiveSettings(draws=16)),
        },
        "state": {
            "thresholds": EAGER,
            "experiments": experiments,
            "bandit": BanditState(WALL, classes),
        },
        "observations": draw(experiences(fleet, request)),
        "live": LiveInput(draw(QUALITY), 100, draw(QUALITY), 100, draw(QUALITY), 3, 4),
    }


@settings(deadline=None, max_examples=200)
@given(FLEET, SETTINGS, REQUEST, MODES, OBJECTIVES, st.sampled_from(Priority), st.data())
def test_nothing_learned_ever_leaves_what_the_rules_allow(
    fleet: tuple[Endpoint, ...],
    rules: RouterSettings,
    request: Request,
    mode: RoutingMode,
    objective: Objective,
    priority: Priority,
    data: st.DataObject,
) -> None:
    router = router_of(fleet, rules)
    request = replace(request, routing_mode=mode, objective=objective, priority=priority)
    drawn = data.draw(choosings(fleet, request))
    choosing = Choosing(
        router=router, topics=drawn["topics"], live=lambda _: drawn["live"], **drawn["setup"]
    )
    choosing.experienced(drawn["observations"])
    choosing.know(**drawn["state"])
    prior = ruled(router, request)
    found = chosen_by(choosing, request)
    if prior is None or found is None:
        assert found is None
        assert prior is None
        return
    decision = found.decision
    assert sorted(decision.chain) == sorted(prior.chain)
    capable = {one.name for one in fleet if prior.capability in one.capabilities}
    if prior.reason in {RoutingReason.SECURITY_MATCH, RoutingReason.CONSTRAINED_MATCH}:
        assert decision.primary in capable
    if prior.chain_policy is ChainPolicy.STRICT and prior.capability is not None:
        assert capable.issuperset(decision.chain)
    (event,) = choosing.events
    _check_record(event.propensities, decision)
    assert event.chosen == decision.primary
    assert dict(event.propensities).get(event.chosen, 0.0) > 0
    assert {name for name, _ in event.propensities} <= {name for name, _ in event.costs}
    if mode is RoutingMode.RULES:
        assert decision.primary == prior.primary
        assert decision.learned is None
    if decision.learned is not None and decision.learned.decided_by == "rules":
        assert replace(decision, learned=None) == prior


def _check_record(propensities: Sequence[tuple[str, float]], decision: RoutingDecision) -> None:
    assert sum(chance for _, chance in propensities) == pytest.approx(1)
    learned = decision.learned
    if learned is not None:
        assert learned.propensities == propensities
        assert 0 <= learned.confidence <= 1
        assert learned.threshold_version == EAGER.version
        for record in learned.layers:
            assert 0 <= record.confidence <= 1
        for scored in learned.scores:
            assert 0 <= scored.utility <= 1
