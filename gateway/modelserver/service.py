"""`ensemble.v1.ModelService` in front of engines: checks, bounds, deadlines, and nothing logged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from typing import TypeVar, cast

import grpc
import structlog
from ensemble.v1 import model_service_pb2 as pb
from grpc import aio

from gateway.core.candidate import FinishReason
from gateway.core.faults import Fault, invalid
from gateway.core.ports import Operation
from gateway.ingress.messages import Reader
from gateway.modelserver.engine import End, Engine, Piece, Query, Refusal
from gateway.wire.draft import draft_from_wire
from gateway.wire.enums import FINISH, OPERATION_FROM
from gateway.wire.hole import constraint_from_wire, sampling_from_wire
from gateway.wire.result import usage_to_wire

SERVICE = "ensemble.v1.ModelService"
LONGEST_S = 300.0
"""Stands in for the deadline of a caller who set none."""

Context = aio.ServicerContext[bytes, bytes]
Result = TypeVar("Result")
Emit = Callable[[Piece], Awaitable[None]]

log = structlog.get_logger("gateway.modelserver")


@dataclass(slots=True)
class Written:
    """What an engine has said so far; `end` stays None when it was cut off."""

    pieces: list[Piece] = field(default_factory=list[Piece])
    end: End | None = None

    def response(self, model: str, *, with_text: bool) -> pb.ModelServiceGenerateResponse:
        """The whole completion as a message."""
        end = self.end or End(FinishReason.UNSPECIFIED)
        return pb.ModelServiceGenerateResponse(
            text="".join(piece.text for piece in self.pieces) if with_text else "",
            finish_reason=FINISH[end.finish],
            model=model,
            usage=usage_to_wire(end.usage),
            token_logprobs=[logprob for piece in self.pieces for logprob in piece.logprobs],
        )


class ModelService:
    """The RPCs. `engines` by model name, the default one first."""

    def __init__(self, engines: Mapping[str, Engine], max_in_flight: int) -> None:
        self._engines = engines
        self._default = next(iter(engines))
        self._max_in_flight = max_in_flight
        self._in_flight = 0
        self._read = Reader(pb.ModelServiceGenerateRequest)
        self._read_stream = Reader(pb.ModelServiceGenerateStreamRequest)

    def handlers(self) -> grpc.GenericRpcHandler:
        """Register the RPCs without serializers: messages are read and checked here."""
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "Generate": grpc.unary_unary_rpc_method_handler(self.generate),
                "GenerateStream": grpc.unary_stream_rpc_method_handler(self.generate_stream),
                "ListModels": grpc.unary_unary_rpc_method_handler(self.list_models),
            },
        )

    async def generate(self, raw: bytes, context: Context) -> bytes:
        """Complete one prompt."""

        async def work() -> bytes:
            model, written = await self._complete(self._read(raw), _keep)
            if written.end is None:
                raise Refusal(grpc.StatusCode.UNAVAILABLE, "the completion was cut off")
            return written.response(model, with_text=True).SerializeToString()

        return await self._answered(context, work)

    async def generate_stream(self, raw: bytes, context: Context) -> None:
        """Complete one prompt, piece by piece; a stream without `done` was cut off."""

        async def emit(piece: Piece) -> None:
            message = pb.ModelServiceGenerateStreamResponse(
                text=piece.text, token_logprobs=piece.logprobs
            )
            await context.write(message.SerializeToString())

        async def work() -> None:
            model, written = await self._complete(self._read_stream(raw).request, emit)
            if written.end is not None:
                done = written.response(model, with_text=False)
                message = pb.ModelServiceGenerateStreamResponse(done=done)
                await context.write(message.SerializeToString())

        await self._answered(context, work)

    async def list_models(self, raw: bytes, context: Context) -> bytes:
        """List the models."""
        del raw, context
        models = [
            pb.Model(
                name=name,
                max_context_tokens=engine.card.max_context_tokens,
                fills_suffix=engine.card.fills_suffix,
                revision=engine.card.revision,
            )
            for name, engine in self._engines.items()
        ]
        return pb.ListModelsResponse(models=models).SerializeToString()

    async def _complete(
        self, request: pb.ModelServiceGenerateRequest, emit: Emit
    ) -> tuple[str, Written]:
        """Let the engine write, handing out each piece; the one way of both RPCs."""
        name = request.model or self._default
        engine = self._engines.get(name)
        if engine is None:
            known = ", ".join(self._engines)
            raise Refusal(grpc.StatusCode.NOT_FOUND, f"no such model; served here: {known}")
        written = Written()
        async with aclosing(engine.complete(query_from_wire(request))) as said:
            async for item in said:
                if isinstance(item, End):
                    written.end = item
                    break
                written.pieces.append(item)
                await emit(item)
        return name, written

    async def _answered(self, context: Context, work: Callable[[], Awaitable[Result]]) -> Result:
        """Do the work within its bounds; whatever goes wrong ends in one status."""
        left = cast("float | None", context.time_remaining())
        try:
            with self._admitted():
                async with asyncio.timeout(LONGEST_S if left is None else left):
                    return await work()
        except Exception as error:  # noqa: BLE001 - every failure ends as a status
            await context.abort(*status_of(error))

    @contextmanager
    def _admitted(self) -> Generator[None]:
        """Count a request while it runs. Raises Refusal when there are too many."""
        if self._in_flight >= self._max_in_flight:
            words = f"{self._in_flight} requests are in flight, which is the limit"
            raise Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, words)
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1


async def _keep(piece: Piece) -> None:
    """Hand nothing out: a unary answer is sent whole."""
    del piece


def query_from_wire(request: pb.ModelServiceGenerateRequest) -> Query:
    """Translate a checked request. Raises Fault where draft and operation do not agree."""
    operation = OPERATION_FROM.get(request.operation, Operation.GENERATE)
    if request.HasField("draft") is (operation is Operation.GENERATE):
        raise invalid("draft", "belongs to CRITIQUE and REPAIR: set it with them, and only then")
    return Query(
        prompt=request.prompt,
        suffix=request.suffix,
        sampling=sampling_from_wire(request.sampling),
        constraints=tuple(constraint_from_wire(item) for item in request.constraints),
        language=request.language.lower(),
        candidate=request.candidate,
        operation=operation,
        draft=draft_from_wire(request.draft),
    )


def status_of(error: Exception) -> tuple[grpc.StatusCode, str]:
    """The status of a failure; of an unknown one only the type: its words may quote a prompt."""
    match error:
        case Refusal():
            return error.code, error.message
        case Fault():
            return grpc.StatusCode.INVALID_ARGUMENT, error.message
        case TimeoutError():
            return grpc.StatusCode.DEADLINE_EXCEEDED, "the deadline is over"
        case _:
            kind = type(error).__name__
            log.error("engine failed", error=kind)
            return grpc.StatusCode.INTERNAL, f"the engine failed ({kind})"
