from __future__ import annotations

import struct

import pytest
from ensemble_loadtest.flights import Flight
from ensemble_loadtest.oip import OipCodec, OipStreamCodec
from ensemble_loadtest.prompts import Asking, Prompt
from ensemble_loadtest.protobuf_fields import bytes_field

from gateway.wire.oip.inference import (
    ModelInferRequest,
    ModelInferResponse,
    ModelStreamInferResponse,
)

HOLE = Prompt("def f():\n    \N{SNOWMAN}", "\n")


def text(raw: bytes) -> str:
    assert struct.unpack("<I", raw[:4])[0] == len(raw) - 4
    return raw[4:].decode()


def test_a_request_is_one_that_the_protocols_own_classes_read() -> None:
    asking = Asking(model="m", max_tokens=300, temperature=0.25)
    message = ModelInferRequest.FromString(OipCodec([HOLE], asking).requests()[0])
    assert message.model_name == "m"
    assert [(one.name, one.datatype, list(one.shape)) for one in message.inputs] == [
        ("prompt", "BYTES", [1]), ("suffix", "BYTES", [1]),
    ]  # fmt: skip
    assert [text(raw) for raw in message.raw_input_contents] == [HOLE.prompt, HOLE.suffix]
    assert message.parameters["max_tokens"].int64_param == 300
    assert message.parameters["temperature"].double_param == 0.25


def test_a_suffix_without_a_tensor_is_not_sent() -> None:
    asking = Asking(tensor="text_input", suffix_tensor="")
    message = ModelInferRequest.FromString(OipCodec([HOLE], asking).requests()[0])
    assert [one.name for one in message.inputs] == ["text_input"]
    assert "temperature" not in message.parameters


def answers() -> list[ModelInferResponse]:
    packed, raw = ModelInferResponse(), ModelInferResponse(raw_output_contents=[b"\1\0\0\0x"])
    packed.outputs.add(name="text").contents.bytes_contents.append(b"x")
    raw.outputs.add(name="text", datatype="BYTES")
    return [packed, raw]


@pytest.mark.parametrize("answer", answers())
def test_an_answer_is_one_however_its_text_is_packed(answer: ModelInferResponse) -> None:
    codec, flight = OipCodec([HOLE], Asking()), Flight(0, 0.0)
    assert codec.read(flight, answer.SerializeToString()) is None
    assert codec.finished(flight) == ""
    piece = ModelStreamInferResponse(infer_response=answer)
    assert OipStreamCodec([HOLE], Asking()).read(flight, piece.SerializeToString()) == ""


def test_an_empty_answer_is_none() -> None:
    codec, flight = OipCodec([HOLE], Asking()), Flight(0, 0.0)
    assert codec.read(flight, b"") is None
    assert codec.finished(flight) == "NO_ANSWER"


def test_a_stream_tells_its_errors_and_pieces_without_text() -> None:
    codec, flight = OipStreamCodec([HOLE], Asking()), Flight(0, 0.0)
    broken = ModelStreamInferResponse(error_message="no such model")
    assert codec.read(flight, broken.SerializeToString()) == "STREAM_ERROR"
    empty = ModelStreamInferResponse()
    empty.infer_response.outputs.add(name="text").contents.bytes_contents.append(b"")
    assert codec.read(flight, empty.SerializeToString()) is None
    assert codec.read(flight, bytes_field(2, b"")) is None
