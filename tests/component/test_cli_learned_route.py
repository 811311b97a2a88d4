"""The learned part of `ensemble route` and `ensemble generate` against a scripted gateway."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import grpc
import pytest
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble.v1.decision_pb2 import OBJECTIVE_CHEAPEST, ROUTING_MODE_LEARNED
from typer.testing import CliRunner, Result

from gateway.cli.exits import Exit
from gateway.cli.main import app
from tests.fakes.feedback_server import DECISION
from tests.fakes.gateway_server import DONE, FakeGateway, delta, fails, says, streams
from tests.fakes.learned_decisions import ROUTED, UNCLEAR

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
FILLED = pb.GenerateResponse(text="return a + b", endpoint="fast", decision_id=DECISION)


def run(target: str, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--target", target])


def rows(printed: str) -> list[str]:
    return [" ".join(line.split()) for line in printed.splitlines()]


def test_a_route_stays_short_and_names_its_decision() -> None:
    with FakeGateway(Route=says(ROUTED)) as gateway:
        result = run(
            gateway.target, "route", "-p", "x", "--objective", "cheapest", "--mode", "learned",
            "--task", "repair",
        )  # fmt: skip
    assert rows(result.stdout) == [
        "fast: knn is 0.91 sure, 0.85 is enough",
        f"decision {DECISION}",
        "",
        "place endpoint why",
        "─" * 52,
        "primary fast ROUTING_REASON_LEARNED",
        "fallback 1 security-auditor CHAIN_POLICY_PREFER",
    ]
    sent = gateway.seen[0].request.request
    assert (sent.objective, sent.routing_mode) == (OBJECTIVE_CHEAPEST, ROUTING_MODE_LEARNED)
    assert dict(sent.labels) == {"task": "repair"}


def test_an_explained_route_shows_everything_that_it_went_by() -> None:
    with FakeGateway(Route=says(ROUTED)) as gateway:
        printed = rows(run(gateway.target, "route", "-p", "x", "--explain").stdout)
    for line in (
        "keyword declined 0.62 0.85 security-auditor 0.04 topic security; one weak phrase",
        "head skipped - 0.90 - - knn had decided",
        "similarity declined (shadow) 0.69 0.70 fast 0.70",
        "security-auditor 0.712 0.860 +0.050 0.100",
        "endpoint cost latency load quality success cache",
        "fast 0.93 1.00 1.00 0.81 0.97 -",
        "features language python, length 412, n_grams 210, task repair",
        "hints style functional",
        "lite the request asks for something small",
        "most similar request 0.77; effective n 12.4 of 8,230 outcomes",
        "fast: 0.81 from 12 similar requests",
        "evidence 0.91 for the winner, coverage 0.75, level high, the second best is close",
        "keyword phrases 1, weight 0.62",
        "experiments knn-rollout treatment",
        "thresholds version 3",
        "time 3.10 ms",
        "rule wants fast_inference, chain prefer; complexity 0.12 by v2",
    ):
        assert any(shown.endswith(line) for shown in printed), line


def test_a_route_that_is_not_clear_asks_its_questions() -> None:
    with FakeGateway(Route=says(UNCLEAR)) as gateway:
        plain = run(gateway.target, "route", "-p", "x", "--explain")
        as_json = run(gateway.target, "route", "-p", "x", "--json")
    assert plain.exit_code == Exit.OK
    assert "  labels.task: which kind of task is it?\n" in plain.stdout
    assert "endpoints in question: fast, security-auditor\n" in plain.stdout
    assert "why: nobody won" in plain.stdout
    assert len(json.loads(as_json.stdout)["clarification"]["questions"]) == 2


def test_the_document_of_a_route_is_the_decision_with_its_id() -> None:
    with FakeGateway(Route=says(ROUTED)) as gateway:
        document = json.loads(run(gateway.target, "route", "-p", "x", "--json").stdout)
    assert (document["primary"], document["decision_id"]) == ("fast", DECISION)
    assert document["learned"]["layers"][1]["status"] == "LAYER_STATUS_DECIDED"
    assert "clarification" not in document


def offline(*arguments: str, config: Path = EXAMPLES / "r13.toml") -> Result:
    return CliRunner().invoke(app, ["route", "-p", "x", "--config", str(config), *arguments])


def test_a_route_from_a_file_goes_by_the_rules_only() -> None:
    explained = offline("--explain")
    assert (explained.exit_code, explained.stderr) == (Exit.OK, "")
    assert "why: fast won by the rule; nothing learned was asked" in explained.stdout
    assert json.loads(offline("--json").stdout)["decision_id"] == ""
    refused = offline("--mode", "learned")
    assert (refused.exit_code, refused.stdout) == (Exit.USAGE, "")
    assert "ask a running gateway" in refused.stderr


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("[learning]\nmethod = 'fusion'\n", "the rules only: what the file says about learning"),
        ("[adaptive]\nenabled = true\n", "the rules only: what the file says about learning"),
        ("[learning]\nenabled = false\n[adaptive]\nenabled = true\n", ""),
    ],
)
def test_a_file_that_configures_learning_is_said_to_count_for_its_rules_only(
    tmp_path: Path, section: str, words: str
) -> None:
    file = tmp_path / "gateway.toml"
    text = (EXAMPLES / "r13.toml").read_text(encoding="utf-8")
    file.write_text(f"{section}{text}", encoding="utf-8")
    result = offline("--json", config=file)
    assert result.exit_code == Exit.OK, result.stderr
    assert result.stderr.startswith(words)
    assert bool(result.stderr) == bool(words)
    assert json.loads(result.stdout)["primary"] == "fast"


def test_a_fill_names_its_decision_beside_the_text() -> None:
    started = pb.GenerateStreamResponse(started=pb.StreamStarted(decision_id=DECISION))
    script: Any = {"Generate": says(FILLED), "GenerateStream": streams(started, delta("x"), DONE)}
    options = ("-p", "x", "--objective", "cheapest", "--mode", "learned", "--task", "repair")
    with FakeGateway(**script) as gateway:
        whole = run(gateway.target, "generate", *options)
        streamed = run(gateway.target, "generate", *options, "--stream")
    assert whole.stdout == "return a + b\n"
    assert whole.stderr.endswith(f"\ndecision {DECISION}\n")
    assert (streamed.stdout, streamed.stderr) == ("x\n", f"decision {DECISION}\n")
    for seen in gateway.seen:
        sent = getattr(seen.request, "request", seen.request)
        assert (sent.objective, sent.routing_mode) == (OBJECTIVE_CHEAPEST, ROUTING_MODE_LEARNED)
        assert sent.labels["task"] == "repair"


def test_a_fill_that_is_refused_asks_the_questions_of_the_router() -> None:
    detail = pb.FailureDetail(
        reason="CLARIFICATION_NEEDED", decision_id=DECISION, clarification=UNCLEAR.clarification
    )
    failing = fails(grpc.StatusCode.FAILED_PRECONDITION, "the router cannot tell", detail)
    with FakeGateway(Generate=failing) as gateway:
        result = run(gateway.target, "generate", "-p", "x")
    assert result.exit_code == Exit.FAILED
    assert f"decision {DECISION}" in result.stderr
    assert "  objective: fast, or accurate?\n" in result.stderr
