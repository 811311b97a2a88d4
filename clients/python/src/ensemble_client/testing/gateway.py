"""The fake gateway: a server on the loopback interface, a script, and what it was asked."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from types import TracebackType
from typing import Self, cast

import grpc
from ensemble.v1.gateway_service_pb2 import GenerateRequest
from google.protobuf.message import Message

from ensemble_client.async_client import AsyncClient
from ensemble_client.call import Metadata
from ensemble_client.sync_client import Client
from ensemble_client.testing.answers import Answer, Failure
from ensemble_client.testing.filling import Filling, abort, metadata_of, request_id_of
from ensemble_client.testing.recording import RecordedCall
from ensemble_client.testing.script import Script
from ensemble_client.testing.services import METHODS, Method, empty, handlers

THREADS = 64
STOP_S = 10.0
TIMEOUT_S = 10.0

Result = Message | list[Message] | Failure | Callable[[Message], Message]
"""What another RPC than those that fill holes is answered with; a list is a stream."""
Behaviour = Callable[[object, grpc.ServicerContext], object]


class FakeGateway:
    """A gateway for tests: `with FakeGateway("return a + b") as fake: fake.client()`.

    `answers` is the script: each hole takes the next one, whichever RPC it comes by, and the last
    one stays. Without a script every hole is filled with `pass`. RPCs that fill no hole are
    answered with an empty message unless `on` says more. `target` is its address, `calls` every
    RPC that came and `requests` every hole, in the order they came.

    Nothing is started before its `with` block is entered. The end of the block closes the clients
    made by `client` and raises what a function among the answers raised, unless the test has failed
    by itself.
    """

    def __init__(self, *answers: Answer) -> None:
        self._script = Script(answers)
        self._others: dict[str, deque[Result]] = {}
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self.calls: list[RecordedCall] = []
        self.target = ""
        filling = Filling(self._script)
        self._behaviours = {
            "Generate": filling.generate,
            "GenerateStream": filling.stream,
            "BatchGenerate": filling.batch,
            "Route": filling.route,
            "Trace": filling.trace,
            "Refine": filling.refine,
            "RunPipeline": filling.run_pipeline,
        }

    @property
    def requests(self) -> list[GenerateRequest]:
        """Every hole that was asked for, in the order they came."""
        return list(self._script.requests)

    def answers(self, *answers: Answer) -> None:
        """Append answers to the script."""
        self._script.add(answers)

    def on(self, method: str, *results: Result) -> None:
        """Script any RPC by its name, such as `ListEndpoints`; the last result stays.

        Each call takes the next result: a message, a list of messages for a stream, a Failure, or a
        function of the request. Raises ValueError for a name that is no RPC.
        """
        if method not in METHODS:
            raise ValueError(f"{method!r} is no RPC; there are {', '.join(sorted(METHODS))}")
        with self._lock:
            self._others.setdefault(method, deque()).extend(results)

    def client(
        self,
        *,
        timeout: float = TIMEOUT_S,
        token: str | None = None,
        tenant: str | None = None,
        metadata: Metadata | None = None,
    ) -> Client:
        """Make a client of this gateway, which is closed with it."""
        made = Client(self.target, timeout=timeout, token=token, tenant=tenant, metadata=metadata)
        return self._stack.enter_context(made)

    def async_client(
        self,
        *,
        timeout: float = TIMEOUT_S,
        token: str | None = None,
        tenant: str | None = None,
        metadata: Metadata | None = None,
    ) -> AsyncClient:
        """Make an asyncio client of this gateway; close it yourself, by `async with`."""
        return AsyncClient(
            self.target, timeout=timeout, token=token, tenant=tenant, metadata=metadata
        )

    def __enter__(self) -> Self:
        threads = self._stack.enter_context(ThreadPoolExecutor(THREADS, "fake-gateway"))
        server = grpc.server(threads, handlers=handlers(self._answer))
        self.target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        self._stack.callback(lambda: server.stop(None).wait(STOP_S))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        if self._script.broken is not None and error is None:
            raise self._script.broken

    def stop(self) -> None:
        """End the server and every call that it still has; calling it twice does nothing."""
        self._stack.close()

    def _answer(self, method: Method, sent: object, context: grpc.ServicerContext) -> object:
        left = cast("float | None", context.time_remaining())
        call = RecordedCall(method.name, metadata_of(context), left)
        if not context.add_callback(call.ended.set):
            call.ended.set()
        self.calls.append(call)
        if method.client_streaming:
            sent = _noted(cast("Iterator[Message]", sent), call)
        else:
            call.messages.append(cast("Message", sent))
        with self._lock:
            results = self._others.get(method.name)
            result = None if not results else results[0] if len(results) == 1 else results.popleft()
        if result is not None:
            return _given(result, sent, context)
        behaviour = cast("Behaviour | None", self._behaviours.get(method.name))
        return behaviour(sent, context) if behaviour else empty(method)


def _given(result: Result, sent: object, context: grpc.ServicerContext) -> object:
    if isinstance(result, Failure):
        abort(result, request_id_of(GenerateRequest(), context), context)
    if callable(result):
        return result(cast("Message", sent))
    return result if isinstance(result, Message) else iter(result)


def _noted(messages: Iterator[Message], call: RecordedCall) -> Iterator[Message]:
    for message in messages:
        call.messages.append(message)
        yield message
