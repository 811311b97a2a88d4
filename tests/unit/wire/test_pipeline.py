"""Pipelines and their runs on the wire."""

from __future__ import annotations

from ensemble.v1 import gateway_service_pb2 as pb
from ensemble.v1.result_pb2 import VerdictStatus

from gateway.core.events import Judged, Started
from gateway.core.pipeline import PipelineRun, PipelineStarted, StepEnded
from gateway.wire.pipeline import (
    pipeline_done_to_wire,
    pipeline_event_to_wire,
    pipeline_run_from_wire,
    pipelines_to_wire,
)
from tests.fakes.ensemble import fails, says
from tests.fakes.pipelines import BUILT_IN, Bench, by_operation
from tests.fakes.values import make_request


def test_the_definitions_are_listed_by_name_with_inputs_and_parameters() -> None:
    listed = pipelines_to_wire(reversed(BUILT_IN.values())).pipelines
    assert [one.name for one in listed] == sorted(BUILT_IN)
    by_name = {one.name: one for one in listed}
    mending = by_name["draft_critique_repair"]
    assert mending.output == "best"
    assert mending.description
    assert dict(mending.parameters) == {"max_rounds": "2"}
    steps = {step.id: step for step in mending.steps}
    assert list(steps) == ["draft", "check", "critique", "repair", "best"]
    assert steps["check"].kind == pb.STEP_KIND_VALIDATE
    assert dict(steps["check"].inputs) == {"text": "$repair.text else $draft.text"}
    assert dict(steps["repair"].inputs) == {
        "text": "$check.text",
        "issues": "$check.issues, $critique.issues else a constant",
    }
    assert (steps["draft"].on_error, steps["critique"].on_error) == ("fail_fast", "skip")
    strong = by_name["cascade_cheap_then_strong"].steps[3]
    assert (strong.on_error, strong.inputs["when"]) == ("fallback", "!$check.passed")


def test_a_run_is_read_with_its_parameters_in_order() -> None:
    wire = pb.RunPipelineRequest(pipeline="p", parameters={"b": "2", "a": "1"})
    assert pipeline_run_from_wire(wire) == PipelineRun("p", (("a", "1"), ("b", "2")))


def test_a_run_is_told_step_by_step_and_ends_with_all_of_it() -> None:
    bench = Bench({"a": by_operation(says("draft"), fails())})
    answer = bench.run("draft_critique_repair", stream=True)
    told = [
        (type(event), wire)
        for event in bench.events
        if (wire := pipeline_event_to_wire(event, "r-1")) is not None
    ]
    assert {kind for kind, _ in told} == {PipelineStarted, StepEnded}
    assert {type(event) for event in bench.events} > {Started, Judged}
    started = told[0][1].started
    assert (started.pipeline, started.request_id) == ("draft_critique_repair", "r-1")
    assert list(started.steps) == ["draft", "check", "critique", "repair", "best"]
    done = pipeline_done_to_wire(answer, make_request(), "trace").done
    assert [wire.step for _, wire in told[1:]] == list(done.steps)
    assert done.response.text == "draft"
    assert (done.response.trace_id, done.pipeline) == ("trace", "draft_critique_repair")
    draft, check, critique = done.steps[:3]
    assert (draft.kind, draft.status, draft.round) == (pb.STEP_KIND_DRAFT, pb.STEP_STATUS_OK, 1)
    assert (draft.text, draft.endpoint, draft.usage.completion_tokens) == ("draft", "a", 5)
    assert draft.cost_micros == 15
    assert draft.attempts[0].part == "draft"
    assert draft.verdicts[0].status == VerdictStatus.VERDICT_STATUS_PASSED
    assert 0 < draft.confidence <= 1
    assert list(check.inputs) == ["draft.text"]
    assert critique.status == pb.STEP_STATUS_SKIPPED
    assert critique.error.startswith("ALL_ENDPOINTS_FAILED: ")
    assert done.completed == sum(step.status == pb.STEP_STATUS_OK for step in done.steps)
    assert done.response.cost_micros == sum(step.cost_micros for step in done.steps)
