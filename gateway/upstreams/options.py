"""What an adapter needs to know beyond the endpoint itself."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from gateway.core.endpoint import Transport
from gateway.core.value import value
from gateway.upstreams.oip_options import OipOptions
from gateway.upstreams.openai_fim import FimTemplate


class OpenAiMode(StrEnum):
    """Which of the two OpenAI-compatible calls an endpoint is asked through."""

    CHAT = "chat"
    COMPLETIONS = "completions"


class Dialect(StrEnum):
    """Which extra fields an OpenAI-compatible server understands.

    `vllm` sends `guided_*`, which vLLM knew until 0.11; `vllm_structured` sends
    `structured_outputs`, the only form that vLLM knows since 0.12.
    """

    OPENAI = "openai"
    LLAMACPP = "llamacpp"
    VLLM = "vllm"
    VLLM_STRUCTURED = "vllm_structured"


DEFAULT_MAX_MESSAGE_BYTES = 16 * 1024 * 1024


@value
class UpstreamOptions:
    """How to speak to one endpoint.

    `secret`: bearer token, sent with every call. `max_message_bytes`: most bytes of one request,
    of one answer and of the text of one stream. `logprobs`: ask an OpenAI-compatible server for
    log-probabilities of every request; off by default, because servers without them refuse the
    whole request. `fim`: how completions are told of the text after a hole, None by `suffix`.
    `oip`: the tensors of a model behind the Open Inference Protocol. `transport`: what
    carries gRPC.

    Raises ValueError, which never shows the secret, for a token that no header can carry.
    """

    secret: str | None = field(default=None, repr=False)
    openai_mode: OpenAiMode = OpenAiMode.CHAT
    dialect: Dialect = Dialect.OPENAI
    logprobs: bool = False
    max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES
    oip: OipOptions = OipOptions()
    fim: FimTemplate | None = None
    transport: Transport = Transport.GRPCIO

    def __post_init__(self) -> None:
        secret = self.secret
        if secret is not None and not (
            secret and secret.isascii() and secret.isprintable() and " " not in secret
        ):
            raise ValueError("the secret must be printable ASCII without spaces, and not empty")

    @property
    def authorization(self) -> str | None:
        """Value of the `authorization` header, if there is a secret."""
        return None if self.secret is None else f"Bearer {self.secret}"
