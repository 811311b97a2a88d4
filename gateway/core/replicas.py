"""Replicas of one model, and the one endpoint that the router sees in their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite
from typing import cast

from gateway.core.endpoint import Endpoint

SHARED_FIELDS = (
    "capabilities",
    "priority",
    "cost_micros_per_1k",
    "timeout_s",
    "max_context",
    "tags",
    "continues",
    "model",
    "idempotent",
    "takes_tools",
)
"""What the router and the ensemble decide by: equal for all replicas of a group."""


def by_group(endpoints: Sequence[Endpoint]) -> Mapping[str, tuple[Endpoint, ...]]:
    """Collect the replicas of each group, in the order listed; lone endpoints are in none.

    Raises ValueError, with what to mend, for a weight that is no positive number, a group that is
    named like an endpoint, and replicas that differ in one of `SHARED_FIELDS`.
    """
    names = {endpoint.name for endpoint in endpoints}
    groups: dict[str, list[Endpoint]] = {}
    for endpoint in endpoints:
        if not (isfinite(endpoint.weight) and endpoint.weight > 0):
            raise ValueError(f"weight of endpoint {endpoint.name!r} must be a number above 0")
        if endpoint.group:
            groups.setdefault(endpoint.group, []).append(endpoint)
    for group, replicas in groups.items():
        if group in names:
            raise ValueError(f"group {group!r} has the name of an endpoint; rename one of them")
        _check_alike(group, replicas)
    return {group: tuple(replicas) for group, replicas in groups.items()}


def representative(replicas: Sequence[Endpoint]) -> Endpoint:
    """Make the endpoint that stands for a group: its name, the sum of weights, no address.

    It is drained when every replica is.
    """
    first = replicas[0]
    return replace(
        first,
        name=first.group,
        url="",
        weight=sum(replica.weight for replica in replicas),
        drained=all(replica.drained for replica in replicas),
    )


def _check_alike(group: str, replicas: Sequence[Endpoint]) -> None:
    first = replicas[0]
    for other in replicas[1:]:
        for field in SHARED_FIELDS:
            one, two = getattr(first, field), getattr(other, field)
            if one != two:
                raise ValueError(
                    f"replicas of group {group!r} must have the same {field}, but "
                    f"{first.name!r} has {_shown(one)} and {other.name!r} has {_shown(two)}"
                )


def _shown(setting: object) -> str:
    if isinstance(setting, frozenset):
        return ", ".join(sorted(cast("frozenset[str]", setting))) or "none"
    return repr(setting)
