"""How the blocking client runs a batch: on one stream in order, or each request by itself."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from queue import SimpleQueue
from threading import Event, Semaphore
from typing import TypeAlias

import grpc
from ensemble.v1.gateway_service_pb2 import (
    BatchGenerateRequest,
    BatchGenerateResponse,
    GenerateRequest,
    GenerateResponse,
)
from ensemble.v1.gateway_service_pb2_grpc import GatewayServiceStub

from ensemble_client.batches import BatchResult, Ledger, Place, Plan
from ensemble_client.errors import InvalidRequest
from ensemble_client.status import error_of, typed_errors

Requests = Iterable[GenerateRequest | str]
# Quoted, because grpc's classes are generic in its stubs only.
BatchMethod: TypeAlias = (
    "grpc.StreamStreamMultiCallable[BatchGenerateRequest, BatchGenerateResponse]"
)
Method: TypeAlias = "grpc.UnaryUnaryMultiCallable[GenerateRequest, GenerateResponse]"
Pending: TypeAlias = "grpc.Future[GenerateResponse]"


def results(gateway: GatewayServiceStub, requests: Requests, plan: Plan) -> Generator[BatchResult]:
    """Yield one result for each request that is not passed over; raises EnsembleError."""
    if plan.ordered:
        return _in_order(gateway.BatchGenerate, requests, plan)
    return _as_they_come(gateway.Generate, requests, plan)


def _in_order(method: BatchMethod, requests: Requests, plan: Plan) -> Generator[BatchResult]:
    ledger = Ledger(plan)
    room = Semaphore(plan.concurrency)
    left = Event()

    def admitted() -> Iterator[BatchGenerateRequest]:
        # gRPC reads this on a thread of its own, which must not wait for room once we have left.
        try:
            room.acquire()
            for request in requests:
                message = ledger.admit(request)
                if message is not None:
                    yield message
                    room.acquire()
                if left.is_set():
                    return
        except Exception as error:  # noqa: BLE001 - the caller's own, raised again by `ended`
            ledger.broke(error)

    rpc = method(admitted(), **plan.whole.arguments)
    try:
        with typed_errors(plan.whole.request_id):
            for response in rpc:
                result = ledger.settle(response)
                room.release()
                yield result
        ledger.ended()
    finally:
        rpc.cancel()
        left.set()
        room.release()


def _as_they_come(method: Method, requests: Requests, plan: Plan) -> Generator[BatchResult]:
    pool = _Pool(method, plan)
    source = iter(requests)
    broken: Exception | None = None
    try:
        while True:
            while pool.has_result():
                yield pool.take()
            try:
                place = plan.place(next(source))
                if place is not None:
                    pool.begin(place)
            except StopIteration:
                break
            except Exception as error:  # noqa: BLE001 - the caller's own, raised again below
                broken = error
                break
        while pool.waiting:
            yield pool.take()
        if broken is not None:
            raise broken
    finally:
        pool.cancel()


class _Pool:
    """The requests that are sent and not answered yet."""

    def __init__(self, method: Method, plan: Plan) -> None:
        self._method = method
        self._plan = plan
        self._answered: SimpleQueue[tuple[Place, Pending | InvalidRequest]] = SimpleQueue()
        self._running: set[Pending] = set()
        self.waiting = 0

    def has_result(self) -> bool:
        """Whether `take` is next: a result is there, or nothing may be begun before one is."""
        return not self._answered.empty() or self.waiting >= self._plan.concurrency

    def begin(self, place: Place) -> None:
        """Send a request; raises DeadlineExceeded when the time of the batch is over."""
        if isinstance(place.message, InvalidRequest):
            self._answered.put((place, place.message))
        else:
            call = self._plan.call(place)
            rpc = self._method.future(place.message, **call.arguments)
            self._running.add(rpc)
            rpc.add_done_callback(lambda done: self._answered.put((place, done)))
        self.waiting += 1

    def take(self) -> BatchResult:
        """Wait for a result and return it."""
        place, answered = self._answered.get()
        self.waiting -= 1
        result: BatchResult
        if isinstance(answered, InvalidRequest):
            result = answered
        else:
            self._running.discard(answered)
            try:
                result = answered.result()
            except grpc.RpcError as error:
                result = error_of(error, request_id=place.request_id)
        return self._plan.settled(place, result)

    def cancel(self) -> None:
        """End what is not answered."""
        for rpc in self._running:
            rpc.cancel()
