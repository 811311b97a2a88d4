"""Pipelines with both clients against a scripted gateway."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble_client import (
    AsyncClient,
    Client,
    DeadlineExceeded,
    InvalidRequest,
    NotFound,
    StreamTruncated,
)

from tests.fakes.both_clients import Both
from tests.fakes.gateway_server import (
    PATIENCE_S,
    UNAVAILABLE,
    FakeGateway,
    fails,
    says,
    streams,
    waits,
)

STARTED = pb.RunPipelineResponse(started=pb.PipelineStarted(pipeline="p", steps=["draft"]))
STEP = pb.RunPipelineResponse(step=pb.StepNode(step="draft", text="return"))
RESULT = pb.PipelineResult(pipeline="p", response=pb.GenerateResponse(text="return"))
DONE = pb.RunPipelineResponse(done=RESULT)
UNKNOWN = fails(
    grpc.StatusCode.NOT_FOUND,
    "pipeline: 'q' is not defined",
    pb.FailureDetail(reason="UNKNOWN_PIPELINE", request_id="r-1"),
)


def test_the_pipelines_are_listed(both: Both) -> None:
    listed = pb.ListPipelinesResponse(pipelines=[pb.Pipeline(name="a"), pb.Pipeline(name="b")])
    with FakeGateway(ListPipelines=says(listed)) as gateway:
        found = both.ask(gateway.target, "pipelines")
    assert [one.name for one in found] == ["a", "b"]


def test_a_run_hands_out_its_steps_and_ends_with_the_result(both: Both) -> None:
    script = streams(STARTED, pb.RunPipelineResponse(sequence=9), STEP, DONE)
    with FakeGateway(RunPipeline=script) as gateway:
        events = both.collect(
            gateway.target,
            "run_pipeline",
            "p",
            "x = ",
            parameters={"rounds": 2, "heat": 0.5, "zone": "eu"},
            language="python",
        )
    assert [type(event).__name__ for event in events] == [
        "PipelineStarted",
        "StepNode",
        "PipelineResult",
    ]
    sent = gateway.seen[0].request
    assert (sent.pipeline, sent.request.prompt) == ("p", "x = ")
    assert sent.request.hole.language == "python"
    assert dict(sent.parameters) == {"rounds": "2", "heat": "0.5", "zone": "eu"}


def test_the_result_is_known_with_its_event_or_by_finishing() -> None:
    with (
        FakeGateway(RunPipeline=streams(STARTED, STEP, DONE)) as gateway,
        Client(gateway.target) as client,
        client.run_pipeline("p", "x", request_id="mine") as run,
    ):
        next(run)
        assert (run.request_id, run.result) == ("mine", None)
        assert run.finish() == RESULT
        assert run.result == RESULT


async def test_an_asynchronous_run_may_be_finished_too() -> None:
    with FakeGateway(RunPipeline=streams(STARTED, STEP, DONE)) as gateway:
        async with (
            AsyncClient(gateway.target) as client,
            client.run_pipeline("p", pb.GenerateRequest(prompt="x")) as run,
        ):
            assert await run.finish() == RESULT


@pytest.mark.parametrize("then", [None, fails(UNAVAILABLE, "Socket closed")])
def test_a_run_that_breaks_off_is_never_a_result(both: Both, then: Any) -> None:
    script = streams(STARTED, STEP, then=then)
    with FakeGateway(RunPipeline=script) as gateway, pytest.raises(StreamTruncated) as caught:
        both.collect(gateway.target, "run_pipeline", "p", "x", request_id="mine")
    assert caught.value.request_id == "mine"
    assert len(gateway.seen) == 1


def test_a_name_that_is_not_defined_is_not_found(both: Both) -> None:
    with FakeGateway(RunPipeline=UNKNOWN) as gateway, pytest.raises(NotFound) as caught:
        both.collect(gateway.target, "run_pipeline", "q", "x")
    assert caught.value.reason == "UNKNOWN_PIPELINE"


def test_a_deadline_ends_a_run(both: Both) -> None:
    script = streams(STARTED, then=waits)
    with FakeGateway(RunPipeline=script) as gateway, pytest.raises(DeadlineExceeded):
        both.collect(gateway.target, "run_pipeline", "p", "x", timeout=1)


def test_leaving_a_run_cancels_it_at_the_gateway() -> None:
    with (
        FakeGateway(RunPipeline=streams(STARTED, then=waits)) as gateway,
        Client(gateway.target) as client,
    ):
        with client.run_pipeline("p", "x") as run:
            next(run)
        assert gateway.seen[0].ended.wait(PATIENCE_S)


@pytest.mark.parametrize(
    ("name", "parameters", "field"),
    [("\ud800", {}, "pipeline"), ("p", {"a": "\ud800"}, "parameters['a']")],
)
def test_what_cannot_be_sent_is_named(name: str, parameters: dict[str, str], field: str) -> None:
    with Client("127.0.0.1:1") as client, pytest.raises(InvalidRequest) as caught:
        client.run_pipeline(name, "x", parameters=parameters)
    assert caught.value.violations[0].field == field
