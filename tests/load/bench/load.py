"""`python -m tests.load.bench.load`: the load, in a process of its own, ordered by JSON lines.

One order a line on standard input, one report a line on standard output:
`{"kind": "unary", "target": "127.0.0.1:1", "in_flight": 32, "seconds": 1}` runs that many callers
over one connection for that long and reports what came back. `calls` instead of `seconds` runs a
number of calls. `"kind": "hold"` opens `in_flight` streams and keeps them open until the end.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any, cast

import uvloop
from ensemble.v1.gateway_service_pb2 import (
    GenerateResponse,
    GenerateStreamRequest,
    GenerateStreamResponse,
)
from grpc import aio

from tests.load.bench.messages import (
    GENERATE,
    GENERATE_STREAM,
    HOLD,
    VARIANTS,
    answer_to,
    prompt,
    request,
)

CALL_SECONDS = 20.0
UNARY = [request(number).SerializeToString() for number in range(VARIANTS)]
STREAMED = [
    GenerateStreamRequest(request=request(number)).SerializeToString() for number in range(VARIANTS)
]
HELD = GenerateStreamRequest(request=request(0, HOLD)).SerializeToString()
ANSWERS = [answer_to(prompt(number)) for number in range(VARIANTS)]

Order = dict[str, Any]
Once = Callable[[int], Awaitable[bool]]
Stream = aio.UnaryStreamMultiCallable[bytes, bytes]


class Load:
    """Callers over one connection for each target."""

    def __init__(self) -> None:
        self._channels: dict[str, aio.Channel] = {}
        self._held: list[object] = []

    async def obey(self, order: Order) -> dict[str, Any]:
        """Do what an order says; return its report."""
        channel = self._channel(order["target"])
        if order["kind"] == "hold":
            return await self._hold(channel, order["in_flight"])
        once = unary(channel) if order["kind"] == "unary" else stream(channel)
        return await run(once, order)

    def _channel(self, target: str) -> aio.Channel:
        if target not in self._channels:
            options = [("grpc.use_local_subchannel_pool", 1)]
            self._channels[target] = aio.insecure_channel(target, options=options)
        return self._channels[target]

    async def _hold(self, channel: aio.Channel, streams: int) -> dict[str, Any]:
        """Open streams, at most 64 at a time, and see the first piece of each."""
        open_stream: Stream = channel.unary_stream(GENERATE_STREAM)
        turn = asyncio.Semaphore(64)

        async def one() -> bool:
            async with turn:
                call = open_stream(HELD, timeout=600)
                self._held.append(call)
                while True:
                    read = cast("bytes", await call.read())
                    if GenerateStreamResponse.FromString(read).HasField("delta"):
                        return True

        opened = await asyncio.gather(*(one() for _ in range(streams)), return_exceptions=True)
        good = sum(result is True for result in opened)
        return {"good": good, "bad": streams - good}


def unary(channel: aio.Channel) -> Once:
    """Return a function that makes one unary call and says whether its answer is right."""
    call: aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(GENERATE)

    async def once(number: int) -> bool:
        raw = await call(UNARY[number], timeout=CALL_SECONDS, wait_for_ready=True)
        return GenerateResponse.FromString(raw).text == ANSWERS[number]

    return once


def stream(channel: aio.Channel) -> Once:
    """Return a function that reads one stream and says whether all of it is right."""
    call: Stream = channel.unary_stream(GENERATE_STREAM)

    async def once(number: int) -> bool:
        pieces: list[str] = []
        ended = False
        async for raw in call(STREAMED[number], timeout=CALL_SECONDS, wait_for_ready=True):
            event = GenerateStreamResponse.FromString(raw)
            pieces.append(event.delta.text)
            ended = event.HasField("done")
        return ended and "".join(pieces) == ANSWERS[number]

    return once


async def run(once: Once, order: Order) -> dict[str, Any]:
    """Keep callers busy until the time or the calls are used up; count what came back."""
    numbers = count()
    calls: int = order.get("calls", sys.maxsize)
    end = time.perf_counter() + order.get("seconds", 3600)
    took: list[float] = []
    bad: list[str] = []

    async def caller() -> None:
        while (started := time.perf_counter()) < end and (number := next(numbers)) < calls:
            try:
                right = await once(number % VARIANTS)
            except aio.AioRpcError as error:
                bad.append(f"{error.code().name}: {error.details()}")
                continue
            if right:
                took.append(time.perf_counter() - started)
            else:
                bad.append("a wrong answer")

    await asyncio.gather(*(caller() for _ in range(order["in_flight"])))
    took.sort()
    return {
        "good": len(took),
        "bad": len(bad),
        "why": bad[:1],
        "p50_us": 1e6 * took[len(took) // 2] if took else 0.0,
        "p99_us": 1e6 * took[len(took) * 99 // 100] if took else 0.0,
    }


async def main() -> None:
    """Follow orders until standard input ends."""
    load = Load()
    print("ready", flush=True)  # noqa: T201 - the protocol
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await load.obey(json.loads(line))), flush=True)  # noqa: T201 - the same


if __name__ == "__main__":
    uvloop.run(main())
