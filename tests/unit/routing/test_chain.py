"""Order of the chain: R-03, R-05, R-06, R-07."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

from gateway.core.decision import ChainPolicy, RoutingReason
from gateway.core.endpoint import Capability, Endpoint
from gateway.core.snapshot import RouterSettings, Snapshot
from gateway.routing.chain import Chain, build_chain
from gateway.routing.rules import RuleTable

RULES = RuleTable.of(RouterSettings())
GUARD = Endpoint("guard", frozenset({Capability.SECURITY_AWARE}), priority=5)
VAULT = Endpoint("vault", frozenset({Capability.SECURITY_AWARE}), priority=6)
CHEAP = Endpoint("cheap", priority=1)
DEAR = Endpoint("dear", priority=2)


def names(chain: Chain | None) -> tuple[str, ...]:
    assert chain is not None
    return (chain.primary, *chain.fallbacks)


def test_a_strict_chain_never_leaves_the_capability() -> None:
    """Regression of R-07: a security hole fell back to endpoints that are not security-aware."""

    def defective(endpoints: list[Endpoint], primary: str) -> list[str]:
        others = sorted(endpoints, key=lambda endpoint: endpoint.priority)
        return [primary, *(endpoint.name for endpoint in others if endpoint.name != primary)]

    ranked = [CHEAP, DEAR, GUARD, VAULT]
    assert "cheap" in defective(ranked, "guard")
    assert names(build_chain(ranked, "cheap", RULES.security)) == ("guard", "vault")


def test_prefer_puts_capable_endpoints_first_and_keeps_the_others() -> None:
    rule = replace(RULES.security, policy=ChainPolicy.PREFER)
    chain = build_chain([CHEAP, DEAR, GUARD, VAULT], "cheap", rule)
    assert names(chain) == ("guard", "vault", "cheap", "dear")
    assert chain is not None
    assert chain.reason is RoutingReason.SECURITY_MATCH
    assert chain.words == "'guard' is the first endpoint with security_aware"


def test_strict_without_a_capable_endpoint_is_no_chain() -> None:
    assert build_chain([CHEAP, DEAR], "cheap", RULES.security) is None
    assert build_chain([], "cheap", RULES.fast) is None
    assert build_chain([], "cheap", RULES.default) is None


def test_without_a_capable_endpoint_the_default_leads() -> None:
    chain = build_chain([CHEAP, DEAR, GUARD], "dear", RULES.fast)
    assert names(chain) == ("dear", "cheap", "guard")
    assert chain is not None
    assert chain.reason is RoutingReason.FAST_NO_MATCH
    assert chain.words == (
        "no eligible endpoint has fast_inference, so the default endpoint 'dear' is taken"
    )


def test_a_default_that_is_not_eligible_gives_way_to_the_best_ranked() -> None:
    chain = build_chain([CHEAP, GUARD], "dear", RULES.quality)
    assert names(chain) == ("cheap", "guard")
    assert chain is not None
    assert chain.words == (
        "no eligible endpoint has high_quality, so 'cheap' is taken, "
        "for the default endpoint 'dear' is not eligible"
    )


def test_the_medium_default_leads_whatever_its_rank() -> None:
    chain = build_chain([CHEAP, DEAR, GUARD], "guard", RULES.default)
    assert names(chain) == ("guard", "cheap", "dear")
    assert chain is not None
    assert chain.reason is RoutingReason.MEDIUM_DEFAULT


def test_ties_never_depend_on_the_order_of_the_list() -> None:
    """Regression of R-03: with equal priorities the order of a hash map decided."""
    fast = frozenset({Capability.FAST_INFERENCE})
    tied = [
        Endpoint("b", fast, priority=1, cost_micros_per_1k=5),
        Endpoint("a", fast, priority=1, cost_micros_per_1k=5),
        Endpoint("z", fast, priority=1, cost_micros_per_1k=1),
    ]

    def defective(listed: tuple[Endpoint, ...]) -> str:
        return min(listed, key=lambda endpoint: endpoint.priority).name

    orders = list(permutations(tied))
    assert len({defective(order) for order in orders}) == 3
    chains = {
        names(build_chain(Snapshot.of(order).endpoints, order[0].name, RULES.fast))
        for order in orders
    }
    assert chains == {("z", "a", "b")}
