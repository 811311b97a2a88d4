"""A caller of the gateway's own protocol, who names the endpoint by its tag."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast
from uuid import uuid4

import grpc
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble.v1.gateway_service_pb2_grpc import GatewayServiceStub

from gateway.core.candidate import Completion
from gateway.core.chat import Chat
from gateway.core.deadline import Deadline
from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault
from gateway.core.hole import NO_SAMPLING, Hole, Request
from gateway.core.ports import Task
from gateway.upstreams.openai_http import OpenAiUpstream
from gateway.upstreams.options import UpstreamOptions
from tests.fakes.gateways import Failure, failure_of, request, streamed

PATIENCE_S = 60.0


@dataclass(frozen=True)
class Streamed:
    """What came of a stream."""

    text: str
    deltas: int
    done: pb.GenerateResponse


@dataclass(frozen=True)
class Caller:
    """A connection to a gateway. `tag` says which endpoint may answer; others are not asked."""

    stub: GatewayServiceStub

    def fill(self, tag: str, prompt: str = "x = ", **fields: Any) -> pb.GenerateResponse:
        """Fill a hole."""
        return self.stub.Generate(request(prompt, **only(tag), **fields), timeout=PATIENCE_S)

    def refused(self, tag: str, prompt: str = "x = ", **fields: Any) -> Failure:
        """Ask for what must not be answered."""
        try:
            answer = self.fill(tag, prompt, **fields)
        except grpc.RpcError as error:
            # Those of the synchronous kind are read alike.
            return failure_of(cast("grpc.aio.AioRpcError", error))
        raise AssertionError(f"answered by {answer.endpoint}, {len(answer.text)} characters")

    def start(self, tag: str, prompt: str = "x = ", **fields: Any) -> Any:
        """Begin a stream; the caller reads its events and may cancel it."""
        asked = streamed(prompt, **only(tag), **fields)
        return self.stub.GenerateStream(asked, timeout=PATIENCE_S)

    def stream(self, tag: str, prompt: str = "x = ", **fields: Any) -> Streamed:
        """Read a stream to its end."""
        events = list(self.start(tag, prompt, **fields))
        texts = [event.delta.text for event in events if event.HasField("delta")]
        assert events[-1].HasField("done"), "the stream ended without its last event"
        return Streamed("".join(texts), len(texts), events[-1].done)


def only(tag: str) -> dict[str, Any]:
    """Leave no endpoint but those of the tag; no answer comes from memory."""
    return {"endpoint_filter": {"required_tags": [tag]}, "cache_policy": "CACHE_POLICY_BYPASS"}


@contextmanager
def caller_of(port: int) -> Generator[Caller]:
    """Connect to a gateway on loopback."""
    with grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.enable_retries", 0)]) as channel:
        yield Caller(GatewayServiceStub(channel))


def converse(
    endpoint: Endpoint, chat: Chat, *, secret: str | None = None, streamed: bool = False
) -> Completion | Fault:
    """Say a conversation to an endpoint by our adapter alone; gRPC has no word for one."""
    return asyncio.run(_converse(endpoint, chat, UpstreamOptions(secret=secret), streamed=streamed))


async def _converse(
    endpoint: Endpoint, chat: Chat, options: UpstreamOptions, *, streamed: bool
) -> Completion | Fault:
    async def ignore(_: str) -> None:
        """The completion has the text."""

    upstream = OpenAiUpstream(endpoint, options, time.monotonic)
    task = Task(Request(Hole(chat.transcript), str(uuid4()), chat=chat), endpoint, NO_SAMPLING)
    deadline = Deadline(time.monotonic() + PATIENCE_S)
    try:
        if streamed:
            return await upstream.stream(task, deadline, ignore)
        return await upstream.generate(task, deadline)
    except Fault as fault:
        return fault
    finally:
        await upstream.close()
