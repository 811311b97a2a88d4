"""A fake model server with an adapter connected to it, whatever protocol they speak."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from gateway.core.deadline import Deadline
from gateway.core.endpoint import Endpoint, Protocol
from gateway.core.faults import Fault
from gateway.core.hole import NO_SAMPLING, Hole, Request
from gateway.core.ports import Task, Upstream
from gateway.upstreams.connect import UpstreamOptions, connect
from gateway.upstreams.options import OpenAiMode
from tests.fakes.model_server import FakeModelServer
from tests.fakes.openai_server import FakeOpenAiServer
from tests.fakes.script import Script

PROMPT = "def add(a, b):\n    # a private prompt\n    "
SUFFIX = "\n\nprint(add(1, 2))\n"
SECRET = "sk-very-secret"
TRACE = (("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),)
KINDS = ("native", "chat", "completions")


@dataclass
class Rig:
    """A fake server with an adapter connected to it."""

    server: FakeModelServer | FakeOpenAiServer
    endpoint: Endpoint
    options: UpstreamOptions
    upstream: Upstream
    sent: list[str] = field(default_factory=list)

    @property
    def script(self) -> Script:
        return self.server.script

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
    native = kind == "native"
    async with (FakeModelServer if native else FakeOpenAiServer)(Script()) as server:
        endpoint = Endpoint(
            "fake",
            protocol=Protocol.NATIVE if native else Protocol.OPENAI,
            url=server.url,
            model="tiny",
        )
        mode = OpenAiMode.CHAT if native else OpenAiMode(kind)
        options = UpstreamOptions(
            secret=SECRET, openai_mode=mode, logprobs=True, max_message_bytes=200_000
        )
        upstream = connect(endpoint, options, time.monotonic)
        try:
            yield Rig(server, endpoint, options, upstream)
        finally:
            await upstream.close()
