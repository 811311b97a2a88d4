"""An endpoint is told how many tries came before a retry, against real servers on loopback."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from gateway.core.deadline import Deadline
from gateway.core.endpoint import Endpoint, Protocol
from gateway.core.faults import Fault
from gateway.core.hole import NO_SAMPLING, Hole, Request
from gateway.core.policy import Call, Invocation
from gateway.core.ports import Task
from gateway.policies.retry import RetrySettings, retry
from gateway.state.throttle import Throttle, ThrottleSettings
from gateway.upstreams.connect import UpstreamOptions, connect
from tests.fakes.model_server import FakeModelServer
from tests.fakes.openai_server import FakeOpenAiServer
from tests.fakes.script import Failure, Script
from tests.fakes.values import OpenAccount

HEADER = "grpc-previous-rpc-attempts"


async def ignore(_: str) -> None:
    return


async def told(server: FakeModelServer | FakeOpenAiServer, *, streamed: bool) -> list[str | None]:
    """Try a server that is not ready three times; return the header of each call."""
    protocol = Protocol.NATIVE if isinstance(server, FakeModelServer) else Protocol.OPENAI
    endpoint = Endpoint("fake", protocol=protocol, url=server.url, model="tiny")
    upstream = connect(endpoint, UpstreamOptions(), time.monotonic)

    async def call(invocation: Invocation):
        if invocation.send is None:
            return await upstream.generate(invocation.task, invocation.deadline)
        return await upstream.stream(invocation.task, invocation.deadline, invocation.send)

    task = Task(Request(Hole("x = "), "req-1"), endpoint, NO_SAMPLING)
    invocation = Invocation(task, Deadline(time.monotonic() + 30), [], OpenAccount())
    if streamed:
        invocation.send = ignore
    settings = RetrySettings(base_s=0.001)
    tried: Call = retry(settings, time.monotonic, lambda: 0.5, Throttle(ThrottleSettings()))(call)
    try:
        with pytest.raises(Fault):
            await tried(invocation)
    finally:
        await upstream.close()
    return [asked.headers.get(HEADER) for asked in server.witness.asked]


@pytest.mark.parametrize("streamed", [False, True], ids=["unary", "stream"])
async def test_a6_previous_attempts_are_sent_on_retries_only(streamed: bool) -> None:
    async with FakeModelServer(Script(failure=Failure.UNAVAILABLE)) as server:
        assert await told(server, streamed=streamed) == [None, "1", "2"]


@pytest.mark.parametrize("streamed", [False, True], ids=["unary", "stream"])
async def test_an_openai_compatible_server_is_sent_no_header_of_grpc(streamed: bool) -> None:
    async with FakeOpenAiServer(Script(failure=Failure.UNAVAILABLE)) as server:
        assert await told(server, streamed=streamed) == [None, None, None]


async def test_a_task_with_tries_before_says_so_without_any_policy() -> None:
    async with FakeModelServer(Script()) as server:
        endpoint = Endpoint("fake", url=server.url)
        upstream = connect(endpoint, UpstreamOptions(), time.monotonic)
        task = replace(Task(Request(Hole("x = "), "r"), endpoint, NO_SAMPLING), tries_before=4)
        try:
            await upstream.generate(task, Deadline(time.monotonic() + 30))
        finally:
            await upstream.close()
        assert server.witness.asked[0].headers[HEADER] == "4"
