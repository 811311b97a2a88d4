"""Texts in tensors: both forms bring back what went in, and broken ones say what is broken."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.oip.inference import ModelInferRequest, ModelInferResponse
from gateway.wire.oip.tensors import TensorError, count_of, set_decimals, set_texts, texts_of

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]))
TEXTS = st.lists(TEXT, max_size=6)


def asked(*tensors: tuple[str, ...], raw: bool = False) -> ModelInferRequest:
    request = ModelInferRequest()
    raws: list[bytes] | None = [] if raw else None
    for number, texts in enumerate(tensors):
        set_texts(request.inputs.add(name=f"t{number}", shape=[len(texts)]), texts, raws)
    request.raw_input_contents.extend(raws or ())
    return request


def read(request: ModelInferRequest, place: int = 0) -> tuple[str, ...]:
    copy = ModelInferRequest.FromString(request.SerializeToString())
    return texts_of(copy.inputs, copy.raw_input_contents, place)


@given(first=TEXTS, second=TEXTS, raw=st.booleans())
def test_any_texts_survive_either_form(first: list[str], second: list[str], raw: bool) -> None:
    request = asked(tuple(first), (*second, "x"), raw=raw)
    assert read(request, 0) == tuple(first)
    assert read(request, 1) == (*second, "x")


@given(junk=st.binary(max_size=40))
def test_raw_bytes_are_texts_or_refused_by_name(junk: bytes) -> None:
    request = asked(("x",), raw=True)
    request.raw_input_contents[0] = junk
    try:
        (text,) = read(request)
    except TensorError as error:
        assert error.field == "raw_input_contents[0]"
    else:
        assert struct.pack("<I", len(text.encode())) + text.encode() == junk


RAW = {
    b"\x01\x00": "ends within the 4 bytes",
    b"\x05\x00\x00\x00abc": "ends within an element of 5 bytes",
    b"\x00\x00\x00\x03abc": "little-endian",
    b"\x01\x00\x00\x00\xff": "not valid UTF-8",
    b"": "has 0 elements, but its shape [1] is of 1",
    b"\x00\x00\x00\x00\x00\x00\x00\x00": "has 2 elements",
}


@pytest.mark.parametrize("raw", RAW, ids=[row[0].hex() for row in RAW.items()])
def test_broken_raw_contents_say_how(raw: bytes) -> None:
    request = asked(("x",), raw=True)
    request.raw_input_contents[0] = raw
    with pytest.raises(TensorError) as caught:
        read(request)
    assert RAW[raw] in caught.value.words


def test_raw_contents_are_all_or_none() -> None:
    request = asked(("x",), ("y",), raw=True)
    del request.raw_input_contents[1]
    with pytest.raises(TensorError, match="one entry for each of `inputs`"):
        read(request)
    both = asked(("x",), raw=True)
    both.inputs[0].contents.bytes_contents.append(b"x")
    with pytest.raises(TensorError, match=r"inputs\[0\]\.contents: must be left out"):
        read(both)


def test_empty_contents_may_stand_beside_raw_ones() -> None:
    """MLServer 1.7.1 answers so."""
    request = asked(("x",), raw=True)
    request.inputs[0].contents.SetInParent()
    assert read(request) == ("x",)


def test_only_text_is_read() -> None:
    request = asked(("x",))
    request.inputs[0].datatype = "INT64"
    with pytest.raises(TensorError, match="must be BYTES"):
        read(request)


@pytest.mark.parametrize(("shape", "count"), [((), 1), ((3,), 3), ((2, 3), 6), ((4, 0), 0)])
def test_a_shape_counts_its_elements(shape: tuple[int, ...], count: int) -> None:
    assert count_of(shape, "s") == count


def test_an_open_dimension_has_no_count() -> None:
    with pytest.raises(TensorError, match="real size"):
        count_of((-1,), "inputs[0].shape")


@pytest.mark.parametrize("raw", [False, True])
def test_numbers_go_in_their_own_form(raw: bool) -> None:
    answer = ModelInferResponse()
    raws: list[bytes] | None = [] if raw else None
    tensor = answer.outputs.add(name="confidence", shape=[2])
    set_decimals(tensor, [0.5, 1.0], raws)
    assert tensor.datatype == "FP64"
    if raws is None:
        assert list(tensor.contents.fp64_contents) == [0.5, 1.0]
    else:
        assert struct.unpack("<2d", raws[0]) == (0.5, 1.0)


def test_half_a_surrogate_pair_cannot_be_sent() -> None:
    with pytest.raises(UnicodeEncodeError):
        asked(("\ud800",))
