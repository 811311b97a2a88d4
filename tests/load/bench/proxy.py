"""`python -m tests.load.bench.proxy UPSTREAM [--uvloop]`: the naive proxy, our yardstick.

It forwards a call and its answer; it decides nothing, counts nothing and guards nothing.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import uvloop
from ensemble.v1.gateway_service_pb2 import (
    GenerateRequest,
    GenerateResponse,
    GenerateStreamRequest,
    GenerateStreamResponse,
)
from ensemble.v1.model_service_pb2 import ModelServiceGenerateStreamRequest
from ensemble.v1.model_service_pb2_grpc import ModelServiceStub
from grpc import aio

from tests.load.bench.messages import GATEWAY, answered, forwarded, passed_on
from tests.load.bench.serving import Context, serve, service


async def main(upstream: str) -> None:
    """Serve until the process is ended."""
    async with aio.insecure_channel(upstream) as channel:
        models = ModelServiceStub(channel)

        async def fill(request: GenerateRequest, _context: Context) -> GenerateResponse:
            return answered(await models.Generate(forwarded(request)))

        async def stream(
            request: GenerateStreamRequest, _context: Context
        ) -> AsyncIterator[GenerateStreamResponse]:
            asked = ModelServiceGenerateStreamRequest(request=forwarded(request.request))
            sequence = 0
            async for piece in models.GenerateStream(asked):
                yield passed_on(sequence, piece)
                sequence += 1

        await serve(service(GATEWAY, (GenerateRequest, fill), (GenerateStreamRequest, stream)))


if __name__ == "__main__":
    run = uvloop.run if "--uvloop" in sys.argv else asyncio.run
    run(main(sys.argv[1]))
