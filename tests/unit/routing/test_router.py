"""The whole router: parity cases of R-13, reasons, refusals, snapshots."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from gateway.core.constraint import Constraint, FillConstraint, ForbiddenText, TokenMask
from gateway.core.decision import ChainPolicy, Excluded, ExclusionReason, RoutingReason
from gateway.core.endpoint import Capability, Endpoint
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.hole import EndpointFilter, HoleSpec
from gateway.core.snapshot import RouterSettings, Snapshot
from gateway.routing.router import ModelRouter
from tests.fakes.fleets import (
    CONSTRAINED,
    FAST,
    PARITY_FLEET,
    PLAIN,
    QUALITY,
    fills,
    forbidden,
    hole,
    prefer_everywhere,
    request,
    snapshot_of,
)

ROUTER = ModelRouter(snapshot_of())
SECURE = hole(HoleSpec(fill_constraints=(FillConstraint("security", "no eval"),)))


def test_a_simple_hole_goes_to_the_fast_endpoint() -> None:
    decision = ROUTER.route(request())
    assert decision.primary == "fast"
    assert decision.reason is RoutingReason.FAST_MATCH
    assert decision.capability is Capability.FAST_INFERENCE
    assert decision.complexity == 0.0
    assert decision.estimator == "v2"
    assert decision.chain_policy is ChainPolicy.PREFER
    assert decision.detail == (
        "complexity 0 is below 0.3; 'fast' is the first endpoint with fast_inference"
    )


def test_a_security_hole_goes_to_the_security_aware_endpoint_and_stays_there() -> None:
    for wanted in (SECURE, hole(None, Constraint("mask", TokenMask(forbidden=(7,))))):
        decision = ROUTER.route(request(wanted))
        assert decision.chain == ("quality",)
        assert decision.reason is RoutingReason.SECURITY_MATCH
        assert decision.chain_policy is ChainPolicy.STRICT


def test_fifteen_constraints_go_to_the_constrained_endpoint() -> None:
    for wanted in (hole(HoleSpec(fill_constraints=fills(15))), hole(None, *forbidden(15))):
        decision = ROUTER.route(request(wanted))
        assert decision.primary == "constrained"
        assert decision.reason is RoutingReason.CONSTRAINED_MATCH
        assert "15 constraints are more than 10" in decision.detail


def test_the_chain_of_an_empty_spec_follows_priority() -> None:
    assert ROUTER.route(request()).fallbacks == ("quality", "constrained")


def test_security_without_a_capable_endpoint_takes_the_default_only_under_prefer() -> None:
    decision = ModelRouter(snapshot_of(PLAIN, settings=prefer_everywhere())).route(request(SECURE))
    assert decision.chain == ("plain",)
    assert decision.reason is RoutingReason.SECURITY_NO_MATCH
    assert "no eligible endpoint has security_aware" in decision.detail


def test_security_without_a_capable_endpoint_is_refused_by_default() -> None:
    with pytest.raises(Fault) as caught:
        ModelRouter(snapshot_of(PLAIN)).route(request(SECURE))
    fault = caught.value
    assert (fault.kind, fault.origin) == (Kind.INFEASIBLE, Origin.US)
    assert fault.reason is Reason.NO_ELIGIBLE_ENDPOINT
    assert "'plain' lacks security_aware, which the security rule never leaves" in fault.message
    assert [violation.field for violation in fault.violations] == ["endpoints[plain]"]


def test_drained_capable_endpoints_do_not_open_a_strict_chain() -> None:
    router = ModelRouter(snapshot_of(FAST, replace(QUALITY, drained=True), CONSTRAINED))
    with pytest.raises(Fault, match="'quality' is drained; 'fast' lacks security_aware"):
        router.route(request(SECURE))


@pytest.mark.parametrize(
    ("count", "reason"),
    [
        (0, RoutingReason.FAST_NO_MATCH),
        (5, RoutingReason.MEDIUM_DEFAULT),
        (9, RoutingReason.QUALITY_NO_MATCH),
        (11, RoutingReason.CONSTRAINED_NO_MATCH),
    ],
)
def test_the_default_endpoint_serves_what_nobody_is_capable_of(
    count: int, reason: RoutingReason
) -> None:
    first = Endpoint("first", priority=9)
    router = ModelRouter(snapshot_of(first, PLAIN))
    decision = router.route(request(hole(HoleSpec(fill_constraints=fills(count)))))
    assert decision.chain == ("first", "plain")
    assert decision.reason is reason


def test_a_complex_hole_goes_to_the_high_quality_endpoint() -> None:
    decision = ROUTER.route(request(hole(HoleSpec(fill_constraints=fills(9)))))
    assert decision.chain == ("quality", "fast", "constrained")
    assert decision.reason is RoutingReason.QUALITY_MATCH


def test_chain_policies_are_set_for_each_rule() -> None:
    strict = ChainPolicy.STRICT
    settings = RouterSettings(constrained_chain=strict, fast_chain=strict, quality_chain=strict)
    router = ModelRouter(snapshot_of(settings=settings))
    for count, only in ((0, "fast"), (9, "quality"), (11, "constrained")):
        decision = router.route(request(hole(HoleSpec(fill_constraints=fills(count)))))
        assert decision.chain == (only,)
        assert decision.chain_policy is strict


def test_an_infeasible_constraint_is_refused_by_name() -> None:
    """Regression of HS-06: feasibility was carried and never looked at."""

    def defective(constraints: tuple[Constraint, ...]) -> bool:
        return len(constraints) > 0  # it went on with whatever it was given

    impossible = Constraint("shape", ForbiddenText(("x",)), feasible=False)
    wanted = hole(
        None, *forbidden(1), impossible, replace(impossible, name="other", required=False)
    )
    assert defective(wanted.constraints)
    with pytest.raises(Fault, match="no fill can meet: 'shape'; 'other'") as caught:
        ROUTER.route(request(wanted))
    fault = caught.value
    assert (fault.kind, fault.origin) == (Kind.INFEASIBLE, Origin.CALLER)
    assert fault.reason is Reason.INFEASIBLE_CONSTRAINT
    assert [violation.field for violation in fault.violations] == [
        "constraints[1].feasible",
        "constraints[2].feasible",
    ]
    assert "'shape'" in fault.violations[0].description


def test_filters_narrow_the_chain_and_are_listed() -> None:
    router = ModelRouter(
        snapshot_of(
            replace(FAST, tags=frozenset({"us"})),
            replace(QUALITY, drained=True),
            CONSTRAINED,
            replace(PLAIN, max_context=300, priority=4),
        )
    )
    wanted = EndpointFilter(forbidden_tags=frozenset({"us"}))
    decision = router.route(request(endpoint_filter=wanted))
    assert decision.chain == ("constrained",)
    assert decision.reason is RoutingReason.FAST_NO_MATCH
    assert [(one.endpoint, one.reason) for one in decision.excluded] == [
        ("quality", ExclusionReason.DRAINED),
        ("fast", ExclusionReason.FORBIDDEN_TAG),
        ("plain", ExclusionReason.CONTEXT_LENGTH),
    ]


def test_drained_endpoints_are_listed_without_any_filter() -> None:
    decision = ModelRouter(snapshot_of(replace(FAST, drained=True), QUALITY)).route(request())
    assert decision.chain == ("quality",)
    assert decision.excluded == (Excluded("fast", ExclusionReason.DRAINED, "is drained"),)
    assert "the default endpoint 'fast' is not eligible" in decision.detail


def test_when_all_endpoints_are_drained_the_caller_may_come_back() -> None:
    """They are unavailable, which no change of the request mends: no FAILED_PRECONDITION."""
    fleet = (replace(FAST, drained=True), replace(QUALITY, drained=True))
    for wanted in (request(), request(SECURE), request(hole(prompt="x" * 3000))):
        with pytest.raises(Fault) as caught:
            ModelRouter(snapshot_of(*fleet)).route(wanted)
        fault = caught.value
        assert (fault.kind, fault.origin) == (Kind.UNAVAILABLE, Origin.US)
        assert fault.reason is Reason.NO_ELIGIBLE_ENDPOINT
        assert fault.retry_after_s == 5
        assert fault.message == (
            "all endpoints are drained: 'fast' is drained; 'quality' is drained"
        )


def test_one_endpoint_that_is_not_drained_makes_the_filters_the_reason() -> None:
    wanted = EndpointFilter(required_tags=frozenset({"eu"}))
    with pytest.raises(Fault, match="no endpoint is eligible") as caught:
        ModelRouter(snapshot_of(replace(FAST, drained=True), QUALITY)).route(
            request(endpoint_filter=wanted)
        )
    assert caught.value.kind is Kind.INFEASIBLE
    assert caught.value.retry_after_s is None


def test_a_group_of_replicas_is_routed_to_by_its_name() -> None:
    one = replace(FAST, name="one", group="fast")
    two = replace(FAST, name="two", group="fast")
    snapshot = snapshot_of(one, two, QUALITY)
    assert ModelRouter(snapshot).route(request()).chain == ("fast", "quality")
    less = snapshot.with_drained("one", drained=True)
    assert ModelRouter(less).route(request()).chain == ("fast", "quality")
    none = less.with_drained("two", drained=True)
    decision = ModelRouter(none).route(request())
    assert decision.chain == ("quality",)
    assert decision.excluded == (Excluded("fast", ExclusionReason.DRAINED, "is drained"),)
    assert decision.snapshot_version == 3


def test_a_group_can_be_asked_for_by_name_and_its_replicas_cannot() -> None:
    one = replace(FAST, name="one", group="fast")
    router = ModelRouter(snapshot_of(one, QUALITY))
    wanted = EndpointFilter(names=frozenset({"fast"}))
    assert router.route(request(endpoint_filter=wanted)).chain == ("fast",)
    with pytest.raises(Fault) as caught:
        router.route(request(endpoint_filter=EndpointFilter(names=frozenset({"one", "tow"}))))
    fault = caught.value
    assert (fault.kind, fault.reason) == (Kind.NOT_FOUND, Reason.UNKNOWN_ENDPOINT)
    assert "'one' is a replica: name its group 'fast'; 'tow'" in fault.message
    assert fault.message.endswith("use of: fast; quality")


def test_a_refusal_names_ten_endpoints_and_counts_the_rest() -> None:
    fleet = tuple(Endpoint(f"e{index:02}") for index in range(12))
    wanted = EndpointFilter(required_tags=frozenset({"eu"}))
    with pytest.raises(Fault) as caught:
        ModelRouter(snapshot_of(*fleet)).route(request(endpoint_filter=wanted))
    fault = caught.value
    assert fault.reason is Reason.NO_ELIGIBLE_ENDPOINT
    assert "'e09' lacks the required tag 'eu'; and 2 more" in fault.message
    assert "e10" not in fault.message
    assert len(fault.violations) == 10
    assert fault.violations[0].description == "missing_tag: lacks the required tag 'eu'"


def test_refusals_and_decisions_never_quote_the_prompt() -> None:
    secret = "hunter2"  # what a prompt might hold
    small = Endpoint("small", max_context=65)
    with pytest.raises(Fault) as caught:
        ModelRouter(snapshot_of(small)).route(request(hole(prompt=secret * 10)))
    assert secret not in caught.value.message
    assert secret not in ROUTER.route(request(hole(prompt=secret))).detail


def test_a_router_is_immutable_and_knows_its_snapshot() -> None:
    snapshot = Snapshot.of(PARITY_FLEET, version=7)
    router = ModelRouter(snapshot)
    assert router.snapshot is snapshot
    assert router.route(request()).snapshot_version == 7
    with pytest.raises(FrozenInstanceError):
        router.snapshot = snapshot_of()


def test_an_unknown_estimator_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="'v3' is unknown; known are v1, v2"):
        ModelRouter(snapshot_of(settings=RouterSettings(estimator="v3")))


def test_description() -> None:
    described = ModelRouter(Snapshot.of(PARITY_FLEET, version=3)).describe()
    assert (described.snapshot_version, described.estimator) == (3, "v2")
    assert described.default_endpoint == "fast"
    assert [(rule.name, rule.policy) for rule in described.rules] == [
        ("security", ChainPolicy.STRICT),
        ("constrained", ChainPolicy.PREFER),
        ("fast", ChainPolicy.PREFER),
        ("quality", ChainPolicy.PREFER),
        ("default", ChainPolicy.PREFER),
    ]
