"""Health of a server of the Open Inference Protocol: ServerReady, then ModelReady."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Any

import pytest

from gateway.core.endpoint import Endpoint, Protocol
from gateway.upstreams.connect import probe_of
from gateway.upstreams.oip_options import OipOptions
from gateway.upstreams.options import UpstreamOptions
from gateway.upstreams.probe import ProbeSettings
from gateway.upstreams.probe_oip import ReadyProbe
from tests.fakes.gateways import settings_of
from tests.fakes.oip_server import FakeOipServer
from tests.fakes.script import Script


class Told:
    """Runs a probe; its results come in a queue, and a wait ends when the test says so."""

    def __init__(self, url: str, **settings: Any) -> None:
        endpoint = Endpoint("fake", protocol=Protocol.OIP, url=url, model="tiny")
        self.results: asyncio.Queue[tuple[bool, str]] = asyncio.Queue()
        self._go_on = asyncio.Semaphore(0)
        options = UpstreamOptions(secret="s3", oip=OipOptions(version="2"))
        probe = ReadyProbe(endpoint, ProbeSettings(**settings), options, sleep=self._wait)
        self._task = asyncio.create_task(probe.watch(self._tell))

    def _tell(self, *, serving: bool, because: str) -> None:
        self.results.put_nowait((serving, because))

    async def _wait(self, _: float) -> None:
        await self._go_on.acquire()

    async def next(self) -> tuple[bool, str]:
        async with asyncio.timeout(10):
            return await self.results.get()

    def again(self) -> None:
        self._go_on.release()

    async def end(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task


async def test_the_server_and_the_model_are_asked() -> None:
    async with FakeOipServer(Script(), ready=True) as server:
        told = Told(server.url, unhealthy_after=1)
        assert await told.next() == (True, "ready")
        assert [server.checked.get_nowait() for _ in range(2)] == ["Bearer s3", "tiny"]
        server.model_ready = False
        told.again()
        assert await told.next() == (False, "the model is not ready")
        server.ready = False
        told.again()
        assert await told.next() == (False, "the server is not ready")
        await told.end()


async def test_a_server_that_does_not_say_is_taken_for_healthy() -> None:
    async with FakeOipServer(Script()) as server:
        told = Told(server.url)
        serving, because = await told.next()
        assert serving
        assert "does not say" in because
        await told.end()


async def test_nobody_there_is_not_serving() -> None:
    async with FakeOipServer(Script(), ready=True) as server:
        url = server.url
    told = Told(url, unhealthy_after=1)
    assert await told.next() == (False, "asking ended with UNAVAILABLE")
    await told.end()


async def test_one_that_hangs_is_not_serving() -> None:
    # It takes connections and says nothing on them.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"grpc://127.0.0.1:{silent.getsockname()[1]}"
        told = Told(url, unhealthy_after=1, timeout_s=0.05)
        assert await told.next() == (False, "no answer in time")
        await told.end()


def test_only_grpc_can_be_asked() -> None:
    endpoint = Endpoint("fake", protocol=Protocol.OIP, url="http://host", model="tiny")
    with pytest.raises(ValueError, match="grpc://host:port"):
        probe_of(endpoint, ProbeSettings(), UpstreamOptions(), lambda: 0.5)


def test_auto_is_ready_calls_and_a_path_still_goes_first() -> None:
    (config,) = settings_of("h:1", endpoint=[{"protocol": "oip", "model": "m"}]).endpoint
    endpoint = Endpoint("fake", protocol=Protocol.OIP, url=config.url, model="m")
    chosen = probe_of(endpoint, ProbeSettings(), UpstreamOptions(), lambda: 0.5)
    assert type(chosen) is ReadyProbe
    path = ProbeSettings(path="http://h:2/ready")
    other = probe_of(endpoint, path, UpstreamOptions(), lambda: 0.5)
    assert type(other).__name__ == "HttpProbe"
