"""GatewayService over grpc.aio: raw bytes in, one core request, raw bytes out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from hashlib import sha256
from itertools import count

import grpc
from ensemble.v1 import gateway_service_pb2 as pb
from google.protobuf.message import Message
from grpc import aio

from gateway.core.answer import Answer
from gateway.core.events import Emit, Event
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, invalid
from gateway.core.hole import Priority, Request
from gateway.ensemble.choosing.chosen import Chosen
from gateway.ensemble.door import NOTHING_ASKED, Asked, Door
from gateway.ensemble.jobs.keeper import Batch
from gateway.ensemble.tracing import tracing_off
from gateway.ingress.batch import answer_in_order
from gateway.ingress.context import Context, Rpc, answered, bug, caller_left
from gateway.ingress.messages import Reader, check
from gateway.wire.events import done_to_wire, event_to_wire
from gateway.wire.failure import CODES, detail_to_wire
from gateway.wire.pipeline import (
    pipeline_done_to_wire,
    pipeline_event_to_wire,
    pipeline_run_from_wire,
    pipelines_to_wire,
)
from gateway.wire.refine import refine_done_to_wire, refine_event_to_wire, refinement_from_wire
from gateway.wire.request import request_from_wire
from gateway.wire.result import answer_to_bytes, answer_to_wire, route_to_wire
from gateway.wire.trace import trace_to_wire

SERVICE = "ensemble.v1.GatewayService"

Numbered = pb.GenerateStreamResponse | pb.RefineResponse | pb.RunPipelineResponse


class GatewayService:
    """The RPCs of `ensemble.v1.GatewayService`.

    `batch_in_flight` bounds the holes of one batch stream that are worked on at once.
    """

    def __init__(self, door: Door, *, batch_in_flight: int) -> None:
        self._door = door
        self._client = door.client
        self._traces = door.traces
        self._clock = door.clock
        self._batch_in_flight = batch_in_flight
        self._read_generate = Reader(pb.GenerateRequest)
        self._read_stream = Reader(pb.GenerateStreamRequest)
        self._read_batch = Reader(pb.BatchGenerateRequest)
        self._read_route = Reader(pb.RouteRequest)
        self._read_refine = Reader(pb.RefineRequest)
        self._read_pipeline = Reader(pb.RunPipelineRequest)
        self._read_trace = Reader(pb.TraceRequest)

    def handlers(self) -> grpc.GenericRpcHandler:
        """Register the RPCs without serializers: messages are read and checked here."""
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "Generate": grpc.unary_unary_rpc_method_handler(self.generate),
                "GenerateStream": grpc.unary_stream_rpc_method_handler(self.generate_stream),
                "BatchGenerate": grpc.stream_stream_rpc_method_handler(self.batch_generate),
                "Trace": grpc.unary_unary_rpc_method_handler(self.trace),
                "Route": grpc.unary_unary_rpc_method_handler(self.route),
                "Refine": grpc.unary_stream_rpc_method_handler(self.refine),
                "RunPipeline": grpc.unary_stream_rpc_method_handler(self.run_pipeline),
                "ListPipelines": grpc.unary_unary_rpc_method_handler(self.list_pipelines),
            },
        )

    async def generate(self, raw: bytes, context: Context) -> bytes:
        """Fill one hole. Does what `answered` does without a function and a coroutine more."""
        rpc = Rpc(context)
        try:
            exchange = self._exchange(rpc, self._read_generate(raw))
            answer = await self._door.handle(exchange)
            _set_trailers(rpc, answer, exchange)
            return answer_to_bytes(answer, exchange.request, trace_id=rpc.trace_id)
        except Exception as error:  # noqa: BLE001 - every bug of ours ends as INTERNAL
            await rpc.fail(error)

    async def generate_stream(self, raw: bytes, context: Context) -> None:
        """Fill one hole, handing out its text as it comes."""

        def begin(rpc: Rpc, emit: Emit) -> Exchange:
            return self._exchange(rpc, self._read_stream(raw).request, emit)

        await self._streamed(context, begin, event_to_wire, done_to_wire)

    async def refine(self, raw: bytes, context: Context) -> None:
        """Fill many holes of one source, telling each one's progress."""

        def begin(rpc: Rpc, emit: Emit) -> Exchange:
            message = self._read_refine(raw)
            exchange = self._exchange(rpc, message.request, emit, whole=message)
            exchange.work = refinement_from_wire(message)
            return exchange

        await self._streamed(context, begin, refine_event_to_wire, refine_done_to_wire)

    async def run_pipeline(self, raw: bytes, context: Context) -> None:
        """Run a pipeline on one hole, telling each step as it ends."""

        def begin(rpc: Rpc, emit: Emit) -> Exchange:
            message = self._read_pipeline(raw)
            exchange = self._exchange(rpc, message.request, emit, whole=message)
            exchange.work = pipeline_run_from_wire(message)
            return exchange

        await self._streamed(context, begin, pipeline_event_to_wire, pipeline_done_to_wire)

    async def _streamed(
        self,
        context: Context,
        begin: Callable[[Rpc, Emit], Exchange],
        event_to_wire: Callable[[Event, str], Numbered | None],
        done_to_wire: Callable[[Answer, Request, str], Numbered],
    ) -> None:
        """Answer with events, numbered from 0, and the answer last."""

        async def work(rpc: Rpc) -> None:
            numbers = count()

            # On the path of every piece of text, so it writes by itself.
            async def emit(event: Event) -> None:
                response = event_to_wire(event, rpc.request_id)
                if response is None:
                    return
                response.sequence = next(numbers)
                try:
                    await context.write(response.SerializeToString())
                except aio.InternalError:
                    raise caller_left() from None

            exchange = begin(rpc, emit)
            answer = await self._door.handle(exchange)
            _set_trailers(rpc, answer, exchange)
            last = done_to_wire(answer, exchange.request, rpc.trace_id)
            last.sequence = next(numbers)
            await rpc.write(last.SerializeToString())

        await answered(context, work)

    async def batch_generate(self, raws: AsyncIterator[bytes], context: Context) -> None:
        """Fill many holes; each is answered exactly once, in the order sent."""

        async def work(rpc: Rpc) -> None:
            deadline = rpc.deadline(self._clock(), self._door.longest_s)
            with self._door.jobs.batch(rpc.tenant, rpc.request_id, deadline.at) as job:

                async def answer(raw: bytes) -> bytes:
                    with job.hole():
                        return await self._one_of_batch(rpc, raw, job)

                rpc.set_trailers()
                async with aclosing(answer_in_order(raws, answer, self._batch_in_flight)) as batch:
                    async for response in batch:
                        await rpc.write(response)

        await answered(context, work)

    async def route(self, raw: bytes, context: Context) -> bytes:
        """Explain a decision without calling any endpoint."""

        async def work(rpc: Rpc) -> bytes:
            exchange = self._exchange(rpc, self._read_route(raw).request)
            chosen = await self._routed(exchange)
            rpc.set_trailers(*_decision_trailer(chosen.decision_id))
            return route_to_wire(chosen.decision, chosen.decision_id).SerializeToString()

        return await answered(context, work)

    async def trace(self, raw: bytes, context: Context) -> bytes:
        """Fill one hole, or only route it, and return everything that happened."""

        async def work(rpc: Rpc) -> bytes:
            message = self._read_trace(raw)
            message.generate.trace = True
            exchange = self._exchange(rpc, message.generate)
            response = await self._watched(exchange, dry_run=message.dry_run)
            rpc.set_trailers(*_decision_trailer(exchange.decision_id))
            return response.SerializeToString()

        return await answered(context, work)

    async def list_pipelines(self, raw: bytes, context: Context) -> bytes:  # noqa: ARG002 - no fields
        """List the pipelines that can be run."""

        async def work(_: Rpc) -> bytes:
            return pipelines_to_wire(self._client.pipelines.values()).SerializeToString()

        return await answered(context, work)

    def _exchange(
        self,
        rpc: Rpc,
        message: pb.GenerateRequest,
        emit: Emit | None = None,
        *,
        whole: pb.RefineRequest | pb.RunPipelineRequest | None = None,
    ) -> Exchange:
        """Begin an exchange; `whole` is the message of which `message` is the common part."""
        request = _request(message, rpc, rpc.request_id)
        rpc.request_id = request.request_id
        exchange = rpc.exchange = self._begin(rpc, request, message, emit)
        if message.request_id:
            exchange.fingerprint = _fingerprint(message if whole is None else whole)
        return exchange

    def _begin(
        self, rpc: Rpc, request: Request, message: pb.GenerateRequest, emit: Emit | None = None
    ) -> Exchange:
        """Begin an exchange. Raises Fault for a trace that the caller may not have.

        To be traced or detached is no part of what is asked for: both flags are taken out, so that
        the same request with and without them is the same.
        """
        deadline = rpc.deadline(self._clock(), self._door.longest_s)
        trace, detached = message.trace, message.detached
        asked = NOTHING_ASKED
        if trace or detached or self._traces is not None:
            message.trace = message.detached = False
            asked = Asked(rpc.trace_id, trace, trace and rpc.local, detached)
        return self._door.begin(request, deadline, emit, asked)

    async def _routed(self, exchange: Exchange) -> Chosen:
        """Route a request, and have that watched if it is traced."""
        request, deadline, trace = exchange.request, exchange.deadline, exchange.trace
        if trace is None or self._traces is None:
            return await self._client.route(request, deadline, explain=True)
        with self._traces.watch(exchange, dry_run=True):
            chosen = await self._client.route(request, deadline, explain=True, trace=trace)
            exchange.decision, exchange.decision_id = chosen.decision, chosen.decision_id
            return chosen

    async def _watched(self, exchange: Exchange, *, dry_run: bool) -> pb.TraceResponse:
        """Handle a request and return its trace with what came of it."""
        if self._traces is None:
            raise tracing_off()
        response, request = pb.TraceResponse(), exchange.request
        watched = self._traces.watch(exchange, dry_run=dry_run)
        try:
            with watched:
                if dry_run:
                    await self._client.rehearse(exchange)
                else:
                    watched.answer = await self._client.handle(exchange)
        except Fault as fault:
            _set_failure(response.failure, fault, exchange, request.request_id)
        if watched.answer is not None:
            trace_id = watched.recorder.trace_id
            wire = answer_to_wire(watched.answer, request, trace_id=trace_id)
            response.response.CopyFrom(wire)
        if watched.trace is None:
            raise RuntimeError("the trace was lost")
        response.trace.CopyFrom(trace_to_wire(watched.trace))
        return response

    async def _one_of_batch(self, rpc: Rpc, raw: bytes, job: Batch) -> bytes:
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
            exchange = self._begin(rpc, request, message.request)
            job.begin(exchange)
            if message.request.request_id:
                exchange.fingerprint = _fingerprint(message.request)
            answer = await self._door.handle(exchange)
            trace_id = exchange.trace_id or rpc.trace_id
            response.response.CopyFrom(answer_to_wire(answer, request, trace_id=trace_id))
        except Fault as fault:
            _set_failure(response.failure, fault, exchange, request_id)
        except Exception as error:  # noqa: BLE001 - one hole's bug must not end the others
            _set_failure(response.failure, bug(error, request_id), exchange, request_id)
        return response.SerializeToString()


def _fingerprint(message: Message) -> bytes:
    """Digest a body; maps are written in one order, so equal bodies give equal digests."""
    body = message.SerializeToString(deterministic=True)
    return sha256(message.DESCRIPTOR.full_name.encode() + b"\0" + body).digest()


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
    failure: pb.BatchFailure, fault: Fault, exchange: Exchange | None, request_id: str
) -> None:
    failure.code = CODES[fault.kind]
    failure.message = fault.message
    failure.detail.CopyFrom(detail_to_wire(fault, exchange, request_id))


def _set_trailers(rpc: Rpc, answer: Answer, exchange: Exchange) -> None:
    rpc.set_trailers(
        ("x-ensemble-endpoint", answer.chosen.endpoint),
        ("x-ensemble-attempts", str(len(answer.attempts))),
        ("x-ensemble-cache", _from_where(answer, exchange)),
        *_decision_trailer(answer.decision_id),
    )


def _from_where(answer: Answer, exchange: Exchange) -> str:
    if answer.cache_age_s is not None:
        return "hit"
    return "replay" if exchange.replayed else "miss"


def _decision_trailer(decision_id: str) -> tuple[tuple[str, str], ...]:
    return (("x-ensemble-decision", decision_id),) if decision_id else ()
