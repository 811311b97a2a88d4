"""What both clients do alike in a batch: its requests by name, its results, how far it is."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Container, Sized
from dataclasses import dataclass

import grpc
from ensemble.v1.gateway_service_pb2 import (
    BatchFailure,
    BatchGenerateRequest,
    BatchGenerateResponse,
    FailureDetail,
    GenerateRequest,
    GenerateResponse,
    Priority,
)

from ensemble_client.call import Call, CallOptions, CallSettings
from ensemble_client.errors import EnsembleError, InvalidRequest, error_for, invalid, truncated
from ensemble_client.requests import request_of

BatchResult = GenerateResponse | EnsembleError
"""What became of one request of a batch; `request_id` says which one it was."""

DEFAULT_CONCURRENCY = 32
MOST_CONCURRENCY = 1024
CODES = {int(code.value[0]): code for code in grpc.StatusCode}


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchProgress:
    """How far a batch is; its `progress` gets one with each result.

    `done` counts the results so far, `failed` those of them that are errors, `skipped` the requests
    passed over. `total` is the number of requests, None where they do not tell it. `request_id` is
    that of the newest result.
    """

    done: int
    failed: int
    skipped: int
    total: int | None
    request_id: str


class BatchOptions(CallOptions, total=False):
    """The keyword arguments of `batch`.

    At most `concurrency` requests (32) are sent and not answered yet. With `ordered=False` results
    come as they are ready. `progress` is called with each result, before it is handed out.
    `batch_id` names the requests, `BATCH_ID-0`, `BATCH_ID-1` and so on, unless they have a
    `request_id`; those whose id is in `skip` are passed over.
    """

    concurrency: int
    ordered: bool
    progress: Callable[[BatchProgress], object] | None
    batch_id: str
    skip: Container[str]


@dataclass(frozen=True, slots=True)
class Place:
    """One request of a batch: where it stands, its id, and its message or why it has none."""

    index: int
    request_id: str
    message: GenerateRequest | InvalidRequest


class Plan:
    """What the caller wants of one batch, and how far it is.

    Requests are placed by one thread or task and settled by one, which may be another. Raises
    InvalidRequest for options that make no sense.
    """

    def __init__(self, settings: CallSettings, requests: object, options: BatchOptions) -> None:
        self._batch_id = options.get("batch_id", "")
        self._metadata = options.get("metadata")
        self._settings = settings
        self.ordered = options.get("ordered", True)
        self.concurrency = options.get("concurrency", DEFAULT_CONCURRENCY)
        if not 1 <= self.concurrency <= MOST_CONCURRENCY:
            raise invalid("concurrency", f"must be 1 to {MOST_CONCURRENCY}, not {self.concurrency}")
        self._tell = options.get("progress")
        self._skip = options.get("skip", ())
        self._total = len(requests) if isinstance(requests, Sized) else None
        self._read = self._done = self._failed = self._skipped = 0
        self.whole: Call = settings.call(
            timeout=options.get("timeout"), metadata=self._metadata, request_id=self._batch_id
        )
        self._over = time.monotonic() + self.whole.arguments["timeout"]

    def place(self, request: GenerateRequest | str) -> Place | None:
        """Give the next request its place and its id; None for one that is passed over.

        The id is sent in the request only where the caller chose it, by `batch_id` or in the
        request: such a request is answered once, however often it is sent.
        """
        index = self._read
        self._read += 1
        own = request.request_id if isinstance(request, GenerateRequest) else ""
        request_id = own or f"{self.whole.request_id}-{index}"
        if request_id in self._skip:
            self._skipped += 1
            return None
        try:
            message = self._prepared(request_of(request, {}), request_id)
        except InvalidRequest as error:
            error.request_id = request_id
            return Place(index, request_id, error)
        return Place(index, request_id, message)

    def _prepared(self, message: GenerateRequest, request_id: str) -> GenerateRequest:
        """Return a copy that is the same however it is sent, because it may be sent again.

        The gateway takes the priority of BATCH for holes of a batch by itself, but not for those
        that are sent one by one.
        """
        prepared = GenerateRequest()
        prepared.CopyFrom(message)
        prepared.priority = prepared.priority or Priority.PRIORITY_BATCH
        if self._batch_id:
            prepared.request_id = prepared.request_id or request_id
        return prepared

    def call(self, place: Place) -> Call:
        """Make the call of one request that is sent by itself, within the time of the batch.

        Raises DeadlineExceeded when that is over.
        """
        left = self._over - time.monotonic()
        if left <= 0:
            raise error_for(
                grpc.StatusCode.DEADLINE_EXCEEDED,
                f"the time of the batch was over after {self._done} results",
                None,
                request_id=self.whole.request_id,
            )
        return self._settings.call(
            timeout=left, metadata=self._metadata, request_id=place.request_id
        )

    def settled(self, place: Place, result: BatchResult) -> BatchResult:
        """Count a result and tell how far the batch is."""
        self._done += 1
        self._failed += isinstance(result, EnsembleError)
        if self._tell is not None:
            self._tell(
                BatchProgress(
                    done=self._done,
                    failed=self._failed,
                    skipped=self._skipped,
                    total=self._total,
                    request_id=place.request_id,
                )
            )
        return result


class Ledger:
    """The order of one batch: every request admitted gets exactly one result, in that order.

    Requests may be admitted by another thread than the one that settles the answers: a place is
    noted before it is sent.
    """

    __slots__ = ("_broken", "_plan", "_waiting")

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._waiting: deque[Place] = deque()
        self._broken: Exception | None = None

    def admit(self, request: GenerateRequest | str) -> BatchGenerateRequest | None:
        """Return what is sent of a request; None for one that is passed over.

        One that cannot be sent leaves its place empty: the gateway refuses the empty place in its
        turn, and `settle` puts the reason found here instead. So the others keep their order, and
        no more refusals are held than the stream has requests under way.
        """
        place = self._plan.place(request)
        if place is None:
            return None
        self._waiting.append(place)
        if isinstance(place.message, InvalidRequest):
            return BatchGenerateRequest(index=place.index)
        return BatchGenerateRequest(index=place.index, request=place.message)

    def broke(self, error: Exception) -> None:
        """Note that the caller's iterable raised; what was admitted before is still answered."""
        self._broken = error

    def settle(self, response: BatchGenerateResponse) -> BatchResult:
        """Return the result of the next request; raises EnsembleError when it is another's."""
        place = self._waiting.popleft() if self._waiting else None
        if place is None or response.index != place.index:
            expected = "none" if place is None else f"that to {place.index}"
            raise error_for(
                grpc.StatusCode.INTERNAL,
                f"the answer to request {response.index} came in place of {expected}",
                None,
                request_id=self._plan.whole.request_id,
            )
        return self._plan.settled(place, _result_of(place, response))

    def ended(self) -> None:
        """Check a batch that ended without an error.

        Raises what the caller's iterable raised, or StreamTruncated when answers are missing.
        """
        if self._broken is not None:
            raise self._broken
        if self._waiting:
            raise truncated(
                f"the batch ended with {len(self._waiting)} answers missing",
                request_id=self._plan.whole.request_id,
                partial_text="",
            )


def _result_of(place: Place, response: BatchGenerateResponse) -> BatchResult:
    if isinstance(place.message, InvalidRequest):
        return place.message
    if response.WhichOneof("result") == "response":
        return response.response
    failure: BatchFailure = response.failure
    detail: FailureDetail | None = failure.detail if failure.HasField("detail") else None
    code = CODES.get(failure.code, grpc.StatusCode.UNKNOWN)
    return error_for(code, failure.message, detail, request_id=place.request_id)
