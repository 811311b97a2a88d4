"""A Locust user that calls a gateway, for those who already use Locust.

Importing this module imports Locust (`pip install 'ensemble-loadtest[locust]'`) and makes gRPC work
with its green threads, which cannot be undone in the process. Locust waits for answers in each of
its users: its latencies are those of a closed loop, see docs/loadtest.md.
"""

from __future__ import annotations

import time
from importlib import import_module
from typing import Any, Unpack

from ensemble_client import Client, EnsembleError, GenerateResponse, StreamDelta
from ensemble_client.requests import RequestOptions
from grpc.experimental import gevent

from ensemble_loadtest.prompts import BUILT_IN, Prompt

gevent.init_gevent()
_locust: Any = import_module("locust")
_Base: Any = _locust.User

PROTOCOL = "grpc"


class EnsembleUser(_Base):
    """A user with a client of its own; `host` is the gateway's `host:port`.

    Tasks of a subclass call `generate` and `stream`. Each call is one request of Locust's
    statistics, named `Generate` or `GenerateStream`; a stream has a second one, `first token`.
    What the gateway refuses is a failure there, with its status and reason, and is not raised.
    """

    abstract = True
    prompts: tuple[Prompt, ...] = BUILT_IN
    """Holes for tasks that have none of their own, in turn."""

    def __init__(self, environment: Any) -> None:
        _Base.__init__(self, environment)
        if not self.host:
            raise _locust.exception.LocustError("give --host, the gateway's host:port")
        self._client = Client(self.host.removeprefix("grpc://"))
        self._turn = 0

    def on_stop(self) -> None:
        """Close the connection."""
        self._client.close()

    def next_prompt(self) -> Prompt:
        """Return the next one of `prompts`."""
        self._turn += 1
        return self.prompts[self._turn % len(self.prompts)]

    def generate(
        self, prompt: str, *, name: str = "Generate", **options: Unpack[RequestOptions]
    ) -> GenerateResponse | None:
        """Fill a hole, with the options of `ensemble_client.Client.generate`; None on failure."""
        started_s = time.perf_counter()
        try:
            answer = self._client.generate(prompt, **options)
        except EnsembleError as error:
            self._tell(name, started_s, 0, error)
            return None
        self._tell(name, started_s, len(answer.text.encode()), None)
        return answer

    def stream(
        self, prompt: str, *, name: str = "GenerateStream", **options: Unpack[RequestOptions]
    ) -> str | None:
        """Fill a hole piece by piece; return the text, None on failure."""
        started_s = time.perf_counter()
        pieces: list[str] = []
        try:
            with self._client.stream(prompt, **options) as events:
                for event in events:
                    if not isinstance(event, StreamDelta):
                        continue
                    if not pieces:
                        self._tell("first token", started_s, 0, None)
                    pieces.append(event.text)
        except EnsembleError as error:
            self._tell(name, started_s, 0, error)
            return None
        text = "".join(pieces)
        self._tell(name, started_s, len(text.encode()), None)
        return text

    def _tell(self, name: str, started_s: float, size: int, error: EnsembleError | None) -> None:
        """Tell Locust of a request; its failures are grouped by the words of their exception."""
        words = None if error is None else f"{error.code.name} {error.reason}".strip()
        self.environment.events.request.fire(
            request_type=PROTOCOL,
            name=name,
            response_time=(time.perf_counter() - started_s) * 1000,
            response_length=size,
            exception=None if words is None else RuntimeError(words),
            context={},
        )
