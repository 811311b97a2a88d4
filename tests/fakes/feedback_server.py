"""A FeedbackService with a memory of its own, on one free port: it knows decisions and versions.

Thresholds rise by the step with each proposal. `first` holds what its next calls do before they are
answered, such as failing. The server runs on gRPC's own threads, so that both clients may use it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import grpc
from ensemble.v1 import feedback_service_pb2 as pb
from ensemble.v1.gateway_service_pb2 import FailureDetail
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

from tests.fakes.gateway_server import PATIENCE_S, Behaviour, fails

DECISION = "01981234-0000-7000-8000-0123456789ab"
LAYERS = {"keyword": 0.85, "similarity": 0.7, "knn": 0.85, "head": 0.9}
AT = Timestamp(seconds=1_790_000_000)

ANALYSIS = pb.AnalyzeRoutingResponse(
    decisions=12_480,
    labelled=8_230,
    accuracy=0.874,
    corrected=0.062,
    clarified=0.011,
    layers=[
        pb.LayerReport(
            layer="keyword",
            attempts=12_480,
            decided=3_120,
            capture=0.25,
            mean_confidence=0.78,
            mean_elapsed=Duration(nanos=41_000),
            accuracy=0.955,
            labelled=2_010,
            missed=3,
            false_positives=90,
        ),
        pb.LayerReport(layer="head", attempts=0),
    ],
    endpoints=[
        pb.EndpointReport(
            endpoint="fast", chosen=9_000, labelled=6_000, mean_quality=0.71, low=0.69, high=0.73
        ),
        pb.EndpointReport(endpoint="security-auditor", chosen=4),
    ],
    alerts=["accuracy 87.4% is below 90%"],
    recommendations=["lower the threshold of knn to 0.80"],
    threshold_version=3,
    observations=8_100,
    events_dropped=2,
)
EVALUATION = pb.EvaluatePolicyResponse(
    estimates=[
        pb.PolicyEstimate(method="ips", value=0.741, low=0.702, high=0.780),
        pb.PolicyEstimate(method="doubly_robust", value=0.7335, low=0.715, high=0.752),
    ],
    decisions=8_230,
    effective_sample_size=1_204.6,
    support=0.93,
    logged_value=0.712,
    supported=True,
    verdict="better than what was done: the interval lies above 0.712",
)
UNSUPPORTED = pb.EvaluatePolicyResponse(
    decisions=210,
    effective_sample_size=4.2,
    support=0.08,
    logged_value=0.712,
    verdict="the log has tried 8% of what the policy would choose; run an experiment first",
)
EXPERIMENTS = (
    pb.Experiment(
        name="knn-rollout",
        status="stopped",
        reason="treatment is worse than control by more than 0.05",
        share=0.1,
        unit="session",
        arms=[
            pb.ArmReport(
                arm="control",
                weight=1,
                control=True,
                exposures=1_000,
                labelled=700,
                mean_quality=0.72,
            ),
            pb.ArmReport(arm="treatment", weight=1, exposures=990, harm_evidence=41.3),
            pb.ArmReport(arm="dark", weight=1, shadow=True, exposures=995, agreement=0.83),
        ],
    ),
)


@dataclass
class Asked:
    """One RPC as it arrived."""

    method: str
    request: Any
    metadata: dict[str, str | bytes]
    time_left_s: float


@dataclass
class FakeFeedback:
    evaluation: pb.EvaluatePolicyResponse = field(default_factory=lambda: EVALUATION)
    experiments: tuple[pb.Experiment, ...] = EXPERIMENTS
    first: list[Behaviour] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    versions: dict[int, pb.ThresholdSet] = field(default_factory=dict)
    in_force: list[int] = field(default_factory=lambda: [1])
    changes: list[pb.ThresholdChange] = field(default_factory=list)
    target: str = ""

    def __post_init__(self) -> None:
        self.versions[1] = threshold_set(1, LAYERS, note="as configured")

    def record_outcome(self, request, context):
        if request.decision_id != DECISION:
            _not_found(context, "UNKNOWN_DECISION", "decision_id: no such decision is kept")
        answer = pb.RecordOutcomeResponse(endpoint=request.endpoint or "fast")
        if request.tests_total:
            answer.quality = request.tests_passed / request.tests_total
        elif request.HasField("accepted"):
            answer.quality = float(request.accepted)
        return answer

    def get_thresholds(self, request, context):
        history = [self._set(version, context) for version in sorted(self.versions, reverse=True)]
        asked = self._set(request.version or self.in_force[-1], context)
        return pb.GetThresholdsResponse(set=asked, history=history, changes=self.changes[::-1])

    def propose_thresholds(self, request, context):
        now = {one.layer: one.threshold for one in self.versions[self.in_force[-1]].thresholds}
        step = request.step or 0.05
        proposed = {**now, "knn": now["knn"] - step}
        version = max(self.versions) + 1
        self.versions[version] = threshold_set(version, proposed, note="knn is sure too early")
        self._changed("propose", version)
        tunings = [
            pb.LayerTuning(
                layer=layer,
                current=threshold,
                proposed=proposed[layer],
                precision=0.962 if layer == "knn" else 0,
                precision_bound=0.951 if layer == "knn" else 0,
                coverage=0.4312,
                labelled=2_311 if layer == "knn" else 12,
                reason="its optimum is 0.20 lower; moved by one step"
                if layer == "knn"
                else "12 labelled requests, 100 are needed",
            )
            for layer, threshold in now.items()
        ]
        tunings[2].optimum = 0.65
        return pb.ProposeThresholdsResponse(
            set=self._set(version, context),
            layers=tunings,
            changed=True,
            head="trained on 2,311 outcomes; log loss 0.41 held out" if request.train_head else "",
        )

    def apply_thresholds(self, request, context):
        before = self._set(self.in_force[-1], context)
        self._set(request.version, context)
        if not request.validate_only:
            self.in_force.append(request.version)
            self._changed("apply", request.version)
        return pb.ApplyThresholdsResponse(before=before, after=self._set(request.version, context))

    def rollback_thresholds(self, request, context):
        before = self._set(self.in_force[-1], context)
        if len(self.in_force) == 1:
            words = "there is no version before 1"
            fails(grpc.StatusCode.FAILED_PRECONDITION, words)(request, context)
        version = self.in_force[-2]
        if not request.validate_only:
            self.in_force.pop()
            self._changed("rollback", version)
        return pb.RollbackThresholdsResponse(before=before, after=self._set(version, context))

    def list_experiments(self, request, context):
        return pb.ListExperimentsResponse(experiments=self.experiments)

    def evaluate_policy(self, request, context):
        return self.evaluation

    def analyze_routing(self, request, context):
        return ANALYSIS

    def methods(self) -> list[str]:
        return [asked.method for asked in self.asked]

    def answer(self, method: str, request: Any, context: grpc.ServicerContext) -> Any:
        metadata = dict(context.invocation_metadata())
        self.asked.append(Asked(method, request, metadata, context.time_remaining()))
        if self.first:
            self.first.pop(0)(request, context)
        answering = getattr(self, re.sub(r"(?<!^)([A-Z])", r"_\1", method).lower())
        return answering(request, context)

    def _set(self, version: int, context: grpc.ServicerContext) -> pb.ThresholdSet:
        if version not in self.versions:
            _not_found(context, "UNKNOWN_VERSION", f"version: there is no version {version}")
        found = pb.ThresholdSet()
        found.CopyFrom(self.versions[version])
        found.in_force = version == self.in_force[-1]
        return found

    def _changed(self, action: str, version: int) -> None:
        change = pb.ThresholdChange(at=AT, action=action, version=version, actor="acme")
        self.changes.append(change)


def threshold_set(version: int, thresholds: dict[str, float], note: str = "") -> pb.ThresholdSet:
    return pb.ThresholdSet(
        version=version,
        thresholds=[
            pb.LayerThreshold(layer=layer, threshold=value) for layer, value in thresholds.items()
        ],
        created_at=AT,
        note=note,
        head_observations=0,
    )


def _not_found(context: grpc.ServicerContext, reason: str, words: str) -> None:
    fails(grpc.StatusCode.NOT_FOUND, words, FailureDetail(reason=reason))(None, context)


def _handlers(fake: FakeFeedback) -> grpc.GenericRpcHandler:
    service = pb.DESCRIPTOR.services_by_name["FeedbackService"]
    handlers = {
        method.name: grpc.unary_unary_rpc_method_handler(
            partial(fake.answer, method.name),
            GetMessageClass(method.input_type).FromString,
            lambda answer: answer.SerializeToString(),
        )
        for method in service.methods
    }
    return grpc.method_handlers_generic_handler(service.full_name, handlers)


@contextmanager
def feedback_on_loopback(fake: FakeFeedback | None = None) -> Iterator[FakeFeedback]:
    """Serve the fake; its `target` is the address."""
    fake = fake or FakeFeedback()
    server = grpc.server(ThreadPoolExecutor(4), handlers=[_handlers(fake)])
    fake.target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield fake
    finally:
        server.stop(None).wait(PATIENCE_S)
