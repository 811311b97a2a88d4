"""The Open Inference Protocol v2 over gRPC: text in and out as BYTES tensors of shape [1]."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from ensemble_loadtest.flights import Flight
from ensemble_loadtest.prompts import Asking, Prompt
from ensemble_loadtest.protobuf_fields import bytes_field, fields, number_field

SERVICE = "/inference.GRPCInferenceService"
MODEL_NAME, PARAMETERS, INPUTS, RAW_INPUTS = 1, 4, 5, 7
TENSOR_NAME, DATATYPE, SHAPE, CONTENTS = 1, 2, 3, 5
OUTPUTS, RAW_OUTPUTS = 5, 6
BYTES_CONTENTS = 8
KEY, VALUE = 1, 2
INT64_PARAM, DOUBLE_PARAM = 2, 4
STREAM_ERROR, STREAM_ANSWER = 1, 2
DOUBLE = 1


class OipCodec:
    """ModelInfer."""

    path = f"{SERVICE}/ModelInfer"

    def __init__(self, prompts: Sequence[Prompt], asking: Asking) -> None:
        self._messages = [_request(prompt, asking) for prompt in prompts]

    def requests(self) -> list[bytes]:
        """Return the messages, one for each prompt."""
        return self._messages

    def read(self, flight: Flight, message: bytes) -> str | None:
        """Note that there is an answer, which holds no tokens and no cost."""
        flight.pieces += _has_output(message)
        return None

    def finished(self, flight: Flight) -> str:
        """Say that there was no answer."""
        return "" if flight.pieces else "NO_ANSWER"


class OipStreamCodec(OipCodec):
    """ModelStreamInfer, with one request a stream; each response with text is a piece of it."""

    path = f"{SERVICE}/ModelStreamInfer"

    def read(self, flight: Flight, message: bytes) -> str | None:
        """Tell text, or the error that a response holds."""
        del flight
        parts = dict(fields(message))
        if parts.get(STREAM_ERROR):
            return "STREAM_ERROR"
        answer = parts.get(STREAM_ANSWER, b"")
        return "" if isinstance(answer, bytes) and any(_texts(answer)) else None


def _request(prompt: Prompt, asking: Asking) -> bytes:
    parameters = [_parameter("max_tokens", number_field(INT64_PARAM, asking.max_tokens))]
    if asking.temperature is not None:
        packed = bytes((DOUBLE_PARAM << 3 | DOUBLE,)) + struct.pack("<d", asking.temperature)
        parameters.append(_parameter("temperature", packed))
    tensors = [(asking.tensor, prompt.prompt)]
    if prompt.suffix and asking.suffix_tensor:
        tensors.append((asking.suffix_tensor, prompt.suffix))
    return b"".join(
        (
            bytes_field(MODEL_NAME, asking.model),
            *parameters,
            *(bytes_field(INPUTS, _tensor(name)) for name, _ in tensors),
            *(bytes_field(RAW_INPUTS, _raw(text)) for _, text in tensors),
        )
    )


def _parameter(name: str, packed: bytes) -> bytes:
    return bytes_field(PARAMETERS, bytes_field(KEY, name) + bytes_field(VALUE, packed))


def _tensor(name: str) -> bytes:
    return bytes_field(TENSOR_NAME, name) + bytes_field(DATATYPE, "BYTES") + number_field(SHAPE, 1)


def _raw(text: str) -> bytes:
    """Write a tensor of one text: four bytes of length, little end first, before the bytes."""
    raw = text.encode()
    return struct.pack("<I", len(raw)) + raw


def _has_output(answer: bytes) -> bool:
    return any(number in {OUTPUTS, RAW_OUTPUTS} for number, _ in fields(answer))


def _texts(answer: bytes) -> Iterator[bytes]:
    """Yield the texts of the output tensors, however they are packed."""
    for number, part in fields(answer):
        if not isinstance(part, bytes):
            continue
        if number == RAW_OUTPUTS:
            yield part[4:]
        elif number == OUTPUTS:
            contents = dict(fields(part)).get(CONTENTS)
            if isinstance(contents, bytes):
                yield from (
                    text
                    for kind, text in fields(contents)
                    if kind == BYTES_CONTENTS and isinstance(text, bytes)
                )
