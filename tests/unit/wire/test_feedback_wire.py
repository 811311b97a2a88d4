"""Outcomes, thresholds, experiments and evaluations on the wire."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from ensemble.v1 import feedback_service_pb2 as pb
from google.protobuf.duration_pb2 import Duration

from gateway.core.experiments import Arm, Experiment
from gateway.core.feedback import OutcomeReport
from gateway.core.matching import LayerName, ThresholdSet
from gateway.ensemble.feedback.versions import FIRST, Change, Version
from gateway.learning.analysis import analyze
from gateway.learning.evaluation.policy_value import evaluate
from gateway.learning.guardrail import nothing_counted, with_exposures, with_outcomes
from gateway.learning.policies import AlwaysPolicy
from gateway.learning.thresholds import propose
from gateway.wire.feedback import (
    analysis_to_wire,
    change_to_wire,
    experiment_to_wire,
    policy_value_to_wire,
    report_from_wire,
    tuning_to_wire,
    version_to_wire,
)
from tests.fakes.cascades import decision, ran
from tests.fakes.logged import event, reported

KEYWORD = LayerName.KEYWORD


def test_what_was_left_out_stays_unknown() -> None:
    """O-06: no answer is a success because nobody said otherwise."""
    report = report_from_wire(pb.RecordOutcomeRequest(decision_id="d"), 7.0)
    assert report == OutcomeReport("d", "", 7.0)
    unknown = {"compiled", "tests_passed", "accepted", "edit_distance", "reverted", "quality"}
    assert {one.name for one in fields(report) if getattr(report, one.name) is None} >= unknown


def test_what_was_reported_as_nothing_or_false_is_not_left_out() -> None:
    wire = pb.RecordOutcomeRequest(
        decision_id="d",
        endpoint="a",
        compiled=False,
        tests_passed=0,
        tests_total=0,
        accepted=False,
        edit_distance=0.0,
        reverted=False,
        quality=0.0,
        corrected_endpoint="b",
        latency=Duration(seconds=1, nanos=500_000_000),
        cost_micros=0,
    )
    assert report_from_wire(wire, 7.0) == OutcomeReport(
        "d",
        "a",
        7.0,
        False,
        0,
        0,
        False,
        0.0,
        False,
        0.0,
        "b",
        1.5,
        0,
    )


def test_a_version_says_whether_it_is_in_force() -> None:
    version = Version(ThresholdSet(2, ((KEYWORD, 0.8),)), 3, 120, 1.25, "why")
    wire = version_to_wire(version, in_force=2)
    assert wire.in_force
    assert (wire.version, wire.note, wire.head_observations) == (2, "why", 120)
    assert [(one.layer, one.threshold) for one in wire.thresholds] == [("keyword", 0.8)]
    assert (wire.created_at.seconds, wire.created_at.nanos) == (1, 250_000_000)
    first = version_to_wire(FIRST, in_force=2)
    assert not first.in_force
    assert not first.HasField("created_at"), "the defaults were never made"


def test_a_change_says_who_did_what_and_when() -> None:
    wire = change_to_wire(Change("apply", 2, 1_700_000_000.5, "me"))
    assert (wire.action, wire.version, wire.actor) == ("apply", 2, "me")
    assert wire.at.ToMilliseconds() == 1_700_000_000_500


def test_a_tuning_without_an_optimum_has_none() -> None:
    none = tuning_to_wire(propose([], ThresholdSet()).layers[0])
    assert (none.layer, none.current, none.proposed) == ("keyword", 0.85, 0.85)
    assert not none.HasField("optimum")
    assert (none.labelled, none.precision) == (0, 0.0)
    assert none.reason.startswith("not enough known outcomes")
    rows = [
        decision(ran(KEYWORD, 0.70 + 0.001 * at, "weak", threshold=0.85), quality=1.0)
        for at in range(200)
    ]
    found = tuning_to_wire(propose(rows, ThresholdSet()).layers[0])
    assert (found.proposed, found.labelled, found.precision) == (pytest.approx(0.8), 200, 1.0)
    assert found.HasField("optimum")
    assert 0 < found.precision_bound < 1
    assert 0 < found.coverage < 1


TRIAL = Experiment(
    "trial",
    "s",
    (Arm("control", control=True), Arm("new", 2.0), Arm("dark", shadow=True)),
    share=0.5,
)


def test_an_experiment_tells_each_arm_and_why_it_was_stopped() -> None:
    counts = with_exposures(
        nothing_counted(TRIAL),
        [
            event(arms=(("trial", "new"),)),
            event(arms=(("trial", "dark"),), shadows=(("trial", "dark", "weak"),)),
            event(arms=(("trial", "dark"),), shadows=(("trial", "dark", "strong"),)),
        ],
    )
    counts = with_outcomes(counts, [reported({"weak": 0.5}, arms=(("trial", "new"),))])
    wire = experiment_to_wire(counts, "harm")
    assert (wire.name, wire.status, wire.reason) == ("trial", "stopped", "harm")
    assert (wire.share, wire.unit) == (0.5, "session")
    control, new, dark = wire.arms
    assert (control.control, new.control, dark.shadow) == (True, False, True)
    assert not control.HasField("mean_quality")
    assert not new.HasField("agreement")
    assert (new.exposures, new.labelled, new.mean_quality, new.weight) == (1, 1, 0.5, 2.0)
    assert (dark.exposures, dark.agreement) == (2, 0.5)
    assert new.harm_evidence > 0


@pytest.mark.parametrize(("enabled", "status"), [(True, "running"), (False, "off")])
def test_an_experiment_that_was_not_stopped_runs_or_is_off(enabled: bool, status: str) -> None:
    counts = nothing_counted(replace(TRIAL, enabled=enabled))
    wire = experiment_to_wire(counts, "")
    assert (wire.status, wire.reason) == (status, "")


def test_an_empty_log_says_nothing_about_a_policy() -> None:
    wire = policy_value_to_wire(evaluate([], AlwaysPolicy("weak"), rng=np.random.default_rng(1)))
    assert not wire.supported
    assert wire.verdict.startswith("the log cannot support an answer")
    assert not wire.estimates
    assert not wire.HasField("gain")
    assert not wire.HasField("cost_micros_per_1k")


def test_an_estimate_has_its_method_and_its_interval() -> None:
    rows = [
        reported(
            {chosen: quality},
            chosen,
            decision_id=f"{chosen}{at}",
            costs=(("weak", 1), ("strong", 9)),
        )
        for at in range(200)
        for chosen, quality in (("weak", 0.25), ("strong", 0.75))
    ]
    found = evaluate(rows, AlwaysPolicy("strong"), rng=np.random.default_rng(1))
    wire = policy_value_to_wire(found)
    assert wire.supported
    assert {one.method for one in wire.estimates} >= {"ips", "snips", "doubly_robust"}
    for one in wire.estimates:
        assert one.low <= one.value <= one.high
    assert wire.logged_value == pytest.approx(0.5)
    assert wire.gain.value == pytest.approx(0.25, abs=0.02)
    assert (wire.cost_micros_per_1k, wire.logged_cost_micros_per_1k) == (9.0, 5.0)
    assert wire.decisions == 400
    assert 0 < wire.effective_sample_size <= 400


def test_an_analysis_leaves_unknown_what_is_unknown() -> None:
    empty = analyze([], ThresholdSet(), since=0.0, until=1e10)
    wire = analysis_to_wire(empty, threshold_version=1, observations=2, dropped=3)
    assert (wire.decisions, wire.labelled) == (0, 0)
    assert not wire.HasField("accuracy")
    assert (wire.threshold_version, wire.observations, wire.events_dropped) == (1, 2, 3)
    assert [one.layer for one in wire.layers] == ["keyword", "similarity", "knn", "head"]
    assert not any(one.HasField("accuracy") for one in wire.layers)


def test_an_analysis_tells_layers_and_endpoints() -> None:
    rows = [
        decision(ran(KEYWORD, 0.9, "weak", threshold=0.85), quality=1.0),
        decision(ran(KEYWORD, 0.9, "weak", threshold=0.85), right="strong"),
        decision(clarification=True),
    ]
    found = analyze(rows, ThresholdSet(), since=0.0, until=1e10)
    wire = analysis_to_wire(found, threshold_version=1, observations=0, dropped=0)
    assert (wire.decisions, wire.labelled, wire.accuracy) == (3, 2, 0.5)
    assert (wire.corrected, wire.clarified) == (0.5, pytest.approx(1 / 3))
    keyword = wire.layers[0]
    assert (keyword.attempts, keyword.decided, keyword.false_positives) == (2, 2, 1)
    assert keyword.mean_elapsed.ToMilliseconds() == 10
    assert keyword.accuracy == 0.5
    (weak,) = wire.endpoints
    assert (weak.endpoint, weak.chosen, weak.labelled, weak.mean_quality) == ("weak", 3, 1, 1.0)
    assert 0 < weak.low < weak.high <= 1
