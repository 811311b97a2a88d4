"""`python -m tests.load.bench.echo`: a model server that answers with the end of the prompt.

It also serves the gateway's own unary call, so that a caller can reach it with no proxy between.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import uvloop
from ensemble.v1.gateway_service_pb2 import GenerateRequest, GenerateResponse
from ensemble.v1.model_service_pb2 import (
    ModelServiceGenerateRequest,
    ModelServiceGenerateResponse,
    ModelServiceGenerateStreamRequest,
    ModelServiceGenerateStreamResponse,
)

from tests.load.bench.messages import (
    GATEWAY,
    HOLD,
    MODEL,
    answer_to,
    answered,
    chunks_of,
    completed,
)
from tests.load.bench.serving import Context, serve, service


async def complete(
    request: ModelServiceGenerateRequest, _context: Context
) -> ModelServiceGenerateResponse:
    """Answer at once."""
    return completed(answer_to(request.prompt))


async def stream(
    request: ModelServiceGenerateStreamRequest, _context: Context
) -> AsyncIterator[ModelServiceGenerateStreamResponse]:
    """Stream the pieces at once; with `HOLD` tokens asked for, stop after the first one."""
    for piece in chunks_of(answer_to(request.request.prompt)):
        yield ModelServiceGenerateStreamResponse(text=piece)
        if request.request.sampling.max_tokens == HOLD:
            await asyncio.Event().wait()
    yield ModelServiceGenerateStreamResponse(done=completed(""))


async def fill(request: GenerateRequest, _context: Context) -> GenerateResponse:
    """Answer at once, through the gateway's own contract."""
    return answered(completed(answer_to(request.prompt)))


async def main() -> None:
    """Serve until the process is ended."""
    await serve(
        service(
            MODEL,
            (ModelServiceGenerateRequest, complete),
            (ModelServiceGenerateStreamRequest, stream),
        ),
        service(GATEWAY, (GenerateRequest, fill)),
    )


if __name__ == "__main__":
    uvloop.run(main())
