"""A GenerateRequest as a core Request."""

from __future__ import annotations

from ensemble.v1 import decision_pb2, gateway_service_pb2

from gateway.core.faults import invalid
from gateway.core.hole import (
    NO_BUDGET,
    NO_FILTER,
    NO_SAMPLING,
    NO_SPEC,
    Budget,
    CachePolicy,
    EndpointFilter,
    Hole,
    Objective,
    Priority,
    Request,
    RoutingMode,
)
from gateway.wire.enums import (
    CACHE_POLICY_FROM,
    CAPABILITY_FROM,
    OBJECTIVE_FROM,
    PRIORITY_FROM,
    ROUTING_MODE_FROM,
    STRATEGY_FROM,
)
from gateway.wire.hole import constraint_from_wire, sampling_from_wire, spec_from_wire


def request_from_wire(
    wire: gateway_service_pb2.GenerateRequest,
    *,
    request_id: str,
    trace_context: tuple[tuple[str, str], ...] = (),
    tenant: str = "",
    priority: Priority = Priority.STANDARD,
) -> Request:
    """Read a checked request. Raises Fault for fields that contradict each other.

    `priority` is that of a request that does not say.
    """
    if (
        wire.routing_mode == decision_pb2.ROUTING_MODE_RULES
        and wire.objective > decision_pb2.OBJECTIVE_BALANCED
    ):
        raise invalid("objective", "has no say under RULES; leave it out or use another mode")
    constraints = wire.constraints
    hole = Hole(
        wire.prompt,
        wire.suffix,
        spec_from_wire(wire.hole) if wire.HasField("hole") else NO_SPEC,
        tuple(map(constraint_from_wire, constraints)) if constraints else (),
    )
    return Request(
        hole,
        wire.request_id or request_id,
        sampling_from_wire(wire.sampling) if wire.HasField("sampling") else NO_SAMPLING,
        STRATEGY_FROM.get(wire.strategy),
        wire.n if wire.HasField("n") else None,
        _budget(wire.budget) if wire.HasField("budget") else NO_BUDGET,
        _filter(wire.endpoint_filter) if wire.HasField("endpoint_filter") else NO_FILTER,
        wire.session_id,
        tuple(sorted(wire.labels.items())) if wire.labels else (),
        wire.return_candidates,
        trace_context,
        tenant,
        PRIORITY_FROM.get(wire.priority, priority),
        wire.repair,
        wire.pipeline,
        ROUTING_MODE_FROM.get(wire.routing_mode, RoutingMode.AUTO),
        OBJECTIVE_FROM.get(wire.objective, Objective.BALANCED),
        CACHE_POLICY_FROM.get(wire.cache_policy, CachePolicy.DEFAULT),
    )


def _budget(wire: gateway_service_pb2.Budget) -> Budget:
    return Budget(
        wire.max_cost_micros if wire.HasField("max_cost_micros") else None,
        wire.max_attempts if wire.HasField("max_attempts") else None,
        wire.max_tokens if wire.HasField("max_tokens") else None,
        wire.max_wall_time.ToMicroseconds() / 1e6 if wire.HasField("max_wall_time") else None,
    )


def _filter(wire: decision_pb2.EndpointFilter) -> EndpointFilter:
    return EndpointFilter(
        frozenset(wire.required_tags),
        frozenset(wire.forbidden_tags),
        frozenset(CAPABILITY_FROM[number] for number in wire.required_capabilities),
        frozenset(wire.names),
    )
