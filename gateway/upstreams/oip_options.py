"""How a server of the Open Inference Protocol wants its text: every model names its own tensors."""

from __future__ import annotations

from enum import StrEnum

from gateway.core.value import value


class OipStream(StrEnum):
    """How a server streams. The protocol has no word of it, and two forms are in use.

    `unary`: it does not, and a streamed answer is one piece. `triton`: ModelStreamInfer whose
    answers are ModelStreamInferResponse, for unary calls too, because a model that streams refuses
    ModelInfer there. `mlserver`: ModelStreamInfer whose answers are ModelInferResponse.
    """

    UNARY = "unary"
    TRITON = "triton"
    MLSERVER = "mlserver"


class OipDecimals(StrEnum):
    """In which form of a parameter numbers such as a temperature go out.

    The first definitions of the protocol have no form for them: servers that keep to those, like
    MLServer, read `double` as nothing.
    """

    DOUBLE = "double"
    STRING = "string"


@value
class OipOptions:
    """The tensors of one model. `suffix` is sent only for a hole with text after it.

    An empty `suffix` is never sent; an empty `output` is the only text that comes back. `version`
    is the model's, empty for the server's choice. `raw` sends texts in `raw_input_contents`.
    """

    prompt: str = "prompt"
    suffix: str = "suffix"
    output: str = ""
    version: str = ""
    stream: OipStream = OipStream.UNARY
    decimals: OipDecimals = OipDecimals.DOUBLE
    raw: bool = False
