"""Health checks against real servers on loopback: gRPC's Watch, and GET over HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from aiohttp import web
from grpc_health.v1 import health_pb2

from gateway.core.endpoint import Endpoint, Protocol
from gateway.upstreams.options import UpstreamOptions
from gateway.upstreams.probe import Prober, ProbeSettings
from gateway.upstreams.probe_grpc import WatchProbe
from gateway.upstreams.probe_http import HttpProbe

Answer = health_pb2.HealthCheckResponse
MODEL = "the.model"
NO_FAILURE = {"OK", "UNIMPLEMENTED"}


class Waits:
    """A sleep that remembers how long, and ends when the test says so."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[float] = asyncio.Queue()
        self._go_on = asyncio.Semaphore(0)

    async def __call__(self, seconds: float) -> None:
        self.asked.put_nowait(seconds)
        await self._go_on.acquire()

    async def end(self) -> float:
        """Let the next wait end; return how long it would have been."""
        seconds = await self.asked.get()
        self._go_on.release()
        return seconds


class HealthServer:
    """A gRPC server whose Watch tells what it is told to; its port outlives it."""

    def __init__(self) -> None:
        self.port = 0
        self.statuses: asyncio.Queue[Any] = asyncio.Queue()
        self.watched: asyncio.Queue[tuple[str, dict[str, str]]] = asyncio.Queue()
        self.left = asyncio.Event()
        self._server: grpc.aio.Server | None = None

    async def start(self, *, service: bool = True) -> None:
        # Without it a second server would share the port of one that is being stopped.
        self._server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
        if service:
            handler = grpc.unary_stream_rpc_method_handler(
                self._watch, health_pb2.HealthCheckRequest.FromString, _bytes
            )
            self._server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Watch": handler}),)
            )
        self.port = self._server.add_insecure_port(f"127.0.0.1:{self.port}")
        await self._server.start()

    async def kill(self) -> None:
        if self._server is not None:
            await self._server.stop(None)
            self._server = None

    async def _watch(self, request: Any, context: grpc.aio.ServicerContext) -> None:
        metadata = {key: str(value) for key, value in context.invocation_metadata() or ()}
        self.watched.put_nowait((request.service, metadata))
        try:
            while (status := await self.statuses.get()) is not None:
                if isinstance(status, grpc.StatusCode):
                    await context.abort(status, "scripted")
                if isinstance(status, bytes):
                    await context.write(status)
                else:
                    await context.write(Answer(status=status))
        except asyncio.CancelledError:
            self.left.set()
            raise


class Watched:
    """One endpoint under a prober; its reports come in a queue."""

    def __init__(self, probe: Any, waits: Waits) -> None:
        self.waits = waits
        self.reports: asyncio.Queue[bool | None] = asyncio.Queue()
        self.prober = Prober({"fake": probe}, lambda _, serving: self.reports.put_nowait(serving))

    async def next(self) -> bool | None:
        return await asyncio.wait_for(self.reports.get(), 20)


@pytest.fixture
async def server() -> AsyncIterator[HealthServer]:
    fake = HealthServer()
    await fake.start()
    yield fake
    await fake.kill()


@asynccontextmanager
async def watching(server: HealthServer, **settings: Any) -> AsyncIterator[Watched]:
    waits = Waits()
    options = UpstreamOptions(secret=settings.pop("secret", None))
    probe = WatchProbe(
        Endpoint("fake", url=f"grpc://127.0.0.1:{server.port}"),
        ProbeSettings(**{"timeout_s": 15, **settings}),
        options,
        lambda: 0.5,
        sleep=waits,
    )
    watched = Watched(probe, waits)
    watched.prober.start()
    try:
        yield watched
    finally:
        await asyncio.wait_for(watched.prober.close(), 10)


async def test_serving_then_not_serving_then_killed_then_back(server: HealthServer) -> None:
    async with watching(server, service=MODEL) as watched:
        assert (await server.watched.get())[0] == MODEL
        for status, serving in ((Answer.SERVING, True), (Answer.NOT_SERVING, False)):
            server.statuses.put_nowait(status)
            assert await watched.next() is serving
        server.statuses.put_nowait(Answer.SERVING)
        assert await watched.next() is True
        await server.kill()
        assert await watched.next() is False
        # It answered before, so the first wait is the shortest; then nobody is there.
        assert await watched.waits.end() == pytest.approx(1)
        assert await watched.waits.end() == pytest.approx(1.6)
        await server.start()
        server.statuses = asyncio.Queue()
        server.statuses.put_nowait(Answer.SERVING)
        waits = asyncio.create_task(end_all(watched.waits))
        assert await watched.next() is True
        waits.cancel()


async def end_all(waits: Waits) -> None:
    """Let every wait end at once: the channel reconnects in its own time."""
    while True:
        await waits.end()


async def test_closing_ends_the_watch_at_the_endpoint(server: HealthServer) -> None:
    async with watching(server) as watched:
        server.statuses.put_nowait(Answer.SERVING)
        assert await watched.next() is True
    await asyncio.wait_for(server.left.wait(), 10)


async def test_the_check_carries_the_endpoints_credentials(server: HealthServer) -> None:
    async with watching(server, secret="token"):
        service, metadata = await asyncio.wait_for(server.watched.get(), 10)
        assert (service, metadata["authorization"]) == ("", "Bearer token")


async def test_a17_an_endpoint_without_the_service_is_healthy_and_not_asked_again(caplog) -> None:
    server = HealthServer()
    await server.start(service=False)
    with caplog.at_level(logging.INFO):
        async with watching(server) as watched:
            assert await watched.next() is True
            (task,) = watched.prober._tasks
            await asyncio.wait_for(task, 10)
            assert watched.waits.asked.empty()
    await server.kill()
    told = [record for record in caplog.records if "no health service" in record.message]
    assert [record.endpoint for record in told] == ["fake"]


