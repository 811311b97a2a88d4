"""One HTTP request as its handler sees it: its body, its answer, and how it is cut short."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, cast

from gateway.core.exchange import Exchange
from gateway.core.faults import Kind
from gateway.ingress.context import caller_left
from gateway.ingress.http_listener import CONNECTION, Connection
from gateway.ingress.openai.caller import Headers, request_id_of
from gateway.ingress.openai.errors import INVALID_REQUEST, Header, Refusal, Shape

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

JSON = b"application/json"
EVENTS = b"text/event-stream"
LAST_WORDS_S = 5.0
"""How long a caller may take to read why it gets no answer, before its connection is dropped."""

CLOSE: Header = (b"connection", b"close")
TOO_LARGE = Shape(413, INVALID_REQUEST, "request_too_large", again=False)
TOO_SLOW = Shape(408, INVALID_REQUEST, "request_timeout")
NOT_JSON = Shape(415, INVALID_REQUEST, "unsupported_media_type")


class HttpCall:
    """A request. `opened` turns true with the first bytes of its answer.

    `exchanges` are those begun for it; `extended` says that it has the object `ensemble`. `cut`
    says why its task was cancelled from here; None while it was not.
    """

    __slots__ = (
        "_connection",
        "_receive",
        "_send",
        "_task",
        "cut",
        "exchanges",
        "extended",
        "headers",
        "method",
        "opened",
        "path",
        "request_id",
        "scope",
        "started",
    )

    def __init__(self, scope: Message, receive: Receive, send: Send, started: float) -> None:
        """Belongs to the task that makes it."""
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: Headers = dict(scope["headers"])
        self.request_id = request_id_of(self.headers)
        self.started = started
        self.opened = False
        self.exchanges: tuple[Exchange, ...] = ()
        self.extended = False
        self.cut: Refusal | None = None
        self._receive = receive
        self._send = send
        self._connection: Connection = scope["state"][CONNECTION]
        self._task = cast("asyncio.Task[None]", asyncio.current_task())
        self._connection.lost.add(self._left)

    def close(self) -> None:
        """Forget the connection; whatever becomes of it is no longer about this request."""
        self._connection.lost.discard(self._left)

    async def body(self, most_bytes: int, within_s: float) -> bytes:
        """Read the whole body. Raises Refusal for one that is too large, too slow or no JSON."""
        self._check_headers(most_bytes)
        timer = asyncio.get_running_loop().call_later(within_s, self._late)
        try:
            message = await self._receive()
            raw: bytes = message.get("body", b"")
            if not message.get("more_body"):
                return self._bounded(raw, most_bytes)
            parts, size = [raw], len(raw)
            while message.get("more_body") and size <= most_bytes:
                message = await self._receive()
                parts.append(message.get("body", b""))
                size += len(parts[-1])
            self._connection.keep_reading()
            return self._bounded(b"".join(parts), most_bytes)
        finally:
            timer.cancel()

    async def respond(
        self, status: int, headers: tuple[Header, ...], body: bytes, kind: bytes = JSON
    ) -> None:
        """Answer with a whole document."""
        self.opened = True
        about = ((b"content-type", kind), (b"content-length", b"%d" % len(body)), *headers)
        await self._send({"type": "http.response.start", "status": status, "headers": about})
        await self._send({"type": "http.response.body", "body": body})

    async def open(self, headers: tuple[Header, ...]) -> None:
        """Begin a stream of events."""
        self.opened = True
        about = ((b"content-type", EVENTS), (b"cache-control", b"no-cache"), *headers)
        await self._send({"type": "http.response.start", "status": 200, "headers": about})

    async def write(self, data: bytes, *, last: bool = False) -> None:
        """Send a part of a stream; returns when there is room for the next: back-pressure.

        Raises Fault(CANCELLED) when nobody is left to send to.
        """
        # Pieces that come in one read are sent without a look at the event loop in between.
        if self._connection.gone and not last:
            raise caller_left()
        await self._send({"type": "http.response.body", "body": data, "more_body": not last})

    async def last_words(self, words: Awaitable[None]) -> None:
        """Say why there is no answer, to a caller who may be gone or not be reading."""
        try:
            async with asyncio.timeout(LAST_WORDS_S):
                await words
        except TimeoutError:
            self._connection.abort()

    def taken_back(self) -> Refusal | None:
        """After a cancellation: why it came from here, and then it goes no further."""
        if self.cut is not None:
            self._task.uncancel()
        return self.cut

    def _check_headers(self, most_bytes: int) -> None:
        kind = self.headers.get(b"content-type", b"")
        if kind != JSON and kind.partition(b";")[0].strip().lower() != JSON:
            kind = b""
        if not kind or self.headers.get(b"content-encoding", b"identity") != b"identity":
            raise Refusal(
                NOT_JSON,
                "the body must be JSON as it is: send content-type: application/json",
                Kind.INVALID,
                headers=(CLOSE,),
            )
        length = self.headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > most_bytes:
            raise _too_large(most_bytes)

    def _bounded(self, raw: bytes, most_bytes: int) -> bytes:
        if len(raw) > most_bytes:
            raise _too_large(most_bytes)
        return raw

    def _left(self) -> None:
        self._end(left())

    def _late(self) -> None:
        self._end(
            Refusal(TOO_SLOW, "the body did not come in time", Kind.DEADLINE, headers=(CLOSE,))
        )

    def _end(self, why: Refusal) -> None:
        if self.cut is None:
            self.cut = why
            self._task.cancel()


def left() -> Refusal:
    """The caller left: nobody reads this but a log."""
    shape = Shape(499, "request_cancelled", "cancelled", again=False)
    return Refusal(shape, "the caller left", Kind.CANCELLED)


def _too_large(most_bytes: int) -> Refusal:
    words = f"the body is larger than {most_bytes} bytes (server.max_message_bytes)"
    return Refusal(TOO_LARGE, words, Kind.INVALID, headers=(CLOSE,))
