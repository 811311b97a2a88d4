"""Callers of every kind, a fixed number of them at once, drawn from a fixed seed."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from ensemble.v1.decision_pb2 import EndpointFilter
from ensemble.v1.gateway_service_pb2 import (
    PRIORITY_BATCH,
    PRIORITY_INTERACTIVE,
    PRIORITY_UNSPECIFIED,
    STRATEGY_BEST_OF_N,
    BatchGenerateRequest,
    GenerateStreamResponse,
)
from grpc import aio

from tests.conformance.callers import PATIENCE_S, GrpcCaller, answered, message_of, refused
from tests.conformance.calls import Ask, Got
from tests.conformance.texts import Text
from tests.soak.layout import TAGS
from tests.soak.tally import Tally

AT_ONCE = 24
TENANTS = 6
SESSIONS = 50
HOLES = 8
THINK_S = 0.03
LEAVE_S = 0.15
PRIORITIES = (PRIORITY_UNSPECIFIED, PRIORITY_INTERACTIVE, PRIORITY_BATCH)
WEIGHTS = {
    "unary": 30,
    "stream": 30,
    "slow reader": 2,
    "best of n": 6,
    "repeated": 6,
    "batch": 3,
    "left, unary": 4,
    "left, stream": 4,
    "late": 5,
    "bad": 5,
}


@dataclass(slots=True)
class Traffic:
    """A closed loop of callers. `without` names kinds that are not drawn."""

    caller: GrpcCaller
    slow: GrpcCaller
    tally: Tally
    without: frozenset[str] = frozenset()
    draw: random.Random = field(default_factory=lambda: random.Random(20))
    _numbers: count[int] = field(default_factory=count)

    async def run(self, stop: asyncio.Event) -> None:
        """Ask until `stop` is set; then wait for the end of what runs."""
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._worker(stop))

    async def _worker(self, stop: asyncio.Event) -> None:
        weights = {kind: one for kind, one in WEIGHTS.items() if kind not in self.without}
        kinds: dict[str, Callable[[], Awaitable[None]]] = {
            "unary": lambda: self._plain("unary", self._ask()),
            "stream": lambda: self._plain("stream", self._ask(streamed=True)),
            "slow reader": self._slow_reader,
            "best of n": self._best,
            "repeated": self._repeated,
            "batch": self._batch,
            "left, unary": lambda: self._left("left, unary", self._ask()),
            "left, stream": lambda: self._left("left, stream", self._ask(streamed=True)),
            "late": self._late,
            "bad": self._bad,
        }
        while not stop.is_set():
            (kind,) = self.draw.choices(list(weights), list(weights.values()))
            await kinds[kind]()
            await asyncio.sleep(self.draw.random() * THINK_S)

    def _ask(self, *, named: bool | None = None, deadline_s: float = 10.0, **how: Any) -> Ask:
        """Draw a request: its tenant, session, priority and where it may go; a third is named."""
        draw = self.draw
        text = Text(f"soak-{next(self._numbers)}", how.pop("lines", 8), how.pop("width", 48))
        more: dict[str, object] = {
            "session_id": f"session-{draw.randrange(SESSIONS)}",
            "priority": draw.choice(PRIORITIES),
            **how.pop("more", {}),
        }
        tag = draw.choice((None, *TAGS))
        if tag is not None:
            more["endpoint_filter"] = EndpointFilter(required_tags=[tag])
        if not (draw.random() < 1 / 3 if named is None else named):
            more["request_id"] = ""
        tenant = f"tenant-{draw.randrange(TENANTS)}"
        return Ask(text, deadline_s=deadline_s, tenant=tenant, more=more, **how)

    async def _plain(self, kind: str, ask: Ask) -> None:
        self.tally.take(kind, await self.caller.ask(ask))

    async def _slow_reader(self) -> None:
        ask = self._ask(streamed=True, lines=30, width=1024, read_gap_s=0.02)
        self.tally.take("slow reader", await self.slow.ask(ask))

    async def _best(self) -> None:
        await self._plain("best of n", self._ask(more={"strategy": STRATEGY_BEST_OF_N, "n": 3}))

    async def _repeated(self) -> None:
        """Ask the same thing with the same id, at once and again: as a whole, and as a stream."""
        ask = self._ask(named=True, streamed=self.draw.random() < 0.5)
        gots = await asyncio.gather(*(self.caller.ask(ask) for _ in range(3)))
        for got in (*gots, await self.caller.ask(ask)):
            self.tally.take("repeated", got)

    async def _late(self) -> None:
        deadline_s = self.draw.uniform(0.01, 0.12)
        ask = self._ask(deadline_s=deadline_s, streamed=self.draw.random() < 0.5)
        await self._plain("late", ask)

    async def _bad(self) -> None:
        ask = self._ask(more={"n": 99}, streamed=self.draw.random() < 0.5)
        self.tally.take("bad", await self.caller.ask(ask), code="INVALID_ARGUMENT")

    async def _left(self, kind: str, ask: Ask) -> None:
        """Leave at a random moment; what came before that may be the whole answer."""
        start = self.caller.start_stream if ask.streamed else self.caller.start_whole
        call = start(ask)
        reading = asyncio.ensure_future(_read(call))
        await asyncio.wait((reading,), timeout=self.draw.random() * LEAVE_S)
        call.cancel()
        done, _ = await asyncio.wait((reading,), timeout=PATIENCE_S)
        if done:
            self.tally.left(kind)
        else:
            reading.cancel()
            self.tally.wrong(kind, "no end came to a call that was cancelled")

    async def _batch(self) -> None:
        asks = [self._ask() for _ in range(HOLES)]
        gots = [Got(ask, time.monotonic()) for ask in asks]
        order: list[int] = []
        try:
            async with asyncio.timeout(asks[0].deadline_s + PATIENCE_S):
                await self._holes(asks, gots, order)
        except aio.AioRpcError as error:
            for got in gots:
                if not got.code:
                    refused(got, error)
        except TimeoutError:
            pass
        for got in gots:
            self.tally.take("batch", got)
        if order != list(range(len(order))):
            self.tally.wrong("batch", f"answers came in the order {order}")

    async def _holes(self, asks: list[Ask], gots: list[Got], order: list[int]) -> None:
        async def requests() -> AsyncIterator[BatchGenerateRequest]:
            for index, ask in enumerate(asks):
                yield BatchGenerateRequest(index=index, request=message_of(ask))

        metadata = (("x-ensemble-tenant", asks[0].tenant),)
        call = self.caller.stub.BatchGenerate(
            requests(), timeout=asks[0].deadline_s, metadata=metadata
        )
        async for result in call:
            got = gots[result.index]
            order.append(result.index)
            if result.HasField("response"):
                got.said += result.response.text
                answered(got, result.response)
            else:
                got.code = "UNAVAILABLE"


async def _read(
    call: aio.UnaryStreamCall[Any, GenerateStreamResponse] | aio.UnaryUnaryCall[Any, Any],
) -> None:
    """Read a call to its end, however that is."""
    with suppress(asyncio.CancelledError, aio.AioRpcError):
        if isinstance(call, aio.UnaryStreamCall):
            async for _ in call:
                pass
        else:
            await call
