"""What callers of the OpenAI door do wrong, and how they leave: bytes on a socket."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from tests.component.test_openai_door import chatting, native
from tests.fakes.model_server import FakeModelServer
from tests.fakes.openai_door import (
    CHAT_PATH,
    COMPLETIONS_PATH,
    HELLO,
    RawCaller,
    ask,
    port_of,
    post_chat,
    post_completion,
)
from tests.fakes.script import Failure, Script
from tests.fakes.served import Hold, Served

HOLE = {"prompt": "x = "}
LARGE = {"prompt": "x" * 300_000}
HANGS = Script(hang=True)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "unknown_url"),
        ("POST", "/chat/completions", 404, "unknown_url"),
        ("GET", CHAT_PATH, 405, "method_not_allowed"),
        ("DELETE", "/v1/models/a", 405, "method_not_allowed"),
        ("POST", "/v1/models", 405, "method_not_allowed"),
    ],
)
async def test_what_is_not_there_is_told(method: str, path: str, status: int, code: str) -> None:
    async with native(Script()) as served:
        reply = await ask(served.door, method, path, HOLE)
    assert (reply.status, reply.error["code"]) == (status, code)
    assert CHAT_PATH in reply.error["message"] or "allow" in reply.headers


async def test_what_a_path_takes_is_told_when_asked() -> None:
    async with native(Script()) as served:
        posts = await ask(served.door, "OPTIONS", CHAT_PATH)
        lists = await ask(served.door, "OPTIONS", "/v1/models")
        alive = await ask(served.door, "GET", "/healthz")
    assert (posts.status, posts.headers["allow"]) == (204, "POST, OPTIONS")
    assert lists.headers["allow"] == "GET, HEAD, OPTIONS"
    assert not [name for name in posts.headers if name.startswith("access-control")]
    assert (alive.status, alive.body) == (200, b"ok\n")


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"[]", {}, 400),
        (b"", {"content_length": "0"}, 400),
        (b'{"prompt": "x", "temperature": NaN}', {}, 400),
        (b'{"prompt": "\xff"}', {}, 400),
        (b'{"prompt": "\\ud800"}', {}, 400),
        (b'{"a":' * 5000, {}, 400),
        (b"{}", {"content-type": "text/plain"}, 415),
        (b"{}", {"content_encoding": "gzip"}, 415),
        (b'{"prompt": "x"}', {"x_request_timeout_s": "soon"}, 400),
    ],
)
async def test_a_body_that_is_none_is_refused(
    body: bytes, headers: dict[str, str], status: int
) -> None:
    async with native(Script()) as served:
        reply = await ask(served.door, "POST", COMPLETIONS_PATH, body, **headers)
        assert served.asked() == [0]
    assert reply.status == status
    assert reply.error["type"] == "invalid_request_error"


async def test_json_with_a_charset_is_json() -> None:
    async with native(Script()) as served:
        said = {"content-type": "Application/JSON; charset=utf-8"}
        reply = await ask(served.door, "POST", COMPLETIONS_PATH, HOLE, **said)
    assert reply.status == 200


async def test_a_body_that_is_too_large_is_refused_before_it_is_read() -> None:
    async with native(Script(), server={"max_message_bytes": 1024}) as served:
        async with RawCaller(port_of(served.door)) as caller:
            caller.ask("POST", COMPLETIONS_PATH, b"", content_length="1025")
            told = await caller.reply()
        async with RawCaller(port_of(served.door)) as caller:
            head = (
                f"POST {COMPLETIONS_PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            )
            caller.send(head.encode() + b"transfer-encoding: chunked\r\n\r\n")
            caller.send(b"400\r\n" + b" " * 1024 + b"\r\n")
            caller.send(b"400\r\n" + b" " * 1024 + b"\r\n")
            found = await caller.reply()
    for reply in (told, found):
        assert (reply.status, reply.error["code"]) == (413, "request_too_large")
        assert reply.headers["connection"] == "close"


async def test_a_body_in_parts_is_put_together() -> None:
    async with native(Script()) as served, RawCaller(port_of(served.door)) as caller:
        caller.ask("POST", COMPLETIONS_PATH, LARGE)
        assert (await caller.reply()).status == 200
        (asked,) = served.models[0].witness.asked
        assert asked.before == LARGE["prompt"]


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async with native(Script()) as served, RawCaller(port_of(served.door)) as caller:
        caller.ask(
            "POST", COMPLETIONS_PATH, b'{"pro', content_length="99", x_request_timeout_s="0.05"
        )
        reply = await caller.reply()
    assert (reply.status, reply.error["code"]) == (408, "request_timeout")


async def test_a_caller_who_leaves_within_its_body_costs_nothing() -> None:
    async with native(Script()) as served:
        async with RawCaller(port_of(served.door)) as caller:
            caller.ask("POST", COMPLETIONS_PATH, b'{"pro', content_length="99")
        assert (await post_completion(served.door)).status == 200
        assert served.asked() == [1]


@pytest.mark.parametrize("body", [HOLE, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("stream", [False, True], ids=["unary", "streamed"])
async def test_the_endpoint_is_left_when_the_caller_leaves(body: Any, stream: bool) -> None:
    async with native(HANGS) as served:
        witness = served.models[0].witness
        async with RawCaller(port_of(served.door)) as caller:
            caller.ask("POST", COMPLETIONS_PATH, {**body, "stream": stream})
            await witness.called(1)
        async with asyncio.timeout(5):
            await witness.left.wait()
        await idle(served)


async def idle(served: Served) -> None:
    """Wait until nothing runs at the endpoint."""
    async with asyncio.timeout(5):
        while (await served.state("a")).in_flight:
            pass


async def test_every_choice_is_left_when_the_caller_leaves() -> None:
    async with native(HANGS) as served:
        async with RawCaller(port_of(served.door)) as caller:
            caller.ask("POST", COMPLETIONS_PATH, {**HOLE, "n": 3})
            await served.models[0].witness.called(3)
        await idle(served)


async def test_a_stream_that_is_closed_half_way_stops_the_endpoint() -> None:
    async with chatting(Script(endless=True, pieces=("x" * 10_000,))) as served:
        async with RawCaller(port_of(served.door)) as caller:
            caller.ask("POST", CHAT_PATH, {"messages": HELLO, "stream": True})
            await caller.head()
            await caller.chunk()
        async with asyncio.timeout(5):
            await served.models[0].witness.left.wait()


async def test_a_caller_who_does_not_read_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.ingress.openai.call.LAST_WORDS_S", 0)
    # More than both ends hold, so that there is no room for why the stream ends.
    script = Script(pieces=("x" * 500_000, "y"), failure=Failure.BROKEN, failure_after=1)
    async with chatting(script) as served:
        assert served.door.gateway is not None
        await ask(served.door, "GET", "/healthz")
        (listening,) = served.door.gateway.doors._openai._server.servers
        listening.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        async with RawCaller(port_of(served.door)) as caller:
            caller.writer.transport.pause_reading()
            caller.ask("POST", CHAT_PATH, {"messages": HELLO, "stream": True})
            await served.until(lambda counters: counters.failed == 1)
            caller.writer.transport.resume_reading()
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await caller.reply()


async def test_requests_sent_ahead_are_answered_in_their_order() -> None:
    async with native(Script()) as served, RawCaller(port_of(served.door)) as caller:
        caller.ask("POST", COMPLETIONS_PATH, HOLE, x_request_id="one")
        caller.ask("GET", "/v1/models/zz", x_request_id="two")
        caller.ask("POST", COMPLETIONS_PATH, {**HOLE, "stream": True}, x_request_id="three")
        replies = [await caller.reply() for _ in range(3)]
    assert [(one.status, one.headers["x-request-id"]) for one in replies] == [
        (200, "one"),
        (404, "two"),
        (200, "three"),
    ]


async def test_a_head_has_no_body() -> None:
    async with native(Script()) as served, RawCaller(port_of(served.door)) as caller:
        caller.ask("HEAD", "/v1/models")
        status, headers = await caller.head()
        assert (status, int(headers["content-length"]) > 0) == (200, True)
        caller.ask("GET", "/healthz")
        assert (await caller.reply()).body == b"ok\n"


async def test_the_time_is_over_in_the_callers_words() -> None:
    async with native(HANGS) as served, RawCaller(port_of(served.door)) as caller:
        caller.ask("POST", COMPLETIONS_PATH, HOLE, x_request_timeout_s="0.1")
        late = await caller.reply()
        caller.ask("POST", COMPLETIONS_PATH, HOLE, x_stainless_read_timeout="0.1")
        silent = await caller.reply()
        caller.ask("POST", COMPLETIONS_PATH, {**HOLE, "ensemble": {"timeout_s": 0.1}})
        asked = await caller.reply()
    for reply in (late, silent, asked):
        assert (reply.status, reply.error["code"]) == (504, "timeout")
        assert reply.headers["x-should-retry"] == "false"


async def test_what_is_shed_is_told_when_to_come_again() -> None:
    admission = {"max_running": 1, "max_queued": 0}
    async with native(HANGS, admission=admission) as served, RawCaller(port_of(served.door)) as one:
        one.ask("POST", COMPLETIONS_PATH, HOLE)
        await served.models[0].witness.called(1)
        reply = await post_completion(served.door)
    assert (reply.status, reply.error["code"]) == (429, "rate_limit_exceeded")
    assert reply.error["ensemble"]["reason"] == "GATEWAY_OVERLOADED"
    assert int(reply.headers["retry-after-ms"]) > 0
    assert reply.headers["x-ratelimit-remaining-requests"] == "0"
    assert reply.headers["x-ratelimit-reset-requests"] == "1s"


async def test_running_requests_end_while_the_door_is_drained() -> None:
    async with native(FakeModelServer(Script())) as served:
        hold = served.models[0].hold = Hold()
        gateway, port = served.door.gateway, port_of(served.door)
        assert gateway is not None
        async with RawCaller(port) as caller, RawCaller(port) as idle:
            caller.ask("POST", COMPLETIONS_PATH, HOLE)
            await served.models[0].witness.called(1)
            draining = asyncio.create_task(gateway.doors.drain(0, 30))
            assert await idle.reader.read() == b""
            with pytest.raises(OSError, match=r"refused|Connect call failed"):
                await asyncio.open_connection("127.0.0.1", port)
            hold.release()
            reply = await caller.reply()
            await draining
    assert reply.status == 200


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "streamed"])
async def test_what_outlasts_the_grace_is_told_so(stream: bool) -> None:
    async with native(HANGS) as served:
        gateway = served.door.gateway
        assert gateway is not None
        async with RawCaller(port_of(served.door)) as caller:
            caller.ask("POST", COMPLETIONS_PATH, {**HOLE, "stream": stream})
            if stream:
                await caller.head()
            await served.models[0].witness.called(1)
            await gateway.doors.drain(0, 0)
            if not stream:
                reply = await caller.reply()
                assert (reply.status, reply.error["code"]) == (503, "shutting_down")
                return
            body = b""
            while chunk := await caller.chunk():
                body += chunk
    assert b'"code":"shutting_down"' in body
    assert b"[DONE]" not in body


async def test_what_looks_like_an_attack_on_the_parser_is_a_bad_request() -> None:
    async with native(Script()) as served, RawCaller(port_of(served.door)) as caller:
        caller.send(b"\x16\x03\x01 no HTTP at all\r\n\r\n")
        status, _ = await caller.head()
        assert status == 400
        assert (await post_chat(served.door)).status == 200
