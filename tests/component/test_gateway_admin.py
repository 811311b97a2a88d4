"""What a running gateway tells its operators: endpoints, router, configuration and counters."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from ensemble.v1 import admin_service_pb2 as admin
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble.v1.decision_pb2 import Capability, ChainPolicy
from ensemble.v1.telemetry_service_pb2 import GetMetricsRequest, GetMetricsResponse
from ensemble_client import AsyncClient

from gateway import Gateway
from gateway.config.load import load
from tests.fakes.gateways import (
    IMPATIENT,
    Door,
    door_to,
    failure,
    gateway_on_loopback,
    request,
    settings_of,
)
from tests.fakes.model_server import FakeModelServer
from tests.fakes.script import Failure, Script

SECRET = "sk-of-the-endpoint"
NOWHERE = "grpc://127.0.0.1:1"


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    endpoint = [
        {"capabilities": ["fast_inference"], "cost_per_1k_tokens": 0.25, "tags": ["eu", "big"]},
        {"drained": True, "timeout_s": 2.5},
        {"priority": -1, "max_context": 4096, "model": "m"},
    ]
    settings = settings_of(
        NOWHERE,
        NOWHERE,
        NOWHERE,
        endpoint=endpoint,
        ensemble={"default_endpoint": "a"},
        router={"fast_below": 0.2, "security_chain": "strict"},
    )
    async with gateway_on_loopback(settings) as opened:
        yield opened


async def test_endpoints_are_listed_in_the_routers_order(door: Door) -> None:
    listed = await door.admin.ListEndpoints(admin.ListEndpointsRequest(), timeout=10)
    assert [one.name for one in listed.endpoints] == ["c", "a", "b"]
    assert listed.next_page_token == ""
    c, a, b = listed.endpoints
    assert (c.priority, c.max_context_tokens, c.model) == (-1, 4096, "m")
    assert list(a.capabilities) == [Capability.CAPABILITY_FAST_INFERENCE]
    assert (a.cost_micros_per_1k_tokens, list(a.tags)) == (250_000, ["big", "eu"])
    assert [one.is_default for one in (c, a, b)] == [False, True, False]
    assert [one.drained for one in (c, a, b)] == [False, False, True]
    assert b.timeout.ToMilliseconds() == 2500
    assert (b.protocol, b.url) == ("native", NOWHERE)


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
async def test_pages_hold_each_endpoint_once(door: Door, size: int) -> None:
    names: list[str] = []
    token = ""
    while True:
        asked = admin.ListEndpointsRequest(page_size=size, page_token=token)
        page = await door.admin.ListEndpoints(asked, timeout=10)
        assert len(page.endpoints) <= size
        names += [one.name for one in page.endpoints]
        token = page.next_page_token
        if not token:
            break
    assert names == ["c", "a", "b"]


@pytest.mark.parametrize("token", ["x", "-1", "3", "99999999999999999999999", "1.5", "\N{SNOWMAN}"])
async def test_a_page_token_of_somebody_else_is_named(door: Door, token: str) -> None:
    asked = admin.ListEndpointsRequest(page_token=token)
    failed = await failure(door.admin.ListEndpoints(asked, timeout=10))
    assert failed.code is grpc.StatusCode.INVALID_ARGUMENT
    assert failed.fields == ["page_token"]


async def test_a_page_too_large_is_named(door: Door) -> None:
    asked = admin.ListEndpointsRequest(page_size=1001)
    failed = await failure(door.admin.ListEndpoints(asked, timeout=10))
    assert failed.fields == ["page_size"]


async def test_the_router_is_described_with_its_numbers(door: Door) -> None:
    router = await door.admin.DescribeRouter(admin.DescribeRouterRequest(), timeout=10)
    assert [rule.name for rule in router.rules][:4] == [
        "security",
        "constrained",
        "fast",
        "quality",
    ]
    assert "0.2" in router.rules[2].condition
    assert router.rules[0].chain_policy == ChainPolicy.CHAIN_POLICY_STRICT
    assert router.rules[2].capability == Capability.CAPABILITY_FAST_INFERENCE
    assert (router.estimator, router.default_endpoint) == ("v2", "a")
    assert router.snapshot_version > 0


async def test_the_configuration_is_told_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    monkeypatch.setenv("KEY_OF_A", SECRET)
    monkeypatch.setenv("ENSEMBLE_RETRY__MAX_TRIES", "2")
    monkeypatch.setenv("ENSEMBLE_SERVER__PORT", "0")
    key = tmp_path / "key"
    key.write_text(f"{SECRET}-in-a-file\n")
    config = tmp_path / "gateway.toml"
    config.write_text(f"""
