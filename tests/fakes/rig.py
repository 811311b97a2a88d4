"""A fake model server with an adapter connected to it, whatever protocol they speak."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from gateway.core.deadline import Deadline
from gateway.core.endpoint import Endpoint, Protocol, Transport
from gateway.core.faults import Fault
from gateway.core.hole import NO_SAMPLING, Hole, Request
from gateway.core.ports import Task, Upstream
from gateway.upstreams.connect import UpstreamOptions, connect
from gateway.upstreams.oip_options import OipOptions, OipStream
from gateway.upstreams.options import OpenAiMode
from tests.fakes.model_server import FakeModelServer
from tests.fakes.oip_server import FakeOipServer
from tests.fakes.openai_server import FakeOpenAiServer
from tests.fakes.script import Script

PROMPT = "def add(a, b):\n    # a private prompt\n    "
SUFFIX = "\n\nprint(add(1, 2))\n"
SECRET = "sk-very-secret"
TRACE = (("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),)
KINDS = ("native", "native-h2", "chat", "completions", "oip", "oip-h2")
"""How an endpoint is spoken to; `oip` is a server that streams as Triton does, `h2` plane B."""
PROTOCOLS = {
    "native": Protocol.NATIVE,
    "native-h2": Protocol.NATIVE,
    "oip": Protocol.OIP,
    "oip-h2": Protocol.OIP,
}


@dataclass
class Rig:
    """A fake server with an adapter connected to it."""

    server: FakeModelServer | FakeOpenAiServer | FakeOipServer
    endpoint: Endpoint
    options: UpstreamOptions
    upstream: Upstream
    sent: list[str] = field(default_factory=list)

    @property
    def script(self) -> Script:
        return self.server.script

    @property
    def speaks(self) -> Protocol:
        return self.endpoint.protocol

    async def send(self, text: str) -> None:
        self.sent.append(text)

    def task(self, **changes: object) -> Task:
        hole = Hole(PROMPT, SUFFIX)
        request = Request(hole, "req-1", trace_context=(*TRACE, ("x-other", "stays here")))
        return replace(Task(request, self.endpoint, NO_SAMPLING), **changes)

    async def ask(self, streamed: bool, within_s: float = 10.0, **changes: object):
        deadline = Deadline(time.monotonic() + within_s)
        if streamed:
            return await self.upstream.stream(self.task(**changes), deadline, self.send)
        return await self.upstream.generate(self.task(**changes), deadline)

    async def fault(self, streamed: bool, **changes: object) -> Fault:
        with pytest.raises(Fault) as caught:
            await self.ask(streamed, **changes)
        return caught.value


@asynccontextmanager
async def connected(kind: str) -> AsyncIterator[Rig]:
    """A rig of one of KINDS."""
    protocol = PROTOCOLS.get(kind, Protocol.OPENAI)
    async with _fake(protocol) as server:
        endpoint = Endpoint("fake", protocol=protocol, url=server.url, model="tiny")
        options = UpstreamOptions(
            secret=SECRET,
            openai_mode=OpenAiMode(kind) if protocol is Protocol.OPENAI else OpenAiMode.CHAT,
            logprobs=True,
            max_message_bytes=200_000,
            oip=OipOptions(stream=OipStream.TRITON),
            transport=Transport.H2 if kind.endswith("-h2") else Transport.GRPCIO,
        )
        upstream = connect(endpoint, options, time.monotonic)
        try:
            yield Rig(server, endpoint, options, upstream)
        finally:
            await upstream.close()


def _fake(protocol: Protocol) -> FakeModelServer | FakeOpenAiServer | FakeOipServer:
    match protocol:
        case Protocol.NATIVE:
            return FakeModelServer(Script())
        case Protocol.OIP:
            return FakeOipServer(Script(), streams=OipStream.TRITON)
        case _:
            return FakeOpenAiServer(Script())
