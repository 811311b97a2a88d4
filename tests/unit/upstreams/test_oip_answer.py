"""Answers of servers that keep to the protocol more or less."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.core.candidate import FinishReason, Usage
from gateway.upstreams.oip_answer import OipFill
from gateway.upstreams.oip_options import OipOptions
from gateway.wire.oip.inference import ModelInferResponse
from gateway.wire.oip.parameters import set_values
from gateway.wire.oip.tensors import TensorError, set_texts


def answer(*texts: str, name: str = "text", **said: Any) -> ModelInferResponse:
    response = ModelInferResponse(model_name="m")
    if texts:
        set_texts(response.outputs.add(name=name, shape=[len(texts)]), texts)
    set_values(response.parameters, said)
    return response


def test_what_is_said_of_the_tensor_counts_where_the_answer_says_nothing() -> None:
    fill = OipFill(OipOptions())
    response = answer("x", finish_reason="eos_token")
    set_values(response.outputs[0].parameters, {"finish_reason": "length", "prompt_tokens": 3})
    assert fill.feed(response) == "x"
    completion = fill.completion()
    assert completion.finish_reason is FinishReason.STOP
    assert completion.usage == Usage(3, 0)
    assert completion.model == "m"


@pytest.mark.parametrize("count", [True, -1, 2**32, "3", 1.5])
def test_a_count_of_no_use_is_no_count(count: Any) -> None:
    fill = OipFill(OipOptions())
    fill.feed(answer("x", prompt_tokens=count, finish_reason=count, model="tiny"))
    completion = fill.completion()
    assert completion.usage == Usage(0, 0)
    assert completion.finish_reason is FinishReason.UNSPECIFIED
    assert completion.model == "tiny"


def test_the_named_output_is_read_among_others() -> None:
    response = answer("x", name="log")
    set_texts(response.outputs.add(name="text_output", shape=[1]), ["y"])
    assert OipFill(OipOptions(output="text_output")).feed(response) == "y"
    with pytest.raises(TensorError, match="must have one BYTES tensor"):
        OipFill(OipOptions()).feed(response)


def test_one_text_was_asked_for() -> None:
    with pytest.raises(TensorError, match="must hold one text"):
        OipFill(OipOptions()).feed(answer("x", "y"))


def test_an_answer_without_outputs_has_no_text() -> None:
    fill = OipFill(OipOptions())
    assert fill.feed(answer(triton_final_response=False)) == ""
    assert fill.unended
    assert fill.feed(answer(triton_final_response=True)) == ""
    assert not fill.unended
    assert (fill.parts, fill.size) == (2, 0)
