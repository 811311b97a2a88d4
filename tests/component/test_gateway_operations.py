"""Operators see each endpoint as it does now, and take it out of service and back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from ensemble.v1 import admin_service_pb2 as admin
from ensemble.v1.telemetry_service_pb2 import GetMetricsRequest
from ensemble_client import AsyncClient, NotFound
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from gateway.core.endpoint import Endpoint
from gateway.core.snapshot import Snapshot
from gateway.ingress.listener import Listener, ListenerSettings
from gateway.state.reading import EndpointReading, GuardCounters
from tests.fakes.gateways import Door, door_to, failure
from tests.fakes.operations import FakeOperations, operated

TROUBLED = EndpointReading(
    breaker="half_open",
    failure_rate=0.5,
    slow_rate=0.25,
    not_permitted=7,
    health="not_serving",
    ejected=True,
    warming_up=True,
    in_flight=2,
    concurrency_limit=8,
    waiting=3,
    saturated=4,
)
COUNTED = GuardCounters(retries=1, hedges=2, hedge_wins=3, shed=4, queued=5, replayed=6)


@pytest.fixture
def operations() -> FakeOperations:
    endpoints = (
        Endpoint("twin-1", group="twin", weight=2.0, priority=1),
        Endpoint("twin-2", group="twin", priority=1),
        Endpoint("late", priority=2, drained=True),
        Endpoint("lone"),
    )
    snapshot = Snapshot.of(endpoints, default_endpoint="twin")
    return FakeOperations(snapshot, {"lone": TROUBLED}, {"lone": 16})


@pytest.fixture
async def door(operations: FakeOperations) -> AsyncIterator[Door]:
    async with operated(operations, COUNTED) as opened:
        yield opened


async def listed(door: Door, **fields: Any) -> dict[str, admin.Endpoint]:
    asked = admin.ListEndpointsRequest(**fields)
    answer = await door.admin.ListEndpoints(asked, timeout=10)
    return {endpoint.name: endpoint for endpoint in answer.endpoints}


async def drain(door: Door, name: str) -> dict[str, bool]:
    asked = admin.DrainEndpointRequest(endpoint=name)
    answer = await door.admin.DrainEndpoint(asked, timeout=10)
    return {endpoint.name: endpoint.drained for endpoint in answer.endpoints}


async def undrain(door: Door, name: str) -> dict[str, bool]:
    asked = admin.UndrainEndpointRequest(endpoint=name)
    answer = await door.admin.UndrainEndpoint(asked, timeout=10)
    return {endpoint.name: endpoint.drained for endpoint in answer.endpoints}


async def drained(door: Door) -> list[str]:
    return [name for name, endpoint in (await listed(door)).items() if endpoint.drained]


async def test_each_replica_is_listed_with_its_group_and_the_default_is_all_of_them(
    door: Door,
) -> None:
    found = await listed(door)
    assert list(found) == ["lone", "twin-1", "twin-2", "late"]
    assert [one.group for one in found.values()] == ["", "twin", "twin", ""]
    assert [one.is_default for one in found.values()] == [False, True, True, False]
    assert found["twin-1"].weight == 2.0


async def test_pages_go_through_the_replicas_too(door: Door) -> None:
    assert list(await listed(door, page_size=2, page_token="1")) == ["twin-1", "twin-2"]


async def test_the_state_of_an_endpoint_is_told_as_it_is_read(door: Door) -> None:
    found = await listed(door)
    assert found["lone"].max_concurrency == 16
    assert found["lone"].state == admin.EndpointState(
        breaker=admin.BREAKER_STATE_HALF_OPEN,
        failure_rate=0.5,
        slow_rate=0.25,
        not_permitted=7,
        health=admin.ENDPOINT_HEALTH_NOT_SERVING,
        ejected=True,
        warming_up=True,
        in_flight=2,
        concurrency_limit=8,
        waiting=3,
        saturated=4,
    )
    unguarded = admin.EndpointState(failure_rate=-1, slow_rate=-1)
    assert found["late"].state == unguarded
    assert found["late"].max_concurrency == 0


async def test_an_endpoint_is_drained_and_undrained(door: Door) -> None:
    assert await drain(door, "lone") == {"lone": True}
    assert await drained(door) == ["lone", "late"]
    assert await undrain(door, "lone") == {"lone": False}
    assert await drained(door) == ["late"]


async def test_an_endpoint_drained_by_the_configuration_is_undrained_too(door: Door) -> None:
    assert await undrain(door, "late") == {"late": False}
    assert await drained(door) == []


async def test_a_group_stands_for_all_of_its_replicas(door: Door) -> None:
    assert await drain(door, "twin-2") == {"twin-2": True}
    assert await drain(door, "twin") == {"twin-1": True, "twin-2": True}
    assert await undrain(door, "twin-1") == {"twin-1": False}
    assert await drained(door) == ["twin-2", "late"]


async def test_saying_it_twice_changes_nothing(door: Door) -> None:
    assert await drain(door, "lone") == await drain(door, "lone") == {"lone": True}
    assert await undrain(door, "lone") == await undrain(door, "lone") == {"lone": False}


async def test_a_log_line_names_who_was_drained(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gateway.ingress.admin")
    await drain(door, "twin")
    await undrain(door, "lone")
    said = [(record.message, record.__dict__["endpoints"]) for record in caplog.records]
    assert said == [
        ("endpoint drained", ["twin-1", "twin-2"]),
        ("endpoint undrained", ["lone"]),
    ]


@pytest.mark.parametrize("method", ["Drain", "Undrain"])
@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("nobody", grpc.StatusCode.NOT_FOUND, "UNKNOWN_ENDPOINT"),
        ("", grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"),
        ("n" * 257, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"),
    ],
)
async def test_a_name_that_is_nobodys_changes_nothing(
    door: Door, method: str, name: str, code: grpc.StatusCode, reason: str
) -> None:
    asked = getattr(admin, f"{method}EndpointRequest")(endpoint=name)
    failed = await failure(getattr(door.admin, f"{method}Endpoint")(asked, timeout=10))
    assert (failed.code, failed.reason) == (code, reason)
    assert "endpoint: " in failed.message
    assert await drained(door) == ["late"]


async def test_the_client_drains_and_undrains(door: Door) -> None:
    async with AsyncClient(door.target) as client:
        assert [one.drained for one in await client.drain_endpoint("twin")] == [True, True]
        assert [one.drained for one in await client.undrain_endpoint("lone")] == [False]
        with pytest.raises(NotFound):
            await client.drain_endpoint("nobody")


async def test_the_counters_of_the_guards_are_told(door: Door) -> None:
    answer = await door.telemetry.GetMetrics(GetMetricsRequest(), timeout=10)
    total = answer.ensemble
    assert (total.retries, total.hedges, total.hedge_wins) == (1, 2, 3)
    assert (total.shed, total.queued, total.replayed) == (4, 5, 6)


@pytest.mark.parametrize("name", ["lone", "twin-2", "late"])
async def test_every_endpoint_that_can_be_called_has_counters(door: Door, name: str) -> None:
    answer = await door.telemetry.GetMetrics(GetMetricsRequest(endpoint=name), timeout=10)
    assert [one.endpoint for one in answer.endpoints] == [name]


async def test_a_group_is_never_called_and_has_no_counters(door: Door) -> None:
    failed = await failure(door.telemetry.GetMetrics(GetMetricsRequest(endpoint="twin")))
    assert (failed.code, failed.reason) == (grpc.StatusCode.NOT_FOUND, "UNKNOWN_ENDPOINT")


async def test_health_tells_a_watcher_of_an_endpoint_that_changes_at_run_time() -> None:
    pair = [Endpoint("twin-1", group="twin"), Endpoint("twin-2", group="twin")]
    settings = ListenerSettings("127.0.0.1", 0, 1 << 20, 16)
    listener = Listener(settings, (), names=(), reflection=False, endpoints=pair)
    async with door_to(await listener.start()) as door, asyncio.timeout(10):
        health = HealthStub(door.channel)
        watched = health.Watch(HealthCheckRequest(service="endpoint/twin"))
        statuses = [(await anext(aiter(watched))).status]
        listener.set_endpoint("twin-1", serving=False)
        alone = await health.Check(HealthCheckRequest(service="endpoint/twin-1"))
        listener.set_endpoint("twin-2", serving=False)
        statuses += [(await anext(aiter(watched))).status]
        with pytest.raises(KeyError):
            listener.set_endpoint("nobody", serving=True)
        await listener.drain(0, 0)
    serving, not_serving = HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING
    assert (statuses, alone.status) == ([serving, not_serving], not_serving)
