"""Callers: the gateway's own gRPC door, and any gateway's OpenAI door."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp
from ensemble.v1.gateway_service_pb2 import (
    FailureDetail,
    GenerateRequest,
    GenerateResponse,
    GenerateStreamRequest,
    GenerateStreamResponse,
)
from ensemble.v1.gateway_service_pb2_grpc import GatewayServiceStub
from ensemble.v1.result_pb2 import Attempt, AttemptStatus
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc import aio

from tests.conformance.calls import OK, Ask, Got, Try

if TYPE_CHECKING:
    from ensemble.v1.gateway_service_pb2_grpc import GatewayServiceAsyncStub

PATIENCE_S = 1.0
"""How long after its deadline a request may end before it counts as lost."""

PAUSES_AFTER = 10
DETAILS_KEY = "grpc-status-details-bin"
OPTIONS = (
    ("grpc.enable_retries", 0),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.max_metadata_size", 64 * 1024),
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
)


SMALL_WINDOWS = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65_536))
"""Without these gRPC takes megabytes on behalf of a caller who does not read."""


class Caller(Protocol):
    """Asks one gateway."""

    async def ask(self, ask: Ask) -> Got:
        """Ask and wait for the end, however it comes."""
        ...


async def all_of(caller: Caller, asks: Sequence[Ask], at_once: int) -> list[Got]:
    """Ask everything, so many at once; return what came, in order."""
    turn = asyncio.Semaphore(at_once)

    async def one(ask: Ask) -> Got:
        async with turn:
            return await caller.ask(ask)

    return await asyncio.gather(*(one(ask) for ask in asks))


async def _bounded(got: Got, work: Callable[[], Awaitable[None]]) -> Got:
    """Wait for the end of a request, and a second longer than its deadline at most."""
    try:
        async with asyncio.timeout(got.ask.deadline_s + PATIENCE_S):
            await work()
    except TimeoutError:
        got.code = ""
        got.words = "no end came"
    got.ended = time.monotonic()
    return got


class GrpcCaller:
    """Calls over one channel. Use it inside the loop it was made in; close it at the end.

    `slow`: it takes little more from the connection than is read.
    """

    def __init__(self, address: str, *, slow: bool = False) -> None:
        options = (*OPTIONS, *SMALL_WINDOWS) if slow else OPTIONS
        self.channel = aio.insecure_channel(address, options=options)
        self.stub: GatewayServiceAsyncStub = GatewayServiceStub(self.channel)

    async def close(self) -> None:
        """Close the channel."""
        await self.channel.close()

    async def ask(self, ask: Ask) -> Got:
        """Ask and wait for the end."""
        got = Got(ask, time.monotonic())
        work = self._stream if ask.streamed else self._whole

        async def done() -> None:
            try:
                await work(got)
            except aio.AioRpcError as error:
                refused(got, error)

        return await _bounded(got, done)

    def start_stream(
        self, ask: Ask
    ) -> aio.UnaryStreamCall[GenerateStreamRequest, GenerateStreamResponse]:
        """Start a stream, for a caller who reads it itself."""
        message = GenerateStreamRequest(request=message_of(ask))
        return self.stub.GenerateStream(
            message, timeout=ask.deadline_s, metadata=_metadata(ask), wait_for_ready=True
        )

    def start_whole(self, ask: Ask) -> aio.UnaryUnaryCall[GenerateRequest, GenerateResponse]:
        """Start a unary call."""
        return self.stub.Generate(
            message_of(ask), timeout=ask.deadline_s, metadata=_metadata(ask), wait_for_ready=True
        )

    async def _whole(self, got: Got) -> None:
        answer = await self.start_whole(got.ask)
        got.said = answer.text
        answered(got, answer)

    async def _stream(self, got: Got) -> None:
        call = self.start_stream(got.ask)
        try:
            await read_stream(got, call)
        finally:
            call.cancel()


async def read_stream(
    got: Got, call: aio.UnaryStreamCall[GenerateStreamRequest, GenerateStreamResponse]
) -> None:
    """Read a stream to its end; an event out of place is noted in `faults`."""
    expected = 0
    answer: GenerateResponse | None = None
    async for event in call:
        if event.sequence != expected:
            got.faults.append(f"event {event.sequence} where {expected} was due")
        expected += 1
        if answer is not None:
            got.faults.append("an event after the last one")
        if event.HasField("delta"):
            got.first = got.first or time.monotonic()
            got.said += event.delta.text
            await _idle(got.ask, expected)
        elif event.HasField("failover") and event.failover.resumed_at != len(got.said):
            got.faults.append(f"resumed at {event.failover.resumed_at}, had {len(got.said)}")
        elif event.HasField("done"):
            answer = event.done
    if answer is None:
        got.faults.append("status OK without the last event")
        got.code = OK
    else:
        answered(got, answer)


async def _idle(ask: Ask, read: int) -> None:
    """Let time pass as a slow reader does, after so many events."""
    pause_s = ask.pause_s if read == PAUSES_AFTER else ask.read_gap_s
    if pause_s:
        await asyncio.sleep(pause_s)


def message_of(ask: Ask) -> GenerateRequest:
    """Write the request message; the name of the text is the request's id."""
    more: dict[str, Any] = {"request_id": ask.text.name, **ask.more}
    return GenerateRequest(prompt=ask.text.prompt, **more)


