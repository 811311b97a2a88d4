"""What is sent and what must come back: about 1 KB of code in, 200 characters of it out."""

from __future__ import annotations

from itertools import pairwise

from ensemble.v1 import gateway_service_pb2 as gateway
from ensemble.v1 import hole_pb2, result_pb2
from ensemble.v1.model_service_pb2 import (
    ModelServiceGenerateRequest,
    ModelServiceGenerateResponse,
    ModelServiceGenerateStreamResponse,
)

VARIANTS = 64
PROMPT_CHARS = 1024
ANSWER_CHARS = 200
CHUNKS = 64
HOLD = 1_000_000  # a `max_tokens` that asks the echo to keep the stream open after one chunk

GATEWAY = "ensemble.v1.GatewayService"
MODEL = "ensemble.v1.ModelService"
GENERATE = f"/{GATEWAY}/Generate"
GENERATE_STREAM = f"/{GATEWAY}/GenerateStream"


def prompt(number: int) -> str:
    """Return the prompt of one variant; its last 200 characters differ from all others'."""
    body = "".join(f"def step_{line}(value):\n    return value + {line}\n" for line in range(40))
    return f"{body[: PROMPT_CHARS - ANSWER_CHARS]}{f'# variant {number:05}. ' * 12}"[:PROMPT_CHARS]


def answer_to(text: str) -> str:
    """Return what the echo answers to a prompt."""
    return text[-ANSWER_CHARS:]


def request(number: int, max_tokens: int = CHUNKS) -> gateway.GenerateRequest:
    """Return the request of one variant."""
    return gateway.GenerateRequest(
        prompt=prompt(number),
        hole=hole_pb2.HoleSpec(hole_id=number, kind=hole_pb2.HOLE_KIND_BLOCK),
        sampling=hole_pb2.Sampling(max_tokens=max_tokens, temperature=0.2),
    )


def forwarded(message: gateway.GenerateRequest) -> ModelServiceGenerateRequest:
    """Return what a proxy without any policy asks the model server."""
    return ModelServiceGenerateRequest(
        prompt=message.prompt, suffix=message.suffix, sampling=message.sampling
    )


def completed(text: str) -> ModelServiceGenerateResponse:
    """Return a model server's answer."""
    return ModelServiceGenerateResponse(
        text=text,
        finish_reason=result_pb2.FINISH_REASON_STOP,
        model="echo",
        usage=result_pb2.Usage(prompt_tokens=PROMPT_CHARS // 4, completion_tokens=CHUNKS),
    )


def answered(response: ModelServiceGenerateResponse) -> gateway.GenerateResponse:
    """Return what a proxy without any policy answers."""
    return gateway.GenerateResponse(
        text=response.text,
        finish_reason=response.finish_reason,
        model=response.model,
        usage=response.usage,
    )


def chunks_of(text: str) -> list[str]:
    """Cut an answer into `CHUNKS` pieces."""
    cuts = [len(text) * number // CHUNKS for number in range(CHUNKS + 1)]
    return [text[start:end] for start, end in pairwise(cuts)]


def passed_on(
    sequence: int, piece: ModelServiceGenerateStreamResponse
) -> gateway.GenerateStreamResponse:
    """Return what a proxy without any policy streams."""
    if piece.HasField("done"):
        return gateway.GenerateStreamResponse(sequence=sequence, done=answered(piece.done))
    return gateway.GenerateStreamResponse(
        sequence=sequence, delta=gateway.StreamDelta(text=piece.text)
    )
