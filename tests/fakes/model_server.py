"""A scripted `ensemble.v1.ModelService`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import grpc
from ensemble.v1 import model_service_pb2 as pb
from ensemble.v1.result_pb2 import FinishReason, Usage
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1.health import aio as health_aio
from grpc_health.v1.health_pb2 import HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server

from tests.fakes.script import Asked, Failure, Script, Witness

CODES = {
    Failure.OVERLOADED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Failure.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    Failure.INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Failure.UNKNOWN_MODEL: grpc.StatusCode.NOT_FOUND,
    Failure.UNAUTHENTICATED: grpc.StatusCode.UNAUTHENTICATED,
    Failure.DENIED: grpc.StatusCode.PERMISSION_DENIED,
    Failure.BROKEN: grpc.StatusCode.INTERNAL,
}
NOT_A_MESSAGE = b"\xff\xff\xff\xff"


class FakeModelServer:
    """`wrote` counts the pieces of all streams that were written, as far as flow control lets.

    `serving` is what its health service says at first; None = it has no such service.
    """

    def __init__(self, script: Script, *, serving: bool | None = None) -> None:
        self.script = script
        self.witness = Witness()
        self.url = ""
        # Awaited before a unary answer, or the first piece of a stream, when set.
        self.hold: Callable[[Asked], Awaitable[object]] | None = None
        self.wrote = 0
        self._server = grpc.aio.server()
        self._serving = serving
        self._health = health_aio.HealthServicer()

    async def __aenter__(self) -> FakeModelServer:
        handlers = {
            "Generate": grpc.unary_unary_rpc_method_handler(
                self._generate, pb.ModelServiceGenerateRequest.FromString, _bytes
            ),
            "GenerateStream": grpc.unary_stream_rpc_method_handler(
                self._generate_stream, pb.ModelServiceGenerateStreamRequest.FromString, _bytes
            ),
        }
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("ensemble.v1.ModelService", handlers),)
        )
        if self._serving is not None:
            add_HealthServicer_to_server(self._health, self._server)
            await self.say(serving=self._serving)
        self.url = f"grpc://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Go away, with every connection."""
        await self._server.stop(None)

    async def say(self, *, serving: bool) -> None:
        """Change what its health service says."""
        status = HealthCheckResponse.SERVING if serving else HealthCheckResponse.NOT_SERVING
        await self._health.set("", status)

    async def _generate(
        self, request: pb.ModelServiceGenerateRequest, context: grpc.aio.ServicerContext
    ) -> object:
        self._saw(request, context, streamed=False)
        with self._witnessed():
            if self.hold is not None:
                await self.hold(self.witness.asked[-1])
            if self.script.hang:
                await asyncio.Event().wait()
            if self.script.failure:
                await self._fail(context)
            if self.script.malformed:
                return NOT_A_MESSAGE
            return self._answer(self.script.text, self.script.logprobs)

    async def _generate_stream(
        self, request: pb.ModelServiceGenerateStreamRequest, context: grpc.aio.ServicerContext
    ) -> None:
        self._saw(request.request, context, streamed=True)
        with self._witnessed():
            await self._write(context)

    async def _write(self, context: grpc.aio.ServicerContext) -> None:
        script = self.script
        if self.hold is not None:
            await self.hold(self.witness.asked[-1])
        if script.failure and not script.failure_after:
            await self._fail(context)
        if script.malformed:
            await context.write(NOT_A_MESSAGE)
        for number, piece in enumerate(script.pieces):
            if script.failure and number == script.failure_after:
                await self._fail(context)
            logprobs = script.logprobs[number : number + 1]
            await context.write(
                pb.ModelServiceGenerateStreamResponse(text=piece, token_logprobs=logprobs)
            )
            self.wrote += 1
        while script.endless:
            await context.write(pb.ModelServiceGenerateStreamResponse(text=script.pieces[-1]))
            self.wrote += 1
        if script.hang:
            await asyncio.Event().wait()
        if not script.cut:
            done = pb.ModelServiceGenerateStreamResponse(done=self._answer("", ()))
            for _ in range(script.ends):
                await context.write(done)

    @contextmanager
    def _witnessed(self) -> Iterator[None]:
        try:
            yield
        except (asyncio.CancelledError, grpc.aio.InternalError):
            # A handler that waits in `write` gets gRPC's own error when its caller leaves.
            self.witness.left.set()
            raise asyncio.CancelledError from None

    def _saw(
        self,
        request: pb.ModelServiceGenerateRequest,
        context: grpc.aio.ServicerContext,
        *,
        streamed: bool,
    ) -> None:
        headers = {key: str(value) for key, value in context.invocation_metadata() or ()}
        self.witness.saw(
            Asked(
                before=request.prompt,
                after=request.suffix,
                model=request.model,
                headers=headers,
                streamed=streamed,
                body=request,
                time_left_s=context.time_remaining(),
            )
        )

    def _answer(self, text: str, logprobs: tuple[float, ...]) -> pb.ModelServiceGenerateResponse:
        script = self.script
        return pb.ModelServiceGenerateResponse(
            text=text,
            finish_reason=FinishReason.Value(f"FINISH_REASON_{script.finish.upper()}"),
            model=script.model,
            usage=Usage(
                prompt_tokens=script.prompt_tokens, completion_tokens=script.completion_tokens
            ),
            token_logprobs=logprobs,
        )

    async def _fail(self, context: grpc.aio.ServicerContext) -> None:
        script = self.script
        code = CODES[script.failure]
        if script.retry_after_s is not None:
            detail = Any()
            detail.Pack(RetryInfo(retry_delay=Duration(seconds=script.retry_after_s)))
            status = Status(code=code.value[0], message=script.words, details=[detail])
            context.set_trailing_metadata(
                (("grpc-status-details-bin", status.SerializeToString()),)
            )
        await context.abort(code, script.words)


def _bytes(message: object) -> bytes:
    return message if isinstance(message, bytes) else message.SerializeToString()
