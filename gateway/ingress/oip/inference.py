"""What one ModelInferRequest asks for, and the names of the tensors that go in and out."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.core.hole import Request
from gateway.core.value import value
from gateway.wire.oip.tensors import DECIMAL
from gateway.wire.oip.tensors import TEXT as BYTES

VERSION = "1"
"""The one version of everything that can be asked for."""

PROMPT, SUFFIX = "prompt", "suffix"

TEXT = "text"
OUTPUTS: Mapping[str, str] = {
    TEXT: BYTES,
    "endpoint": BYTES,
    "model": BYTES,
    "finish_reason": BYTES,
    "request_id": BYTES,
    "confidence": DECIMAL,
}
"""Every output by its datatype; `text` alone is sent when none are named."""


@value
class Inference:
    """One request for each element of the prompt's tensor.

    `shape` is that tensor's; `outputs` are the names wanted back; `raw` says that the caller sent
    raw contents, and gets them. `timeout_s` is None when the caller named none.
    """

    model: str
    id: str
    shape: tuple[int, ...]
    outputs: tuple[str, ...]
    raw: bool
    requests: tuple[Request, ...]
    timeout_s: float | None = None
    trace: bool = False
