"""Calls of our channel against grpc's server, ours, and answers that keep no rule."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from grpc import aio

pytest.importorskip("hpack")


from gateway.h2.aio.channel import Channel, ChannelSettings
from gateway.h2.grpc.framing import framed
from gateway.h2.grpc.status import CallError, Code
from gateway.h2.settings import Settings
from tests.fakes.h2_raw import ANSWER, RawPeer, greet, raw_server
from tests.fakes.h2_stage import (
    CHAT,
    COLLECT,
    FAIL,
    MANY,
    PATIENCE_S,
    UNARY,
    WORDS,
    Method,
    connections_of,
    dialling,
    grpc_serving,
    serving,
)
from tests.unit.h2 import wire

HOLD = "/t.S/Hold"
SMALL = ChannelSettings(engine=Settings(stream_window=65_535, connection_window=65_535))
BIG = bytes(range(256)) * (3 * 4096)
OK = (*ANSWER, (b"grpc-status", b"0"))
BOTH = pytest.mark.parametrize("serve", [grpc_serving, serving], ids=["grpc", "ours"])


async def error_of(channel: Channel, path: str = UNARY) -> CallError:
    with pytest.raises(CallError) as error:
        async with asyncio.timeout(PATIENCE_S):
            await channel.unary(path, b"m")
    return error.value


@BOTH
@pytest.mark.parametrize("message", [b"", b"x", BIG], ids=["empty", "short", "3 MB"])
async def test_each_kind_of_call_through_small_windows(serve: object, message: bytes) -> None:
    async with serve() as (_, port), dialling(port, SMALL) as channel:  # type: ignore[operator]
        assert await channel.unary(UNARY, message) == message
        async with channel.call(COLLECT) as call:
            await call.send(message)
            await call.send(b"a")
            await call.send(message, last=True)
            assert await call.read() == message + b"a" + message
            assert await call.read() is None
        async with channel.call(MANY, message=b"abc") as call:
            assert [await call.read() for _ in range(4)] == [b"abc"] * 3 + [None]
            assert call.trailers == (("x-last-bin", b"\0\xff"),)
        async with channel.call(CHAT) as call:
            for one in (message, b"b", message):
                await call.send(one)
                assert await call.read() == one
            call.end()
            assert await call.read() is None


@BOTH
async def test_metadata_goes_both_ways(serve: object) -> None:
    sent = (("x-a", "words and more"), ("x-b-bin", b"\0\xff,"), ("x-c-bin", b""))
    async with (
        serve() as (_, port),  # type: ignore[operator]
        dialling(port) as channel,
        channel.call(UNARY, sent, PATIENCE_S, b"m") as call,
    ):
        assert await call.read() == b"m"
        assert await call.read() is None
        assert ("x-first", "header") in call.headers
        assert sorted(call.trailers) == sorted(sent)


@BOTH
async def test_an_error_is_told_with_its_words_and_trailers(serve: object) -> None:
    async with serve() as (_, port), dialling(port) as channel:  # type: ignore[operator]
        error = await error_of(channel, FAIL)
        assert (error.code, error.message) == (Code.ABORTED, WORDS)
        assert set(error.trailers) == {("x-why", "so"), ("x-raw-bin", b"\0\xff")}
        assert not error.unprocessed


@BOTH
async def test_an_unknown_method_is_unimplemented(serve: object) -> None:
    async with serve() as (_, port), dialling(port) as channel:  # type: ignore[operator]
        assert (await error_of(channel, "/t.S/Unknown")).code is Code.UNIMPLEMENTED


async def test_grpc_ends_a_call_at_the_deadline_that_we_tell() -> None:
    async def hold(_: bytes, context: aio.ServicerContext[bytes, bytes]) -> bytes:
        await asyncio.Event().wait()
        return b""

    more: dict[str, Method] = {HOLD: grpc.unary_unary_rpc_method_handler(hold)}
    async with grpc_serving(more) as (_, port), dialling(port) as channel:
        with pytest.raises(CallError) as error:
            await channel.unary(HOLD, b"m", timeout_s=0.05)
        # grpc's server may only reset the stream, which is CANCELLED to us.
        assert error.value.code in {Code.DEADLINE_EXCEEDED, Code.CANCELLED}


async def test_leaving_a_call_cancels_it_at_grpcs_server() -> None:
    began, cancelled = asyncio.Event(), asyncio.Event()

    async def hold(_: bytes, context: aio.ServicerContext[bytes, bytes]) -> bytes:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return b""

    more: dict[str, Method] = {HOLD: grpc.unary_unary_rpc_method_handler(hold)}
    async with grpc_serving(more) as (_, port), dialling(port) as channel:
        asked = asyncio.create_task(channel.unary(HOLD, b"m"))
        await asyncio.wait_for(began.wait(), PATIENCE_S)
        asked.cancel()
        await asyncio.wait_for(cancelled.wait(), PATIENCE_S)
        assert await channel.unary(UNARY, b"m") == b"m"


async def test_a_call_that_grpc_cancels_ends_here() -> None:
    async def give_up(_: bytes, context: aio.ServicerContext[bytes, bytes]) -> bytes:
        await context.abort(grpc.StatusCode.CANCELLED, "no more")

    more: dict[str, Method] = {HOLD: grpc.unary_unary_rpc_method_handler(give_up)}
    async with grpc_serving(more) as (_, port), dialling(port) as channel:
        assert (await error_of(channel, HOLD)).code is Code.CANCELLED


async def test_an_answer_before_the_end_of_a_request_leaves_no_stream() -> None:
    """The peer does not reset it, as §8.1 lets it: our end is still open."""

    async def script(peer: RawPeer, _: int) -> None:
        await greet(peer)
        await peer.until(wire.HEADERS, 1)
        peer.send(wire.headers(1, OK, end=True))
        assert (await peer.until(wire.RST_STREAM, 1)).payload == b"\0\0\0\x08"
        await peer.to_end()

    async with raw_server(script) as port, dialling(port) as channel:
        async with channel.call(COLLECT) as call:
            assert await call.read() is None
            with pytest.raises(CallError, match="CANCELLED"):
                await call.send(b"more")
        assert connections_of(channel)[0].link.connection.open_streams == 0


async def test_the_last_message_does_not_wait_for_the_answer() -> None:
    """Nobody would read an answer that is longer than the window while its caller sends."""
    async with (
        asyncio.timeout(PATIENCE_S),
        serving() as (_, port),
        dialling(port, SMALL) as channel,
        channel.call(CHAT) as call,
    ):
        await call.send(BIG, last=True)
        assert await call.read() == BIG
        assert await call.read() is None


async def test_a_call_let_go_of_wakes_who_reads_it() -> None:
    async with serving() as (_, port), dialling(port) as channel:
        call = await channel.begin(CHAT)
        read = asyncio.create_task(call.read())
        await asyncio.sleep(0)
        call.abandon()
        with pytest.raises(CallError, match="CANCELLED"):
            await asyncio.wait_for(read, PATIENCE_S)


async def test_what_nobody_read_of_an_answer_gives_its_credit_back() -> None:
    """More than the window of the connection, in calls that are left early."""
    async with serving() as (_, port), dialling(port, SMALL) as channel:
        for _ in range(6):
            async with channel.call(MANY, message=bytes(5000)) as call:
                assert await call.read() == bytes(5000)
        assert await asyncio.wait_for(channel.unary(UNARY, BIG), PATIENCE_S) == BIG


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (wire.headers(1, ((b":status", b"503"),), end=True), Code.UNAVAILABLE),
        (wire.headers(1, ((b":status", b"404"),)), Code.UNIMPLEMENTED),
        (wire.headers(1, wire.RESPONSE), Code.UNKNOWN),
        (wire.headers(1, ANSWER) + wire.data(1, framed(b"x"), end=True), Code.INTERNAL),
        (wire.headers(1, ANSWER, end=True), Code.UNKNOWN),
        (wire.headers(1, OK, end=True), Code.INTERNAL),
        (wire.headers(1, ANSWER) + wire.data(1, b"\x02\0\0\0\0"), Code.INTERNAL),
        (
            wire.headers(1, ANSWER)
            + wire.data(1, b"\0\0")
            + wire.headers(1, wire.TRAILERS, end=True),
            Code.INTERNAL,
        ),
        (
            wire.headers(1, ANSWER)
            + wire.data(1, framed(b"x") * 2)
            + wire.headers(1, wire.TRAILERS, end=True),
            Code.INTERNAL,
        ),
        (wire.headers(1, (*ANSWER, (b"grpc-status", b"99")), end=True), Code.UNKNOWN),
        (wire.reset(1, 8), Code.CANCELLED),
        (wire.reset(1, 11), Code.RESOURCE_EXHAUSTED),
        (wire.reset(1, 999), Code.UNKNOWN),
        (wire.frame(wire.DATA, 0, 0, b"x"), Code.UNAVAILABLE),
    ],
)
async def test_what_is_wrong_with_an_answer_has_its_code(answer: bytes, code: Code) -> None:
    async def script(peer: RawPeer, _: int) -> None:
        await greet(peer)
        await peer.until(wire.DATA, 1)
        peer.send(answer)
        await peer.to_end()

    async with raw_server(script) as port, dialling(port) as channel:
        assert (await error_of(channel)).code is code


async def test_an_answer_that_is_too_long_is_told_as_such() -> None:
    async with serving() as (_, port), dialling(port, ChannelSettings(max_message=10)) as channel:
        assert await channel.unary(UNARY, bytes(10)) == bytes(10)
        with pytest.raises(CallError) as found:
            await channel.unary(UNARY, bytes(11))
        assert (found.value.code, found.value.too_large) == (Code.RESOURCE_EXHAUSTED, True)


async def test_metadata_that_may_not_be_is_an_error_and_no_call() -> None:
    async with serving() as (_, port), dialling(port) as channel:
        with pytest.raises(ValueError, match="Upper"):
            await channel.unary(UNARY, b"m", (("X-Upper", "v"),))
        assert connections_of(channel)[0].calls == {}
