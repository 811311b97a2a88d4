"""What the tests of the OpenAI door share: bodies read as it reads them, and a raw caller of it."""

from __future__ import annotations

import asyncio
import json
import socket
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.core.composition import PipelineDefinition
from gateway.core.endpoint import Capability, Endpoint
from gateway.core.faults import Fault
from gateway.core.hole import Request
from gateway.core.snapshot import Snapshot
from gateway.ingress.openai.caller import Caller, caller_of
from gateway.ingress.openai.params import named
from gateway.ingress.openai.wanted import Api, Known, Wanted, wanted_of
from tests.fakes.gateways import Door

KNOWN = Known(
    Snapshot.of(
        (
            Endpoint("a", capabilities=frozenset({Capability.FAST_INFERENCE})),
            Endpoint("b-1", group="b"),
            Endpoint("b-2", group="b"),
        )
    ),
    {"draft": PipelineDefinition("draft", (), "")},
)
ASKER = Caller("r")
HELLO = [{"role": "user", "content": "hello"}]
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {"name": "weather", "parameters": {}},
}
CHAT_PATH, COMPLETIONS_PATH = "/v1/chat/completions", "/v1/completions"
TIMEOUT_S = 10


def chat(caller: Caller = ASKER, *, local: bool = True, **fields: Any) -> Wanted:
    """Read a chat body."""
    body = {"messages": HELLO, **fields}
    return wanted_of(Api.CHAT, body, caller, KNOWN, lambda: local)


def completion(caller: Caller = ASKER, **fields: Any) -> Wanted:
    """Read a completions body."""
    body = {"prompt": "x = ", **fields}
    return wanted_of(Api.COMPLETIONS, body, caller, KNOWN, lambda: True)


def one(wanted: Wanted) -> Request:
    """The request of the only choice."""
    (request,) = wanted.requests
    return request


def param_at_fault(api: Api, body: Any) -> str | None:
    """Read a body that must be refused; return the field that is named."""
    with pytest.raises(Fault) as caught:
        wanted_of(api, body, ASKER, KNOWN, lambda: True)
    return named(caught.value, None)[1]


def asker(**headers: str) -> Caller:
    """Read headers whose names have underscores for dashes."""
    pairs = {name.replace("_", "-").encode(): one.encode() for name, one in headers.items()}
    return caller_of(pairs, "r")


@dataclass
class Reply:
    """An answer as its bytes said; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The body's JSON."""
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        """The error that the body tells."""
        return self.document["error"]

    @property
    def events(self) -> list[Any]:
        """The documents of a stream; the end mark is a text."""
        lines = self.body.decode().split("\n\n")
        data = [line.removeprefix("data: ") for line in lines if line]
        return [json.loads(one) if one != "[DONE]" else one for one in data]


class RawCaller:
    """A connection that sends what it is told, byte by byte if need be."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    async def __aenter__(self) -> RawCaller:
        # With little room of its own, so that what it does not read is soon felt.
        own = socket.socket()
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        own.setblocking(False)
        await asyncio.get_running_loop().sock_connect(own, ("127.0.0.1", self.port))
        self.reader, self.writer = await asyncio.open_connection(sock=own)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.writer.write(data)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> None:
        """Send a whole request; bytes are sent as they are."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        said = {"host": "door", "content-type": "application/json", **given}
        if body is not None:
            said.setdefault("content-length", str(len(raw)))
        lines = [f"{name}: {value}" for name, value in said.items()]
        head = "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode()
        self.send(head + (b"" if body is None else raw))

    async def head(self) -> tuple[int, dict[str, str]]:
        """Read the status and the headers of an answer."""
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = [line.partition(": ") for line in lines[1:] if line]
        return int(lines[0].split()[1]), {name.lower(): value for name, _, value in pairs}

    async def chunk(self) -> bytes:
        """Read a chunk of a body; the last one is empty."""
        size = int(await self.reader.readuntil(b"\r\n"), 16)
        data = await self.reader.readexactly(size)
        await self.reader.readexactly(2)
        return data

    async def reply(self) -> Reply:
        """Read a whole answer."""
        async with asyncio.timeout(TIMEOUT_S):
            status, headers = await self.head()
            if headers.get("transfer-encoding") != "chunked":
                length = int(headers.get("content-length", "0"))
                return Reply(status, headers, await self.reader.readexactly(length))
            body = b""
            while chunk := await self.chunk():
                body += chunk
            return Reply(status, headers, body)


def port_of(door: Door) -> int:
    """Where the door of a gateway listens."""
    assert door.gateway is not None
    port = door.gateway.doors.openai_port
    assert port is not None
    return port


async def ask(door: Door, method: str, path: str, body: Any = None, **headers: str) -> Reply:
    """Ask once, on a connection of its own."""
    async with RawCaller(port_of(door)) as caller:
        caller.ask(method, path, body, **headers)
        return await caller.reply()


async def post_chat(door: Door, **fields: Any) -> Reply:
    """Ask in chat."""
    return await ask(door, "POST", CHAT_PATH, {"messages": HELLO, **fields})


async def post_completion(door: Door, **fields: Any) -> Reply:
    """Ask for a completion."""
    return await ask(door, "POST", COMPLETIONS_PATH, {"prompt": "x = ", **fields})
