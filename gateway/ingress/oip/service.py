"""GRPCInferenceService over grpc.aio: raw bytes in, core requests, raw bytes out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from itertools import count

import grpc

from gateway.core.answer import Answer
from gateway.core.events import Delta, Emit, Event
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault
from gateway.core.hole import Request
from gateway.ensemble.door import Asked, Door
from gateway.ingress.context import Context, Rpc, answered, bug
from gateway.ingress.messages import Reader
from gateway.ingress.oip.answers import failure_of, last_of, piece_of, response_of
from gateway.ingress.oip.asked import Caller, inference_of, parse
from gateway.ingress.oip.inference import Inference
from gateway.ingress.oip.models import Models
from gateway.wire.oip.inference import (
    ModelInferRequest,
    ModelMetadataRequest,
    ModelReadyRequest,
    ModelReadyResponse,
    ModelStreamInferResponse,
    ServerLiveResponse,
    ServerMetadataResponse,
    ServerReadyResponse,
)

INFERENCE = "inference.GRPCInferenceService"
NAME = "ensemble-gateway"
EXTENSIONS = ("binary_tensor_data", "parameters")


class InferenceService:
    """The RPCs of `inference.GRPCInferenceService`, and ModelStreamInfer as Triton has it.

    `in_flight` bounds the elements of one tensor, and the requests of one stream, that are worked
    on at once. `serves` says of an endpoint, by name, whether requests are sent to it.
    """

    def __init__(self, door: Door, in_flight: int, serves: Callable[[str], bool]) -> None:
        self._door = door
        self._in_flight = in_flight
        self._models = Models(door.client, serves)
        self._read_ready = Reader(ModelReadyRequest, ours=False)
        self._read_named = Reader(ModelMetadataRequest, ours=False)

    def handlers(self) -> grpc.GenericRpcHandler:
        """Register the RPCs without serializers: messages are read and checked here."""
        unary = grpc.unary_unary_rpc_method_handler
        return grpc.method_handlers_generic_handler(
            INFERENCE,
            {
                "ServerLive": unary(self.server_live),
                "ServerReady": unary(self.server_ready),
                "ModelReady": unary(self.model_ready),
                "ServerMetadata": unary(self.server_metadata),
                "ModelMetadata": unary(self.model_metadata),
                "ModelInfer": unary(self.model_infer),
                "ModelStreamInfer": grpc.stream_stream_rpc_method_handler(self.model_stream_infer),
            },
        )

    async def server_live(self, raw: bytes, context: Context) -> bytes:  # noqa: ARG002 - no fields
        """Say that the process answers."""
        return ServerLiveResponse(live=True).SerializeToString()

    async def server_ready(self, raw: bytes, context: Context) -> bytes:  # noqa: ARG002 - no fields
        """Say whether requests are sent to any endpoint."""
        return ServerReadyResponse(ready=self._models.ready()).SerializeToString()

    async def model_ready(self, raw: bytes, context: Context) -> bytes:
        """Say whether requests are sent to an endpoint that the name stands for."""

        async def work(_: Rpc) -> bytes:
            ready = self._models.ready(self._read_ready.parse(raw).name)
            return ModelReadyResponse(ready=ready).SerializeToString()

        return await answered(context, work)

    async def server_metadata(self, raw: bytes, context: Context) -> bytes:  # noqa: ARG002 - as above
        """Name the gateway and its version."""
        return ServerMetadataResponse(
            name=NAME, version=version(NAME), extensions=EXTENSIONS
        ).SerializeToString()

    async def model_metadata(self, raw: bytes, context: Context) -> bytes:
        """Describe the tensors that a name takes and gives."""

        async def work(_: Rpc) -> bytes:
            name = self._read_named.parse(raw).name
            return self._models.describe(name).SerializeToString()

        return await answered(context, work)

    async def model_infer(self, raw: bytes, context: Context) -> bytes:
        """Fill one hole, or one for each element of the prompt's tensor."""

        async def work(rpc: Rpc) -> bytes:
            asked = inference_of(parse(raw), self._caller(rpc, rpc.request_id))
            if len(asked.requests) == 1:
                answers = [await self._filled(rpc, asked)]
            else:
                answers = await self._batch(rpc, asked)
            pairs = list(zip(asked.requests, answers, strict=True))
            return response_of(asked, pairs).SerializeToString()

        return await answered(context, work)

    async def model_stream_infer(self, raws: AsyncIterator[bytes], context: Context) -> None:
        """Fill a hole for each request that comes, all at once; each is told by its `id`."""

        async def work(rpc: Rpc) -> None:
            room, turn, numbers = asyncio.Semaphore(self._in_flight), asyncio.Semaphore(1), count()

            async def write(response: ModelStreamInferResponse) -> None:
                # gRPC takes one message of a call at a time.
                async with turn:
                    await rpc.write(response.SerializeToString())

            async def one(raw: bytes, request_id: str) -> None:
                try:
                    await self._streamed(rpc, raw, request_id, write)
                finally:
                    room.release()

            async with together() as group:
                async for raw in raws:
                    await room.acquire()
                    group.create_task(one(raw, f"{rpc.request_id}-{next(numbers)}"))

        await answered(context, work)

    async def _filled(self, rpc: Rpc, asked: Inference) -> Answer:
        (request,) = asked.requests
        exchange = rpc.exchange = self._exchange(rpc, asked, request)
        answer = await self._door.handle(exchange)
        rpc.set_trailers(
            ("x-ensemble-endpoint", answer.chosen.endpoint),
            ("x-ensemble-attempts", str(len(answer.attempts))),
        )
        return answer

    async def _batch(self, rpc: Rpc, asked: Inference) -> Sequence[Answer]:
        """Answer every element, or none: the protocol has no word for a part that failed."""
        room = asyncio.Semaphore(self._in_flight)
        deadline = rpc.deadline(self._door.clock(), self._door.longest_s)
        with self._door.jobs.batch(rpc.tenant, rpc.request_id, deadline.at) as job:

            async def one(request: Request) -> Answer:
                async with room:
                    with job.hole():
                        exchange = self._exchange(rpc, asked, request)
                        job.begin(exchange)
                        try:
                            return await self._door.handle(exchange)
                        except Fault:
                            rpc.exchange = exchange
                            raise

            async with together() as group:
                tasks = [group.create_task(one(request)) for request in asked.requests]
        rpc.set_trailers()
        return [task.result() for task in tasks]

    async def _streamed(
        self,
        rpc: Rpc,
        raw: bytes,
        request_id: str,
        write: Callable[[ModelStreamInferResponse], Awaitable[None]],
    ) -> None:
        """Answer one request of a stream; its failure is an answer too."""
        wire = ModelInferRequest()
        pieces: list[str] = []
        try:
            wire = parse(raw)
            asked = inference_of(wire, self._caller(rpc, request_id), most=1)

            async def emit(event: Event) -> None:
                if isinstance(event, Delta):
                    pieces.append(event.text)
                    await write(piece_of(asked, event.text, event.endpoint))

            (request,) = asked.requests
            answer = await self._door.handle(self._exchange(rpc, asked, request, emit))
            text, sent = answer.chosen.completion.text, "".join(pieces)
            rest = text[len(sent) :] if text.startswith(sent) else ""
            last = last_of(asked, (request, answer), rest)
        except Fault as fault:
            last = failure_of(wire.model_name, wire.id, fault, request_id)
        except Exception as error:  # noqa: BLE001 - one request's bug must not end the others
            last = failure_of(wire.model_name, wire.id, bug(error, request_id), request_id)
        await write(last)

    def _caller(self, rpc: Rpc, request_id: str) -> Caller:
        return Caller(request_id, rpc.tenant, rpc.trace_context, self._models.select)

    def _exchange(
        self, rpc: Rpc, asked: Inference, request: Request, emit: Emit | None = None
    ) -> Exchange:
        now = self._door.clock()
        deadline = rpc.deadline(now, self._door.longest_s)
        if asked.timeout_s is not None:
            deadline = deadline.sooner(now + asked.timeout_s)
        watched = Asked(rpc.trace_id, asked.trace, asked.trace and rpc.local)
        return self._door.begin(request, deadline, emit, watched)


@asynccontextmanager
async def together() -> AsyncGenerator[asyncio.TaskGroup]:
    """Await tasks of which the first failure ends the others, and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
