"""What the server asks of an engine. Unary and streamed calls take the same way."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

import grpc

from gateway.core.candidate import NO_USAGE, FinishReason, Usage
from gateway.core.constraint import Constraint
from gateway.core.hole import NO_SAMPLING, Sampling
from gateway.core.ports import Draft, Operation

NO_DRAFT = Draft("")


@dataclass(frozen=True, slots=True)
class Query:
    """What a caller wants completed. `candidate` is 0-based.

    `draft` is what to criticise or to repair, when that is the operation.
    """

    prompt: str
    suffix: str = ""
    sampling: Sampling = NO_SAMPLING
    constraints: tuple[Constraint, ...] = ()
    language: str = ""
    candidate: int = 0
    operation: Operation = Operation.GENERATE
    draft: Draft = NO_DRAFT


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text with the natural log-probability of each of its tokens, where known."""

    text: str
    logprobs: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class End:
    """The last thing an engine says: why it ended, and the tokens read and written."""

    finish: FinishReason
    usage: Usage = NO_USAGE


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is told about a model; `max_context_tokens` is 0 when there is no limit."""

    revision: str
    max_context_tokens: int = 0
    fills_suffix: bool = True


class Refusal(Exception):
    """An engine's answer that is no completion. The message never quotes the prompt."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Engine(Protocol):
    """Completes prompts."""

    @property
    def card(self) -> ModelCard:
        """What is told about the model."""
        ...

    def complete(self, query: Query) -> AsyncGenerator[Piece | End]:
        """Write the completion, or the critique, piece by piece, then an End.

        Without an End the completion was cut off. Raises Refusal, with UNIMPLEMENTED for an
        operation that the engine does not offer. The iterator gives way to other tasks every few
        tokens, so that cancelling its task stops the work.
        """
        ...
