"""The native protocol: `ensemble.v1.ModelService` over gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol, cast

import grpc
from ensemble.v1 import hole_pb2
from ensemble.v1.model_service_pb2 import (
    ModelServiceGenerateRequest,
    ModelServiceGenerateResponse,
    ModelServiceGenerateStreamRequest,
    ModelServiceGenerateStreamResponse,
)
from ensemble.v1.model_service_pb2_grpc import ModelServiceStub

from gateway.core.candidate import Completion, Usage
from gateway.core.constraint import Constraint
from gateway.core.deadline import Deadline
from gateway.core.endpoint import Endpoint
from gateway.core.hole import Hole
from gateway.core.ports import Clock, Operation, SendText, Task
from gateway.upstreams.channels import open_channel
from gateway.upstreams.errors import (
    CLOSING,
    CUT,
    NO_CONNECTION,
    NONSENSE,
    TOO_LARGE_ANSWER,
    UNSENDABLE,
    finite,
    time_left,
)
from gateway.upstreams.errors_grpc import fault_of_status
from gateway.upstreams.headers import outgoing
from gateway.upstreams.options import UpstreamOptions
from gateway.wire.draft import draft_to_wire
from gateway.wire.enums import OPERATION
from gateway.wire.hole import constraint_to_wire, sampling_to_wire, spec_to_wire
from gateway.wire.result import finish_from_wire

LEFT = "no longer wanted"
DISCONNECTED = grpc.ChannelConnectivity.TRANSIENT_FAILURE


class _Cancellable(Protocol):
    def cancel(self) -> bool: ...


class _Rpc(Protocol):
    def cancel(self, details: str, /) -> None: ...


GENERATE = "/ensemble.v1.ModelService/Generate"


class NativeUpstream:
    """A connection to one ModelService. Make it inside the event loop that uses it."""

    def __init__(self, endpoint: Endpoint, options: UpstreamOptions, clock: Clock) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._authorization = options.authorization
        self._max_bytes = options.max_message_bytes
        self._channel = open_channel(endpoint.url, options.max_message_bytes)
        stub = ModelServiceStub(self._channel)
        self._generate = self._channel.unary_unary(
            GENERATE, ModelServiceGenerateRequest.SerializeToString, _read
        )
        self._generate_stream = stub.GenerateStream
        # Closing a channel leaves streams running whose reader is busy elsewhere.
        self._running: set[_Cancellable] = set()
        self._closed = False

    async def generate(self, task: Task, deadline: Deadline) -> Completion:
        """Complete the task's hole. Raises Fault."""
        request = self._request_of(task)
        call = self._generate(
            request,
            # gRPC forwards no deadline of its own accord.
            timeout=time_left(self._endpoint, deadline, self._clock),
            metadata=outgoing(task.request, self._authorization, task.tries_before),
            wait_for_ready=False,
        )
        running, ended = self._running, asyncio.get_running_loop().create_future()

        def end(_: object) -> None:
            running.discard(call)
            if not ended.done():
                ended.set_result(None)

        running.add(call)
        call.add_done_callback(end)
        try:
            await ended
            # None when the message could not be parsed.
            answer = await call
        except grpc.aio.AioRpcError as error:
            # `from None`: the endpoint's words stay out of every traceback.
            raise fault_of_status(self._endpoint, error, task.operation) from None
        except asyncio.CancelledError:
            _end_rpc(call)
            self._refuse_when_closing()
            raise
        if answer is None:
            raise NONSENSE.fault(self._endpoint)
        return _completion(answer.text, answer, tuple(answer.token_logprobs))

    async def stream(self, task: Task, deadline: Deadline, send: SendText) -> Completion:
        """Complete the task's hole piece by piece. Raises Fault."""
        request = ModelServiceGenerateStreamRequest(request=self._request_of(task))
        with self._mapped(task.operation):
            call = self._generate_stream(
                request,
                timeout=time_left(self._endpoint, deadline, self._clock),
                metadata=outgoing(task.request, self._authorization, task.tries_before),
                wait_for_ready=False,
            )
            self._running.add(call)
            try:
                return await self._follow(call, send)
            finally:
                # gRPC does not end a stream whose reader is gone: the server would go on writing.
                call.cancel()
                self._running.discard(call)

    async def close(self) -> None:
        """Close the connection; running calls end with Fault(CANCELLED)."""
        self._closed = True
        for call in tuple(self._running):
            call.cancel()
        await self._channel.close()

    async def _follow(
        self,
        call: grpc.aio.UnaryStreamCall[
            ModelServiceGenerateStreamRequest, ModelServiceGenerateStreamResponse
        ],
        send: SendText,
    ) -> Completion:
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
        if self._closed:
            raise CLOSING.fault(self._endpoint)
        # gRPC would fail such a call at once, at the price of a call; it goes on connecting in the
        # background, with its own backoff, whether or not there are calls.
        if self._channel.get_state() is DISCONNECTED:
            raise NO_CONNECTION.fault(self._endpoint)
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

    @contextmanager
    def _mapped(self, operation: Operation) -> Generator[None]:
        try:
            yield
        except grpc.aio.AioRpcError as error:
            # `from None`: the endpoint's words stay out of every traceback.
            raise fault_of_status(self._endpoint, error, operation) from None
        except asyncio.CancelledError:
            self._refuse_when_closing()
            raise

    def _refuse_when_closing(self) -> None:
        """Tell a call that `close` ended from one whose caller left."""
        if self._closed and not _being_cancelled():
            raise CLOSING.fault(self._endpoint) from None


def _read(raw: bytes | None) -> ModelServiceGenerateResponse | None:
    """Parse an answer; gRPC hands over None for a call that was cancelled as its answer came.

    Parsing that would only log an error of ours about a text that nobody waits for any more.
    """
    return None if raw is None else ModelServiceGenerateResponse.FromString(raw)


def _end_rpc(call: _Cancellable) -> None:
    """Cancel a unary RPC, but not the task inside the call.

    That one frees the RPC's buffers when it ends by itself; `cancel` ends it before, and so does
    cancelling whoever awaits the call: a kilobyte is lost each time.
    """
    rpc = cast("_Rpc | None", vars(call).get("_cython_call"))
    if rpc is None:
        call.cancel()
    else:
        rpc.cancel(LEFT)


def _being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


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
