"""How a fake gateway answers the RPCs that fill holes: each hole takes one answer of the script."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

import grpc
from ensemble.v1.gateway_service_pb2 import (
    BatchGenerateRequest,
    BatchGenerateResponse,
    GenerateRequest,
    GenerateResponse,
    GenerateStreamRequest,
    GenerateStreamResponse,
    HoleProgress,
    PipelineStarted,
    RefinedHole,
    RefineRequest,
    RefineResponse,
    RefineStarted,
    RefineWave,
    RouteRequest,
    RouteResponse,
    RunPipelineRequest,
    RunPipelineResponse,
    TraceRequest,
    TraceResponse,
)
from ensemble.v1.trace_pb2 import StageStatus, Trace

from ensemble_client.status import STATUS_KEY, status_of
from ensemble_client.testing.answers import Failure, Reply
from ensemble_client.testing.messages import (
    DECISION,
    STEP,
    delta,
    done,
    failed,
    numbered,
    pieces_of,
    pipeline_result,
    pipeline_step,
    refined,
    refined_hole,
    response_of,
    started,
)
from ensemble_client.testing.script import Script

Context = grpc.ServicerContext
NO_RETRY = ("grpc-retry-pushback-ms", "-1")


class Filling:
    """The RPCs of GatewayService over one script."""

    def __init__(self, script: Script) -> None:
        self._script = script

    def generate(self, request: GenerateRequest, context: Context) -> GenerateResponse:
        """Fill one hole."""
        found, _ = self._script.take(request, context)
        request_id = request_id_of(request, context)
        if isinstance(found, Failure):
            abort(found, request_id, context)
        return response_of(found, request, request_id)

    def stream(
        self, message: GenerateStreamRequest, context: Context
    ) -> Iterator[GenerateStreamResponse]:
        """Fill one hole and hand out its text in pieces."""
        return numbered(self._events(message.request, context))

    def _events(
        self, request: GenerateRequest, context: Context
    ) -> Iterator[GenerateStreamResponse]:
        request_id = request_id_of(request, context)
        found, later = self._script.take(request, context)
        pieces = pieces_of(found)
        if pieces or not isinstance(found, Failure):
            yield started(request_id)
        for place, piece in enumerate(pieces):
            if later is not None and place == later.after:
                later.hold(context)
            yield delta(piece)
        if later is not None and len(pieces) <= later.after:
            later.hold(context)
        if isinstance(found, Failure):
            abort(found, request_id, context)
        if not (isinstance(found, Reply) and found.cut):
            yield done(response_of(found, request, request_id))

    def batch(
        self, requests: Iterator[BatchGenerateRequest], context: Context
    ) -> Iterator[BatchGenerateResponse]:
        """Fill many holes; a request that the client left out is refused."""
        batch_id = request_id_of(GenerateRequest(), context)
        for item in requests:
            answer = BatchGenerateResponse(index=item.index)
            request_id = item.request.request_id or f"{batch_id}-{item.index}"
            found = Failure(reason="INVALID_FIELD", message="request: is missing")
            if item.HasField("request"):
                found, _ = self._script.take(item.request, context)
            if isinstance(found, Failure):
                answer.failure.CopyFrom(failed(found, request_id))
            else:
                answer.response.CopyFrom(response_of(found, item.request, request_id))
            yield answer

    def route(self, _: RouteRequest, __: Context) -> RouteResponse:
        """Say that there is one endpoint."""
        return RouteResponse(decision=DECISION)

    def trace(self, message: TraceRequest, context: Context) -> TraceResponse:
        """Fill one hole, unless it is a dry run, and tell what happened."""
        request_id = request_id_of(message.generate, context)
        trace = Trace(request_id=request_id, dry_run=message.dry_run)
        trace.status = StageStatus.STAGE_STATUS_OK
        if message.dry_run:
            return TraceResponse(trace=trace)
        found, _ = self._script.take(message.generate, context)
        if isinstance(found, Failure):
            trace.status = StageStatus.STAGE_STATUS_FAILED
            return TraceResponse(failure=failed(found, request_id), trace=trace)
        answer = response_of(found, message.generate, request_id)
        return TraceResponse(response=answer, trace=trace)

    def refine(self, message: RefineRequest, context: Context) -> Iterator[RefineResponse]:
        """Fill the holes of a source one after the other, whatever they depend on."""
        request_id = request_id_of(message.request, context)
        waves = [RefineWave(holes=[hole.id]) for hole in message.holes]
        yield RefineResponse(started=RefineStarted(waves=waves, request_id=request_id))
        holes = [*message.holes]
        ended: list[RefinedHole] = []
        for sequence, hole in enumerate(holes, 1):
            found, _ = self._script.take(_part(message, hole.id), context)
            ended.append(refined_hole(hole.id, found))
            progress = HoleProgress(hole=ended[-1], total=len(holes), iteration=1)
            progress.filled = sum(bool(one.fill) for one in ended)
            yield RefineResponse(sequence=sequence, progress=progress)
        result = refined(message, ended, request_id)
        yield RefineResponse(sequence=len(holes) + 1, done=result)

    def run_pipeline(
        self, message: RunPipelineRequest, context: Context
    ) -> Iterator[RunPipelineResponse]:
        """Run the one step that every pipeline has here."""
        request_id = request_id_of(message.request, context)
        name = message.pipeline
        start = PipelineStarted(pipeline=name, steps=[STEP], request_id=request_id)
        yield RunPipelineResponse(started=start)
        found, _ = self._script.take(message.request, context)
        if isinstance(found, Failure):
            abort(found, request_id, context)
        answer = response_of(found, message.request, request_id)
        step = pipeline_step(answer)
        yield RunPipelineResponse(sequence=1, step=step)
        yield RunPipelineResponse(sequence=2, done=pipeline_result(name, answer, step))


def request_id_of(request: GenerateRequest, context: Context) -> str:
    """The id of a request: its own, else that of its RPC."""
    return request.request_id or str(metadata_of(context).get("x-request-id", ""))


def metadata_of(context: Context) -> dict[str, str | bytes]:
    """The metadata of an RPC; of a key that came twice the last value."""
    return {key: value for key, value in context.invocation_metadata()}  # noqa: C416 - named tuples


def abort(failure: Failure, request_id: str, context: Context) -> NoReturn:
    """End an RPC the way the gateway does."""
    code, words = failure.status(), failure.words()
    trailers: list[tuple[str, str | bytes]] = [("x-request-id", request_id)]
    detail = failure.details(request_id)
    if detail is not None:
        trailers.append((STATUS_KEY, status_of(code.value[0], words, detail)))
    if not failure.retried:
        trailers.append(NO_RETRY)
    context.set_trailing_metadata(tuple(trailers))
    context.abort(code, words)


def _part(message: RefineRequest, hole_id: str) -> GenerateRequest:
    """The request of one hole: the common part, with the description of the hole."""
    part = GenerateRequest()
    part.CopyFrom(message.request)
    for hole in message.holes:
        if hole.id == hole_id:
            part.hole.MergeFrom(hole.hole)
            part.constraints.extend(hole.constraints)
    return part