def _metadata(ask: Ask) -> tuple[tuple[str, str], ...]:
    return (("x-ensemble-tenant", ask.tenant),) if ask.tenant else ()


def answered(got: Got, answer: GenerateResponse) -> None:
    """Note an answer."""
    got.code = OK
    got.endpoint = answer.endpoint
    got.tries = tries_of(answer.attempts)


def refused(got: Got, error: aio.AioRpcError) -> None:
    """Note an error with what its details say."""
    got.code = error.code().name
    got.words = error.details() or ""
    for key, value in error.trailing_metadata() or ():
        if key != DETAILS_KEY or not isinstance(value, bytes):
            continue
        for packed in Status.FromString(value).details:
            info, detail = ErrorInfo(), FailureDetail()
            if packed.Unpack(info):
                got.reason = info.reason
            elif packed.Unpack(detail):
                got.explained = True
                got.tries = tries_of(detail.attempts)
                if detail.HasField("retry_after"):
                    got.retry_after_s = detail.retry_after.ToTimedelta().total_seconds()


def tries_of(attempts: Iterable[Attempt]) -> tuple[Try, ...]:
    """Read the attempts of an answer or an error."""
    return tuple(
        Try(
            one.endpoint,
            AttemptStatus.Name(one.status).removeprefix("ATTEMPT_STATUS_"),
            one.reason,
            one.elapsed.ToTimedelta().total_seconds(),
        )
        for one in attempts
    )


CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class OpenAiCaller:
    """Calls to `URL/chat/completions`, as any client of that protocol makes them."""

    def __init__(self, url: str, model: str) -> None:
        self._url = url.rstrip("/") + "/chat/completions"
        self._model = model
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def ask(self, ask: Ask) -> Got:
        """Ask and wait for the end; the caller's own timeout is the deadline."""
        got = Got(ask, time.monotonic())

        async def done() -> None:
            try:
                await self._post(got)
            except TimeoutError:
                got.code, got.words = "DEADLINE_EXCEEDED", "the caller's own timeout"
            except aiohttp.ClientError as error:
                got.code, got.words = "UNAVAILABLE", type(error).__name__
            except (ValueError, TypeError, LookupError):
                got.code, got.words = "UNKNOWN", "what came is no answer"

        return await _bounded(got, done)

    async def _post(self, got: Got) -> None:
        body = {
            "model": self._model,
            "messages": [{"role": "user", "content": got.ask.text.prompt}],
            "stream": got.ask.streamed,
        }
        limit = aiohttp.ClientTimeout(total=got.ask.deadline_s)
        async with self._session.post(self._url, json=body, timeout=limit) as response:
            if response.status != 200:
                got.code = CODES.get(response.status, "UNKNOWN")
                return
            if got.ask.streamed:
                await self._events(got, response)
            else:
                document: Any = await response.json(content_type=None)
                got.said = document["choices"][0]["message"]["content"]
                got.code = OK

    async def _events(self, got: Got, response: aiohttp.ClientResponse) -> None:
        """Read events. A body that ends in order is an answer to a client, marker or not."""
        rest = b""
        async for chunk in response.content.iter_any():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._event(got, line.decode().strip())
                if got.code:
                    return
        got.code = OK

    def _event(self, got: Got, line: str) -> None:
        data = line.removeprefix("data:").strip()
        if not data or data == "[DONE]" or line.startswith(":"):
            return
        document: Any = json.loads(data)
        if "error" in document:
            got.code = "UNAVAILABLE"
            return
        for choice in document.get("choices", ()):
            delta: dict[str, str | None] = choice.get("delta") or {}
            got.first = got.first or time.monotonic()
            got.said += delta.get("content") or ""
