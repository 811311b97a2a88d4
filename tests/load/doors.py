"""`python -m tests.load.doors`: what a request pays for coming in by HTTP.

The processor's microseconds of one chat request, in the event loop's thread: of (a) a bare ASGI
application on the same listener, which reads the same body and sends as many bytes as the door
does, (b) the OpenAI door over an endpoint that answers at once, (c) the core alone, given the same
request. The bar: (b) costs no more than 1.3 times (a) and (c). Requests come from another process
over loopback, several connections at a time, and of the core as many at a time; rounds of the three
are interleaved, medians compared. As in `serve`, what was made at the start is spared from garbage
collection. Nothing is learned or recorded: other threads do that, and would hold this one up.
Nobody else should use the machine meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from importlib.util import find_spec
from typing import Any, cast
from unittest.mock import patch

import uvloop

from gateway import app
from gateway.cli.serve import spared
from gateway.config.load import build
from gateway.core.chat import Chat, ChatMessage
from gateway.core.deadline import Deadline
from gateway.core.exchange import Exchange
from gateway.core.hole import Hole, Request, Sampling
from gateway.ingress.http_listener import HttpListener, HttpSettings
from tests.load.policies.__main__ import DEADLINE_S, instant, say

MOST = 1.3
PATH = "/v1/chat/completions"
SYSTEM, USER = "You write short, plain code. " * 5, "def f(x):\n    return x\n" * 20
BODY = json.dumps(
    {
        "model": "auto",
        "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": USER}],
        "temperature": 0.7,
        "max_tokens": 100,
    }
).encode()
CONNECTIONS = 8
CALLS = 1_500
ROUND_S = 60.0
HTTP_OK = b"HTTP/1.1 200"

Message = dict[str, Any]


class Bare:
    """Reads a body and sends `reply`, and nothing else."""

    def __init__(self) -> None:
        self.reply = b""

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answer one request."""
        del scope
        while (await receive()).get("more_body"):
            pass
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(self.reply)),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self.reply})


class Caller(asyncio.Protocol):
    """Sends requests over one connection, each when the one before is answered."""

    def __init__(self, request: bytes, calls: int) -> None:
        self._request = request
        self._left = calls
        self._seen = b""
        self._transport: asyncio.Transport
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        # uvloop's are none by their class.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Take an answer, and ask again."""
        self._seen += data
        head, _, body = self._seen.partition(b"\r\n\r\n")
        marked = head.lower().partition(b"content-length: ")[2]
        if not marked or len(body) < int(marked.partition(b"\r\n")[0]):
            return
        if not head.startswith(HTTP_OK):
            self.done.set_exception(RuntimeError(self._seen.decode()))
        self._seen, self._left = b"", self._left - 1
        if self._left:
            self._transport.write(self._request)
        elif not self.done.done():
            self._transport.close()
            self.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Say so, if it was too early."""
        if not self.done.done():
            self.done.set_exception(exc or RuntimeError("the connection ended"))


async def drive() -> None:
    """Do what standard input says, a port a line; answer each with a line."""
    loop = asyncio.get_running_loop()
    head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    request = head.encode() + b"content-length: %d\r\n\r\n" % len(BODY) + BODY
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        made = [
            await loop.create_connection(
                lambda: Caller(request, CALLS // CONNECTIONS), "127.0.0.1", int(line)
            )
            for _ in range(CONNECTIONS)
        ]
        await asyncio.gather(*(caller.done for _, caller in made))
        say("done")
        sys.stdout.flush()


class Driver:
    """The other process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def round_us(self, port: int) -> float:
        """Return the processor's microseconds that each of a round's requests cost here."""
        began = time.thread_time()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"%d\n" % port)
        if await asyncio.wait_for(self._process.stdout.readline(), ROUND_S) != b"done\n":
            raise RuntimeError("the caller failed")
        calls = CALLS // CONNECTIONS * CONNECTIONS
        return (time.thread_time() - began) / calls * 1e6


