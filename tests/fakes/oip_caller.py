"""Calls the gateway with the messages of the Open Inference Protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from gateway.wire.oip import inference as oip
from gateway.wire.oip.parameters import set_values
from gateway.wire.oip.tensors import set_texts, texts_of
from tests.fakes.served import TIMEOUT_S, Served


def asked(
    *prompts: str,
    model: str = "auto",
    suffixes: tuple[str, ...] = (),
    raw: bool = False,
    outputs: tuple[str, ...] = (),
    shape: tuple[int, ...] = (),
    key: str = "",
    **values: Any,
) -> Any:
    request = oip.ModelInferRequest(model_name=model, id=key)
    raws: list[bytes] | None = [] if raw else None
    for name, texts in (("prompt", prompts), ("suffix", suffixes)):
        if texts:
            set_texts(request.inputs.add(name=name, shape=shape or [len(texts)]), texts, raws)
    request.raw_input_contents.extend(raws or ())
    for name in outputs:
        request.outputs.add(name=name)
    set_values(request.parameters, values)
    return request


def text_of(answer: Any, name: str = "text") -> tuple[str, ...]:
    (place,) = [place for place, one in enumerate(answer.outputs) if one.name == name]
    return texts_of(answer.outputs, answer.raw_output_contents, place)


class Caller:
    """Calls a gateway with the protocol's own messages."""

    def __init__(self, served: Served) -> None:
        self._channel = served.door.channel

    def unary(self, method: str, request: Any, **more: Any) -> Any:
        name = f"/inference.GRPCInferenceService/{method}"
        answer = getattr(oip, f"{method}Response").FromString
        call = self._channel.unary_unary(name, _bytes, answer)
        return call(request, **{"timeout": TIMEOUT_S, **more})

    def infer(self, request: Any, **more: Any) -> Any:
        return self.unary("ModelInfer", request, **more)

    def stream(self, *requests: Any, **more: Any) -> Any:
        async def sent() -> AsyncIterator[Any]:
            for request in requests:
                yield request

        call = self._channel.stream_stream(
            "/inference.GRPCInferenceService/ModelStreamInfer",
            _bytes,
            oip.ModelStreamInferResponse.FromString,
        )
        return call(sent(), **{"timeout": TIMEOUT_S, **more})

    async def answers(self, *requests: Any, **more: Any) -> list[Any]:
        return [answer async for answer in self.stream(*requests, **more)]


def _bytes(message: Any) -> bytes:
    return message if isinstance(message, bytes) else message.SerializeToString()
