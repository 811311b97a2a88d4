"""`ensemble pipeline` against a scripted gateway."""

from __future__ import annotations

import json

import grpc
import pytest
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble.v1.result_pb2 import Attempt
from google.protobuf.duration_pb2 import Duration
from typer.testing import CliRunner, Result

from gateway.cli.exits import Exit
from gateway.cli.main import app
from gateway.wire.pipeline import pipelines_to_wire
from tests.fakes.gateway_server import FakeGateway, fails, says, streams
from tests.fakes.pipelines import BUILT_IN

LISTED = says(pipelines_to_wire(BUILT_IN.values()))
LOOK = pb.StepNode(
    step="look",
    kind=pb.STEP_KIND_CRITIQUE,
    status=pb.STEP_STATUS_OK,
    round=2,
    issues=["too short", "no test"],
    endpoint="fast",
    attempts=[Attempt(endpoint="fast")],
    elapsed=Duration(nanos=1_500_000),
)
LEFT = pb.StepNode(
    step="mend",
    kind=pb.STEP_KIND_REPAIR,
    status=pb.STEP_STATUS_NOT_NEEDED,
    round=1,
    error="NOT_NEEDED: there is nothing to mend",
)
RESULT = pb.PipelineResult(
    pipeline="draft_only",
    response=pb.GenerateResponse(
        text="return a + b",
        attempts=[Attempt(endpoint="fast")],
        confidence=0.75,
        confidence_method="validators",
    ),
    steps=[LOOK, LEFT],
    completed=1,
)
RUN = streams(
    pb.RunPipelineResponse(started=pb.PipelineStarted(pipeline="draft_only")),
    pb.RunPipelineResponse(step=LOOK),
    pb.RunPipelineResponse(step=LEFT),
    pb.RunPipelineResponse(done=RESULT),
)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["pipeline", *arguments])


def rows(printed: str, heads: int) -> list[str]:
    return [" ".join(line.split()) for line in printed.splitlines()[heads:]]


def test_the_list_names_steps_and_parameters() -> None:
    with FakeGateway(ListPipelines=LISTED) as gateway:
        result = run("list", "--target", gateway.target)
        as_json = run("list", "--json", "--target", gateway.target)
    assert result.exit_code == Exit.OK, result.stderr
    assert result.stdout.startswith("5 pipelines\n")
    assert rows(result.stdout, 4)[0].startswith("best_of_n_select drafts best n=5 ")
    names = [one["name"] for one in json.loads(as_json.stdout)["pipelines"]]
    assert names == sorted(BUILT_IN)


def test_one_is_shown_with_the_sources_of_its_steps() -> None:
    with FakeGateway(ListPipelines=LISTED) as gateway:
        result = run("show", "draft_critique_repair", "--target", gateway.target)
        as_json = run("show", "draft_only", "--json", "--target", gateway.target)
        unknown = run("show", "nothing", "--target", gateway.target)
    heading = result.stdout.splitlines()[:3]
    assert heading[0].startswith("draft_critique_repair: A draft is mended")
    assert heading[1:] == ["output: best", "parameters: max_rounds=2"]
    assert rows(result.stdout, 6)[:2] == [
        "draft draft - fail_fast",
        "check validate text $repair.text else $draft.text fail_fast",
    ]
    assert json.loads(as_json.stdout)["name"] == "draft_only"
    assert (unknown.exit_code, unknown.stdout) == (Exit.FAILED, "")
    assert "use one of: best_of_n_select," in unknown.stderr


def test_a_run_tells_its_steps_beside_the_text() -> None:
    with FakeGateway(RunPipeline=RUN) as gateway:
        result = run(
            "run",
            "draft_only",
            "--prompt",
            "x = ",
            "--language",
            "python",
            "--param",
            "a=1",
            "--param",
            "b=c=d",
            "--target",
            gateway.target,
        )
    assert (result.exit_code, result.stdout) == (Exit.OK, "return a + b\n")
    assert result.stderr.splitlines() == [
        "look round 2 (critique by fast): ok in 2 ms, 1 calls",
        "  too short",
        "  no test",
        "mend (repair): not needed in 0 ms: NOT_NEEDED: there is nothing to mend",
        "1 of 2 steps, 1 calls, confidence 0.75 (validators)",
    ]
    sent = gateway.seen[0].request
    assert dict(sent.parameters) == {"a": "1", "b": "c=d"}
    assert (sent.pipeline, sent.request.hole.language) == ("draft_only", "python")


def test_a_run_may_be_one_document() -> None:
    with FakeGateway(RunPipeline=RUN) as gateway:
        result = run("run", "draft_only", "-p", "x", "--json", "--target", gateway.target)
    document = json.loads(result.stdout)
    assert document["response"]["text"] == "return a + b"
    assert [step["step"] for step in document["steps"]] == ["look", "mend"]


@pytest.mark.parametrize("words", ["a", "=1", ""])
def test_a_parameter_is_a_name_and_a_value(words: str) -> None:
    result = run("run", "draft_only", "-p", "x", "--param", words, "--target", "127.0.0.1:1")
    assert result.exit_code == Exit.USAGE
    assert "write name=value" in result.stderr


def test_a_failed_run_says_why_and_prints_no_text() -> None:
    unknown = fails(
        grpc.StatusCode.NOT_FOUND,
        "pipeline: 'p' is not defined; use one of: draft_only",
        pb.FailureDetail(reason="UNKNOWN_PIPELINE"),
    )
    with FakeGateway(RunPipeline=unknown) as gateway:
        result = run("run", "p", "--prompt", "x", "--target", gateway.target)
    assert (result.exit_code, result.stdout) == (Exit.FAILED, "")
    assert "UNKNOWN_PIPELINE" in result.stderr
