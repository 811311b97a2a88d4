"""Outcomes, thresholds, experiments and what is said about policies, on the wire."""

from __future__ import annotations

from ensemble.v1 import feedback_service_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.core.experiments import Arm
from gateway.core.feedback import OutcomeReport
from gateway.ensemble.feedback.versions import Change, Version
from gateway.learning.analysis import Analysis
from gateway.learning.evaluation.estimators import Estimate
from gateway.learning.evaluation.policy_value import PolicyValue
from gateway.learning.guardrail import ExperimentCounts, verdicts
from gateway.learning.layer_report import LayerReport
from gateway.learning.thresholds import LayerTuning
from gateway.wire.result import duration

NANOS = 1_000_000_000


def report_from_wire(wire: pb.RecordOutcomeRequest, at: float) -> OutcomeReport:
    """Read a checked report that came at `at` unix seconds; what was left out stays unknown."""
    return OutcomeReport(
        wire.decision_id,
        wire.endpoint,
        at,
        compiled=wire.compiled if wire.HasField("compiled") else None,
        tests_passed=wire.tests_passed if wire.HasField("tests_passed") else None,
        tests_total=wire.tests_total if wire.HasField("tests_total") else None,
        accepted=wire.accepted if wire.HasField("accepted") else None,
        edit_distance=wire.edit_distance if wire.HasField("edit_distance") else None,
        reverted=wire.reverted if wire.HasField("reverted") else None,
        quality=wire.quality if wire.HasField("quality") else None,
        corrected_endpoint=wire.corrected_endpoint,
        latency_s=wire.latency.ToMicroseconds() / 1e6 if wire.HasField("latency") else None,
        cost_micros=wire.cost_micros if wire.HasField("cost_micros") else None,
    )


def version_to_wire(version: Version, *, in_force: int) -> pb.ThresholdSet:
    """Write a version; `in_force` is the number of the one that decides."""
    number = version.thresholds.version
    return pb.ThresholdSet(
        version=number,
        thresholds=[
            pb.LayerThreshold(layer=layer, threshold=at)
            for layer, at in version.thresholds.thresholds
        ],
        created_at=_timestamp(version.at) if version.at else None,
        note=version.note,
        head_observations=version.head_observations,
        in_force=number == in_force,
    )


def change_to_wire(change: Change) -> pb.ThresholdChange:
    """Write what was done with a version."""
    return pb.ThresholdChange(
        at=_timestamp(change.at), action=change.action, version=change.version, actor=change.actor
    )


def tuning_to_wire(tuning: LayerTuning) -> pb.LayerTuning:
    """Write what was found out about a layer."""
    proposed = tuning.proposed
    return pb.LayerTuning(
        layer=tuning.layer,
        current=tuning.current.threshold,
        proposed=proposed.threshold,
        optimum=None if tuning.optimum is None else tuning.optimum.threshold,
        precision=proposed.precision,
        precision_bound=proposed.bound,
        coverage=proposed.coverage,
        labelled=tuning.labelled,
        reason=tuning.reason,
    )


def experiment_to_wire(counts: ExperimentCounts, why_stopped: str) -> pb.Experiment:
    """Write an experiment; `why_stopped` is empty for one that was not stopped."""
    experiment = counts.experiment
    harm = {one.arm: one.evidence for one in verdicts(counts)}
    status = "running" if experiment.enabled else "off"
    return pb.Experiment(
        name=experiment.name,
        status="stopped" if why_stopped else status,
        reason=why_stopped,
        share=experiment.share,
        unit=experiment.unit,
        arms=[_arm(arm, counts, harm.get(arm.name, 0.0)) for arm in experiment.arms],
    )


def _arm(arm: Arm, counts: ExperimentCounts, harm: float) -> pb.ArmReport:
    count = counts.arms[arm.name]
    return pb.ArmReport(
        arm=arm.name,
        weight=arm.weight,
        control=arm.control,
        shadow=arm.shadow,
        exposures=count.exposures,
        labelled=count.labelled,
        mean_quality=count.mean_quality,
        harm_evidence=harm,
        agreement=count.agreed / count.shadowed if count.shadowed else None,
    )


def policy_value_to_wire(found: PolicyValue) -> pb.EvaluatePolicyResponse:
    """Write what a log says about a policy."""
    wire = pb.EvaluatePolicyResponse(
        decisions=found.decisions,
        support=found.support,
        supported=found.supported,
        verdict=found.verdict,
        known_share=found.known_share,
        cost_micros_per_1k=found.cost_micros,
        logged_cost_micros_per_1k=found.logged_cost_micros,
    )
    measured = found.measured
    if measured is not None:
        wire.estimates.extend(_estimate(name, one) for name, one in measured.estimates)
        wire.effective_sample_size = measured.effective_size
        wire.logged_value = measured.logged.mean
        wire.gain.CopyFrom(_estimate("doubly_robust", measured.gain))
        wire.clipped = measured.clipped
    return wire


def analysis_to_wire(
    analysis: Analysis, *, threshold_version: int, observations: int, dropped: int
) -> pb.AnalyzeRoutingResponse:
    """Write how routing did, beside what the learned layers know and what could not be kept."""
    shares = analysis.shares
    return pb.AnalyzeRoutingResponse(
        decisions=analysis.decisions,
        labelled=round(shares.accuracy.of),
        accuracy=shares.accuracy.share,
        corrected=shares.corrected.share or 0.0,
        clarified=shares.clarified.share or 0.0,
        layers=[_layer(one) for one in analysis.layers],
        endpoints=[
            pb.EndpointReport(
                endpoint=one.endpoint,
                chosen=one.chosen,
                labelled=one.quality.labelled,
                mean_quality=one.quality.mean,
                low=one.quality.interval.low,
                high=one.quality.interval.high,
            )
            for one in analysis.endpoints
        ],
        alerts=analysis.alerts,
        recommendations=analysis.recommendations,
        threshold_version=threshold_version,
        observations=observations,
        events_dropped=dropped,
    )


def _layer(report: LayerReport) -> pb.LayerReport:
    return pb.LayerReport(
        layer=report.layer,
        attempts=report.attempts,
        decided=round(report.decided.count),
        capture=report.decided.share or 0.0,
        mean_confidence=report.mean_confidence or 0.0,
        mean_elapsed=duration(report.mean_elapsed_s or 0.0),
        accuracy=report.accuracy.share,
        labelled=round(report.accuracy.of),
        missed=report.missed,
        false_positives=report.false_positives,
    )


def _estimate(method: str, found: Estimate) -> pb.PolicyEstimate:
    return pb.PolicyEstimate(method=method, value=found.mean, low=found.low, high=found.high)


def _timestamp(at: float) -> Timestamp:
    wire = Timestamp()
    wire.seconds, wire.nanos = divmod(round(at * NANOS), NANOS)
    return wire
