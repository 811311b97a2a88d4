"""Both clients against a scripted gateway, over real sockets."""

from __future__ import annotations

import time

import grpc
import pytest
from ensemble.v1 import admin_service_pb2 as admin
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble.v1 import telemetry_service_pb2 as telemetry
from ensemble.v1.decision_pb2 import RoutingDecision
from ensemble.v1.result_pb2 import Candidate
from ensemble_client import (
    ConstraintsFailed,
    DeadlineExceeded,
    EnsembleError,
    GenerateRequest,
    InvalidRequest,
    NotFound,
    ResourceExhausted,
    Unavailable,
    errors,
)

from tests.fakes.both_clients import Both
from tests.fakes.gateway_server import (
    ANSWER,
    DETAIL,
    UNAVAILABLE,
    FakeGateway,
    fails,
    says,
    waits,
)


def test_a_prompt_with_fields_arrives_as_one_message(both: Both) -> None:
    with FakeGateway(Generate=says(ANSWER)) as gateway:
        answer = both.generate(
            gateway.target, "def add(a, b):", language="python", temperature=0.0, n=99
        )
    assert answer == ANSWER
    sent = gateway.seen[0].request
    assert sent.prompt == "def add(a, b):"
    assert sent.hole.language == "python"
    assert sent.sampling.HasField("temperature")
    assert sent.n == 99


def test_a_priority_may_be_given_by_its_short_name(both: Both) -> None:
    with FakeGateway(Generate=says(ANSWER)) as gateway:
        both.generate(gateway.target, "x", priority="batch")
        with pytest.raises(InvalidRequest, match="one of interactive, standard, batch"):
            both.generate(gateway.target, "x", priority="urgent")
    assert [seen.request.priority for seen in gateway.seen] == [pb.PRIORITY_BATCH]


def test_metadata_names_the_caller_and_the_request(both: Both) -> None:
    settings = {"token": "s3cret", "tenant": "acme", "metadata": {"a": "1", "b": "1"}}
    with FakeGateway(Generate=says(ANSWER)) as gateway:
        for request in (GenerateRequest(prompt="x", request_id="r-7"), "x", "x"):
            both.generate(gateway.target, request, settings=settings, metadata={"b": "2"})
    first, second, third = (seen.metadata for seen in gateway.seen)
    assert first["authorization"] == "Bearer s3cret"
    assert first["x-ensemble-tenant"] == "acme"
    assert (first["a"], first["b"]) == ("1", "2")
    assert first["x-request-id"] == "r-7"
    assert len(second["x-request-id"]) == 32
    assert second["x-request-id"] != third["x-request-id"]


def test_the_deadline_is_the_calls_or_the_clients_or_a_minute(both: Both) -> None:
    with FakeGateway(Generate=says(ANSWER)) as gateway:
        both.generate(gateway.target, "x", timeout=5)
        both.generate(gateway.target, "x", settings={"timeout": 20})
        both.generate(gateway.target, "x")
    for seen, most in zip(gateway.seen, (5, 20, 60), strict=True):
        # gRPC rounds a deadline up on its way.
        assert most - 4 < seen.time_left_s < most + 1


def test_an_error_carries_what_the_gateway_said(both: Both) -> None:
    # Negative pushback: the gateway forbids the retry.
    failing = fails(UNAVAILABLE, "no endpoint", DETAIL, ("grpc-retry-pushback-ms", "-1"))
    with FakeGateway(Generate=failing) as gateway, pytest.raises(Unavailable) as caught:
        both.generate(gateway.target, "a private prompt")
    error = caught.value
    assert len(gateway.seen) == 1
    assert error.code is UNAVAILABLE
    assert error.reason == "ALL_ENDPOINTS_FAILED"
    assert error.attempts == tuple(DETAIL.attempts)
    assert error.decision == DETAIL.decision
    assert error.retry_after == pytest.approx(0.25)
    assert error.request_id == "r-1"
    assert str(error) == (
        "UNAVAILABLE ALL_ENDPOINTS_FAILED: no endpoint [request r-1; retry after 0.25 s]\n"
        "  fast try 1: TIMEOUT UPSTREAM_TIMEOUT, 203 ms"
    )


