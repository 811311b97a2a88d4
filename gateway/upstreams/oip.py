"""The Open Inference Protocol over gRPC: Triton, MLServer, KServe and whoever else speaks it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar, cast

import grpc
from google.protobuf.message import Message

from gateway.core.candidate import Completion
from gateway.core.deadline import Deadline
from gateway.core.endpoint import Endpoint
from gateway.core.ports import Clock, SendText, Task
from gateway.upstreams.calls import open_calls
from gateway.upstreams.errors import CUT, NONSENSE, TOO_LARGE_ANSWER, TOO_LARGE_REQUEST, UNSENDABLE
from gateway.upstreams.errors_oip import fault_of_answer, fault_of_call
from gateway.upstreams.oip_answer import OipFill
from gateway.upstreams.oip_body import body_of
from gateway.upstreams.oip_options import OipStream
from gateway.upstreams.options import UpstreamOptions
from gateway.wire.oip.inference import (
    ModelInferRequest,
    ModelInferResponse,
    ModelStreamInferResponse,
)
from gateway.wire.oip.tensors import TensorError

SERVICE = "inference.GRPCInferenceService"
INFER = f"/{SERVICE}/ModelInfer"
STREAM = f"/{SERVICE}/ModelStreamInfer"

Wire = TypeVar("Wire", bound=Message)
Streamed = ModelInferResponse | ModelStreamInferResponse


class OipUpstream:
    """A connection to one model of one server. Make it inside the event loop that uses it."""

    def __init__(self, endpoint: Endpoint, options: UpstreamOptions, clock: Clock) -> None:
        self._endpoint = endpoint
        self._options = options.oip
        self._max_bytes = options.max_message_bytes
        self._calls = open_calls(endpoint, options, clock, fault_of_call)
        channel = self._calls.channel
        self._infer = channel.unary_unary(
            INFER, ModelInferRequest.SerializeToString, partial(_read, ModelInferResponse)
        )
        kind: type[Streamed] = (
            ModelInferResponse
            if self._options.stream is OipStream.MLSERVER
            else ModelStreamInferResponse
        )
        self._stream_infer = channel.stream_stream(
            STREAM, ModelInferRequest.SerializeToString, partial(_read, kind)
        )

    async def generate(self, task: Task, deadline: Deadline) -> Completion:
        """Complete the task's hole. Raises Fault."""
        body = self._body(task)
        if self._options.stream is OipStream.TRITON:
            return await self._follow(body, task, deadline, None)
        call = self._infer(body, **self._calls.terms(task, deadline))
        answer = await self._calls.answered(call, task)
        fill = OipFill(self._options)
        with self._understood():
            self._feed(fill, answer)
        return fill.completion()

    async def stream(self, task: Task, deadline: Deadline, send: SendText) -> Completion:
        """Complete the task's hole piece by piece, or in one where the server has no streams.

        Raises Fault.
        """
        if self._options.stream is OipStream.UNARY:
            completion = await self.generate(task, deadline)
            if completion.text:
                await send(completion.text)
            return completion
        return await self._follow(self._body(task), task, deadline, send)

    async def close(self) -> None:
        """Close the connection; running calls end with Fault(CANCELLED)."""
        await self._calls.close()

    def _body(self, task: Task) -> ModelInferRequest:
        self._calls.check_open()
        try:
            body = body_of(task, self._endpoint, self._options)
        except UnicodeEncodeError:
            raise UNSENDABLE.fault(self._endpoint) from None
        # gRPC says nothing of use when the first message of a stream is too large for it.
        if body.ByteSize() > self._max_bytes:
            raise TOO_LARGE_REQUEST.fault(self._endpoint)
        return body

    async def _follow(
        self, body: ModelInferRequest, task: Task, deadline: Deadline, send: SendText | None
    ) -> Completion:
        fill = OipFill(self._options)
        call = self._stream_infer(**self._calls.terms(task, deadline))
        with self._calls.followed(call, task), self._understood():
            await call.write(body)
            await call.done_writing()
            while (read := await call.read()) is not grpc.aio.EOF:
                text = self._feed(fill, self._answer_in(cast("Streamed | None", read)))
                if text and send is not None:
                    await send(text)
        if fill.unended or not fill.parts:
            raise CUT.fault(self._endpoint)
        return fill.completion()

    def _answer_in(self, read: Streamed | None) -> ModelInferResponse | None:
        if not isinstance(read, ModelStreamInferResponse):
            return read
        if read.error_message:
            raise fault_of_answer(self._endpoint, read)
        return read.infer_response

    def _feed(self, fill: OipFill, answer: ModelInferResponse | None) -> str:
        if answer is None:
            raise NONSENSE.fault(self._endpoint)
        text = fill.feed(answer)
        if fill.size > self._max_bytes:
            raise TOO_LARGE_ANSWER.fault(self._endpoint)
        return text

    @contextmanager
    def _understood(self) -> Generator[None]:
        try:
            yield
        except TensorError:
            raise NONSENSE.fault(self._endpoint) from None


def _read(kind: type[Wire], raw: bytes | None) -> Wire | None:
    """Parse an answer; gRPC hands over None for a call that was cancelled as its answer came."""
    return None if raw is None else kind.FromString(raw)
