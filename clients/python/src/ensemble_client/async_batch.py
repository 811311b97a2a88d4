"""How the asyncio client runs a batch: on one stream in order, or each request by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from typing import TYPE_CHECKING, TypeAlias

from ensemble.v1.gateway_service_pb2 import (
    BatchGenerateRequest,
    BatchGenerateResponse,
    GenerateRequest,
    GenerateResponse,
)
from grpc import aio

from ensemble_client.async_calls import Running, ask, closed_as_error
from ensemble_client.batches import BatchResult, Ledger, Place, Plan
from ensemble_client.call import Call
from ensemble_client.errors import EnsembleError, InvalidRequest
from ensemble_client.status import typed_errors

if TYPE_CHECKING:
    from ensemble.v1.gateway_service_pb2_grpc import GatewayServiceAsyncStub

Requests = Iterable[GenerateRequest | str] | AsyncIterable[GenerateRequest | str]
# Quoted, because grpc's classes are generic in its stubs only.
BatchMethod: TypeAlias = (
    "aio.StreamStreamMultiCallable[BatchGenerateRequest, BatchGenerateResponse]"
)
Method: TypeAlias = "aio.UnaryUnaryMultiCallable[GenerateRequest, GenerateResponse]"


def results(
    gateway: GatewayServiceAsyncStub, running: Running, requests: Requests, plan: Plan
) -> AsyncGenerator[BatchResult]:
    """Yield one result for each request that is not passed over; raises EnsembleError."""
    if plan.ordered:
        return _in_order(gateway.BatchGenerate, running, requests, plan)
    return _as_they_come(gateway.Generate, requests, plan)


async def _in_order(
    method: BatchMethod, running: Running, requests: Requests, plan: Plan
) -> AsyncGenerator[BatchResult]:
    ledger = Ledger(plan)
    room = asyncio.Semaphore(plan.concurrency)
    left = asyncio.Event()

    async def admitted() -> AsyncIterator[BatchGenerateRequest]:
        # gRPC reads this in a task of its own, which must not wait for room once we have left.
        try:
            await room.acquire()
            async for request in _each(requests):
                message = ledger.admit(request)
                if message is not None:
                    yield message
                    await room.acquire()
                if left.is_set():
                    return
        except Exception as error:  # noqa: BLE001 - the caller's own, raised again by `ended`
            ledger.broke(error)

    rpc = method(admitted(), **plan.whole.arguments)
    running.add(rpc)
    try:
        with typed_errors(plan.whole.request_id), closed_as_error(plan.whole.request_id):
            async for response in rpc:
                result = ledger.settle(response)
                room.release()
                yield result
        ledger.ended()
    finally:
        rpc.cancel()
        running.discard(rpc)
        left.set()
        room.release()


async def _as_they_come(
    method: Method, requests: Requests, plan: Plan
) -> AsyncGenerator[BatchResult]:
    pool = _Pool(method, plan)
    reader = asyncio.create_task(pool.read(requests))
    try:
        while (result := await pool.take()) is not None:
            yield result
        pool.check()
    finally:
        tasks: list[asyncio.Task[None]] = [reader, *pool.running]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Pool:
    """The requests that are sent and not answered yet, each in a task of its own."""

    def __init__(self, method: Method, plan: Plan) -> None:
        self._method = method
        self._plan = plan
        self._room = asyncio.Semaphore(plan.concurrency)
        self._answered: asyncio.Queue[tuple[Place, GenerateResponse | Exception] | None] = (
            asyncio.Queue()
        )
        self._waiting = 0
        self._reading = True
        self._broken: Exception | None = None
        self.running: set[asyncio.Task[None]] = set()

    async def read(self, requests: Requests) -> None:
        """Send each request as soon as there is room for it."""
        try:
            await self._room.acquire()
            async for request in _each(requests):
                place = self._plan.place(request)
                if place is not None:
                    self._begin(place)
                    await self._room.acquire()
        except Exception as error:  # noqa: BLE001 - the caller's own, raised again by `check`
            self._broken = error
        self._answered.put_nowait(None)

    async def take(self) -> BatchResult | None:
        """Wait for a result and return it; None after the last one."""
        while self._reading or self._waiting:
            answered = await self._answered.get()
            if answered is None:
                self._reading = False
                continue
            place, result = answered
            self._waiting -= 1
            self._room.release()
            if not isinstance(result, GenerateResponse | EnsembleError):
                raise result
            return self._plan.settled(place, result)
        return None

    def check(self) -> None:
        """Raise what the caller's iterable raised."""
        if self._broken is not None:
            raise self._broken

    def _begin(self, place: Place) -> None:
        if isinstance(place.message, InvalidRequest):
            self._waiting += 1
            self._answered.put_nowait((place, place.message))
            return
        call = self._plan.call(place)
        task = asyncio.create_task(self._ask(place, place.message, call))
        self._waiting += 1
        self.running.add(task)
        task.add_done_callback(self.running.discard)

    async def _ask(self, place: Place, message: GenerateRequest, call: Call) -> None:
        try:
            answer: GenerateResponse | Exception = await ask(self._method, message, call)
        except Exception as error:  # noqa: BLE001 - a value of the batch; a bug is raised by `take`
            answer = error
        self._answered.put_nowait((place, answer))


async def _each(requests: Requests) -> AsyncIterator[GenerateRequest | str]:
    if isinstance(requests, AsyncIterable):
        async for request in requests:
            yield request
    else:
        for request in requests:
            yield request
