"""A GenerateRequest as a core Request."""

from __future__ import annotations

from ensemble.v1 import decision_pb2, gateway_service_pb2

from gateway.core.faults import Fault, FieldViolation, Kind, Origin, Reason, invalid
from gateway.core.hole import NO_BUDGET, NO_FILTER, NO_SPEC, Budget, EndpointFilter, Hole, Request
from gateway.wire.enums import CAPABILITY_FROM, STRATEGY_FROM
from gateway.wire.hole import constraint_from_wire, sampling_from_wire, spec_from_wire


def request_from_wire(
    wire: gateway_service_pb2.GenerateRequest,
    *,
    request_id: str,
    trace_context: tuple[tuple[str, str], ...] = (),
) -> Request:
    """Read a checked request. Raises Fault for what this version cannot do."""
    _refuse_unavailable(wire)
    hole = Hole(
        wire.prompt,
        wire.suffix,
        spec_from_wire(wire.hole) if wire.HasField("hole") else NO_SPEC,
        tuple(constraint_from_wire(constraint) for constraint in wire.constraints),
    )
    return Request(
        hole,
        wire.request_id or request_id,
        sampling_from_wire(wire.sampling),
        STRATEGY_FROM.get(wire.strategy),
        wire.n if wire.HasField("n") else None,
        _budget(wire),
        _filter(wire.endpoint_filter) if wire.HasField("endpoint_filter") else NO_FILTER,
        wire.session_id,
        tuple(sorted(wire.labels.items())) if wire.labels else (),
        wire.return_candidates,
        trace_context,
    )


def _budget(wire: gateway_service_pb2.GenerateRequest) -> Budget:
    if not wire.HasField("budget"):
        return NO_BUDGET
    budget = wire.budget
    return Budget(
        budget.max_cost_micros if budget.HasField("max_cost_micros") else None,
        budget.max_attempts if budget.HasField("max_attempts") else None,
        budget.max_tokens if budget.HasField("max_tokens") else None,
    )


def _filter(wire: decision_pb2.EndpointFilter) -> EndpointFilter:
    return EndpointFilter(
        frozenset(wire.required_tags),
        frozenset(wire.forbidden_tags),
        frozenset(CAPABILITY_FROM[number] for number in wire.required_capabilities),
    )


def _refuse_unavailable(wire: gateway_service_pb2.GenerateRequest) -> None:
    """Refuse by name what the contract has and this version has not: nothing is ignored."""
    for field, asked in (
        ("strategy", wire.strategy == gateway_service_pb2.STRATEGY_PIPELINE),
        ("objective", wire.objective > decision_pb2.OBJECTIVE_BALANCED),
        ("trace", wire.trace),
    ):
        if asked:
            words = "is not available in this version; leave the field out"
            raise Fault(
                Kind.UNIMPLEMENTED,
                Origin.CALLER,
                Reason.NOT_AVAILABLE_YET,
                f"{field}: {words}",
                violations=(FieldViolation(field, words),),
            )
    if wire.routing_mode == decision_pb2.ROUTING_MODE_LEARNED:
        words = "no learned layer is loaded; use AUTO or RULES"
        fault = invalid("routing_mode", words, Reason.NO_LEARNED_LAYER)
        fault.kind = Kind.INFEASIBLE
        raise fault
