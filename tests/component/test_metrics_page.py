"""The admin listener of a running gateway, scraped over loopback."""

from __future__ import annotations

import asyncio
import re
import socket
from typing import Any

import pytest
from ensemble.v1.decision_pb2 import OBJECTIVE_CHEAPEST
from ensemble.v1.hole_pb2 import Constraint, RegexPattern
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from prometheus_client.openmetrics import parser as openmetrics

from gateway.app import Gateway
from gateway.ingress.admin_http import AdminListener, Pages
from gateway.ingress.listener import ListenError
from gateway.telemetry.catalogue import BY_NAME
from tests.fakes.gateways import (
    IMPATIENT,
    Door,
    door_to,
    failure,
    gateway_on_loopback,
    request,
    settings_of,
    streamed,
)
from tests.fakes.model_server import FakeModelServer
from tests.fakes.script import Failure, Script
from tests.fakes.watched import Collector, families, get, no_task_left, number
from tests.house.sources import ROOT

ADMIN = {"port": 0}
PRICED = {"cost_per_1k_tokens": 1.5}
ROW = re.compile(r"^\| `(gateway_\w+)` \| (\w+) \| (\S+) \| (.+?) \| (.+) \|$", re.MULTILINE)
HISTOGRAM = ("_bucket", "_sum", "_count")


def table() -> dict[str, tuple[str, str, frozenset[str], str]]:
    """The rows of the page: kind, unit, labels and meaning, by name."""
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    return {
        name: (kind, unit, frozenset(re.findall(r"`(\w+)`", labels)), words)
        for name, kind, unit, labels, words in ROW.findall(page)
    }


def scraped(page: str) -> dict[str, tuple[str, str, frozenset[str], str]]:
    """The same of what a gateway exposes."""
    found = {}
    for family in families(page).values():
        counter = family.type == "counter"
        name = f"{family.name}_total" if counter else family.name
        unit = "seconds" if name.endswith("_seconds") else "-"
        labels = {key for one in family.samples for key in one.labels} - {"le"}
        names = {one.name for one in family.samples}
        allowed = {name + part for part in HISTOGRAM} if family.type == "histogram" else {name}
        assert names == allowed
        found[name] = (family.type, unit, frozenset(labels), family.documentation)
    return found


def admin_port(door: Door) -> int:
    assert door.gateway is not None
    port = door.gateway.observability.admin_port
    assert port is not None
    return port


async def faulty_traffic(door: Door) -> None:
    """Answers, fallbacks, failures, streams, refusals and a batch."""
    await door.generate(request())
    await door.generate(request(objective=OBJECTIVE_CHEAPEST))
    never = Constraint(name="never", regex=RegexPattern(pattern="^$"))
    await failure(door.generate(request(constraints=[never])))
    await failure(door.generate(request("")))
    async for _ in door.stream(streamed()):
        pass


async def test_the_page_agrees_with_the_table_of_the_docs_in_both_directions() -> None:
    down = Script(failure=Failure.UNAVAILABLE)
    async with FakeModelServer(down) as first, FakeModelServer(Script()) as second:
        settings = settings_of(first.url, second.url, endpoint=[PRICED] * 2, admin=ADMIN)
        async with gateway_on_loopback(settings) as door:
            await faulty_traffic(door)
            status, page = await get(admin_port(door))
    assert status == 200
    assert scraped(page) == table()
    assert len(table()) == len(BY_NAME)


async def page_with(door: Door, name: str, **labels: str) -> str:
    """Read the page until it has a number: an RPC is counted once its caller has been answered."""
    async with asyncio.timeout(10):
        while True:
            _, page = await get(admin_port(door))
            if number(page, name, **labels):
                return page


async def test_the_numbers_are_those_of_the_traffic() -> None:
    method = "ensemble.v1.GatewayService/Generate"
    rpc = "gateway_rpc_duration_seconds_count"
    down = Script(failure=Failure.UNAVAILABLE)
    async with FakeModelServer(down) as first, FakeModelServer(Script()) as second:
        settings = settings_of(first.url, second.url, endpoint=[PRICED] * 2, admin=ADMIN)
        async with gateway_on_loopback(settings) as door:
            for _ in range(3):
                await door.generate(request())
            await failure(door.generate(request("")))
            page = await page_with(door, rpc, method=method, status_code="INVALID_ARGUMENT")
    assert number(page, rpc, method=method, status_code="OK") == 3
    assert number(page, rpc, method=method, status_code="INVALID_ARGUMENT") == 1
    assert number(page, "gateway_request_duration_seconds_count") == 3
    moved = {"from": "a", "to": "b", "reason": "UPSTREAM_UNAVAILABLE"}
    assert number(page, "gateway_fallbacks_total", **moved) == 3
    assert number(page, "gateway_attempts_total", endpoint="b", outcome="ok") == 3
    assert number(page, "gateway_tokens_total", endpoint="b", type="input") == 33
    assert number(page, "gateway_cost_total", endpoint="b") == pytest.approx(3 * 0.021)
    assert number(page, "gateway_breaker_state", endpoint="a", state="closed") == 1


async def test_what_is_in_flight_goes_up_and_down() -> None:
    """G-07: a gauge that only rose."""
    async with FakeModelServer(Script()) as server:
        arrived, let_go = asyncio.Event(), asyncio.Event()

        async def hold(_: object) -> None:
            arrived.set()
            await let_go.wait()

        server.hold = hold
        async with gateway_on_loopback(settings_of(server.url, admin=ADMIN)) as door:
            call = door.generate(request())
            await arrived.wait()
            _, during = await get(admin_port(door))
            let_go.set()
            await call
            _, after = await get(admin_port(door))
    names = ("requests_in_flight", "jobs_in_flight", "endpoint_in_flight")
    assert [number(during, f"gateway_{name}") for name in names] == [1, 1, 1]
    assert [number(after, f"gateway_{name}") for name in names] == [0, 0, 0]