[server]
port = 1
batch_in_flight = 3
[retry]
max_tries = 9
base_s = 0.001
[[endpoint]]
name = "a"
url = "{NOWHERE}"
secret_ref = "env:KEY_OF_A"
[[endpoint]]
name = "b"
url = "{NOWHERE}"
secret_ref = "file:{key}"
""")
    settings = load(config)
    async with (
        Gateway(settings, sources=(str(config),)) as gateway,
        door_to(await gateway.start()) as door,
    ):
        told = await door.admin.DescribeConfig(admin.DescribeConfigRequest(), timeout=10)
        failed = await failure(door.generate(request(), timeout=10))
    effective = json.loads(told.config_json)
    assert effective["retry"]["max_tries"] == 2  # the environment wins
    assert effective["server"]["port"] == 0
    assert effective["server"]["batch_in_flight"] == 3  # then the file
    assert effective["ensemble"]["max_attempts"] == 3  # then the default
    assert [one["secret_ref"] for one in effective["endpoint"]] == ["env:KEY_OF_A", f"file:{key}"]
    assert list(told.sources) == [str(config)]
    shown = f"{told}{failed}{settings!r}{caplog.text}"
    assert SECRET not in shown


async def metrics(door: Door, endpoint: str = "") -> GetMetricsResponse:
    return await door.telemetry.GetMetrics(GetMetricsRequest(endpoint=endpoint), timeout=10)


async def test_the_counters_tell_the_traffic() -> None:
    scripts = [Script(failure=Failure.UNAVAILABLE), Script()]
    async with (
        FakeModelServer(scripts[0]) as first,
        FakeModelServer(scripts[1]) as second,
        gateway_on_loopback(settings_of(first.url, second.url)) as door,
    ):
        before = await metrics(door)
        for _ in range(3):
            await door.generate(request(), timeout=10)
        await failure(door.generate(request(""), timeout=10))
        scripts[1].failure = Failure.INVALID
        await failure(door.generate(request(), timeout=10))
        after = await metrics(door)
        only_b = await metrics(door, "b")
        async with AsyncClient(door.target) as client:
            assert [one.endpoint for one in (await client.metrics("a")).endpoints] == ["a"]
    assert before.ensemble.requests == 0
    ensemble = after.ensemble
    assert (ensemble.requests, ensemble.succeeded, ensemble.failed) == (4, 3, 1)
    assert (ensemble.attempts, ensemble.fallback_used) == (8, 4)
    assert ensemble.fallback_exhausted == 1
    a, b = after.endpoints
    assert (a.endpoint, a.lifetime.failures, a.lifetime.success_rate) == ("a", 4, 0.0)
    assert (b.endpoint, b.lifetime.successes, b.lifetime.not_counted) == ("b", 3, 1)
    assert b.lifetime.success_rate == 1.0
    assert b.lifetime.success_latency.count == 3
    assert b.lifetime.judged == 3
    assert a.in_flight == b.in_flight == 0
    assert [one.endpoint for one in only_b.endpoints] == ["b"]
    assert after.uptime.ToMilliseconds() >= 0


async def test_counters_of_an_unknown_endpoint_are_not_found(door: Door) -> None:
    asked = GetMetricsRequest(endpoint="nobody")
    failed = await failure(door.telemetry.GetMetrics(asked, timeout=10))
    assert (failed.code, failed.reason) == (grpc.StatusCode.NOT_FOUND, "UNKNOWN_ENDPOINT")
    assert "endpoint: 'nobody'" in failed.message


async def test_a_route_calls_nobody_and_counts_nothing() -> None:
    async with FakeModelServer(Script()) as model:
        async with gateway_on_loopback(settings_of(model.url, retry=IMPATIENT)) as door:
            told = await door.route(pb.RouteRequest(request=request()), timeout=10)
            assert (await metrics(door)).ensemble.requests == 0
        assert model.witness.asked == []
    assert told.decision.primary == "a"