async def test_a17_service_unknown_is_a_status_and_not_serving(server: HealthServer) -> None:
    async with watching(server) as watched:
        server.statuses.put_nowait(Answer.SERVICE_UNKNOWN)
        assert await watched.next() is False
        # The same call goes on: the name may become known.
        server.statuses.put_nowait(Answer.SERVING)
        assert await watched.next() is True
        assert server.watched.qsize() == 1
        server.statuses.put_nowait(99)
        assert await watched.next() is False


@pytest.mark.parametrize(
    "end",
    [None, b"\xff\xff", *(code for code in grpc.StatusCode if code.name not in NO_FAILURE)],
    ids=str,
)
async def test_a17_a_watch_that_ends_otherwise_is_not_serving_and_made_again(
    server: HealthServer, end
) -> None:
    async with watching(server) as watched:
        server.statuses.put_nowait(end)
        assert await watched.next() is False
        assert await watched.waits.end() == pytest.approx(1)
        if isinstance(end, bytes):
            # The prober left: until the server knows, that watch could take the next status.
            await asyncio.wait_for(server.left.wait(), 20)
        server.statuses.put_nowait(Answer.SERVING)
        assert await watched.next() is True
        assert server.watched.qsize() == 2


async def test_a17_waits_grow_while_nothing_is_answered_and_begin_anew_after_an_answer(
    server: HealthServer,
) -> None:
    async with watching(server) as watched:
        for expected in (1, 1.6, 2.56):
            server.statuses.put_nowait(grpc.StatusCode.INTERNAL)
            assert await watched.waits.end() == pytest.approx(expected)
        server.statuses.put_nowait(Answer.SERVING)
        server.statuses.put_nowait(grpc.StatusCode.INTERNAL)
        assert await watched.waits.end() == pytest.approx(1)


async def test_a_server_that_never_answers_is_not_serving(server: HealthServer) -> None:
    async with watching(server, timeout_s=0.05) as watched:
        assert await watched.next() is False
        await asyncio.wait_for(server.left.wait(), 10)


class HttpServer:
    """Answers each check with the next status it is given; 0 never answers."""

    def __init__(self) -> None:
        self.port = 0
        self.statuses: asyncio.Queue[int] = asyncio.Queue()
        self.asked: list[tuple[str, str | None]] = []
        self._killed = asyncio.Event()
        self._runner: web.ServerRunner | None = None

    async def start(self) -> None:
        self._killed.clear()
        self._runner = web.ServerRunner(web.Server(self._answer))
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def kill(self) -> None:
        self._killed.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        self.asked.append((request.path, request.headers.get("authorization")))
        status = await self.statuses.get()
        if status == 0:
            await self._killed.wait()
        return web.Response(status=status or 500, headers={"location": "/elsewhere"})


@pytest.fixture
async def http() -> AsyncIterator[HttpServer]:
    fake = HttpServer()
    await fake.start()
    yield fake
    await fake.kill()


@asynccontextmanager
async def checking(http: HttpServer, **settings: Any) -> AsyncIterator[Watched]:
    waits = Waits()
    endpoint = Endpoint("fake", protocol=Protocol.OPENAI, url=f"http://127.0.0.1:{http.port}/v1")
    probe = HttpProbe(
        endpoint,
        ProbeSettings(**{"path": "/health", "timeout_s": 15, **settings}),
        UpstreamOptions(secret="token"),
        sleep=waits,
    )
    watched = Watched(probe, waits)
    watched.prober.start()
    try:
        yield watched
    finally:
        await asyncio.wait_for(watched.prober.close(), 10)


async def test_an_http_endpoint_serving_then_failing_then_killed_then_back(
    http: HttpServer,
) -> None:
    async with checking(http) as watched:
        http.statuses.put_nowait(200)
        assert await watched.next() is True
        assert http.asked == [("/health", "Bearer token")]
        for _ in range(2):
            http.statuses.put_nowait(503)
            assert await watched.waits.end() == 5
        assert await watched.next() is False
        http.statuses.put_nowait(204)
        await watched.waits.end()
        assert await watched.next() is True
        await watched.waits.asked.get()
        await http.kill()
        watched.waits._go_on.release()
        await watched.waits.end()
        assert await watched.next() is False
        await watched.waits.asked.get()
        await http.start()
        http.statuses.put_nowait(200)
        watched.waits._go_on.release()
        assert await watched.next() is True


@pytest.mark.parametrize("status", [300, 302, 404, 429, 500])
async def test_what_is_not_2xx_is_not_healthy(http: HttpServer, status) -> None:
    async with checking(http, unhealthy_after=1) as watched:
        http.statuses.put_nowait(status)
        assert await watched.next() is False
    assert [path for path, _ in http.asked] == ["/health"]


async def test_one_bad_check_between_good_ones_changes_nothing(http: HttpServer) -> None:
    async with checking(http) as watched:
        for status in (200, 503, 200, 503, 200):
            http.statuses.put_nowait(status)
        for _ in range(4):
            await watched.waits.end()
        await watched.waits.asked.get()
        assert await watched.next() is True
        assert watched.reports.empty()


async def test_an_http_endpoint_that_never_answers_is_not_healthy(http: HttpServer) -> None:
    async with checking(http, unhealthy_after=1, timeout_s=0.05) as watched:
        http.statuses.put_nowait(0)
        assert await watched.next() is False


def _bytes(message: Any) -> bytes:
    return message if isinstance(message, bytes) else message.SerializeToString()
