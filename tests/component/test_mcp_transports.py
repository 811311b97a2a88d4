"""`ensemble mcp` as its clients run it: a child process on stdio, and a server over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from ensemble_client import AsyncClient
from mcp import StdioServerParameters

from gateway.cli.mcp_server.addresses import Address
from gateway.cli.mcp_server.serving import serve_http
from gateway.cli.mcp_server.tool import Desk
from gateway.ingress.listener import ListenError
from tests.fakes.gateway_server import FakeGateway, waits
from tests.fakes.mcp_asking import asking_at
from tests.fakes.processes import READY, Running
from tests.fakes.script import Script
from tests.fakes.served import Served

ENVIRONMENT = {name: text for name, text in os.environ.items() if not name.startswith("ENSEMBLE_")}
WAIT_S = 30
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}

INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}
CALL = {
    "jsonrpc": "2.0",
    "id": 2,
    "method": "tools/call",
    "params": {"name": "generate", "arguments": {"prompt": "x"}},
}


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with Served(Script()) as gateway:
        yield gateway


@asynccontextmanager
async def process(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    made = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway",
        "mcp",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=ENVIRONMENT,
    )
    try:
        async with asyncio.timeout(WAIT_S):
            yield made
    finally:
        await Running(made, 0).stop(signal.SIGKILL)


async def test_a_child_process_on_stdio_fills_and_exports(served: Served, tmp_path: Path) -> None:
    """The SDK's client starts it as an editor does; every line of its output is the protocol."""
    command = StdioServerParameters(
        command=sys.executable,
        args=[
            *("-m", "gateway", "mcp"),
            *("--target", served.door.target),
            *("--export-dir", str(tmp_path)),
        ],
        env=ENVIRONMENT,
    )
    async with asking_at(command) as ask:
        fill = await ask.answer("generate", prompt="x = ", trace=True)
        assert fill["text"] == Script().text
        exported = await ask.answer("export_telemetry", format="json")
        error = await ask.error("recent_traces", count=0)
    assert json.loads((tmp_path / exported["file"]).read_text())["trace_id"] == fill["trace_id"]
    assert error["fields"][0]["field"] == "count"


async def greeted(child: asyncio.subprocess.Process) -> None:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(json.dumps(HELLO).encode() + b"\n")
    answer = json.loads(await child.stdout.readline())
    assert answer["result"]["serverInfo"]["name"] == "ensemble-gateway"


async def test_a_signal_ends_it_cleanly_while_the_client_says_nothing() -> None:
    """What cannot be parsed before is passed over, and not repeated in a log."""
    async with process() as child:
        assert child.stdin is not None
        child.stdin.write(b"no json, secret words\n\xff\n")
        await greeted(child)
        child.send_signal(signal.SIGTERM)
        out, err = await child.communicate()
        assert (child.returncode, out, err) == (0, b"", b"")


async def test_the_end_of_the_input_ends_it_cleanly_with_what_runs() -> None:
    with FakeGateway(Generate=waits) as gateway:
        async with process("--target", gateway.target) as child:
            await greeted(child)
            assert child.stdin is not None
            child.stdin.write(json.dumps(INITIALIZED).encode() + b"\n")
            child.stdin.write(json.dumps(CALL).encode() + b"\n")
            assert await asyncio.to_thread(gateway.arrived.wait, WAIT_S)
            child.stdin.close()
            _, err = await child.communicate()
            assert (child.returncode, err) == (0, b"")
            assert await asyncio.to_thread(gateway.seen[0].ended.wait, WAIT_S)


async def test_a_client_that_reads_no_more_ends_it() -> None:
    async with process() as child:
        await greeted(child)
        assert child.stdin is not None
        child._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
        child.stdin.write(b'{"jsonrpc": "2.0", "id": 2, "method": "tools/list"}\n')
        assert await child.wait() == 0


@asynccontextmanager
async def over_http(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    async with process("--http", "127.0.0.1:0", *arguments) as child:
        assert child.stdout is not None
        found = READY.search((await child.stdout.readline()).replace(b"/mcp", b""))
        assert found is not None
        yield child, int(found[1])


async def test_tools_are_served_over_http_until_a_signal(served: Served) -> None:
    async with over_http("--target", served.door.target) as (child, port):
        async with asking_at(f"http://127.0.0.1:{port}/mcp") as ask:
            assert (await ask.answer("generate", prompt="x = "))["endpoint"] == "a"
            assert (await ask.answer("list_endpoints"))["endpoints"][0]["name"] == "a"
        refused = await status_of(port, "evil.example")
        assert refused.startswith("HTTP/1.1 421")
        origin = await status_of(port, f"127.0.0.1:{port}", "Origin: http://evil.example\r\n")
        assert origin.startswith("HTTP/1.1 403")
        child.send_signal(signal.SIGTERM)
        _, err = await child.communicate()
        assert (child.returncode, b"Traceback" in err) == (0, False)


async def status_of(port: int, host: str, more: str = "") -> str:
    """Ask as a page would that had its name led to loopback."""
    body = json.dumps(HELLO)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(
            f"POST /mcp HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            f"Accept: application/json, text/event-stream\r\n{more}"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        return (await reader.readline()).decode()
    finally:
        writer.close()
        await writer.wait_closed()


async def test_an_address_that_is_taken_is_said_to_be_so() -> None:
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    async with taken, AsyncClient("127.0.0.1:1") as client:
        port = taken.sockets[0].getsockname()[1]
        with pytest.raises(ListenError, match=f"cannot listen on 127.0.0.1:{port}"):
            await serve_http(Desk(client, 1.0), Address("127.0.0.1", port))
