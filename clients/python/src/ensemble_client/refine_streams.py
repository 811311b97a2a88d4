"""The events of a refinement, for both clients."""

from __future__ import annotations

from typing import TypeAlias

import grpc
from ensemble.v1.gateway_service_pb2 import (
    HoleProgress,
    RefineRequest,
    RefineResponse,
    RefineResult,
    RefineStarted,
)
from grpc import aio

from ensemble_client.async_calls import AsyncEvents, Running
from ensemble_client.async_calls import events as async_events
from ensemble_client.call import Call
from ensemble_client.sync_calls import Events, events
from ensemble_client.works import Work

RefineEvent = RefineStarted | HoleProgress | RefineResult
"""An event of a refinement. The first is RefineStarted, the last the RefineResult."""
# Quoted, because grpc's classes are generic in its stubs only.
Method: TypeAlias = "grpc.UnaryStreamMultiCallable[RefineRequest, RefineResponse]"
AsyncMethod: TypeAlias = "aio.UnaryStreamMultiCallable[RefineRequest, RefineResponse]"


class _Followed:
    """What a caller may ask of a refinement between its events."""

    def __init__(self, request_id: str) -> None:
        self._work: Work[RefineResponse, RefineEvent, RefineResult] = Work(
            "refinement", RefineResult, request_id
        )

    @property
    def request_id(self) -> str:
        """The id that names the refinement on both sides."""
        return self._work.request_id

    @property
    def result(self) -> RefineResult | None:
        """What came of the source; None until the last event has come.

        It may be incomplete: see its `complete`, and the `status` of its `holes`.
        """
        return self._work.result


class RefineStream(_Followed, Events[RefineEvent]):
    """The events of one refinement; the last one is its RefineResult.

    The RPC starts with the first event asked for. Leaving early by `close`, by the end of a `with`
    block or by dropping the stream cancels it at the gateway. Raises EnsembleError.
    """

    def __init__(self, method: Method, message: RefineRequest, call: Call) -> None:
        super().__init__(call.request_id)
        self._events = events(method, message, call, self._work)

    def finish(self) -> RefineResult:
        """Pass over the events that are left and return the result."""
        for _ in self:
            pass
        return self._work.finished()


class AsyncRefineStream(_Followed, AsyncEvents[RefineEvent]):
    """The events of one refinement, like those of `RefineStream`; `aclose` leaves early."""

    def __init__(
        self, method: AsyncMethod, running: Running, message: RefineRequest, call: Call
    ) -> None:
        super().__init__(call.request_id)
        self._events = async_events(method, running, message, call, self._work)

    async def finish(self) -> RefineResult:
        """Pass over the events that are left and return the result."""
        async for _ in self:
            pass
        return self._work.finished()
