"""What an adapter needs to know beyond the endpoint itself."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from gateway.core.value import value


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
    log-probabilities; off by default, because servers without them refuse the whole request.

    Raises ValueError, which never shows the secret, for a token that no header can carry.
    """

    secret: str | None = field(default=None, repr=False)
    openai_mode: OpenAiMode = OpenAiMode.CHAT
    dialect: Dialect = Dialect.OPENAI
    logprobs: bool = False
    max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES

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
