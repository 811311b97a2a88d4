"""The answers of the Open Inference Protocol, whole ones and those of a stream."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.core.candidate import Completion, FinishReason, Usage
from gateway.upstreams.oip_options import OipOptions
from gateway.wire.oip.inference import ModelInferResponse
from gateway.wire.oip.parameters import FINAL, Value, values_of
from gateway.wire.oip.tensors import TEXT, TensorError, texts_of

FINISH: Mapping[Value, FinishReason] = {
    "stop": FinishReason.STOP,
    "eos_token": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
}
MOST_TOKENS = 2**32
"""Token counts leave as unsigned 32 bits."""


class OipFill:
    """One answer as it grows: `feed` it each message; bytes are read elsewhere.

    `parts` counts the messages. `unended` says that the server marks its last message and has not
    sent it: text is missing. `size` is that of the text so far, in characters.
    """

    def __init__(self, options: OipOptions) -> None:
        self._output = options.output
        self._texts: list[str] = []
        self._said: dict[str, Value] = {}
        self._model = ""
        self.parts = 0
        self.size = 0
        self.unended = False

    def feed(self, message: ModelInferResponse) -> str:
        """Take a message and return its text, empty when it has none.

        Raises TensorError for a tensor that is not what was asked for.
        """
        self.parts += 1
        self._model = message.model_name or self._model
        self._said |= values_of(message.parameters)
        self.unended = self._said.get(FINAL) is False
        text = self._text(message)
        if text:
            self._texts.append(text)
            self.size += len(text)
        return text

    def completion(self) -> Completion:
        """Return what was collected. What was said in a form of no use is left out."""
        said = self._said
        return Completion(
            text="".join(self._texts),
            finish_reason=FINISH.get(said.get("finish_reason", ""), FinishReason.UNSPECIFIED),
            model=str(said.get("model") or self._model),
            usage=Usage(
                _count(said.get("prompt_tokens")),
                _count(said.get("completion_tokens")),
            ),
        )

    def _text(self, message: ModelInferResponse) -> str:
        outputs = message.outputs
        if not outputs:
            return ""
        wanted = [
            place
            for place, tensor in enumerate(outputs)
            if (tensor.name == self._output if self._output else tensor.datatype == TEXT)
        ]
        if len(wanted) != 1:
            words = (
                f"must have {self._output!r}" if self._output else f"must have one {TEXT} tensor"
            )
            raise TensorError("outputs", words)
        (place,) = wanted
        texts = texts_of(outputs, message.raw_output_contents, place)
        if len(texts) != 1:
            raise TensorError(f"outputs[{place}]", "must hold one text, as was asked for")
        # Some servers say of the tensor what others say of the whole answer.
        self._said = values_of(outputs[place].parameters) | self._said
        return texts[0]


def _count(value: Value | None) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        return 0
    return value if 0 <= value < MOST_TOKENS else 0
