"""Pairs the requests of a batch with its answers."""

from __future__ import annotations

import grpc
from ensemble.v1.gateway_service_pb2 import (
    BatchFailure,
    BatchGenerateRequest,
    BatchGenerateResponse,
    FailureDetail,
    GenerateRequest,
    GenerateResponse,
)

from ensemble_client.errors import EnsembleError, InvalidRequest, error_for, truncated
from ensemble_client.requests import request_of

BatchResult = GenerateResponse | EnsembleError

CODES = {int(code.value[0]): code for code in grpc.StatusCode}


class Ledger:
    """The order of one batch: every request admitted gets exactly one result, in that order.

    Requests may be admitted by another thread than the one that settles the answers: a refusal is
    noted before its place in the order is sent.
    """

    __slots__ = ("_admitted", "_broken", "_refused", "_request_id", "_settled")

    def __init__(self, request_id: str) -> None:
        self._request_id = request_id
        self._admitted = 0
        self._settled = 0
        self._refused: dict[int, InvalidRequest] = {}
        self._broken: Exception | None = None

    def admit(self, request: GenerateRequest | str) -> BatchGenerateRequest:
        """Give a request its place.

        One that cannot be sent leaves its place empty: the gateway refuses the empty place in its
        turn, and `settle` puts the reason found here instead. So the others keep their order, and
        no more refusals are held than the stream has requests under way.
        """
        index = self._admitted
        try:
            message = BatchGenerateRequest(index=index, request=request_of(request, {}))
        except InvalidRequest as error:
            self._refused[index] = error
            message = BatchGenerateRequest(index=index)
        self._admitted += 1
        return message

    def broke(self, error: Exception) -> None:
        """Note that the caller's iterable raised; what was admitted before is still answered."""
        self._broken = error

    def settle(self, response: BatchGenerateResponse) -> BatchResult:
        """Return the result of the next request; raises EnsembleError when it is another's."""
        if response.index != self._settled:
            raise error_for(
                grpc.StatusCode.INTERNAL,
                f"the answer to request {response.index} came in place of {self._settled}",
                None,
                request_id=self._request_id,
            )
        self._settled += 1
        refused = self._refused.pop(response.index, None)
        if refused is not None:
            return refused
        if response.WhichOneof("result") == "response":
            return response.response
        return self._failure(response.failure)

    def ended(self) -> None:
        """Check a batch that ended without an error.

        Raises what the caller's iterable raised, or StreamTruncated when answers are missing.
        """
        if self._broken is not None:
            raise self._broken
        if self._settled != self._admitted:
            raise truncated(
                f"the batch ended after {self._settled} of {self._admitted} answers",
                request_id=self._request_id,
                partial_text="",
            )

    def _failure(self, failure: BatchFailure) -> EnsembleError:
        detail: FailureDetail | None = failure.detail if failure.HasField("detail") else None
        code = CODES.get(failure.code, grpc.StatusCode.UNKNOWN)
        return error_for(code, failure.message, detail, request_id=self._request_id)
