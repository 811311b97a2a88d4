"""Calls on one gRPC channel: when they may begin, how they end, and how they are ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar, cast

import grpc

from gateway.core.deadline import Deadline
from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault
from gateway.core.ports import Clock, Operation, Task
from gateway.upstreams.channels import open_channel
from gateway.upstreams.errors import CLOSING, NO_CONNECTION, time_left
from gateway.upstreams.headers import outgoing
from gateway.upstreams.options import UpstreamOptions

Answer = TypeVar("Answer")

LEFT = "no longer wanted"
DISCONNECTED = grpc.ChannelConnectivity.TRANSIENT_FAILURE


class Cancellable(Protocol):
    """A call that can be ended."""

    def cancel(self) -> bool:
        """End it; False when it has ended."""
        ...


class Running(Cancellable, Protocol):
    """A call with one answer, as far as it matters here."""

    def add_done_callback(self, callback: Callable[[object], None]) -> None:
        """Have the end told."""
        ...

    def __await__(self) -> Generator[None, None, Any]:
        """Wait for the answer."""
        ...


class Reading(Cancellable, Protocol):
    """A call whose answers are read one after another."""

    async def read(self) -> Any:
        """Return the next answer, or grpc's EOF after the last one."""
        ...


class Methods(Protocol):
    """Makes functions that make calls: `grpc.aio.Channel`, as far as it is used here."""

    def unary_unary(self, path: str, write: Any, read: Any, /) -> Callable[..., Any]:
        """One message, one answer."""
        ...

    def unary_stream(self, path: str, write: Any, read: Any, /) -> Callable[..., Any]:
        """One message, many answers."""
        ...

    def stream_stream(self, path: str, write: Any, read: Any, /) -> Callable[..., Any]:
        """Many messages, many answers."""
        ...


class _Rpc(Protocol):
    def cancel(self, details: str, /) -> None: ...


class FaultOf(Protocol):
    """A table of errors: makes a fault of a failed call."""

    def __call__(
        self, endpoint: Endpoint, error: grpc.aio.AioRpcError, operation: Operation
    ) -> Fault:
        """Classify it."""
        ...


class GrpcCalls:
    """The calls to one endpoint. Make it inside the event loop that uses it."""

    def __init__(
        self, endpoint: Endpoint, options: UpstreamOptions, clock: Clock, fault_of: FaultOf
    ) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._fault_of = fault_of
        self._authorization = options.authorization
        self._channel = open_channel(endpoint.url, options.max_message_bytes)
        self.channel: Methods = self._channel
        # Closing a channel leaves streams running whose reader is busy elsewhere.
        self._running: set[Cancellable] = set()
        self._closed = False

    def check_open(self) -> None:
        """Raise Fault when no call can be made now."""
        if self._closed:
            raise CLOSING.fault(self._endpoint)
        # gRPC would fail such a call at once, at the price of a call; it goes on connecting in the
        # background, with its own backoff, whether or not there are calls.
        if self._channel.get_state() is DISCONNECTED:
            raise NO_CONNECTION.fault(self._endpoint)

    def terms(self, task: Task, deadline: Deadline) -> dict[str, Any]:
        """Say how long a call may take and what goes with it. Raises Fault when it is too late."""
        return {
            # gRPC forwards no deadline of its own accord.
            "timeout": time_left(self._endpoint, deadline, self._clock),
            "metadata": outgoing(task.request, self._authorization, task.tries_before),
            "wait_for_ready": False,
        }

    async def answered(self, call: Awaitable[Answer], task: Task) -> Answer | None:
        """Wait for the one answer of a call; None when it could not be parsed. Raises Fault."""
        running, ended = self._running, asyncio.get_running_loop().create_future()
        unary = cast("Running", call)

        def end(_: object) -> None:
            running.discard(unary)
            if not ended.done():
                ended.set_result(None)

        running.add(unary)
        unary.add_done_callback(end)
        try:
            await ended
            return await call
        except grpc.aio.AioRpcError as error:
            # `from None`: the endpoint's words stay out of every traceback.
            raise self._fault_of(self._endpoint, error, task.operation) from None
        except asyncio.CancelledError:
            _end_rpc(unary)
            self._refuse_when_closing()
            raise

    @contextmanager
    def followed(self, call: Cancellable, task: Task) -> Generator[None]:
        """Read a stream inside; whatever ends that ends the stream. Raises Fault."""
        self._running.add(call)
        try:
            yield
        except grpc.aio.AioRpcError as error:
            raise self._fault_of(self._endpoint, error, task.operation) from None
        except asyncio.CancelledError:
            self._refuse_when_closing()
            raise
        finally:
            # gRPC does not end a stream whose reader is gone: the server would go on writing.
            call.cancel()
            self._running.discard(call)

    async def close(self) -> None:
        """Close the connection; running calls end with Fault(CANCELLED)."""
        self._closed = True
        for call in tuple(self._running):
            call.cancel()
        await self._channel.close()

    def _refuse_when_closing(self) -> None:
        """Tell a call that `close` ended from one whose caller left."""
        if self._closed and not _being_cancelled():
            raise CLOSING.fault(self._endpoint) from None


def _end_rpc(call: Cancellable) -> None:
    """Cancel a unary RPC, but not the task inside the call.

    That one frees the RPC's buffers when it ends by itself; `cancel` ends it before, and so does
    cancelling whoever awaits the call: a kilobyte is lost each time.
    """
    rpc = cast("_Rpc | None", vars(call).get("_cython_call"))
    if rpc is None:
        call.cancel()
    else:
        rpc.cancel(LEFT)


def _being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
