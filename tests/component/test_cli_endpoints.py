"""`ensemble endpoints` and `ensemble metrics` against a scripted gateway."""

from __future__ import annotations

import json
from typing import Any

import grpc
import pytest
from ensemble.v1 import admin_service_pb2 as admin
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble.v1 import telemetry_service_pb2 as telemetry
from typer.testing import CliRunner, Result

from gateway.cli.exits import Exit
from gateway.cli.main import app
from tests.fakes.gateway_server import FakeGateway, fails, says, waits

PAIR = [
    admin.Endpoint(name="twin-1", group="twin", drained=True),
    admin.Endpoint(name="twin-2", group="twin", is_default=True),
]
UNKNOWN = fails(
    grpc.StatusCode.NOT_FOUND,
    "endpoint: 'nobody' is not configured",
    pb.FailureDetail(reason="UNKNOWN_ENDPOINT", request_id="r-1"),
)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["endpoints", *arguments])


def rows(printed: str) -> list[str]:
    """The lines of the table below its head."""
    return [" ".join(line.split()) for line in printed.splitlines()[4:]]


def test_the_list_shows_groups_states_and_running_calls() -> None:
    busy = admin.EndpointState(
        breaker=admin.BREAKER_STATE_OPEN, in_flight=8, concurrency_limit=8, waiting=2
    )
    lone = admin.Endpoint(
        name="lone", protocol="native", url="x:1", capabilities=[1, 5], priority=3, state=busy
    )
    listed = admin.ListEndpointsResponse(endpoints=[lone, *PAIR])
    with FakeGateway(ListEndpoints=says(listed)) as gateway:
        result = run("--target", gateway.target)
    assert result.exit_code == Exit.OK, result.stderr
    assert result.stdout.startswith("3 endpoints\n")
    assert rows(result.stdout) == [
        "lone native x:1 - 3 code_completion, high_quality breaker open 8/8, 2 waiting",
        "twin-1 (of twin) - 0 drained 0",
        "twin-2 (of twin, default) - 0 open 0",
    ]


@pytest.mark.parametrize(
    ("method", "words"),
    [("drain", "twin-1: drained\ntwin-2: open\n"), ("undrain", "twin-1: drained\ntwin-2: open\n")],
)
def test_those_concerned_are_shown_as_they_are_now(method: str, words: str) -> None:
    answer = getattr(admin, f"{method.capitalize()}EndpointResponse")(endpoints=PAIR)
    script: Any = {f"{method.capitalize()}Endpoint": says(answer)}
    with FakeGateway(**script) as gateway:
        result = run(method, "twin", "--target", gateway.target)
        as_json = run(method, "twin", "--json", "--target", gateway.target)
    assert (result.exit_code, result.stdout) == (Exit.OK, words)
    document = json.loads(as_json.stdout)
    assert [one["name"] for one in document["endpoints"]] == ["twin-1", "twin-2"]
    assert [seen.request.endpoint for seen in gateway.seen] == ["twin", "twin"]


@pytest.mark.parametrize("method", ["drain", "undrain"])
def test_an_unknown_name_is_a_failure_that_names_it(method: str) -> None:
    script: Any = {f"{method.capitalize()}Endpoint": UNKNOWN}
    with FakeGateway(**script) as gateway:
        result = run(method, "nobody", "--target", gateway.target)
    assert (result.exit_code, result.stdout) == (Exit.FAILED, "")
    assert "endpoint: 'nobody' is not configured" in result.stderr


def test_a_gateway_that_does_not_answer_in_time_has_its_own_exit_code() -> None:
    with FakeGateway(DrainEndpoint=waits) as gateway:
        result = run("drain", "a", "--timeout", "0.2", "--target", gateway.target)
    assert result.exit_code == Exit.DEADLINE


@pytest.mark.parametrize("method", ["drain", "undrain"])
def test_a_name_is_needed(method: str) -> None:
    assert run(method).exit_code == Exit.USAGE


@pytest.mark.parametrize("option", [("--target", "elsewhere:1"), ("--timeout", "1"), ("--json",)])
def test_an_option_before_the_sub_command_is_refused_and_never_lost(
    option: tuple[str, ...],
) -> None:
    """Otherwise `endpoints --target elsewhere drain a` would drain the gateway of this machine."""
    with FakeGateway(DrainEndpoint=says(admin.DrainEndpointResponse())) as gateway:
        result = run(*option, "drain", "a", "--target", gateway.target)
    assert result.exit_code == Exit.USAGE
    assert "put the options after `drain`" in result.stderr
    assert gateway.seen == []


def test_a_target_in_the_environment_holds_for_the_sub_commands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with FakeGateway(DrainEndpoint=says(admin.DrainEndpointResponse(endpoints=PAIR))) as gateway:
        monkeypatch.setenv("ENSEMBLE_TARGET", gateway.target)
        assert run("drain", "twin").exit_code == Exit.OK
    assert gateway.seen[0].request.endpoint == "twin"


@pytest.mark.parametrize(
    ("counters", "second"),
    [
        ({}, ""),
        ({"retries": 3}, "3 retries"),
        (
            {"hedges": 2, "hedge_wins": 1, "shed": 4, "queued": 5, "replayed": 6},
            "2 hedges, 1 of them first; 4 turned away; 5 waiting now; 6 replayed",
        ),
    ],
)
def test_what_the_guards_did_is_a_second_line_of_the_metrics(
    counters: dict[str, int], second: str
) -> None:
    total = telemetry.EnsembleCounters(requests=7, succeeded=7, **counters)
    with FakeGateway(GetMetrics=says(telemetry.GetMetricsResponse(ensemble=total))) as gateway:
        result = CliRunner().invoke(app, ["metrics", "--target", gateway.target])
    first, line, *_ = result.stdout.splitlines()
    assert first.startswith("7 requests: 7 answered, 0 failed")
    assert line.strip() == second