def test_refused_candidates_come_with_the_best_one(both: Both) -> None:
    detail = pb.FailureDetail(
        reason="ALL_CANDIDATES_REJECTED", best_candidate=Candidate(text="retrun")
    )
    failing = fails(grpc.StatusCode.ABORTED, "every candidate failed", detail)
    with FakeGateway(Generate=failing) as gateway, pytest.raises(ConstraintsFailed) as caught:
        both.generate(gateway.target, "x")
    assert caught.value.best_candidate is not None
    assert caught.value.best_candidate.text == "retrun"
    assert "retrun" not in str(caught.value)


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code.value[0]])
def test_every_status_without_details_has_its_class(both: Both, code: grpc.StatusCode) -> None:
    failing = fails(code, "words", None, ("grpc-retry-pushback-ms", "-1"))
    with FakeGateway(Generate=failing) as gateway, pytest.raises(EnsembleError) as caught:
        both.generate(gateway.target, "x", request_id="mine")
    assert type(caught.value) is errors.BY_CODE.get(code, EnsembleError)
    assert caught.value.code is code
    assert caught.value.message == "words"
    assert caught.value.reason == ""
    assert caught.value.request_id == "mine"
    assert len(gateway.seen) == 1


def test_unavailable_is_retried_until_it_works(both: Both) -> None:
    failing = fails(UNAVAILABLE, "not yet")
    with FakeGateway(Generate=[failing, failing, says(ANSWER)]) as gateway:
        assert both.generate(gateway.target, "x") == ANSWER
    assert len(gateway.seen) == 3
    assert len({seen.metadata["x-request-id"] for seen in gateway.seen}) == 1


def test_retries_stop_at_three_attempts(both: Both) -> None:
    with (
        FakeGateway(Generate=fails(UNAVAILABLE, "no")) as gateway,
        pytest.raises(Unavailable),
    ):
        both.generate(gateway.target, "x")
    assert len(gateway.seen) == 3


def test_a_large_request_is_retried_too(both: Both) -> None:
    with FakeGateway(Generate=[fails(UNAVAILABLE, "no"), says(ANSWER)]) as gateway:
        assert both.generate(gateway.target, "x" * 1_500_000) == ANSWER
    assert len(gateway.seen) == 2


def test_other_failures_are_not_retried(both: Both) -> None:
    failing = fails(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many")
    with FakeGateway(Generate=failing) as gateway, pytest.raises(ResourceExhausted):
        both.generate(gateway.target, "x")
    assert len(gateway.seen) == 1


def test_pushback_replaces_the_backoff(both: Both) -> None:
    pushed_back = fails(UNAVAILABLE, "later", DETAIL, ("grpc-retry-pushback-ms", "400"))
    with FakeGateway(Generate=[pushed_back, says(ANSWER)]) as gateway:
        started = time.monotonic()
        both.generate(gateway.target, "x")
        # The first backoff of our own would be at most 0.12 s.
        assert time.monotonic() - started >= 0.4
    assert len(gateway.seen) == 2


def test_a_deadline_that_passes_ends_the_call(both: Both) -> None:
    with FakeGateway(Generate=waits) as gateway, pytest.raises(DeadlineExceeded):
        both.generate(gateway.target, "x", timeout=0.2)


def test_nobody_listening_is_unavailable(both: Both) -> None:
    with FakeGateway() as gateway:
        target = gateway.target
    with pytest.raises(Unavailable) as caught:
        both.generate(target, "x", request_id="mine", timeout=5)
    assert caught.value.request_id == "mine"


def test_wait_for_ready_waits_until_the_deadline(both: Both) -> None:
    with FakeGateway() as gateway:
        target = gateway.target
    with pytest.raises(DeadlineExceeded):
        both.generate(target, "x", timeout=0.2, settings={"wait_for_ready": True})


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), float("-inf")])
def test_a_bad_timeout_is_refused_before_anything_is_sent(both: Both, timeout: float) -> None:
    with FakeGateway(Generate=says(ANSWER)) as gateway:
        with pytest.raises(InvalidRequest) as caught:
            both.generate(gateway.target, "x", timeout=timeout)
        with pytest.raises(InvalidRequest):
            both.generate(gateway.target, "x", settings={"timeout": timeout})
    assert caught.value.violations[0].field == "timeout"
    assert gateway.seen == []


