"""Asks model servers themselves, so that every server's answer to a hole is known."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from ensemble.v1.hole_pb2 import Sampling
from ensemble.v1.model_service_pb2 import ModelServiceGenerateRequest
from ensemble.v1.model_service_pb2_grpc import ModelServiceStub
from grpc import aio

from gateway.cli.demonstration.lessons import Lesson

MAX_TOKENS = 5
DEADLINE_S = 20.0

Fills = Mapping[str, Sequence[str | None]]
"""By endpoint: its fill of each hole, in their order; None where there was no answer."""


async def try_all(ports: Mapping[str, int], lessons: Sequence[Lesson]) -> Fills:
    """Have each of the servers, by name, fill each hole."""
    async with asyncio.TaskGroup() as group:
        tasks = {name: group.create_task(_try_one(port, lessons)) for name, port in ports.items()}
    return {name: task.result() for name, task in tasks.items()}


async def _try_one(port: int, lessons: Sequence[Lesson]) -> list[str | None]:
    fills: list[str | None] = []
    async with aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        server = ModelServiceStub(channel)
        for lesson in lessons:
            request = ModelServiceGenerateRequest(
                prompt=lesson.hole.prompt,
                suffix=lesson.hole.suffix,
                language="python",
                sampling=Sampling(max_tokens=MAX_TOKENS, temperature=0.0),
            )
            try:
                answer = await server.Generate(request, timeout=DEADLINE_S)
            except aio.AioRpcError:
                fills.append(None)
            else:
                fills.append(answer.text)
    return fills
