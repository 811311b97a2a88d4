"""An endpoint on the wire: how it is configured, and how it does now."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ensemble.v1 import admin_service_pb2 as pb

from gateway.core.endpoint import Endpoint
from gateway.state.breaker import BreakerState
from gateway.state.reading import EndpointReading
from gateway.wire.enums import CAPABILITY, to_wire
from gateway.wire.result import duration

BREAKER: Mapping[str, pb.BreakerState] = MappingProxyType(
    {
        "": pb.BREAKER_STATE_UNSPECIFIED,
        **to_wire(BreakerState, pb.BreakerState, "BREAKER_STATE"),
    }
)
HEALTH: Mapping[str, pb.EndpointHealth] = MappingProxyType(
    {
        "unknown": pb.ENDPOINT_HEALTH_UNSPECIFIED,
        "serving": pb.ENDPOINT_HEALTH_SERVING,
        "not_serving": pb.ENDPOINT_HEALTH_NOT_SERVING,
    }
)


def endpoint_to_wire(
    endpoint: Endpoint, reading: EndpointReading, *, default: str, max_concurrency: int
) -> pb.Endpoint:
    """Write an endpoint; `default` names the one, or the group, taken when no rule matches."""
    return pb.Endpoint(
        name=endpoint.name,
        protocol=endpoint.protocol,
        url=endpoint.url,
        model=endpoint.model,
        capabilities=sorted(CAPABILITY[capability] for capability in endpoint.capabilities),
        priority=endpoint.priority,
        cost_micros_per_1k_tokens=endpoint.cost_micros_per_1k,
        timeout=duration(endpoint.timeout_s),
        max_context_tokens=endpoint.max_context,
        tags=sorted(endpoint.tags),
        drained=endpoint.drained,
        is_default=default in {endpoint.name, endpoint.group},
        group=endpoint.group,
        weight=endpoint.weight,
        max_concurrency=max_concurrency,
        state=reading_to_wire(reading),
    )


def reading_to_wire(reading: EndpointReading) -> pb.EndpointState:
    """Write how an endpoint does now. Raises KeyError for a word that the contract lacks: a bug."""
    return pb.EndpointState(
        breaker=BREAKER[reading.breaker],
        failure_rate=reading.failure_rate,
        slow_rate=reading.slow_rate,
        not_permitted=reading.not_permitted,
        health=HEALTH[reading.health],
        ejected=reading.ejected,
        warming_up=reading.warming_up,
        in_flight=reading.in_flight,
        concurrency_limit=reading.concurrency_limit,
        waiting=reading.waiting,
        saturated=reading.saturated,
    )