def test_a_prompt_of_64_mib_is_refused_before_anything_is_sent(both: Both) -> None:
    with FakeGateway(Generate=says(ANSWER)) as gateway, pytest.raises(InvalidRequest) as caught:
        both.generate(gateway.target, "x" * (64 * 1024 * 1024))
    assert caught.value.violations[0].field == "prompt"
    assert gateway.seen == []


def test_route_explains(both: Both) -> None:
    answer = pb.RouteResponse(decision=RoutingDecision(primary="fast"))
    with FakeGateway(Route=says(answer)) as gateway:
        assert both.ask(gateway.target, "route", "x", kind="block") == answer
    assert gateway.seen[0].request.request.hole.kind == 3


def test_endpoints_come_from_every_page(both: Both) -> None:
    pages = [
        says(
            admin.ListEndpointsResponse(endpoints=[admin.Endpoint(name="a")], next_page_token="t")
        ),
        says(admin.ListEndpointsResponse(endpoints=[admin.Endpoint(name="b")])),
    ]
    with FakeGateway(ListEndpoints=pages) as gateway:
        endpoints = both.ask(gateway.target, "endpoints")
    assert [endpoint.name for endpoint in endpoints] == ["a", "b"]
    assert [seen.request.page_token for seen in gateway.seen] == ["", "t"]


def test_endpoints_are_drained_and_undrained(both: Both) -> None:
    pair = [admin.Endpoint(name="a-1", drained=True), admin.Endpoint(name="a-2", drained=True)]
    with FakeGateway(
        DrainEndpoint=[
            fails(UNAVAILABLE, "not yet"),
            says(admin.DrainEndpointResponse(endpoints=pair)),
        ],
        UndrainEndpoint=says(admin.UndrainEndpointResponse(endpoints=pair[:1])),
    ) as gateway:
        assert both.ask(gateway.target, "drain_endpoint", "a", timeout=9) == pair
        assert both.ask(gateway.target, "undrain_endpoint", "a-1") == pair[:1]
    asked = [(seen.method, seen.request.endpoint) for seen in gateway.seen]
    assert asked == [("DrainEndpoint", "a")] * 2 + [("UndrainEndpoint", "a-1")]


def test_draining_an_endpoint_that_is_not_there_is_not_found(both: Both) -> None:
    detail = pb.FailureDetail(reason="UNKNOWN_ENDPOINT")
    failing = fails(grpc.StatusCode.NOT_FOUND, "endpoint: 'x' is not configured", detail)
    with FakeGateway(DrainEndpoint=failing) as gateway, pytest.raises(NotFound) as caught:
        both.ask(gateway.target, "drain_endpoint", "x")
    assert caught.value.reason == "UNKNOWN_ENDPOINT"


def test_what_operators_ask(both: Both) -> None:
    router = admin.DescribeRouterResponse(estimator="v2")
    config = admin.DescribeConfigResponse(config_json="{}")
    metrics = telemetry.GetMetricsResponse(ensemble=telemetry.EnsembleCounters(requests=3))
    with FakeGateway(
        DescribeRouter=says(router), DescribeConfig=says(config), GetMetrics=says(metrics)
    ) as gateway:
        assert both.ask(gateway.target, "describe_router") == router
        assert both.ask(gateway.target, "describe_config", timeout=9) == config
        assert both.ask(gateway.target, "metrics", "fast") == metrics
    assert gateway.seen[2].request.endpoint == "fast"
