"""The request of the Open Inference Protocol: texts in tensors, sampling in parameters."""

from __future__ import annotations

from gateway.core.endpoint import Endpoint
from gateway.core.hole import Sampling
from gateway.core.ports import Operation, Task
from gateway.upstreams.errors import UNSUPPORTED
from gateway.upstreams.oip_options import OipDecimals, OipOptions, OipStream
from gateway.wire.oip.inference import ModelInferRequest
from gateway.wire.oip.parameters import EMPTY_FINAL, Value, set_values, stops_to_text
from gateway.wire.oip.tensors import set_texts


def body_of(task: Task, endpoint: Endpoint, options: OipOptions) -> ModelInferRequest:
    """Build the request. Only what is set is sent.

    The protocol has no place for instructions: a repair is a fill like the first one, drawn by
    another endpoint or with another seed, and a critique raises Fault. Raises UnicodeEncodeError
    for text that no message can carry.
    """
    if task.operation is Operation.CRITIQUE:
        raise UNSUPPORTED.fault(endpoint)
    request = task.request
    body = ModelInferRequest(
        model_name=endpoint.model, model_version=options.version, id=request.request_id
    )
    texts = {options.prompt: request.hole.prompt + task.partial}
    if request.hole.suffix and options.suffix:
        texts[options.suffix] = request.hole.suffix
    raws: list[bytes] | None = [] if options.raw else None
    for name, text in texts.items():
        set_texts(body.inputs.add(name=name, shape=(1,)), (text,), raws)
    body.raw_input_contents.extend(raws or ())
    values = _sampling(task.sampling)
    if options.stream is OipStream.TRITON:
        values[EMPTY_FINAL] = True
    set_values(body.parameters, values, decimals=options.decimals is OipDecimals.DOUBLE)
    return body


def _sampling(sampling: Sampling) -> dict[str, Value | None]:
    return {
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        # Signed 64 bits in the form that every server knows, unsigned here.
        "seed": None if sampling.seed is None else sampling.seed % 2**63,
        "stop": stops_to_text(sampling.stop),
    }