async def test_ready_says_why_not() -> None:
    async with FakeModelServer(Script()) as server:
        settings = settings_of(server.url, admin=ADMIN)
        async with gateway_on_loopback(settings) as door:
            port = admin_port(door)
            assert await get(port, "/healthz") == (200, "ok\n")
            assert await get(port, "/readyz") == (200, "ok\n")
            assert door.gateway is not None
            door.gateway.drain("a", drained=True)
            status, why = await get(port, "/readyz")
            assert (status, why.count("\n")) == (503, 1)
            assert why.startswith("every endpoint is drained")
            door.gateway.observability.serving = False
            status, why = await get(port, "/readyz")
            assert (status, why.count("\n")) == (503, 2)
            assert await get(port, "/healthz") == (200, "ok\n")


async def test_a_gateway_that_drains_is_not_ready() -> None:
    async with (
        FakeModelServer(Script()) as server,
        Gateway(settings_of(server.url, admin=ADMIN)) as gateway,
        door_to(await gateway.start(), gateway) as door,
    ):
        stop = asyncio.Event()
        arrived, let_go = asyncio.Event(), asyncio.Event()

        async def hold(_: object) -> None:
            arrived.set()
            await let_go.wait()

        server.hold = hold
        serving = asyncio.create_task(gateway.serve(stop))
        call = door.generate(request())
        await arrived.wait()
        watch = HealthStub(door.channel).Watch(HealthCheckRequest())
        await watch.read()
        stop.set()
        while (await watch.read()).status != HealthCheckResponse.NOT_SERVING:
            pass
        status, why = await get(admin_port(door), "/readyz")
        let_go.set()
        await call
        await serving
    assert (status, why.splitlines()[0]) == (503, "no calls are taken: it starts, or drains")


async def test_only_what_is_there_can_be_asked_for() -> None:
    async with FakeModelServer(Script()) as server:
        async with gateway_on_loopback(settings_of(server.url, admin=ADMIN)) as door:
            port = admin_port(door)
            assert (await get(port, "/other"))[0] == 404
            assert (await get(port, "/metrics", "POST"))[0] == 405
        off = settings_of(server.url, admin=ADMIN, telemetry={"prometheus": False})
        async with gateway_on_loopback(off) as door:
            assert await get(admin_port(door)) == (
                404,
                "metrics are off: set telemetry.prometheus\n",
            )
            assert (await get(admin_port(door), "/readyz"))[0] == 200


async def test_it_is_off_by_default_and_then_nothing_is_counted_for_it() -> None:
    async with (
        FakeModelServer(Script()) as server,
        gateway_on_loopback(settings_of(server.url, dashboard={"enabled": False})) as door,
    ):
        assert door.gateway is not None
        assert door.gateway.observability.admin_port is None
        assert (door.gateway.parts.meter, door.gateway.parts.tracer) == (None, None)
        await door.generate(request())


async def test_a_slow_bucket_leads_to_a_trace_where_the_scraper_can_read_it() -> None:
    """Exemplars: in the form of OpenMetrics only, with the id that the answer named."""
    async with Collector() as collector, FakeModelServer(Script()) as server:
        telemetry = {"traces": "otlp", "otlp_endpoint": collector.url, "sample_ratio": 1.0}
        settings = settings_of(server.url, admin=ADMIN, telemetry=telemetry)
        async with gateway_on_loopback(settings) as door:
            answer = await door.generate(request())
            accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
            _, rich = await get(admin_port(door), accept=accept)
            _, plain = await get(admin_port(door))
    found = {
        family.name: {one.exemplar.labels["trace_id"] for one in family.samples if one.exemplar}
        for family in openmetrics.text_string_to_metric_families(rich)
    }
    for name in ("gateway_request_duration_seconds", "gateway_attempt_duration_seconds"):
        assert found[name] == {answer.trace_id}
    assert answer.trace_id not in plain
    assert set(families(plain)) == set(found)


async def test_no_task_is_left_and_the_port_is_free_again() -> None:
    async with FakeModelServer(Script()) as server, no_task_left():
        async with gateway_on_loopback(settings_of(server.url, admin=ADMIN)) as door:
            port = admin_port(door)
            await get(port)
        with socket.create_server(("127.0.0.1", port)):
            pass


async def test_a_port_that_is_taken_is_an_error_that_names_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = settings_of("grpc://127.0.0.1:1", admin={"port": port})
        async with Gateway(settings) as gateway:
            with pytest.raises(ListenError, match=f"127.0.0.1:{port}.*admin.port"):
                await gateway.start()


def test_a_missing_extra_is_one_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> None:
        raise ImportError

    monkeypatch.setattr("gateway.ingress.admin_http.import_module", missing)
    with pytest.raises(ValueError, match=r"ensemble-gateway\[http\]"):
        AdminListener("127.0.0.1", 0, Pages(None, tuple))


async def test_two_gateways_of_one_process_count_apart() -> None:
    """G-05: one registry of the process was shared by everybody."""
    async with FakeModelServer(Script()) as server:
        settings: Any = settings_of(server.url, admin=ADMIN, retry=IMPATIENT)
        async with gateway_on_loopback(settings) as one, gateway_on_loopback(settings) as two:
            await one.generate(request())
            pages = [(await get(admin_port(door)))[1] for door in (one, two)]
    assert [number(page, "gateway_request_duration_seconds_count") for page in pages] == [1, 0]
