"""One table for each enum: core member <-> wire number. Built by name, so it cannot drift."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar, cast

from ensemble.v1 import (
    decision_pb2,
    gateway_service_pb2,
    hole_pb2,
    model_service_pb2,
    result_pb2,
    telemetry_service_pb2,
    trace_pb2,
)
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

from gateway.core.candidate import AttemptStatus, FinishReason
from gateway.core.constraint import GrammarSyntax, VerdictStatus
from gateway.core.decision import ChainPolicy, RoutingReason
from gateway.core.endpoint import Capability
from gateway.core.hole import (
    CachePolicy,
    HoleKind,
    Objective,
    Priority,
    RoutingMode,
    Strategy,
)
from gateway.core.matching import LayerStatus
from gateway.core.pipeline import StepKind, StepStatus
from gateway.core.ports import Operation
from gateway.core.refinement import FailureStrategy, HoleStatus
from gateway.core.trace import StageStatus
from gateway.state.trace_statistics import Subject

Member = TypeVar("Member", bound=StrEnum)
Number = TypeVar("Number", bound=int)


def to_wire(kind: type[Member], wire: type[Number], prefix: str) -> Mapping[Member, Number]:
    """Map each member to its number; a member without one fails at import."""
    numbers = cast("EnumTypeWrapper", wire)
    return {member: cast("Number", numbers.Value(f"{prefix}_{member.name}")) for member in kind}


def from_wire(table: Mapping[Member, int]) -> Mapping[int, Member]:
    """Map each number to its member."""
    return {number: member for member, number in table.items()}


CAPABILITY = to_wire(Capability, decision_pb2.Capability, "CAPABILITY")
CAPABILITY_FROM = from_wire(CAPABILITY)
REASON = to_wire(RoutingReason, decision_pb2.RoutingReason, "ROUTING_REASON")
CHAIN_POLICY = to_wire(ChainPolicy, decision_pb2.ChainPolicy, "CHAIN_POLICY")
LAYER_STATUS = to_wire(LayerStatus, decision_pb2.LayerStatus, "LAYER_STATUS")
OBJECTIVE_FROM = from_wire(to_wire(Objective, decision_pb2.Objective, "OBJECTIVE"))
ROUTING_MODE_FROM = from_wire(to_wire(RoutingMode, decision_pb2.RoutingMode, "ROUTING_MODE"))
HOLE_KIND = to_wire(HoleKind, hole_pb2.HoleKind, "HOLE_KIND")
HOLE_KIND_FROM = from_wire(HOLE_KIND)
GRAMMAR_SYNTAX = to_wire(GrammarSyntax, hole_pb2.GrammarSyntax, "GRAMMAR_SYNTAX")
GRAMMAR_SYNTAX_FROM = from_wire(GRAMMAR_SYNTAX)
STRATEGY_FROM = from_wire(to_wire(Strategy, gateway_service_pb2.Strategy, "STRATEGY"))
CACHE_POLICY_FROM = from_wire(to_wire(CachePolicy, gateway_service_pb2.CachePolicy, "CACHE_POLICY"))
PRIORITY_FROM = from_wire(to_wire(Priority, gateway_service_pb2.Priority, "PRIORITY"))
FINISH = to_wire(FinishReason, result_pb2.FinishReason, "FINISH_REASON")
FINISH_FROM = from_wire(FINISH)
VERDICT_STATUS = to_wire(VerdictStatus, result_pb2.VerdictStatus, "VERDICT_STATUS")
ATTEMPT_STATUS = to_wire(AttemptStatus, result_pb2.AttemptStatus, "ATTEMPT_STATUS")
OPERATION = to_wire(Operation, model_service_pb2.Operation, "OPERATION")
OPERATION_FROM = from_wire(OPERATION)
FAILURE_STRATEGY_FROM = from_wire(
    to_wire(FailureStrategy, gateway_service_pb2.FailureStrategy, "FAILURE_STRATEGY")
)
HOLE_STATUS = to_wire(HoleStatus, gateway_service_pb2.HoleStatus, "HOLE_STATUS")
STEP_KIND = to_wire(StepKind, gateway_service_pb2.StepKind, "STEP_KIND")
STEP_STATUS = to_wire(StepStatus, gateway_service_pb2.StepStatus, "STEP_STATUS")
STAGE_STATUS = to_wire(StageStatus, trace_pb2.StageStatus, "STAGE_STATUS")
STAGE_STATUS_FROM = from_wire(STAGE_STATUS)
SUBJECT = to_wire(Subject, telemetry_service_pb2.Subject, "SUBJECT")