async def core_us(gateway: app.Gateway) -> float:
    """Return the processor's microseconds of the core for the same request."""
    chat = Chat((ChatMessage("system", SYSTEM), ChatMessage("user", USER)))
    sampling = Sampling(100, 0.7)
    handle = gateway.ensemble.handle

    async def connection(place: int) -> None:
        for number in range(CALLS // CONNECTIONS):
            hole = Hole(chat.transcript)
            request = Request(hole, f"r-{place}-{number}", sampling, chat=chat)
            exchange = Exchange(request, Deadline(time.monotonic() + DEADLINE_S))
            # In a task of its own, as behind a door.
            await asyncio.create_task(answered(exchange))

    async def answered(exchange: Exchange) -> None:
        await handle(exchange)

    began = time.thread_time()
    await asyncio.gather(*map(connection, range(CONNECTIONS)))
    return (time.thread_time() - began) / (CALLS // CONNECTIONS * CONNECTIONS) * 1e6


async def reply_size(port: int) -> int:
    """Ask the door once; return how long its answer is."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(BODY)}\r\n\r\n"
    writer.write(head.encode() + BODY)
    answer = await reader.read()
    writer.close()
    if not answer.startswith(HTTP_OK):
        raise RuntimeError(answer.decode())
    return len(answer.partition(b"\r\n\r\n")[2])


async def measure(rounds: int) -> dict[str, list[float]]:
    """Return the microseconds of each of the three in each round."""
    document = {
        "endpoint": [{"name": "a", "url": "127.0.0.1:1", "health": "none"}],
        "server": {"port": 0},
        "openai": {"port": 0},
        "outcomes": {"enabled": False},
        "learning": {"enabled": False},
    }
    settings = build(document, "bench")
    async with AsyncExitStack() as stack:
        with patch.object(app, "connect", instant):
            gateway = await stack.enter_async_context(app.Gateway(settings))
        await gateway.start()
        door = gateway.doors.openai_port
        assert door is not None
        bare = Bare()
        bare.reply = b"x" * await reply_size(door)
        listener = HttpListener(bare, HttpSettings("bare", "127.0.0.1", 0, 1000))
        port = await listener.start()
        stack.push_async_callback(listener.drain, 0)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.load.doors",
            "--drive",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        driver = Driver(process)
        stack.enter_context(spared())
        try:
            costs: dict[str, list[float]] = {"bare": [], "door": [], "core": []}
            for number in range(rounds + 1):
                found = {
                    "bare": await driver.round_us(port),
                    "door": await driver.round_us(door),
                    "core": await core_us(gateway),
                }
                # The first one warms everything up.
                if number:
                    for name, cost in found.items():
                        costs[name].append(cost)
        finally:
            process.kill()
            await process.wait()
    return costs


def main() -> int:
    """Print the table; 1 when the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--drive", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.drive:
        uvloop.run(drive())
        return 0
    costs = uvloop.run(measure(asked.rounds))
    parsed_by = "h11" if find_spec("httptools") is None else "httptools"
    say(f"{'':<34}{'min':>8}{'median':>8}{'max':>8}   (µs of the processor, {parsed_by})")
    names = {"bare": "(a) bare ASGI", "door": "(b) the door", "core": "(c) the core alone"}
    for name, words in names.items():
        spent = costs[name]
        say(f"{words:<34}{min(spent):8.1f}{statistics.median(spent):8.1f}{max(spent):8.1f}")
    middle = {name: statistics.median(spent) for name, spent in costs.items()}
    bar = MOST * middle["bare"] + middle["core"]
    missed = middle["door"] > bar
    verdict = "MISSED" if missed else "ok"
    say(f"{f'(b) beside {MOST} x (a) + (c)':<34}{middle['door']:8.1f} of {bar:.1f}   {verdict}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
