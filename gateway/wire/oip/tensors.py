"""Texts in BYTES tensors, in both forms that a tensor may have.

The form of contents keeps the elements in the tensor; the raw form keeps those of each tensor in
one field of bytes beside all tensors, an element as its length (4 bytes, little-endian) and itself.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from gateway.wire.oip.inference import ModelInferRequest, ModelInferResponse

TEXT = "BYTES"
DECIMAL = "FP64"

InputTensor = ModelInferRequest.InferInputTensor
OutputTensor = ModelInferResponse.InferOutputTensor
Tensor = InputTensor | OutputTensor

_LENGTH = struct.Struct("<I")


class TensorError(ValueError):
    """A tensor cannot be read: `field` is its path in the message, `words` say what is wrong."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(f"{field}: {words}")
        self.field = field
        self.words = words


def texts_of(tensors: Sequence[Tensor], raws: Sequence[bytes], place: int) -> tuple[str, ...]:
    """Read the texts of the tensor at `place`, row by row.

    `raws` are the raw contents of all tensors, empty where none are used. Raises TensorError for
    another datatype, for elements that do not fit the shape, and for bytes that are no text.
    """
    tensor = tensors[place]
    raw = bool(raws)
    side = "inputs" if isinstance(tensor, InputTensor) else "outputs"
    field = f"{side}[{place}]"
    if tensor.datatype != TEXT:
        raise TensorError(f"{field}.datatype", f"must be {TEXT}, to hold text")
    if raw:
        source = f"raw_{side[:-1]}_contents"
        if len(raws) != len(tensors):
            raise TensorError(source, f"must have one entry for each of `{side}`, or none at all")
        # MLServer leaves an empty one there.
        if tensor.contents.ByteSize():
            raise TensorError(f"{field}.contents", f"must be left out beside {source}")
        field, elements = f"{source}[{place}]", _split(raws[place], f"{source}[{place}]")
    else:
        elements = list(tensor.contents.bytes_contents)
    expected = count_of(tensor.shape, f"{side}[{place}].shape")
    if len(elements) != expected:
        shape = list(tensor.shape)
        raise TensorError(
            field, f"has {len(elements)} elements, but its shape {shape} is of {expected}"
        )
    return tuple(_text(element, field) for element in elements)


def count_of(shape: Iterable[int], field: str) -> int:
    """Return how many elements a shape has; without a dimension it is one. Raises TensorError."""
    count = 1
    for size in shape:
        if size < 0:
            raise TensorError(field, "must have the real size of each dimension, not -1")
        count *= size
    return count


def set_texts(tensor: Tensor, texts: Iterable[str], raws: list[bytes] | None = None) -> None:
    """Write texts into a tensor that has its name and shape; with `raws`, append to these instead.

    Raises UnicodeEncodeError for half a surrogate pair, which no message can carry.
    """
    tensor.datatype = TEXT
    elements = [text.encode() for text in texts]
    if raws is None:
        tensor.contents.bytes_contents.extend(elements)
    else:
        raws.append(b"".join(_LENGTH.pack(len(element)) + element for element in elements))


def set_decimals(
    tensor: OutputTensor, numbers: Sequence[float], raws: list[bytes] | None = None
) -> None:
    """Write numbers like `set_texts` does texts."""
    tensor.datatype = DECIMAL
    if raws is None:
        tensor.contents.fp64_contents.extend(numbers)
    else:
        raws.append(struct.pack(f"<{len(numbers)}d", *numbers))


def _split(raw: bytes, field: str) -> list[bytes]:
    elements: list[bytes] = []
    at = 0
    while at < len(raw):
        start = at + _LENGTH.size
        if start > len(raw):
            raise TensorError(field, "ends within the 4 bytes of an element's length")
        (length,) = _LENGTH.unpack_from(raw, at)
        at = start + length
        if at > len(raw):
            raise TensorError(
                field, f"ends within an element of {length} bytes; lengths are little-endian"
            )
        elements.append(raw[start:at])
    return elements


def _text(element: bytes, field: str) -> str:
    try:
        return element.decode()
    except UnicodeDecodeError:
        raise TensorError(field, "is not valid UTF-8; send text, not arbitrary bytes") from None
