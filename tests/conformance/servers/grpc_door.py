"""The native door: `ensemble.v1.ModelService` and health on grpc.aio."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
from ensemble.v1 import model_service_pb2 as pb
from ensemble.v1.result_pb2 import FINISH_REASON_STOP, Usage
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from grpc import aio
from grpc_health.v1 import health_pb2

from tests.conformance.servers.book import Book, BrokenOffError, perform
from tests.conformance.servers.rules import Act, Rule
from tests.conformance.texts import asked_in

NOT_A_MESSAGE = b"\xff\xff\xff\xff"
MAX_BYTES = 64 * 1024 * 1024
Context = aio.ServicerContext[Any, Any]


class GrpcDoor:
    """One endpoint."""

    def __init__(self, book: Book, name: str) -> None:
        self._book = book
        self._name = name
        self._server = aio.server(
            options=(
                ("grpc.max_receive_message_length", MAX_BYTES),
                ("grpc.so_reuseport", 0),
                ("grpc.http2.min_recv_ping_interval_without_data_ms", 1_000),
            )
        )

    async def start(self, port: int) -> int:
        """Listen on a port of loopback, 0 for a free one; return it."""
        handlers: dict[str, Any] = {
            "Generate": grpc.unary_unary_rpc_method_handler(
                self._generate,  # pyright: ignore[reportArgumentType] - the stub knows blocking servers only
                request_deserializer=pb.ModelServiceGenerateRequest.FromString,
                response_serializer=bytes,
            ),
            "GenerateStream": grpc.unary_stream_rpc_method_handler(
                self._stream,  # pyright: ignore[reportArgumentType] - the same
                request_deserializer=pb.ModelServiceGenerateStreamRequest.FromString,
                response_serializer=bytes,
            ),
        }
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("ensemble.v1.ModelService", handlers),)
        )
        self._server.add_generic_rpc_handlers((_health(),))
        bound = self._server.add_insecure_port(f"127.0.0.1:{port}")
        await self._server.start()
        return bound

    async def _generate(self, request: pb.ModelServiceGenerateRequest, context: Context) -> bytes:
        reply = WholeReply(context)
        await self._perform(request, context, reply, streamed=False)
        return reply.message

    async def _stream(
        self, request: pb.ModelServiceGenerateStreamRequest, context: Context
    ) -> None:
        await self._perform(request.request, context, StreamReply(context), streamed=True)

    async def _perform(
        self,
        request: pb.ModelServiceGenerateRequest,
        context: Context,
        reply: WholeReply | StreamReply,
        *,
        streamed: bool,
    ) -> None:
        asked = asked_in(request.prompt)
        if asked is None:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no case, or not its start")
        try:
            await perform(self._book, self._name, asked, reply, streamed=streamed)
        except BrokenOffError:
            return
        except aio.InternalError:
            # What a handler that waits in `write` gets when its caller leaves.
            raise asyncio.CancelledError from None


def _health() -> grpc.GenericRpcHandler:
    """Serve health: SERVING, for as long as the process does."""
    serving = health_pb2.HealthCheckResponse(
        status=health_pb2.HealthCheckResponse.SERVING
    ).SerializeToString()

    async def check(_request: bytes, _context: Context) -> bytes:
        return serving

    async def watch(_request: bytes, context: Context) -> None:
        await context.write(serving)
        await asyncio.Event().wait()

    handlers: dict[str, Any] = {
        "Check": grpc.unary_unary_rpc_method_handler(check),  # pyright: ignore[reportArgumentType] - the same
        "Watch": grpc.unary_stream_rpc_method_handler(watch),  # pyright: ignore[reportArgumentType] - the same
    }
    return grpc.method_handlers_generic_handler("grpc.health.v1.Health", handlers)


class WholeReply:
    """The way back of a unary call."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._pieces: list[str] = []
        self.message = b""

    async def piece(self, text: str) -> None:
        """Keep it."""
        self._pieces.append(text)

    async def done(self) -> None:
        """Make the message."""
        self.message = completed("".join(self._pieces)).SerializeToString()

    async def broken(self, rule: Rule) -> None:
        """End the call as the rule says."""
        if rule.act is Act.STATUS:
            set_status(self._context, rule)
        else:
            self.message = NOT_A_MESSAGE
        raise BrokenOffError


class StreamReply:
    """The way back of a stream."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._count = 0

    async def piece(self, text: str) -> None:
        """Write it."""
        self._count += 1
        message = pb.ModelServiceGenerateStreamResponse(text=text)
        await self._context.write(message.SerializeToString())

    async def done(self) -> None:
        """Write the last message."""
        message = pb.ModelServiceGenerateStreamResponse(done=completed("", self._count))
        await self._context.write(message.SerializeToString())

    async def broken(self, rule: Rule) -> None:
        """End the stream as the rule says; END just ends it."""
        if rule.act is Act.STATUS:
            set_status(self._context, rule)
        elif rule.act is Act.MALFORMED:
            await self._context.write(NOT_A_MESSAGE)
        raise BrokenOffError


def completed(text: str, tokens: int | None = None) -> pb.ModelServiceGenerateResponse:
    """Return an answer; a token is a line."""
    count = text.count("\n") if tokens is None else tokens
    return pb.ModelServiceGenerateResponse(
        text=text,
        finish_reason=FINISH_REASON_STOP,
        model="scripted",
        usage=Usage(prompt_tokens=10, completion_tokens=count),
    )


def set_status(context: Context, rule: Rule) -> None:
    """End the call with the rule's status, and RetryInfo when it has a hint."""
    code = grpc.StatusCode[rule.status]
    context.set_code(code)
    context.set_details("as told")
    if rule.retry_after_s is not None:
        packed = AnyMessage()
        delay = Duration(nanos=0)
        delay.FromNanoseconds(round(rule.retry_after_s * 1e9))
        packed.Pack(RetryInfo(retry_delay=delay))
        status = Status(code=code.value[0], message="as told", details=[packed])
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
