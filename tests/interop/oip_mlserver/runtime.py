"""A runtime for MLServer that writes text without a model; copied beside its settings."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from mlserver import MLModel
from mlserver.codecs import StringCodec
from mlserver.types import InferenceRequest, InferenceResponse, Parameters


class TextModel(MLModel):
    """Answers with a text that tells what came; `FAIL` fails, `SLOW` takes long in a stream."""

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        return self._answer("".join(self._pieces(payload)), last=True)

    async def predict_stream(
        self, payloads: AsyncIterator[InferenceRequest]
    ) -> AsyncIterator[InferenceResponse]:
        async for payload in payloads:
            pieces = self._pieces(payload)
            for place, piece in enumerate(pieces):
                yield self._answer(piece, last=place == len(pieces) - 1)
                if self._texts(payload)["prompt"] == "SLOW":
                    await asyncio.sleep(30)

    def _texts(self, payload: InferenceRequest) -> dict[str, str]:
        return {one.name: StringCodec.decode_input(one)[0] for one in payload.inputs}

    def _pieces(self, payload: InferenceRequest) -> list[str]:
        texts = self._texts(payload)
        if texts["prompt"] == "FAIL":
            raise RuntimeError("a secret of the runtime")
        said = payload.parameters.model_dump() if payload.parameters else {}
        shown = " ".join(
            f"{name}={value if isinstance(value, str) else json.dumps(value)}"
            for name, value in sorted(said.items())
            if name != "headers"
        )
        return ["return ", "a + b", f"  # suffix={len(texts.get('suffix', ''))} {shown}"]

    def _answer(self, text: str, *, last: bool) -> InferenceResponse:
        output = StringCodec.encode_output("text", [text])
        said = {"finish_reason": "stop", "prompt_tokens": 4, "completion_tokens": 5} if last else {}
        return InferenceResponse(
            model_name=self.name, outputs=[output], parameters=Parameters(**said)
        )
