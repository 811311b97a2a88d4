"""The router: one immutable table per snapshot, one pure function per request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from gateway.core.decision import Excluded, RoutingDecision
from gateway.core.endpoint import Endpoint
from gateway.core.hole import Request
from gateway.core.snapshot import Snapshot
from gateway.core.value import value
from gateway.routing.chain import Chain, build_chain
from gateway.routing.complexity import ESTIMATORS, Estimator
from gateway.routing.eligible import drained, passes_everywhere, screen, tightest_context
from gateway.routing.refusals import infeasible, nothing_eligible, unknown_endpoints
from gateway.routing.rules import Rule, RuleTable
from gateway.routing.traits import Traits, traits_of

KEPT_DECISIONS = 512


@dataclass(frozen=True, slots=True, eq=False)
class RoutingTable:
    """Everything about a snapshot that no request changes.

    `open` holds the endpoints that are not drained, in the router's order. `chains` has the chain
    of each rule, by its name, for requests that no filter narrows; None = nothing may be called.
    """

    snapshot: Snapshot
    rules: RuleTable
    estimator: Estimator
    open: tuple[Endpoint, ...]
    drained: tuple[Excluded, ...]
    tightest: int
    chains: Mapping[str, Chain | None]

    def unfiltered(self, traits: Traits) -> RoutingDecision:
        """Decide for a request that no filter narrows; equal traits share one decision."""
        return _unfiltered(self, traits)

    @classmethod
    def of(cls, snapshot: Snapshot) -> RoutingTable:
        """Prepare a snapshot. Raises ValueError for an unknown estimator: mend the settings."""
        name = snapshot.router.estimator
        if name not in ESTIMATORS:
            known = ", ".join(sorted(ESTIMATORS))
            raise ValueError(f"router estimator {name!r} is unknown; known are {known}")
        available = tuple(endpoint for endpoint in snapshot.endpoints if not endpoint.drained)
        table = RuleTable.of(snapshot.router)
        return cls(
            snapshot=snapshot,
            rules=table,
            estimator=ESTIMATORS[name],
            open=available,
            drained=drained(snapshot.endpoints),
            tightest=tightest_context(available),
            chains={
                rule.name: build_chain(available, snapshot.default_endpoint, rule)
                for rule in table.rules
            },
        )


def route(table: RoutingTable, request: Request) -> RoutingDecision:
    """Decide where a request goes. Cost: constant, or linear in endpoints when filters apply.

    Raises Fault(INFEASIBLE) when a constraint cannot be met or no endpoint may be called, and
    Fault(UNAVAILABLE) when all endpoints are drained.
    """
    constraints = request.hole.constraints
    for constraint in constraints:
        if not constraint.feasible:
            raise infeasible(constraints)
    traits = traits_of(request.hole)
    if passes_everywhere(request, table.tightest):
        return table.unfiltered(traits)
    names = request.endpoint_filter.names
    if names and not names.issubset(table.snapshot.by_name):
        raise unknown_endpoints(names, table.snapshot)
    passing, refused = screen(table.open, request)
    return _decide(table, traits, passing, (*table.drained, *refused), None)


@lru_cache(maxsize=KEPT_DECISIONS)
def _unfiltered(table: RoutingTable, traits: Traits) -> RoutingDecision:
    return _decide(table, traits, table.open, table.drained, table.chains)


def _decide(
    table: RoutingTable,
    traits: Traits,
    passing: Sequence[Endpoint],
    excluded: tuple[Excluded, ...],
    chains: Mapping[str, Chain | None] | None,
) -> RoutingDecision:
    """Apply the rules; `chains` holds those that are already built."""
    factors = table.estimator(traits)
    rule, words = table.rules.first_match(traits, factors)
    snapshot = table.snapshot
    if chains is None:
        chain = build_chain(passing, snapshot.default_endpoint, rule)
    else:
        chain = chains[rule.name]
    if chain is None:
        raise nothing_eligible(rule, words, excluded, passing)
    return RoutingDecision(
        primary=chain.primary,
        fallbacks=chain.fallbacks,
        reason=chain.reason,
        detail=f"{words}; {chain.words}",
        capability=rule.capability,
        complexity=factors.complexity,
        estimator=snapshot.router.estimator,
        chain_policy=rule.policy,
        excluded=excluded,
        snapshot_version=snapshot.version,
    )


@value
class RouterDescription:
    """What an operator may ask about a router: its rules, first match wins, and its default."""

    snapshot_version: int
    estimator: str
    rules: tuple[Rule, ...]
    default_endpoint: str


@dataclass(frozen=True, slots=True)
class ModelRouter:
    """Routes requests over one snapshot. Immutable, so any number of threads may share it (R-15).

    Whoever drains an endpoint makes a new one, over `snapshot.with_drained`. Raises ValueError for
    settings that it cannot follow.
    """

    snapshot: Snapshot
    table: RoutingTable = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", RoutingTable.of(self.snapshot))

    def route(self, request: Request) -> RoutingDecision:
        """Decide where a request goes, without calling anything.

        Raises Fault(INFEASIBLE, CALLER) for a constraint that cannot be met,
        Fault(INFEASIBLE, US) when no endpoint may be called, and Fault(UNAVAILABLE, US) when all
        are drained.
        """
        return route(self.table, request)

    def describe(self) -> RouterDescription:
        """Describe the rules with the numbers and chain policies in force."""
        snapshot = self.snapshot
        return RouterDescription(
            snapshot.version,
            snapshot.router.estimator,
            self.table.rules.rules,
            snapshot.default_endpoint,
        )
