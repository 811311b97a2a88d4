"""The OpenAI-compatible door, on bare sockets so that it can break every rule of HTTP."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from typing import Any

from tests.conformance.servers.book import Book, BrokenOffError, perform
from tests.conformance.servers.rules import Act, Rule
from tests.conformance.texts import Asked, asked_in

HTTP_STATUS = {
    "INVALID_ARGUMENT": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
ERROR_TYPE = {400: "invalid_request_error", 429: "rate_limit_error"}
NOT_JSON = '{"choices": [{"text"'
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)


class OpenAiDoor:
    """One endpoint: `/v1/chat/completions`, `/v1/completions` and `/v1/models`."""

    def __init__(self, book: Book, name: str) -> None:
        self._book = book
        self._name = name
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, port: int) -> int:
        """Listen on a port of loopback, 0 for a free one; return it."""
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", port, backlog=4096, limit=8 * 1024 * 1024
        )
        return int(self._server.sockets[0].getsockname()[1])

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (asked := await _read(reader)) is not None:
                if not await self._exchange(reader, writer, *asked):
                    break
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, raw: bytes
    ) -> bool:
        """Answer one request; say whether the connection goes on."""
        if not raw:
            await _send(writer, 200, {"object": "list", "data": [{"id": "scripted"}]})
            return True
        body: dict[str, Any] = json.loads(raw)
        chat = path.endswith("/chat/completions")
        asked = _asked(body, chat=chat)
        if asked is None:
            await _send(writer, 400, _error(400))
            return True
        streamed = bool(body.get("stream"))
        reply = (StreamReply if streamed else WholeReply)(writer, chat=chat)
        work = asyncio.create_task(perform(self._book, self._name, asked, reply, streamed=streamed))
        # A caller who leaves is heard of by reading only; it says nothing before it is answered.
        leaving = asyncio.create_task(reader.read(1))
        try:
            await asyncio.wait((work, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                return False
            await work
        except BrokenOffError:
            return reply.keeps
        finally:
            leaving.cancel()
            work.cancel()
            await asyncio.gather(work, leaving, return_exceptions=True)
        return True


def _asked(body: dict[str, Any], *, chat: bool) -> Asked | None:
    if not chat:
        return asked_in(str(body["prompt"]))
    messages = body["messages"]
    if messages[-1]["role"] == "assistant":
        # Others continue by an answer that has begun.
        return asked_in(f"{messages[-2]['content']}{messages[-1]['content']}")
    content = str(messages[-1]["content"])
    return asked_in(content, chat="\n```\n" in content)


async def _read(reader: asyncio.StreamReader) -> tuple[str, bytes] | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.IncompleteReadError:
        return None
    fields = (line.partition(":") for line in head[1:] if line)
    headers = {name.lower(): value.strip() for name, _, value in fields}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return head[0].split(" ")[1], body


class WholeReply:
    """The way back of a call that is answered at once."""

    def __init__(self, writer: asyncio.StreamWriter, *, chat: bool) -> None:
        self._writer = writer
        self._chat = chat
        self._pieces: list[str] = []
        self.keeps = False

    async def piece(self, text: str) -> None:
        """Keep it."""
        self._pieces.append(text)

    async def done(self) -> None:
        """Send the document."""
        text = "".join(self._pieces)
        choice = _choice(text, chat=self._chat, part="message") | {"finish_reason": "stop"}
        usage = {"prompt_tokens": 10, "completion_tokens": len(self._pieces)}
        await _send(self._writer, 200, {"model": "scripted", "choices": [choice], "usage": usage})

    async def broken(self, rule: Rule) -> None:
        """End the call as the rule says."""
        self.keeps = await _broken(self._writer, rule, begun=False)
        raise BrokenOffError


class StreamReply:
    """The way back of a call that is answered by events."""

    def __init__(self, writer: asyncio.StreamWriter, *, chat: bool) -> None:
        self._writer = writer
        self._chat = chat
        self._count = 0
        self.keeps = False

    async def piece(self, text: str) -> None:
        """Send an event."""
        await self._event([_choice(text, chat=self._chat, part="delta")])

    async def done(self) -> None:
        """Send the finish reason, the usage, the end marker and the end of the body."""
        last = _choice("", chat=self._chat, part="delta") | {"finish_reason": "stop"}
        await self._event([last])
        usage = {"prompt_tokens": 10, "completion_tokens": self._count}
        document: dict[str, Any] = {"model": "scripted", "choices": [], "usage": usage}
        await self._chunk(f"data: {json.dumps(document)}\n\ndata: [DONE]\n\n".encode())
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    async def broken(self, rule: Rule) -> None:
        """End the stream as the rule says."""
        if self._count and rule.act in {Act.STATUS, Act.MALFORMED, Act.END}:
            if rule.act is not Act.END:
                words = NOT_JSON if rule.act is Act.MALFORMED else _error(_status(rule))
                said = words if isinstance(words, str) else json.dumps(words)
                await self._chunk(f"data: {said}\n\n".encode())
            self._writer.write(b"0\r\n\r\n")
            await self._writer.drain()
            self.keeps = True
        else:
            self.keeps = await _broken(self._writer, rule, begun=self._count > 0)
        raise BrokenOffError

    async def _event(self, choices: list[dict[str, Any]]) -> None:
        await self._chunk(
            f"data: {json.dumps({'model': 'scripted', 'choices': choices})}\n\n".encode()
        )

    async def _chunk(self, data: bytes) -> None:
        head = b"" if self._count else STREAM_HEAD
        self._count += 1
        self._writer.write(head + f"{len(data):x}\r\n".encode() + data + b"\r\n")
        await self._writer.drain()


async def _broken(writer: asyncio.StreamWriter, rule: Rule, *, begun: bool) -> bool:
    """Break off by the connection or by a whole response; say whether the connection goes on."""
    match rule.act:
        case Act.STATUS:
            hint = "" if rule.retry_after_s is None else f"Retry-After: {rule.retry_after_s}\r\n"
            await _send(writer, _status(rule), _error(_status(rule)), hint)
            return True
        case Act.WRONG_TYPE:
            page = b"<html><body>Welcome to the network</body></html>"
            await _send_raw(writer, 200, page, kind="text/html")
            return True
        case Act.MALFORMED:
            await _send_raw(writer, 200, NOT_JSON.encode())
            return True
        case Act.END:
            await _send_raw(writer, 200, b"", kind="text/event-stream")
            return True
        case Act.RESET:
            raw: socket.socket = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        case Act.BAD_FRAME:
            writer.write(b"zz\r\nno length\r\n" if begun else b"NOT HTTP AT ALL\r\n\r\n")
            await writer.drain()
        case _:
            # Half of a chunk, and the end of the connection.
            head = b"" if begun else STREAM_HEAD
            writer.write(head + b'40\r\ndata: {"choices": [{"text": "')
            await writer.drain()
    return False


def _status(rule: Rule) -> int:
    return HTTP_STATUS[rule.status]


def _error(status: int) -> dict[str, Any]:
    kind = ERROR_TYPE.get(status, "server_error")
    return {"error": {"message": "as told", "type": kind, "code": None}}


def _choice(text: str, *, chat: bool, part: str) -> dict[str, Any]:
    if not chat:
        return {"index": 0, "text": text, "finish_reason": None}
    said = {"role": "assistant", "content": text}
    return {"index": 0, part: said, "finish_reason": None}


async def _send(
    writer: asyncio.StreamWriter, status: int, document: dict[str, Any], extra: str = ""
) -> None:
    await _send_raw(writer, status, json.dumps(document).encode(), extra=extra)


async def _send_raw(
    writer: asyncio.StreamWriter,
    status: int,
    body: bytes,
    *,
    kind: str = "application/json",
    extra: str = "",
) -> None:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n{extra}Content-Length: {len(body)}\r\n"
    writer.write(f"{head}\r\n".encode() + body)
    await writer.drain()
