"""OpenAI-compatible HTTP: chat completions, and completions with a suffix."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

import aiohttp

from gateway.core.candidate import Completion, FinishReason
from gateway.core.deadline import Deadline
from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault
from gateway.core.ports import Clock, SendText, Task
from gateway.upstreams.errors import (
    CLOSING,
    CUT,
    NO_CONNECTION,
    NONSENSE,
    NOT_THE_PROTOCOL,
    TOO_LARGE_ANSWER,
    TOO_LARGE_REQUEST,
    TOO_LATE,
    UNREACHABLE,
    UNSENDABLE,
    ForeignError,
    time_left,
)
from gateway.upstreams.errors_http import fault_of_names, fault_of_status, retry_after
from gateway.upstreams.fence import strip_fence
from gateway.upstreams.openai_answer import ReportedError, names_in, part_of
from gateway.upstreams.openai_body import PATHS, body_of, headers_of
from gateway.upstreams.openai_chat import calls_of, passed_through
from gateway.upstreams.openai_json import NonsenseError, document_of
from gateway.upstreams.openai_stream import StreamedFill
from gateway.upstreams.options import OpenAiMode, UpstreamOptions
from gateway.upstreams.sse import BrokenStreamError

OK = 200
MAX_ERROR_BYTES = 64 * 1024
FIXED_HEADERS = {
    "content-type": "application/json",
    # Compressed answers would need a second size limit, for what they unpack to.
    "accept-encoding": "identity",
}


BROKEN = (aiohttp.ClientError, OSError, RuntimeError)
"""What reading a body raises when its connection is gone; aiohttp has a RuntimeError for it too."""


class OpenAiUpstream:
    """A connection to one OpenAI-compatible server.

    `wall_clock` is the time of day in seconds since the epoch, for Retry-After dates.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        options: UpstreamOptions,
        clock: Clock,
        wall_clock: Clock = time.time,
    ) -> None:
        self._endpoint = endpoint
        self._options = options
        self._clock = clock
        self._wall_clock = wall_clock
        self._url = endpoint.url.rstrip("/") + PATHS[options.openai_mode]
        self._chat = options.openai_mode is OpenAiMode.CHAT
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def generate(self, task: Task, deadline: Deadline) -> Completion:
        """Complete the task's hole. Raises Fault; cancelling closes the connection."""
        async with self._answer(task, deadline, stream=False) as response:
            return await self._whole(response, fenced=self._fenced(task))

    async def stream(self, task: Task, deadline: Deadline, send: SendText) -> Completion:
        """Complete the task's hole piece by piece. Raises Fault; cancelling closes the connection.

        A server that cannot stream and answers with one document is taken at its word.
        """
        async with self._answer(task, deadline, stream=True) as response:
            if response.content_type == "application/json":
                completion = await self._whole(response, fenced=self._fenced(task))
                if completion.text:
                    await send(completion.text)
                return completion
            return await self._follow(response, send, fenced=self._fenced(task))

    async def close(self) -> None:
        """Close the connections; running calls end with Fault(CANCELLED)."""
        self._closed = True
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def _answer(
        self, task: Task, deadline: Deadline, *, stream: bool
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        body = self._encoded(task, stream=stream)
        limit = asyncio.timeout(time_left(self._endpoint, deadline, self._clock))
        try:
            async with limit:
                response = await self._post(task, body)
                try:
                    with _ended_by_its_connection(response):
                        if response.status != OK:
                            raise await self._refusal(response)
                        yield response
                finally:
                    # Closes the connection, and so stops the server, unless all was read.
                    response.release()
        except TimeoutError:
            if limit.expired():
                raise TOO_LATE.fault(self._endpoint) from None
            raise
        except ReportedError as error:
            raise fault_of_names(self._endpoint, error.names) from None
        except (NonsenseError, BrokenStreamError):
            raise NONSENSE.fault(self._endpoint) from None

    def _encoded(self, task: Task, *, stream: bool) -> bytes:
        body = body_of(task, self._endpoint, self._options, stream=stream)
        try:
            encoded = json.dumps(body, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise UNSENDABLE.fault(self._endpoint) from None
        if len(encoded) > self._options.max_message_bytes:
            raise TOO_LARGE_REQUEST.fault(self._endpoint)
        return encoded

    async def _post(self, task: Task, body: bytes) -> aiohttp.ClientResponse:
        if self._closed:
            raise CLOSING.fault(self._endpoint)
        if self._session is None:
            self._session = _open_session()
        headers = FIXED_HEADERS | headers_of(task, self._options)
        try:
            return await self._session.post(
                self._url, data=body, headers=headers, allow_redirects=False
            )
        except aiohttp.ClientResponseError:
            raise NOT_THE_PROTOCOL.fault(self._endpoint) from None
        except aiohttp.ClientConnectorError:
            raise self._lost(NO_CONNECTION) from None
        except (aiohttp.ClientError, OSError):
            raise self._lost(UNREACHABLE) from None

    async def _refusal(self, response: aiohttp.ClientResponse) -> Fault:
        try:
            raw = await self._read(response, MAX_ERROR_BYTES)
            names = names_in(document_of(raw)) or ()
        except (Fault, NonsenseError):
            names = ()
        hint = retry_after(response.headers.get("retry-after"), self._wall_clock())
        return fault_of_status(self._endpoint, response.status, names, hint)

    def _fenced(self, task: Task) -> bool:
        """Tell whether a fence may surround the code that was asked for.

        Completions are raw text, and an answer to the caller's own words is the caller's.
        """
        return self._chat and passed_through(task) is None

    async def _whole(self, response: aiohttp.ClientResponse, *, fenced: bool) -> Completion:
        raw = await self._read(response, self._options.max_message_bytes)
        part = part_of(document_of(raw))
        if not part.has_choice:
            raise NONSENSE.fault(self._endpoint)
        return Completion(
            text=strip_fence(part.text) if fenced else part.text,
            finish_reason=part.finish_reason or FinishReason.UNSPECIFIED,
            model=part.model,
            usage=part.usage,
            logprobs=part.tokens.logprobs,
            tokens=part.tokens.texts,
            tool_calls=calls_of(part.calls),
        )

    async def _read(self, response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
        raw = bytearray()
        try:
            while chunk := await response.content.readany():
                raw += chunk
                if len(raw) > max_bytes:
                    raise TOO_LARGE_ANSWER.fault(self._endpoint)
        except BROKEN:
            raise self._lost(UNREACHABLE) from None
        return bytes(raw)

    async def _follow(
        self, response: aiohttp.ClientResponse, send: SendText, *, fenced: bool
    ) -> Completion:
        fill = StreamedFill(fenced=fenced)
        while not fill.done:
            try:
                chunk = await response.content.readany()
            except BROKEN:
                # Whether the text was complete by then is decided below.
                chunk = b""
            if not chunk:
                break
            for text in fill.feed(chunk):
                await send(text)
            if fill.size > self._options.max_message_bytes:
                raise TOO_LARGE_ANSWER.fault(self._endpoint)
        if not fill.complete:
            raise self._lost(CUT)
        rest = fill.finish()
        if rest:
            await send(rest)
        return fill.completion()

    def _lost(self, row: ForeignError) -> Fault:
        # Closing the session looks like a lost connection from inside a call.
        return (CLOSING if self._closed else row).fault(self._endpoint)


@contextmanager
def _ended_by_its_connection(response: aiohttp.ClientResponse) -> Generator[None]:
    """End the body with its connection, however that ends.

    After a chunk that is none, aiohttp closes the connection and leaves the body waiting for ever.
    """
    connection, body = response.connection, response.content
    protocol = None if connection is None else connection.protocol
    # Not by its truth: a protocol without data waiting is false.
    closed = None if protocol is None else protocol.closed

    def end(_: asyncio.Future[None]) -> None:
        if not body.is_eof() and body.exception() is None:
            body.set_exception(aiohttp.ClientPayloadError("the connection ended within the body"))

    if closed is not None:
        # Once for each connection: an idle one may end with an error that nobody asks for.
        closed.remove_done_callback(_heard)
        closed.add_done_callback(_heard)
        closed.add_done_callback(end)
    try:
        yield
    finally:
        if closed is not None:
            closed.remove_done_callback(end)


def _heard(closed: asyncio.Future[None]) -> None:
    if not closed.cancelled():
        closed.exception()


def _open_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        # How many calls run at once is for the policies to say, and the time for the deadline.
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    )
