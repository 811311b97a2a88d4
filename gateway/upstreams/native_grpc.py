"""The native protocol: `ensemble.v1.ModelService` over gRPC."""

from __future__ import annotations

from typing import cast

import grpc
from ensemble.v1 import hole_pb2
from ensemble.v1.model_service_pb2 import (
    ModelServiceGenerateRequest,
    ModelServiceGenerateResponse,
    ModelServiceGenerateStreamRequest,
    ModelServiceGenerateStreamResponse,
)
from google.protobuf.message import DecodeError

from gateway.core.candidate import Completion, Usage
from gateway.core.constraint import Constraint
from gateway.core.deadline import Deadline
from gateway.core.endpoint import Endpoint
from gateway.core.hole import Hole
from gateway.core.ports import Clock, Operation, SendText, Task
from gateway.upstreams.calls import open_calls
from gateway.upstreams.calls_grpc import Reading
from gateway.upstreams.errors import CUT, NONSENSE, TOO_LARGE_ANSWER, UNSENDABLE, finite
from gateway.upstreams.errors_grpc import fault_of_status
from gateway.upstreams.options import UpstreamOptions
from gateway.wire.draft import draft_to_wire
from gateway.wire.enums import OPERATION
from gateway.wire.hole import constraint_to_wire, sampling_to_wire, spec_to_wire
from gateway.wire.result import finish_from_wire

GENERATE = "/ensemble.v1.ModelService/Generate"
GENERATE_STREAM = "/ensemble.v1.ModelService/GenerateStream"


class NativeUpstream:
    """A connection to one ModelService. Make it inside the event loop that uses it."""

    def __init__(self, endpoint: Endpoint, options: UpstreamOptions, clock: Clock) -> None:
        self._endpoint = endpoint
        self._max_bytes = options.max_message_bytes
        self._calls = open_calls(endpoint, options, clock, fault_of_status)
        channel = self._calls.channel
        self._generate = channel.unary_unary(
            GENERATE, ModelServiceGenerateRequest.SerializeToString, _read
        )
        self._generate_stream = channel.unary_stream(
            GENERATE_STREAM, ModelServiceGenerateStreamRequest.SerializeToString, _read_piece
        )

    async def generate(self, task: Task, deadline: Deadline) -> Completion:
        """Complete the task's hole. Raises Fault."""
        call = self._generate(self._request_of(task), **self._calls.terms(task, deadline))
        answer = await self._calls.answered(call, task)
        if answer is None:
            raise NONSENSE.fault(self._endpoint)
        return _completion(answer.text, answer, tuple(answer.token_logprobs))

    async def stream(self, task: Task, deadline: Deadline, send: SendText) -> Completion:
        """Complete the task's hole piece by piece. Raises Fault."""
        request = ModelServiceGenerateStreamRequest(request=self._request_of(task))
        call = self._generate_stream(request, **self._calls.terms(task, deadline))
        with self._calls.followed(call, task):
            return await self._follow(call, send)

    async def close(self) -> None:
        """Close the connection; running calls end with Fault(CANCELLED)."""
        await self._calls.close()

    async def _follow(self, call: Reading, send: SendText) -> Completion:
        pieces: list[str] = []
        logprobs: list[float] = []
        size = 0
        done: ModelServiceGenerateResponse | None = None
        while (read := await call.read()) is not grpc.aio.EOF:
            message = cast("ModelServiceGenerateStreamResponse | None", read)
            if message is None or done is not None:
                raise NONSENSE.fault(self._endpoint)
            text = message.text
            if text:
                size += len(text)
                if size > self._max_bytes:
                    raise TOO_LARGE_ANSWER.fault(self._endpoint)
                pieces.append(text)
                await send(text)
            logprobs.extend(message.token_logprobs)
            if message.HasField("done"):
                done = message.done
        if done is None:
            raise CUT.fault(self._endpoint)
        return _completion("".join(pieces), done, tuple(logprobs))

    def _request_of(self, task: Task) -> ModelServiceGenerateRequest:
        self._calls.check_open()
        request = task.request
        hole = request.hole
        try:
            return ModelServiceGenerateRequest(
                model=self._endpoint.model,
                prompt=hole.prompt + task.partial,
                suffix=hole.suffix,
                sampling=sampling_to_wire(task.sampling),
                # They steer the writing of a fill; a critique is none.
                constraints=[] if task.operation is Operation.CRITIQUE else _constraints(hole),
                language=hole.spec.language,
                request_id=request.request_id,
                candidate=task.candidate,
                # A size alone steers no model, and most holes have nothing more.
                hole=None if hole.spec.is_plain else spec_to_wire(hole.spec),
                operation=OPERATION[task.operation],
                draft=None if task.draft is None else draft_to_wire(task.draft),
            )
        except UnicodeEncodeError:
            raise UNSENDABLE.fault(self._endpoint) from None


def _read(raw: bytes | None) -> ModelServiceGenerateResponse | None:
    """Parse an answer; gRPC hands over None for a call that was cancelled as its answer came.

    Parsing that would only log an error of ours about a text that nobody waits for any more.
    """
    return None if raw is None else ModelServiceGenerateResponse.FromString(raw)


def _read_piece(raw: bytes | None) -> ModelServiceGenerateStreamResponse | None:
    """Parse a piece of a stream; None for one that is none."""
    try:
        return None if raw is None else ModelServiceGenerateStreamResponse.FromString(raw)
    except DecodeError:
        return None


def _constraints(hole: Hole) -> list[hole_pb2.Constraint]:
    """All requirements with a body, those of the hole itself included, for servers that steer."""
    wire = [constraint_to_wire(constraint) for constraint in hole.constraints]
    spec = hole.spec
    if spec.json_schema is not None:
        wire.append(constraint_to_wire(Constraint("hole.json_schema", spec.json_schema)))
    if spec.grammar is not None:
        wire.append(constraint_to_wire(Constraint("hole.grammar", spec.grammar)))
    return wire


def _completion(
    text: str, answer: ModelServiceGenerateResponse, logprobs: tuple[float, ...]
) -> Completion:
    return Completion(
        text=text,
        finish_reason=finish_from_wire(answer.finish_reason),
        model=answer.model,
        usage=Usage(answer.usage.prompt_tokens, answer.usage.completion_tokens),
        logprobs=finite(logprobs),
    )
