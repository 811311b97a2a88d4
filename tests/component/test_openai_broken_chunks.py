"""A body whose chunks stop being chunks: the connection ends, and so does the answer."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.core.deadline import Deadline
from gateway.core.endpoint import Endpoint, Protocol
from gateway.core.faults import Fault, Reason
from gateway.core.hole import Sampling
from gateway.core.ports import Task
from gateway.upstreams.openai_http import OpenAiUpstream
from gateway.upstreams.options import UpstreamOptions
from tests.fakes.values import make_request

EVENT = "data: " + json.dumps({"choices": [{"delta": {"content": "one"}}]}) + "\n\n"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
CHUNK = f"{len(EVENT):x}\r\n{EVENT}\r\n".encode()
NO_CHUNK = b"zz this is no length\r\n"


@asynccontextmanager
async def broken(go_on: asyncio.Event, closed: asyncio.Event) -> AsyncIterator[OpenAiUpstream]:
    """An endpoint that streams one piece and, when told to, bytes that are no chunk."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + CHUNK)
        await writer.drain()
        await go_on.wait()
        writer.write(NO_CHUNK)
        while await reader.read(1024):
            pass
        closed.set()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        endpoint = Endpoint("alpha", protocol=Protocol.OPENAI, url=f"http://127.0.0.1:{port}/v1")
        upstream = OpenAiUpstream(endpoint, UpstreamOptions(), time.monotonic)
        try:
            yield upstream
        finally:
            await upstream.close()


@pytest.mark.parametrize("busy", [False, True])
async def test_a_chunk_that_is_none_cuts_the_answer_at_once(busy: bool) -> None:
    """Waiting for the next piece or busy with the last one, the reader hears of the end."""
    go_on, closed = asyncio.Event(), asyncio.Event()
    async with broken(go_on, closed) as upstream:
        texts: list[str] = []

        async def send(text: str) -> None:
            texts.append(text)
            go_on.set()
            if busy:
                await closed.wait()

        task = Task(make_request(), Endpoint("alpha"), Sampling(max_tokens=4))
        with pytest.raises(Fault) as caught:
            await upstream.stream(task, Deadline(time.monotonic() + 20), send)
    assert caught.value.reason is Reason.UPSTREAM_TRUNCATED
    assert texts == ["one"]
