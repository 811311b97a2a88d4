"""A scripted server of the Open Inference Protocol, for `protocol = "oip"`.

It takes the `Script` and keeps the `Witness` of the other fakes, so that a rig connects it like
them, with one of STREAMS as `streams`:

    server = FakeOipServer(Script(), streams=OipStream.TRITON)
    endpoint = Endpoint("fake", protocol=Protocol.OIP, url=server.url, model="tiny")
    options = UpstreamOptions(oip=OipOptions(stream=server.streams), ...)

What differs from the others, because the protocol does: no log-probabilities come back; with
`unary` a streamed answer is one piece; `script.cut` ends a stream of `triton` without its flag,
while in one of `mlserver` nothing says that text is missing. `raw` answers in raw contents;
`on_tensor` says finish reason and usage of the tensor, as MLServer's runtimes may. `ready` and
`model_ready` are what the health RPCs say; None = it has no such RPCs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import grpc

from gateway.upstreams.oip_options import OipStream
from gateway.wire.oip.inference import (
    ModelInferRequest,
    ModelInferResponse,
    ModelReadyRequest,
    ModelReadyResponse,
    ModelStreamInferResponse,
    ServerReadyResponse,
)
from gateway.wire.oip.parameters import FINAL, set_values
from gateway.wire.oip.tensors import set_texts, texts_of
from tests.fakes.model_server import CODES, NOT_A_MESSAGE, FakeModelServer
from tests.fakes.script import Asked, Script, Witness

SERVICE = "inference.GRPCInferenceService"


class FakeOipServer:
    """`in_words`: a failure within a stream of `triton` comes as words, not as a status."""

    def __init__(
        self,
        script: Script,
        *,
        streams: OipStream = OipStream.UNARY,
        raw: bool = False,
        on_tensor: bool = False,
        in_words: bool = False,
        ready: bool | None = None,
    ) -> None:
        self.script = script
        self.witness = Witness()
        self.url = ""
        self.streams = streams
        self.ready = ready
        self.model_ready = True
        self.checked: asyncio.Queue[str] = asyncio.Queue()
        # Awaited before a unary answer, or the first piece of a stream, when set.
        self.hold: Callable[[Asked], Awaitable[object]] | None = None
        self._raw, self._on_tensor, self._in_words = raw, on_tensor, in_words
        self._server = grpc.aio.server()

    async def __aenter__(self) -> FakeOipServer:
        unary = grpc.unary_unary_rpc_method_handler
        handlers = {"ModelInfer": unary(self._infer, ModelInferRequest.FromString, _bytes)}
        if self.streams is not OipStream.UNARY:
            handlers["ModelStreamInfer"] = grpc.stream_stream_rpc_method_handler(
                self._stream, ModelInferRequest.FromString, _bytes
            )
        if self.ready is not None:
            handlers["ServerReady"] = unary(self._server_ready, response_serializer=_bytes)
            handlers["ModelReady"] = unary(self._model_ready, ModelReadyRequest.FromString, _bytes)
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(SERVICE, handlers),)
        )
        self.url = f"grpc://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Go away, with every connection."""
        await self._server.stop(None)

    async def _server_ready(self, _: bytes, context: grpc.aio.ServicerContext) -> object:
        self.checked.put_nowait(dict(context.invocation_metadata()).get("authorization", ""))
        return ServerReadyResponse(ready=self.ready)

    async def _model_ready(
        self, request: ModelReadyRequest, context: grpc.aio.ServicerContext
    ) -> object:
        self.checked.put_nowait(request.name)
        return ModelReadyResponse(ready=self.model_ready)

    async def _infer(self, request: ModelInferRequest, context: grpc.aio.ServicerContext) -> object:
        self._saw(request, context, streamed=False)
        script = self.script
        with self._witnessed():
            if self.hold is not None:
                await self.hold(self.witness.asked[-1])
            if script.hang:
                await asyncio.Event().wait()
            if script.failure:
                await context.abort(CODES[script.failure], script.words)
            return NOT_A_MESSAGE if script.malformed else self._answer(script.text, whole=True)

    async def _stream(
        self, requests: AsyncIterator[ModelInferRequest], context: grpc.aio.ServicerContext
    ) -> None:
        async for request in requests:
            self._saw(request, context, streamed=True)
            with self._witnessed():
                await self._write(context)

    async def _write(self, context: grpc.aio.ServicerContext) -> None:
        script = self.script
        if self.hold is not None:
            await self.hold(self.witness.asked[-1])
        if script.malformed:
            await context.write(NOT_A_MESSAGE)
        for number, piece in enumerate((*script.pieces, None)):
            if script.failure and number == (script.failure_after or 0):
                return await self._fail(context)
            if piece is not None:
                await context.write(self._piece(piece))
        while script.endless:
            await context.write(self._piece(script.pieces[-1]))
        if script.hang:
            await asyncio.Event().wait()
        if not script.cut:
            await context.write(self._piece("", last=True))
        return None

    async def _fail(self, context: grpc.aio.ServicerContext) -> None:
        if not self._in_words:
            await context.abort(CODES[self.script.failure], self.script.words)
        await context.write(ModelStreamInferResponse(error_message=self.script.words))

    def _piece(self, text: str, *, last: bool = False) -> object:
        answer = self._answer(text, whole=last)
        if self.streams is OipStream.MLSERVER:
            return answer
        set_values(answer.parameters, {FINAL: last})
        return ModelStreamInferResponse(infer_response=answer)

    def _answer(self, text: str, *, whole: bool) -> ModelInferResponse:
        script = self.script
        answer = ModelInferResponse(model_name=script.model)
        raws: list[bytes] | None = [] if self._raw else None
        tensor = answer.outputs.add(name="text", shape=[1])
        set_texts(tensor, [text], raws)
        answer.raw_output_contents.extend(raws or ())
        if whole:
            said = {
                "finish_reason": script.finish,
                "prompt_tokens": script.prompt_tokens,
                "completion_tokens": script.completion_tokens,
            }
            set_values((tensor if self._on_tensor else answer).parameters, said)
        return answer

    _witnessed = FakeModelServer._witnessed

    def _saw(
        self,
        request: ModelInferRequest,
        context: grpc.aio.ServicerContext,
        *,
        streamed: bool,
    ) -> None:
        texts = {
            tensor.name: texts_of(request.inputs, request.raw_input_contents, place)[0]
            for place, tensor in enumerate(request.inputs)
        }
        self.witness.saw(
            Asked(
                before=texts.get("prompt", ""),
                after=texts.get("suffix", ""),
                model=request.model_name,
                headers={k: str(v) for k, v in context.invocation_metadata() or ()},
                streamed=streamed,
                body=request,
                time_left_s=context.time_remaining(),
            )
        )


def _bytes(message: object) -> bytes:
    return message if isinstance(message, bytes) else message.SerializeToString()
