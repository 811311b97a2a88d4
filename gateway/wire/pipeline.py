"""Pipelines and their runs on the wire."""

from __future__ import annotations

from collections.abc import Iterable

from ensemble.v1 import gateway_service_pb2 as pb

from gateway.core.answer import Answer
from gateway.core.composition import PipelineDefinition, Reference, Source, StepDefinition
from gateway.core.events import Event
from gateway.core.hole import Request
from gateway.core.pipeline import PipelineReport, PipelineRun, PipelineStarted, StepEnded, StepNode
from gateway.wire.enums import STEP_KIND, STEP_STATUS
from gateway.wire.result import (
    answer_to_wire,
    attempt_to_wire,
    duration,
    usage_to_wire,
    verdict_to_wire,
)


def pipeline_run_from_wire(wire: pb.RunPipelineRequest) -> PipelineRun:
    """Read what is to be run."""
    return PipelineRun(wire.pipeline, tuple(sorted(wire.parameters.items())))


def pipeline_event_to_wire(event: Event, request_id: str) -> pb.RunPipelineResponse | None:
    """Write one event of a run; None for others."""
    match event:
        case PipelineStarted(pipeline, steps):
            wire = pb.PipelineStarted(pipeline=pipeline, steps=steps, request_id=request_id)
            return pb.RunPipelineResponse(started=wire)
        case StepEnded(node):
            return pb.RunPipelineResponse(step=_node_to_wire(node))
        case _:
            return None


def _node_to_wire(node: StepNode) -> pb.StepNode:
    return pb.StepNode(
        step=node.step,
        kind=STEP_KIND[node.kind],
        status=STEP_STATUS[node.status],
        round=node.round,
        text=node.text,
        issues=node.issues,
        verdicts=[verdict_to_wire(verdict) for verdict in node.verdicts],
        confidence=node.confidence,
        endpoint=node.endpoint,
        attempts=[attempt_to_wire(attempt) for attempt in node.attempts],
        usage=usage_to_wire(node.usage),
        cost_micros=node.cost_micros,
        error=node.error,
        inputs=node.inputs,
        elapsed=duration(node.elapsed_s),
    )


def pipeline_done_to_wire(
    answer: Answer, request: Request, trace_id: str
) -> pb.RunPipelineResponse:
    """Write the result."""
    report = answer.report
    assert isinstance(report, PipelineReport), "a run's answer has its report"  # noqa: S101
    return pb.RunPipelineResponse(
        done=pb.PipelineResult(
            response=answer_to_wire(answer, request, trace_id=trace_id),
            steps=[_node_to_wire(node) for node in report.nodes],
            completed=report.completed,
            pipeline=report.pipeline,
        )
    )


def pipelines_to_wire(definitions: Iterable[PipelineDefinition]) -> pb.ListPipelinesResponse:
    """Write the pipelines that can be run, by name."""
    ordered = sorted(definitions, key=lambda definition: definition.name)
    return pb.ListPipelinesResponse(pipelines=map(_definition_to_wire, ordered))


def _definition_to_wire(definition: PipelineDefinition) -> pb.Pipeline:
    return pb.Pipeline(
        name=definition.name,
        description=definition.description,
        steps=map(_step_to_wire, definition.steps),
        output=definition.output,
        parameters={one.name: f"{one.default}" for one in definition.parameters},
    )


def _step_to_wire(step: StepDefinition) -> pb.PipelineStep:
    inputs = {name: ", ".join(map(_source_words, sources)) for name, sources in step.inputs}
    if step.when:
        inputs["when"] = ", ".join(map(str, step.when))
    return pb.PipelineStep(
        id=step.id, kind=STEP_KIND[step.kind], inputs=inputs, on_error=step.on_error
    )


def _source_words(source: Source) -> str:
    """Write a source as in its definition; of a constant only that there is one."""
    if source.default is None:
        return f"{source.reference}"
    default = source.default if isinstance(source.default, Reference) else "a constant"
    return f"{source.reference} else {default}"
