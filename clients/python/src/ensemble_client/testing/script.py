"""Takes the answers of a script one after the other and finds out what each of them is."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable

import grpc
from ensemble.v1.gateway_service_pb2 import GenerateRequest, GenerateResponse

from ensemble_client.testing.answers import Answer, Failure, Hold, Reply

Found = Reply | GenerateResponse | Failure


class Script:
    """The answers to holes, in the order in which the requests come; the last one stays."""

    def __init__(self, answers: Iterable[Answer]) -> None:
        self._answers = deque(answers)
        self._last: Answer = "pass"
        self._lock = threading.Lock()
        self.requests: list[GenerateRequest] = []
        self.broken: Exception | None = None

    def add(self, answers: Iterable[Answer]) -> None:
        """Append answers."""
        with self._lock:
            self._answers.extend(answers)

    def take(
        self, request: GenerateRequest, context: grpc.ServicerContext
    ) -> tuple[Found, Hold | None]:
        """Record a request and return its answer, with the hold that a stream has before its end.

        Waits for a hold that comes before everything. An exception of a function of the test's own
        is kept for the end of the test, and the request fails with it.
        """
        with self._lock:
            self.requests.append(request)
            if self._answers:
                self._last = self._answers.popleft()
            answer = self._last
        later: Hold | None = None
        while not isinstance(answer, Reply | GenerateResponse | Failure):
            if isinstance(answer, str):
                answer = Reply(answer)
            elif not isinstance(answer, Hold):
                answer = self._computed(answer, request)
            elif answer.after:
                answer, later = answer.answer, answer
            else:
                answer.hold(context)
                answer = answer.answer
        return answer, later

    def _computed(
        self, answer: Callable[[GenerateRequest], Answer], request: GenerateRequest
    ) -> Answer:
        try:
            return answer(request)
        except Exception as error:  # noqa: BLE001 - raised again when the fake is left
            self.broken = self.broken or error
            return Failure(
                code=grpc.StatusCode.INTERNAL,
                message=f"the answer's function raised {type(error).__name__}: {error}",
            )
