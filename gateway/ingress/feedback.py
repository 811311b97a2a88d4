"""FeedbackService: outcomes in; thresholds, experiments, evaluations and analyses out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import grpc
from ensemble.v1 import feedback_service_pb2 as pb
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from gateway.core.faults import Fault, Kind, Origin, Reason, invalid
from gateway.core.matching import ThresholdSet
from gateway.ensemble.feedback.desk import FeedbackDesk
from gateway.ingress.context import Context, Rpc, answered
from gateway.ingress.messages import Reader
from gateway.learning.policies import Policy
from gateway.wire.feedback import (
    analysis_to_wire,
    change_to_wire,
    experiment_to_wire,
    policy_value_to_wire,
    report_from_wire,
    tuning_to_wire,
    version_to_wire,
)

FEEDBACK = "ensemble.v1.FeedbackService"

Asked = TypeVar("Asked", bound=Message)

ReadPolicy = Callable[[str, ThresholdSet], Policy]
"""Reads a policy from TOML, given the thresholds in force; raises ValueError with what is wrong."""


class FeedbackService:
    """The RPCs of `ensemble.v1.FeedbackService`; `desk` is None where no decisions are kept."""

    def __init__(
        self,
        desk: FeedbackDesk | None,
        read_policy: ReadPolicy,
        wall: Callable[[], float],
        dropped: Callable[[], int],
    ) -> None:
        """`wall` tells unix seconds, `dropped` the decisions that could not be written."""
        self._desk = desk
        self._read_policy = read_policy
        self._wall = wall
        self._dropped = dropped

    def handlers(self) -> grpc.GenericRpcHandler:
        """Register the RPCs."""
        return grpc.method_handlers_generic_handler(
            FEEDBACK,
            {
                "RecordOutcome": _unary(pb.RecordOutcomeRequest, self._record),
                "GetThresholds": _unary(pb.GetThresholdsRequest, self._get),
                "ProposeThresholds": _unary(pb.ProposeThresholdsRequest, self._propose),
                "ApplyThresholds": _unary(pb.ApplyThresholdsRequest, self._apply),
                "RollbackThresholds": _unary(pb.RollbackThresholdsRequest, self._rollback),
                "ListExperiments": _unary(pb.ListExperimentsRequest, self._experiments),
                "EvaluatePolicy": _unary(pb.EvaluatePolicyRequest, self._evaluate),
                "AnalyzeRouting": _unary(pb.AnalyzeRoutingRequest, self._analyze),
            },
        )

    @property
    def _open(self) -> FeedbackDesk:
        if self._desk is None:
            raise Fault(
                Kind.INFEASIBLE,
                Origin.CALLER,
                Reason.OUTCOMES_OFF,
                "this gateway keeps no decisions; set outcomes.enabled in its configuration",
            )
        return self._desk

    async def _record(self, message: pb.RecordOutcomeRequest, _: Rpc) -> Message:
        reported = await self._open.record(report_from_wire(message, self._wall()))
        return pb.RecordOutcomeResponse(endpoint=reported.endpoint, quality=reported.quality)

    async def _get(self, message: pb.GetThresholdsRequest, _: Rpc) -> Message:
        desk = self._open
        now = await desk.in_force()
        asked = await desk.version(message.version) if message.version else now
        history, changes = await desk.history()
        number = now.thresholds.version
        return pb.GetThresholdsResponse(
            set=version_to_wire(asked, in_force=number),
            history=[version_to_wire(one, in_force=number) for one in history],
            changes=[change_to_wire(one) for one in changes],
        )

    async def _propose(self, message: pb.ProposeThresholdsRequest, rpc: Rpc) -> Message:
        proposed = await self._open.propose(
            window_s=_seconds(message.window) if message.HasField("window") else None,
            step=message.step if message.HasField("step") else None,
            train_head=message.train_head,
            actor=rpc.tenant,
        )
        number = 0 if proposed.changed else proposed.version.thresholds.version
        return pb.ProposeThresholdsResponse(
            set=version_to_wire(proposed.version, in_force=number),
            layers=[tuning_to_wire(one) for one in proposed.tuning.layers],
            changed=proposed.changed,
            head=proposed.head,
        )

    async def _apply(self, message: pb.ApplyThresholdsRequest, rpc: Rpc) -> Message:
        before, after = await self._open.apply(
            message.version, validate_only=message.validate_only, actor=rpc.tenant
        )
        number = (before if message.validate_only else after).thresholds.version
        return pb.ApplyThresholdsResponse(
            before=version_to_wire(before, in_force=number),
            after=version_to_wire(after, in_force=number),
        )

    async def _rollback(self, message: pb.RollbackThresholdsRequest, rpc: Rpc) -> Message:
        before, after = await self._open.rollback(
            validate_only=message.validate_only, actor=rpc.tenant
        )
        number = (before if message.validate_only else after).thresholds.version
        return pb.RollbackThresholdsResponse(
            before=version_to_wire(before, in_force=number),
            after=version_to_wire(after, in_force=number),
        )

    async def _experiments(self, _: pb.ListExperimentsRequest, __: Rpc) -> Message:
        teacher = self._open.teacher
        return pb.ListExperimentsResponse(
            experiments=[
                experiment_to_wire(counts, teacher.why_stopped(counts.experiment.name))
                for counts in teacher.counts
            ]
        )

    async def _evaluate(self, message: pb.EvaluatePolicyRequest, _: Rpc) -> Message:
        desk = self._open
        thresholds = (await desk.in_force()).thresholds
        try:
            policy = self._read_policy(message.policy, thresholds)
        except ValueError as error:
            raise invalid("policy", str(error)) from None
        window_s = _seconds(message.window) if message.HasField("window") else None
        return policy_value_to_wire(await desk.evaluate(policy, window_s))

    async def _analyze(self, message: pb.AnalyzeRoutingRequest, _: Rpc) -> Message:
        desk = self._open
        window_s = _seconds(message.window) if message.HasField("window") else None
        analysis = await desk.analyze(window_s)
        state = desk.teacher.knowledge.state
        return analysis_to_wire(
            analysis,
            threshold_version=state.thresholds.version,
            observations=state.experience.observations,
            dropped=self._dropped(),
        )


def _unary(
    kind: type[Asked], work: Callable[[Asked, Rpc], Awaitable[Message]]
) -> grpc.RpcMethodHandler[bytes, bytes]:
    """Read and check a message, work, and write the answer."""
    read = Reader(kind)

    async def handle(raw: bytes, context: Context) -> bytes:
        async def inner(rpc: Rpc) -> bytes:
            return (await work(read(raw), rpc)).SerializeToString()

        return await answered(context, inner)

    return grpc.unary_unary_rpc_method_handler(handle)


def _seconds(span: Duration) -> float:
    return span.ToMicroseconds() / 1e6
