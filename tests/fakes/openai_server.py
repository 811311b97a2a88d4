"""A scripted OpenAI-compatible server on bare sockets, so that it can break every rule."""

from __future__ import annotations

import asyncio
import json

from tests.fakes.script import Asked, Failure, Script, Witness

STATUS = {
    Failure.OVERLOADED: 429,
    Failure.UNAVAILABLE: 503,
    Failure.INVALID: 400,
    Failure.UNKNOWN_MODEL: 404,
    Failure.UNAUTHENTICATED: 401,
    Failure.DENIED: 403,
    Failure.BROKEN: 500,
}
TYPES = {
    Failure.OVERLOADED: "rate_limit_error",
    Failure.UNAVAILABLE: "overloaded_error",
    Failure.INVALID: "invalid_request_error",
    Failure.UNKNOWN_MODEL: "not_found_error",
    Failure.UNAUTHENTICATED: "authentication_error",
    Failure.DENIED: "permission_error",
    Failure.BROKEN: "server_error",
}


class FakeOpenAiServer:
    """`raw` is sent as it is instead of the script; then the connection ends.

    `health` is the HTTP status that every GET is answered with; `checks` counts them.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.raw = b""
        self.health = 200
        self.checks = 0
        self.witness = Witness()
        self.url = ""
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> FakeOpenAiServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            self.witness.left.set()
        except asyncio.CancelledError:
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        except asyncio.IncompleteReadError:
            return False
        method, path, _ = head[0].split(" ")
        if method == "GET":
            self.checks += 1
            await _send(writer, self.health, b"{}")
            return True
        fields = [line.partition(": ") for line in head[1:] if line]
        headers = {name.lower(): value for name, _, value in fields}
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        chat = path.endswith("/chat/completions")
        self._saw(body, headers, chat=chat)
        if self.raw:
            writer.write(self.raw)
            await writer.drain()
            return False
        if self.script.failure and not self.script.failure_after:
            await self._refuse(writer)
        elif body.get("stream"):
            return await self._stream(reader, writer, chat=chat)
        else:
            return await self._whole(reader, writer, chat=chat)
        return True

    def _saw(self, body: dict[str, object], headers: dict[str, str], *, chat: bool) -> None:
        before = body["messages"][-1]["content"] if chat else body["prompt"]
        self.witness.saw(
            Asked(
                before=before,
                after=before if chat else body.get("suffix", ""),
                model=body["model"],
                headers=headers,
                streamed=bool(body.get("stream")),
                body=body,
            )
        )

    def _error(self) -> bytes:
        failure = self.script.failure
        error = {"message": self.script.words, "type": TYPES[failure], "code": None}
        return json.dumps({"error": error}).encode()

    async def _refuse(self, writer: asyncio.StreamWriter) -> None:
        retry = self.script.retry_after_s
        extra = "" if retry is None else f"Retry-After: {retry}\r\n"
        await _send(writer, STATUS[self.script.failure], self._error(), extra)

    async def _whole(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, chat: bool
    ) -> bool:
        if self.script.hang:
            return await self._wait_for_leaving(reader)
        if self.script.malformed:
            await _send(writer, 200, b'{"choices": [{"text"')
            return True
        script = self.script
        choice = self._choice(
            script.text, script.logprobs, chat=chat, part="message", pieces=script.pieces
        )
        choice["finish_reason"] = self.script.finish
        document = {
            "object": "chat.completion",
            "model": self.script.model,
            "choices": [choice],
            "usage": self._usage(),
        }
        await _send(writer, 200, json.dumps(document).encode())
        return True

    async def _stream(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, chat: bool
    ) -> bool:
        script = self.script
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        if script.malformed:
            await _chunk(writer, b"data: {not json\n\n")
        if chat:
            first = {"index": 0, "delta": {"role": "assistant", "content": None}}
            await self._event(writer, [first])
        for number, piece in enumerate(script.pieces):
            if script.failure and number == script.failure_after:
                await _chunk(writer, b"data: " + self._error() + b"\n\n")
                return False
            logprobs = script.logprobs[number : number + 1]
            choice = self._choice(piece, logprobs, chat=chat, part="delta", pieces=(piece,))
            await self._event(writer, [choice])
        if script.endless:
            return await self._write_for_ever(writer, chat=chat)
        if script.hang:
            return await self._wait_for_leaving(reader)
        if script.cut:
            return False
        last = self._choice("", (), chat=chat, part="delta") | {"finish_reason": script.finish}
        await self._event(writer, [last])
        await self._event(writer, [], usage=self._usage())
        for _ in range(script.ends):
            await _chunk(writer, b"data: [DONE]\n\n")
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _write_for_ever(self, writer: asyncio.StreamWriter, *, chat: bool) -> bool:
        choice = self._choice(self.script.pieces[-1], (), chat=chat, part="delta")
        while True:
            await self._event(writer, [choice])

    async def _wait_for_leaving(self, reader: asyncio.StreamReader) -> bool:
        await reader.read()
        self.witness.left.set()
        return False

    async def _event(
        self, writer: asyncio.StreamWriter, choices: list[object], **more: object
    ) -> None:
        document = {"model": self.script.model, "choices": choices, **more}
        event = f"data: {json.dumps(document, ensure_ascii=False)}\n\n".encode()
        for place in range(len(event)) if self.script.drip else ():
            await _chunk(writer, event[place : place + 1])
        if not self.script.drip:
            await _chunk(writer, event)

    def _usage(self) -> dict[str, int]:
        return {
            "prompt_tokens": self.script.prompt_tokens,
            "completion_tokens": self.script.completion_tokens,
        }

    def _choice(
        self,
        text: str,
        logprobs: tuple[float, ...],
        *,
        chat: bool,
        part: str,
        pieces: tuple[str, ...] = (),
    ) -> dict[str, object]:
        if chat:
            tokens = [
                {"token": piece, "logprob": value}
                for piece, value in zip(pieces, logprobs, strict=False)
            ]
            return {
                "index": 0,
                part: {"content": text},
                "logprobs": {"content": tokens} if logprobs else None,
            }
        return {
            "index": 0,
            "text": text,
            "logprobs": (
                {"token_logprobs": list(logprobs), "tokens": list(pieces)[: len(logprobs)]}
                if logprobs
                else None
            ),
        }


async def _chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
    await writer.drain()


async def _send(writer: asyncio.StreamWriter, status: int, body: bytes, extra: str = "") -> None:
    head = (
        f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{extra}"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()
