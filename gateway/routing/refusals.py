"""Why the router sends a hole nowhere, as the fault that its caller sees."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.core.constraint import Constraint
from gateway.core.decision import Excluded, ExclusionReason
from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault, FieldViolation, Kind, Origin, Reason
from gateway.core.snapshot import Snapshot
from gateway.routing.rules import Rule

MOST_NAMED = 10
"""Endpoints or constraints that one message names; the rest is counted."""

DRAINED_RETRY_S = 5.0
"""When a caller may come back to endpoints that are all drained: a guess at an operator's pace."""


def infeasible(constraints: Sequence[Constraint]) -> Fault:
    """Some constraint was found impossible to meet, so no endpoint is worth calling (HS-06).

    The caller should drop or change the named constraints.
    """
    violations = tuple(
        FieldViolation(
            f"constraints[{place}].feasible",
            f"constraint {constraint.name!r} is marked as infeasible; drop it or change it",
        )
        for place, constraint in enumerate(constraints)
        if not constraint.feasible
    )
    names = [constraint.name for constraint in constraints if not constraint.feasible]
    return Fault(
        Kind.INFEASIBLE,
        Origin.CALLER,
        Reason.INFEASIBLE_CONSTRAINT,
        f"no fill can meet: {_listed(repr(name) for name in names)}",
        violations=violations[:MOST_NAMED],
    )


def nothing_eligible(
    rule: Rule, words: str, excluded: Sequence[Excluded], passing: Sequence[Endpoint]
) -> Fault:
    """No endpoint may be called: each one is ruled out by a filter or by a STRICT chain.

    `passing` holds the endpoints that pass the filters but lack the capability of a STRICT rule.
    The caller should relax the request, or the operator configure a fitting endpoint. When all
    are drained the request is not at fault: UNAVAILABLE, to be tried again later.
    """
    lacking = f"lacks {rule.capability}, which the {rule.name} rule never leaves ({words})"
    refused = [
        *excluded,
        *(Excluded(endpoint.name, ExclusionReason.CAPABILITY, lacking) for endpoint in passing),
    ]
    all_drained = all(refusal.reason is ExclusionReason.DRAINED for refusal in refused)
    return Fault(
        Kind.UNAVAILABLE if all_drained else Kind.INFEASIBLE,
        Origin.US,
        Reason.NO_ELIGIBLE_ENDPOINT,
        ("all endpoints are drained: " if all_drained else "no endpoint is eligible: ")
        + _listed(f"{refusal.endpoint!r} {refusal.detail}" for refusal in refused),
        violations=tuple(
            FieldViolation(f"endpoints[{refusal.endpoint}]", f"{refusal.reason}: {refusal.detail}")
            for refusal in refused[:MOST_NAMED]
        ),
        retry_after_s=DRAINED_RETRY_S if all_drained else None,
    )


def unknown_endpoints(names: frozenset[str], snapshot: Snapshot) -> Fault:
    """A filter names what is no endpoint; the caller should name one of those that are."""
    groups = {one.name: one.group for one in snapshot.callable if one.group}
    unknown = sorted(names.difference(snapshot.by_name))
    words = [
        f"{name!r} is a replica: name its group {groups[name]!r}" if name in groups else repr(name)
        for name in unknown
    ]
    return Fault(
        Kind.NOT_FOUND,
        Origin.CALLER,
        Reason.UNKNOWN_ENDPOINT,
        f"endpoint_filter.names: no such endpoint: {_listed(words)}; use of: "
        + _listed(sorted(snapshot.by_name)),
    )


def _listed(texts: Iterable[str]) -> str:
    known = list(texts)
    more = len(known) - MOST_NAMED
    tail = [f"and {more} more"] if more > 0 else []
    return "; ".join([*known[:MOST_NAMED], *tail])
