"""GatewayService over grpc.aio: raw bytes in, one core request, raw bytes out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from hashlib import sha256
from itertools import count

import grpc
from ensemble.v1 import gateway_service_pb2 as pb
from grpc import aio

from gateway.core.candidate import Answer
from gateway.core.events import AttemptFailed, Delta, Emit, Event, Failover, Judged, Started
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, invalid
from gateway.core.hole import Priority, Request
from gateway.core.ports import Clock
from gateway.ensemble.client import EnsembleClient
from gateway.ingress.batch import answer_in_order
from gateway.ingress.context import Context, Rpc, answered, bug, caller_left
from gateway.ingress.messages import Reader, check
from gateway.wire.failure import CODES, detail_to_wire
from gateway.wire.request import request_from_wire
from gateway.wire.result import (
    answer_to_bytes,
    answer_to_wire,
    attempt_to_wire,
    decision_to_wire,
    verdict_to_wire,
)

SERVICE = "ensemble.v1.GatewayService"


class GatewayService:
    """The RPCs of `ensemble.v1.GatewayService`.

    `longest_s` caps every deadline and stands in for a missing one; `batch_in_flight` bounds the
    holes of one batch stream that are worked on at once.
    """

    def __init__(
        self, client: EnsembleClient, *, longest_s: float, batch_in_flight: int, clock: Clock
    ) -> None:
        self._client = client
        self._longest_s = longest_s
        self._batch_in_flight = batch_in_flight
        self._clock = clock
        self._read_generate = Reader(pb.GenerateRequest)
        self._read_stream = Reader(pb.GenerateStreamRequest)
        self._read_batch = Reader(pb.BatchGenerateRequest)
        self._read_route = Reader(pb.RouteRequest)

    def handlers(self) -> grpc.GenericRpcHandler:
        """Register the RPCs without serializers: messages are read and checked here."""
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "Generate": grpc.unary_unary_rpc_method_handler(self.generate),
                "GenerateStream": grpc.unary_stream_rpc_method_handler(self.generate_stream),
                "BatchGenerate": grpc.stream_stream_rpc_method_handler(self.batch_generate),
                "Route": grpc.unary_unary_rpc_method_handler(self.route),
            },
        )

    async def generate(self, raw: bytes, context: Context) -> bytes:
        """Fill one hole. Does what `answered` does without a function and a coroutine more."""
        rpc = Rpc(context)
        try:
            exchange = self._exchange(rpc, self._read_generate(raw))
            answer = await self._client.handle(exchange)
            _set_trailers(rpc, answer, exchange)
            return answer_to_bytes(answer, exchange.request, trace_id=rpc.trace_id)
        except Exception as error:  # noqa: BLE001 - every bug of ours ends as INTERNAL
            await rpc.fail(error)

    async def generate_stream(self, raw: bytes, context: Context) -> None:
        """Fill one hole, handing out its text as it comes."""

        async def work(rpc: Rpc) -> None:
            numbers = count()

            # On the path of every piece of text, so it writes by itself.
            async def emit(event: Event) -> None:
                response = _event_to_wire(event, rpc.request_id)
                response.sequence = next(numbers)
                try:
                    await context.write(response.SerializeToString())
                except aio.InternalError:
                    raise caller_left() from None

            exchange = self._exchange(rpc, self._read_stream(raw).request, emit)
            answer = await self._client.handle(exchange)
            _set_trailers(rpc, answer, exchange)
            done = answer_to_wire(answer, exchange.request, trace_id=rpc.trace_id, with_text=False)
            last = pb.GenerateStreamResponse(sequence=next(numbers), done=done)
            await rpc.write(last.SerializeToString())

        await answered(context, work)

    async def batch_generate(self, raws: AsyncIterator[bytes], context: Context) -> None:
        """Fill many holes; each is answered exactly once, in the order sent."""

        async def work(rpc: Rpc) -> None:
            async def answer(raw: bytes) -> bytes:
                return await self._one_of_batch(rpc, raw)

            rpc.set_trailers()
            async with aclosing(answer_in_order(raws, answer, self._batch_in_flight)) as batch:
                async for response in batch:
                    await rpc.write(response)

        await answered(context, work)

    async def route(self, raw: bytes, context: Context) -> bytes:
        """Explain a decision without calling any endpoint."""

        async def work(rpc: Rpc) -> bytes:
            exchange = self._exchange(rpc, self._read_route(raw).request)
            decision = self._client.route(exchange.request)
            return pb.RouteResponse(decision=decision_to_wire(decision)).SerializeToString()

        return await answered(context, work)

    def _exchange(
        self, rpc: Rpc, message: pb.GenerateRequest, emit: Emit | None = None
    ) -> Exchange:
        deadline = rpc.deadline(self._clock(), self._longest_s)
        request = _request(message, rpc, rpc.request_id)
        rpc.request_id = request.request_id
        exchange = rpc.exchange = Exchange(request, deadline, emit)
        if message.request_id:
            exchange.fingerprint = _fingerprint(message)
        return exchange

    async def _one_of_batch(self, rpc: Rpc, raw: bytes) -> bytes:
        """Answer one hole of a batch; its failure is an answer too."""
        response = pb.BatchGenerateResponse()
        request_id = rpc.request_id
        exchange: Exchange | None = None
        try:
            message = self._read_batch.parse(raw)
            response.index = message.index
            check(message)
            request_id = f"{rpc.request_id}-{message.index}"
            request = _request(message.request, rpc, request_id, Priority.BATCH)
            request_id = request.request_id
            exchange = Exchange(request, rpc.deadline(self._clock(), self._longest_s))
            if message.request.request_id:
                exchange.fingerprint = _fingerprint(message.request)
            answer = await self._client.handle(exchange)
            response.response.CopyFrom(answer_to_wire(answer, request, trace_id=rpc.trace_id))
        except Fault as fault:
            _set_failure(response, fault, exchange, request_id)
        except Exception as error:  # noqa: BLE001 - one hole's bug must not end the others
            _set_failure(response, bug(error, request_id), exchange, request_id)
        return response.SerializeToString()


def _fingerprint(message: pb.GenerateRequest) -> bytes:
    """Digest a body; maps are written in one order, so equal bodies give equal digests."""
    return sha256(message.SerializeToString(deterministic=True)).digest()


def _request(
    message: pb.GenerateRequest,
    rpc: Rpc,
    request_id: str,
    priority: Priority = Priority.STANDARD,
) -> Request:
    if not (message.request_id.isascii() and message.request_id.isprintable()):
        # It goes back as a header: gRPC would send no answer at all with one that is not legal.
        raise invalid("request_id", "must be printable ASCII, because it is sent as a header")
    return request_from_wire(
        message,
        request_id=request_id,
        trace_context=rpc.trace_context,
        tenant=rpc.tenant,
        priority=priority,
    )


def _set_failure(
    response: pb.BatchGenerateResponse, fault: Fault, exchange: Exchange | None, request_id: str
) -> None:
    response.failure.code = CODES[fault.kind]
    response.failure.message = fault.message
    response.failure.detail.CopyFrom(detail_to_wire(fault, exchange, request_id))


def _set_trailers(rpc: Rpc, answer: Answer, exchange: Exchange) -> None:
    rpc.set_trailers(
        ("x-ensemble-endpoint", answer.chosen.endpoint),
        ("x-ensemble-attempts", str(len(answer.attempts))),
        ("x-ensemble-cache", "replay" if exchange.replayed else "miss"),
    )


def _event_to_wire(event: Event, request_id: str) -> pb.GenerateStreamResponse:
    match event:
        case Delta(text, candidate, endpoint):
            delta = pb.StreamDelta(text=text, candidate=candidate, endpoint=endpoint)
            return pb.GenerateStreamResponse(delta=delta)
        case Started(decision):
            started = pb.StreamStarted(decision=decision_to_wire(decision), request_id=request_id)
            return pb.GenerateStreamResponse(started=started)
        case AttemptFailed(attempt):
            failed = pb.StreamAttemptFailed(attempt=attempt_to_wire(attempt))
            return pb.GenerateStreamResponse(attempt_failed=failed)
        case Failover(from_endpoint, to_endpoint, resumed_at):
            failover = pb.StreamFailover(
                from_endpoint=from_endpoint, to_endpoint=to_endpoint, resumed_at=resumed_at
            )
            return pb.GenerateStreamResponse(failover=failover)
        case Judged(verdict):
            return pb.GenerateStreamResponse(verdict=verdict_to_wire(verdict))
