"""The one immutable view of configuration that a request keeps from start to end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from gateway.core.decision import ChainPolicy
from gateway.core.endpoint import Endpoint
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
    """Endpoints in the router's order and the rules. Build it with `Snapshot.of`."""

    endpoints: tuple[Endpoint, ...]
    default_endpoint: str
    router: RouterSettings
    version: int = 1
    by_name: Mapping[str, Endpoint] = field(default_factory=dict[str, Endpoint])

    @classmethod
    def of(
        cls,
        endpoints: tuple[Endpoint, ...],
        *,
        default_endpoint: str | None = None,
        router: RouterSettings | None = None,
        version: int = 1,
    ) -> Snapshot:
        """Sort the endpoints by rank and index them.

        The default endpoint is the first one *as listed* unless named. Raises ValueError for an
        empty list, a duplicate name or an unknown default: the configuration must be mended.
        """
        if not endpoints:
            raise ValueError("no endpoints are configured")
        by_name = {endpoint.name: endpoint for endpoint in endpoints}
        if len(by_name) != len(endpoints):
            names = [endpoint.name for endpoint in endpoints]
            twice = sorted({name for name in names if names.count(name) > 1})
            raise ValueError(f"endpoint names are used twice: {', '.join(twice)}")
        default = default_endpoint or endpoints[0].name
        if default not in by_name:
            raise ValueError(f"default endpoint {default!r} is not among the endpoints")
        ranked = tuple(sorted(endpoints, key=lambda endpoint: endpoint.rank))
        return cls(ranked, default, router or RouterSettings(), version, MappingProxyType(by_name))
