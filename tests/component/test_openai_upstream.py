"""What only OpenAI-compatible servers do, right and wrong, on loopback sockets."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from email.utils import formatdate

import pytest

from gateway.core.candidate import NO_USAGE, FinishReason
from gateway.core.deadline import Deadline
from gateway.core.endpoint import Endpoint, Protocol
from gateway.core.faults import Fault, Kind, Reason
from gateway.core.hole import NO_SAMPLING, Hole, Request
from gateway.core.ports import Task
from gateway.upstreams.openai_http import OpenAiUpstream
from gateway.upstreams.options import UpstreamOptions
from tests.fakes.openai_server import FakeOpenAiServer
from tests.fakes.script import Script

WALL_NOW = 1_700_000_000.0
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


@pytest.fixture
async def server() -> AsyncIterator[FakeOpenAiServer]:
    async with FakeOpenAiServer(Script()) as fake:
        yield fake


@pytest.fixture
async def upstream(server: FakeOpenAiServer) -> AsyncIterator[OpenAiUpstream]:
    endpoint = Endpoint("fake", protocol=Protocol.OPENAI, url=server.url + "/")
    adapter = OpenAiUpstream(endpoint, UpstreamOptions(), time.monotonic, lambda: WALL_NOW)
    yield adapter
    await adapter.close()


TASK = Task(Request(Hole("x = "), "r"), Endpoint("fake"), NO_SAMPLING)


def answer(status: int, body: bytes, *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*head, "", ""]).encode() + body


def events(*documents: object) -> bytes:
    return b"".join(b"data: " + json.dumps(item).encode() + b"\n\n" for item in documents)


def delta(text: str | None, finish: str | None = None) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]}


async def generate(upstream: OpenAiUpstream):
    return await upstream.generate(TASK, Deadline(time.monotonic() + 10))


async def stream(upstream: OpenAiUpstream):
    sent: list[str] = []

    async def send(text: str) -> None:
        sent.append(text)

    completion = await upstream.stream(TASK, Deadline(time.monotonic() + 10), send)
    assert "".join(sent) == completion.text
    return completion


async def generate_fault(upstream: OpenAiUpstream) -> Fault:
    with pytest.raises(Fault) as caught:
        await generate(upstream)
    return caught.value


async def stream_fault(upstream: OpenAiUpstream) -> Fault:
    with pytest.raises(Fault) as caught:
        await stream(upstream)
    return caught.value


@pytest.mark.parametrize("status", [201, 204, 302, 307, 405, 418])
async def test_an_unexpected_status_is_malformed(
    server: FakeOpenAiServer, upstream: OpenAiUpstream, status: int
) -> None:
    server.raw = answer(status, b"", "Location: http://127.0.0.1:1/")
    assert (await generate_fault(upstream)).kind is Kind.MALFORMED
    assert len(server.witness.asked) == 1


async def test_bytes_that_are_not_http_are_malformed(
    server: FakeOpenAiServer, upstream: OpenAiUpstream
) -> None:
    server.raw = b"220 smtp ready\r\n\r\n"
    assert (await generate_fault(upstream)).kind is Kind.MALFORMED


async def test_a_connection_lost_before_the_answer_is_unavailable(
    server: FakeOpenAiServer, upstream: OpenAiUpstream
) -> None:
    server.raw = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"
    fault = await generate_fault(upstream)
    assert (fault.kind, fault.retryable) == (Kind.UNAVAILABLE, True)


async def test_a_retry_date_is_read_with_the_given_clock(
    server: FakeOpenAiServer, upstream: OpenAiUpstream
) -> None:
    server.raw = answer(429, b"", f"Retry-After: {formatdate(WALL_NOW + 9, usegmt=True)}")
    fault = await generate_fault(upstream)
    assert fault.retry_after_s == 9
    assert fault.retryable


async def test_the_body_of_a_400_names_an_unknown_model(
    server: FakeOpenAiServer, upstream: OpenAiUpstream
) -> None:
    body = {"error": {"message": "no", "type": "invalid_request_error", "code": "model_not_found"}}
    server.raw = answer(400, json.dumps(body).encode())
    assert (await generate_fault(upstream)).reason is Reason.UPSTREAM_MODEL_UNKNOWN


@pytest.mark.parametrize("body", [b"<html>", b"x" * 100_000, b"[1]"])
async def test_an_error_body_may_be_anything(
    server: FakeOpenAiServer, upstream: OpenAiUpstream, body: bytes
) -> None:
    server.raw = answer(400, body)
    assert (await generate_fault(upstream)).reason is Reason.UPSTREAM_REFUSED_REQUEST


async def test_an_error_object_with_status_200_is_an_error(
    server: FakeOpenAiServer, upstream: OpenAiUpstream
) -> None:
    server.raw = answer(200, b'{"object": "error", "message": "m", "code": 503}')
    assert (await generate_fault(upstream)).reason is Reason.UPSTREAM_UNAVAILABLE


async def test_an_answer_without_a_choice_is_malformed(
    server: FakeOpenAiServer, upstream: OpenAiUpstream
) -> None:
    server.raw = answer(200, b'{"choices": []}')
    assert (await generate_fault(upstream)).kind is Kind.MALFORMED


async def test_the_fence_around_an_answer_is_stripped(
    server: FakeOpenAiServer, upstream: OpenAiUpstream
) -> None:
    server.script.pieces = ("```py", "thon\n", "1 +", " 2\n", "``", "`\n")
    assert (await generate(upstream)).text == "1 + 2"
    assert (await stream(upstream)).text == "1 + 2"
    server.script.pieces = ("```python\n", "1\n", "``")
    assert (await stream(upstream)).text == "1\n``"


async def test_a_stream_with_the_quirks_of_small_servers(
    server: FakeOpenAiServer, upstream: OpenAiUpstream
) -> None:
    """No content in the first chunk, empty chunks, comments, no usage, no end marker."""
    server.raw = (
        STREAM
        + b": ping\n\n"
        + events(
            delta(None), delta("a"), delta(""), {"choices": []}, delta("b"), delta(None, "stop")
        )
    )
    completion = await stream(upstream)
    assert (completion.text, completion.usage) == ("ab", NO_USAGE)
    assert completion.finish_reason is FinishReason.STOP


async def test_several_events_in_one_packet_all_count(
    server: FakeOpenAiServer, upstream: OpenAiUpstream
) -> None:
    server.raw = STREAM + events(*(delta(str(n)) for n in range(50))) + b"data: [DONE]\n\n"
    assert (await stream(upstream)).text == "".join(map(str, range(50)))


async def test_an_error_event_is_an_error(
    server: FakeOpenAiServer, upstream: OpenAiUpstream
) -> None:
    server.raw = STREAM + b'event: error\ndata: {"type": "overloaded_error"}\n\n'
    assert (await stream_fault(upstream)).reason is Reason.UPSTREAM_UNAVAILABLE


@pytest.mark.parametrize("end", [b"", b"data: [DONE]", b'data: {"choices": [{"del'])
async def test_a_stream_that_just_ends_is_truncated(
    server: FakeOpenAiServer, upstream: OpenAiUpstream, end: bytes
) -> None:
    server.raw = STREAM + events(delta("a")) + end
    assert (await stream_fault(upstream)).kind is Kind.TRUNCATED


@pytest.mark.parametrize("event", [b"data: \xff\n\n", b'data: "text"\n\n', b"data: {}x\n\n"])
async def test_an_unreadable_event_is_malformed(
    server: FakeOpenAiServer, upstream: OpenAiUpstream, event: bytes
) -> None:
    server.raw = STREAM + event
    assert (await stream_fault(upstream)).kind is Kind.MALFORMED


async def test_an_endless_line_is_malformed(
    server: FakeOpenAiServer, upstream: OpenAiUpstream
) -> None:
    server.raw = STREAM + b"data: " + b"x" * (1024 * 1024 + 1)
    assert (await stream_fault(upstream)).kind is Kind.MALFORMED


@pytest.mark.parametrize("text", ["all", ""])
async def test_a_server_that_cannot_stream_answers_with_one_document(
    server: FakeOpenAiServer, upstream: OpenAiUpstream, text: str
) -> None:
    body = json.dumps({"choices": [{"message": {"content": text}}]}).encode()
    server.raw = answer(200, body, "Content-Type: application/json")
    completion = await stream(upstream)
    assert completion.text == text
    assert completion.finish_reason is FinishReason.UNSPECIFIED
