"""A ModelInferRequest as the requests that it stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ensemble.v1 import gateway_service_pb2 as pb

from gateway.core.faults import Fault, invalid
from gateway.core.hole import Priority, Request
from gateway.core.value import value
from gateway.ingress.messages import Reader, check
from gateway.ingress.oip.inference import OUTPUTS, PROMPT, SUFFIX, VERSION, Inference
from gateway.ingress.oip.parameters import apply, renamed
from gateway.wire.oip.inference import ModelInferRequest
from gateway.wire.oip.parameters import values_of
from gateway.wire.oip.tensors import TEXT, TensorError, texts_of
from gateway.wire.request import request_from_wire

MOST_ELEMENTS = 1024

_read = Reader(ModelInferRequest, ours=False)
_blank = Reader(pb.GenerateRequest)

Select = Callable[[Request, str], Request]
"""Narrows a request to what the caller calls a model. Raises Fault."""


@value
class Caller:
    """Who asks, and by which id; `select` looks up what a model stands for."""

    request_id: str
    tenant: str
    trace_context: tuple[tuple[str, str], ...]
    select: Select


def parse(raw: bytes) -> ModelInferRequest:
    """Read a message. Raises Fault when the bytes are none."""
    return _read.parse(raw)


def inference_of(wire: ModelInferRequest, caller: Caller, most: int = MOST_ELEMENTS) -> Inference:
    """Read and check what is asked for, of at most so many texts.

    Raises Fault naming the field at fault.
    """
    if wire.model_version not in {"", VERSION}:
        raise invalid("model_version", f"must be {VERSION!r} or left out; there is no other")
    message = _blank.parse(b"")
    timeout_s = apply(message, values_of(wire.parameters))
    prompts, suffixes, shape = _texts(wire, most)
    return Inference(
        wire.model_name,
        wire.id,
        shape,
        tuple(_outputs(wire)),
        bool(wire.raw_input_contents),
        tuple(_requests(message, prompts, suffixes, wire.model_name, caller)),
        timeout_s,
        message.trace,
    )


def _requests(
    message: pb.GenerateRequest,
    prompts: tuple[str, ...],
    suffixes: tuple[str, ...],
    model: str,
    caller: Caller,
) -> Iterator[Request]:
    several = len(prompts) > 1
    for place, prompt in enumerate(prompts):
        message.prompt = prompt
        message.suffix = suffixes[place] if suffixes else ""
        try:
            check(message)
            request = request_from_wire(
                message,
                request_id=f"{caller.request_id}-{place}" if several else caller.request_id,
                trace_context=caller.trace_context,
                tenant=caller.tenant,
                priority=Priority.BATCH if several else Priority.STANDARD,
            )
        except Fault as fault:
            raise renamed(fault) from None
        yield caller.select(request, model)


def _texts(
    wire: ModelInferRequest, most: int
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[int, ...]]:
    """Read the prompts, the suffixes (or none) and the shape of both."""
    inputs, raws = wire.inputs, wire.raw_input_contents
    place = _prompt(wire)
    others = {number: tensor.name for number, tensor in enumerate(inputs) if number != place}
    strange = [number for number, name in others.items() if name != SUFFIX]
    if strange or len(others) > 1:
        number = strange[0] if strange else max(others)
        raise invalid(
            f"inputs[{number}].name", f"must be {PROMPT!r} or {SUFFIX!r}, each once at most"
        )
    try:
        prompts = texts_of(inputs, raws, place)
        suffixes = tuple(text for number in others for text in texts_of(inputs, raws, number))
    except TensorError as error:
        raise invalid(error.field, error.words) from None
    if not 1 <= len(prompts) <= most:
        wanted = (
            "one element; on a stream send more requests" if most == 1 else f"1 to {most} elements"
        )
        raise invalid(f"inputs[{place}].shape", f"must be of {wanted}")
    if others and len(suffixes) != len(prompts):
        raise invalid(f"inputs[{max(others)}].shape", f"must be of as many elements as {PROMPT!r}")
    return prompts, suffixes, tuple(inputs[place].shape)


def _prompt(wire: ModelInferRequest) -> int:
    """Find the tensor with the prompt: the one of that name, or the only text."""
    names = [tensor.name for tensor in wire.inputs]
    if PROMPT in names:
        return names.index(PROMPT)
    texts = [
        place
        for place, tensor in enumerate(wire.inputs)
        if tensor.datatype == TEXT and tensor.name != SUFFIX
    ]
    if len(texts) != 1:
        raise invalid("inputs", f"must have a tensor {PROMPT!r} of datatype {TEXT}, shape [1]")
    return texts[0]


def _outputs(wire: ModelInferRequest) -> Iterator[str]:
    for place, output in enumerate(wire.outputs):
        if output.name not in OUTPUTS:
            known = ", ".join(OUTPUTS)
            raise invalid(f"outputs[{place}].name", f"is no output here; known are {known}")
        yield output.name
