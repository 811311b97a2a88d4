"""What a fake gateway is told to answer."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass

import grpc
from ensemble.v1.gateway_service_pb2 import FailureDetail, GenerateRequest, GenerateResponse
from ensemble.v1.result_pb2 import Candidate, Verdict

from ensemble_client.feedback import span_of
from ensemble_client.testing.reasons import CODE_OF

ENDPOINT = "fake"
WORDS = re.compile(r"\S+\s*|\s+")
PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Reply:
    """A fill. Where a plain text says too little; for anything else give a GenerateResponse.

    A stream hands the text out in `pieces`, which must make up the text, or word by word. With
    `cut` it ends after them without its last event, as behind a proxy that drops it: the caller
    gets StreamTruncated.
    """

    text: str
    pieces: tuple[str, ...] = ()
    endpoint: str = ENDPOINT
    model: str = "fake-1"
    confidence: float = 1.0
    verdicts: tuple[Verdict, ...] = ()
    decision_id: str = ""
    cut: bool = False

    def __post_init__(self) -> None:
        if self.pieces and "".join(self.pieces) != self.text:
            raise ValueError("pieces: must make up the text; leave them out for word by word")

    def streamed(self) -> tuple[str, ...]:
        """The pieces that a stream hands out."""
        return self.pieces or tuple(WORDS.findall(self.text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failure as the gateway reports it.

    `reason` is one of docs/errors.md, which gives the status; another one needs a `code`. With a
    code alone the failure carries no details, like one of a proxy. `retry_after` is in seconds,
    `best` the text of the best refused candidate, `detail` anything else that the gateway says. A
    stream sends `pieces` before it fails. The client's gRPC is told not to retry, so that one
    failure of a script is one error, unless `retried` is set.

    Raises ValueError for a reason whose status is not known.
    """

    reason: str = ""
    code: grpc.StatusCode | None = None
    message: str = ""
    retry_after: float | None = None
    best: str | None = None
    detail: FailureDetail | None = None
    pieces: tuple[str, ...] = ()
    retried: bool = False

    def __post_init__(self) -> None:
        if self.code is None and self.reason not in CODE_OF:
            raise ValueError(f"code: give one, {self.reason!r} is no reason of docs/errors.md")

    def status(self) -> grpc.StatusCode:
        """The status: the one given, else that of the reason."""
        return self.code or CODE_OF[self.reason]

    def words(self) -> str:
        """The message, never empty."""
        return self.message or f"the fake gateway says {self.reason or self.status().name}"

    def details(self, request_id: str) -> FailureDetail | None:
        """What goes with the status; None for a failure without details."""
        if not self.reason and self.detail is None:
            return None
        detail = FailureDetail(reason=self.reason, request_id=request_id)
        detail.streamed_chars = sum(map(len, self.pieces))
        wait = span_of("retry_after", self.retry_after)
        if wait is not None:
            detail.retry_after.CopyFrom(wait)
        if self.best is not None:
            detail.best_candidate.CopyFrom(Candidate(text=self.best, endpoint=ENDPOINT))
        if self.detail is not None:
            detail.MergeFrom(self.detail)
        return detail


class Hold:
    """Keeps a request waiting until the test lets it go; no test needs to sleep.

    `wait` returns when the request is there, `release` has it answered by `answer`, and `gone`
    returns when its caller left instead. A stream sends `after` pieces before it waits. One hold
    may stand for several requests: they are released together.
    """

    def __init__(self, answer: Answer = "pass", *, after: int = 0) -> None:
        self.answer = answer
        self.after = after
        self._arrived = threading.Event()
        self._gone = threading.Event()
        self._changed = threading.Condition()
        self._released = False

    def wait(self, timeout: float = PATIENCE_S) -> None:
        """Wait until a request is held; raises TimeoutError after so many seconds."""
        if not self._arrived.wait(timeout):
            raise TimeoutError(f"no request was held within {timeout:g} s")

    def gone(self, timeout: float = PATIENCE_S) -> None:
        """Wait until the caller of a held request has left; raises TimeoutError."""
        if not self._gone.wait(timeout):
            raise TimeoutError(f"the caller of the held request did not leave in {timeout:g} s")

    def release(self) -> None:
        """Have the requests answered that are held, and those that come later at once."""
        with self._changed:
            self._released = True
            self._changed.notify_all()

    def hold(self, context: grpc.ServicerContext) -> None:
        """Keep the RPC of a context waiting; returns when it is released or over."""
        over = threading.Event()

        def end() -> None:
            with self._changed:
                over.set()
                self._changed.notify_all()

        watched = context.add_callback(end)
        self._arrived.set()
        with self._changed:
            self._changed.wait_for(lambda: self._released or over.is_set() or not watched)
            if not self._released:
                self._gone.set()


Answer = str | Reply | GenerateResponse | Failure | Hold | Callable[[GenerateRequest], "Answer"]
"""What a hole is answered with: a text, one of the classes here, or a function of the request."""
