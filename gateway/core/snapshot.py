"""The one immutable view of configuration that a request keeps from start to end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from types import MappingProxyType

from gateway.core.decision import ChainPolicy
from gateway.core.endpoint import Endpoint
from gateway.core.replicas import by_group, representative
from gateway.core.value import value


@value
class RouterSettings:
    """Thresholds of the rules. All bounds are strict: a hole *at* a bound does not match.

    `estimator` is `v2` (monotone) or `v1` (kept for parity with earlier routers).
    """

    constraint_limit: int = 10
    fast_below: float = 0.3
    quality_above: float = 0.7
    estimator: str = "v2"
    security_chain: ChainPolicy = ChainPolicy.STRICT
    constrained_chain: ChainPolicy = ChainPolicy.PREFER
    fast_chain: ChainPolicy = ChainPolicy.PREFER
    quality_chain: ChainPolicy = ChainPolicy.PREFER


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Endpoints in the router's order and the rules. Build it with `Snapshot.of`.

    `endpoints` and `by_name` hold what the router sees: lone endpoints, and for each group of
    replicas the one that stands for it. `replicas` holds the members of each group in the order
    listed; `callable` all endpoints that can be called, lone ones and replicas, by rank.
    """

    endpoints: tuple[Endpoint, ...]
    default_endpoint: str
    router: RouterSettings
    version: int = 1
    by_name: Mapping[str, Endpoint] = field(default_factory=dict[str, Endpoint])
    replicas: Mapping[str, tuple[Endpoint, ...]] = field(
        default_factory=dict[str, tuple[Endpoint, ...]]
    )
    callable: tuple[Endpoint, ...] = ()

    @classmethod
    def of(
        cls,
        endpoints: tuple[Endpoint, ...],
        *,
        default_endpoint: str | None = None,
        router: RouterSettings | None = None,
        version: int = 1,
    ) -> Snapshot:
        """Put a representative in the place of each group, sort by rank and index.

        The default endpoint is the first one *as listed*, or its group, unless named. Raises
        ValueError for an empty list, a duplicate name, an unknown default, a default that is one
        replica of a group, and for what `by_group` refuses: the configuration must be mended.
        """
        if not endpoints:
            raise ValueError("no endpoints are configured")
        groups = {endpoint.name: endpoint.group for endpoint in endpoints}
        if len(groups) != len(endpoints):
            names = [endpoint.name for endpoint in endpoints]
            twice = sorted({name for name in names if names.count(name) > 1})
            raise ValueError(f"endpoint names are used twice: {', '.join(twice)}")
        replicas = by_group(endpoints)
        seen = [endpoint for endpoint in endpoints if not endpoint.group]
        seen += map(representative, replicas.values())
        by_name = {endpoint.name: endpoint for endpoint in seen}
        default = default_endpoint or endpoints[0].group or endpoints[0].name
        if default not in by_name:
            if default in groups:
                group = groups[default]
                raise ValueError(
                    f"default endpoint {default!r} is one replica of a group; name it: {group!r}"
                )
            raise ValueError(f"default endpoint {default!r} is not among the endpoints")
        return cls(
            _ranked(seen),
            default,
            router or RouterSettings(),
            version,
            MappingProxyType(by_name),
            MappingProxyType(replicas),
            _ranked(endpoints),
        )

    def named(self, name: str) -> tuple[Endpoint, ...]:
        """The endpoints that a name stands for: itself, or all replicas when it names a group.

        Raises KeyError for a name that is neither an endpoint nor a group.
        """
        if name in self.replicas:
            return self.replicas[name]
        for endpoint in self.callable:
            if endpoint.name == name:
                return (endpoint,)
        raise KeyError(name)

    def with_drained(self, name: str, *, drained: bool) -> Snapshot:
        """The next version, in which what `name` stands for is drained, or is no longer.

        Raises KeyError for a name that is neither an endpoint nor a group.
        """
        changed = {endpoint.name for endpoint in self.named(name)}
        lone = (endpoint for endpoint in self.callable if not endpoint.group)
        return Snapshot.of(
            tuple(
                replace(endpoint, drained=drained) if endpoint.name in changed else endpoint
                for endpoint in chain(lone, *self.replicas.values())
            ),
            default_endpoint=self.default_endpoint,
            router=self.router,
            version=self.version + 1,
        )


def _ranked(endpoints: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    return tuple(sorted(endpoints, key=lambda endpoint: endpoint.rank))
