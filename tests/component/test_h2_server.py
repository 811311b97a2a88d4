"""Calls of grpc's client, and of rough ones, to our server."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from struct import pack

import grpc
import pytest
from grpc import aio

pytest.importorskip("hpack")


from gateway.h2.aio.server_call import ServerCall
from gateway.h2.aio.server_connection import ServerSettings
from gateway.h2.grpc.framing import framed
from gateway.h2.grpc.status import CallError, Code
from gateway.h2.settings import Settings
from tests.fakes.h2_raw import RawPeer, raw_client, request
from tests.fakes.h2_stage import (
    CHAT,
    COLLECT,
    FAIL,
    MANY,
    PATIENCE_S,
    UNARY,
    WORDS,
    grpc_channel,
    listening,
    serving,
)
from tests.fakes.until import until
from tests.unit.h2 import wire

HOLD = "/t.S/Hold"
SMALL = Settings(stream_window=65_535, connection_window=65_535)
BIG = bytes(range(256)) * (3 * 4096)
RESOURCE_EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED


class Held:
    """A handler that waits until it is cancelled or let go."""

    def __init__(self) -> None:
        self.began, self.cancelled, self.go = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def __call__(self, call: ServerCall) -> None:
        """Wait."""
        self.began.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        call.answer(b"at last")


async def within(event: asyncio.Event) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await event.wait()


async def begun(peer: RawPeer, path: str, *, stream: int = 1) -> None:
    """Greet a server and begin a call."""
    if stream == 1:
        peer.send(wire.PREFACE, wire.settings(), wire.SETTINGS_ACK)
    peer.send(wire.headers(stream, request(path)))


async def each(*messages: bytes) -> AsyncIterator[bytes]:
    for message in messages:
        yield message


async def _fails(call: ServerCall) -> None:
    raise RuntimeError("secret words")


async def _bad_trailers(call: ServerCall) -> None:
    await call.read()
    raise CallError(Code.ABORTED, "x", (("Not A Name", "v"),))


async def _bad_answer(call: ServerCall) -> None:
    call.answer(b"m", (("k", "a\nb"),))


async def _bad_headers(call: ServerCall) -> None:
    call.begin((("k", "\u20ac"),))


@pytest.mark.parametrize("message", [b"", b"x", BIG], ids=["empty", "short", "3 MB"])
async def test_each_kind_of_call_through_small_windows(message: bytes) -> None:
    settings = ServerSettings(engine=SMALL)
    async with serving(settings=settings) as (_, port), grpc_channel(port) as channel:
        assert await channel.unary_unary(UNARY)(message) == message
        assert await channel.stream_unary(COLLECT)(each(message, b"a", message)) == (
            message + b"a" + message
        )
        assert [one async for one in channel.unary_stream(MANY)(b"abc")] == [b"abc"] * 3
        talk = channel.stream_stream(CHAT)(each(message, b"b", message))
        assert [one async for one in talk] == [message, b"b", message]


async def test_metadata_goes_both_ways() -> None:
    sent = (("x-a", "words and more"), ("x-b-bin", b"\0\xff,"), ("x-a", "again"), ("x-e", ""))
    async with serving() as (_, port), grpc_channel(port) as channel:
        call = channel.unary_unary(UNARY)(b"m", metadata=sent)
        assert await call == b"m"
        # grpc puts those of one name together.
        trailers = sorted(await call.trailing_metadata(), key=lambda pair: pair[0])
        assert trailers == sorted(sent, key=lambda pair: pair[0])
        assert ("x-first", "header") in tuple(await call.initial_metadata())


async def test_metadata_with_spaces_at_its_ends_does_not_end_its_call() -> None:
    """RFC 9113 §8.2.1 calls it malformed; gRPC says that they may be taken off."""
    async with serving() as (_, port), grpc_channel(port) as channel:
        call = channel.unary_unary(UNARY)(b"m", metadata=(("x-a", "  v "),))
        assert await call == b"m"
        assert tuple(await call.trailing_metadata()) == (("x-a", "v"),)


async def test_an_error_is_told_with_its_words_and_trailers() -> None:
    async with serving() as (_, port), grpc_channel(port) as channel:
        with pytest.raises(aio.AioRpcError) as error:
            await channel.unary_unary(FAIL)(b"m")
        assert (error.value.code(), error.value.details()) == (grpc.StatusCode.ABORTED, WORDS)
        trailers = tuple(error.value.trailing_metadata())
        assert trailers == (("x-why", "so"), ("x-raw-bin", b"\0\xff"))


@pytest.mark.parametrize("path", ["/t.S/Unknown", "/unknown.S/Unary", "/"])
async def test_an_unknown_method_is_unimplemented(path: str) -> None:
    async with serving() as (_, port), grpc_channel(port) as channel:
        with pytest.raises(aio.AioRpcError) as error:
            await channel.unary_unary(path)(b"m")
        assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_gzip_is_read() -> None:
    async with serving() as (_, port), grpc_channel(port) as channel:
        call = channel.unary_unary(UNARY)
        assert await call(BIG, compression=grpc.Compression.Gzip) == BIG


async def test_deflate_is_unimplemented_and_says_what_is_not() -> None:
    async with serving() as (_, port), grpc_channel(port) as channel:
        with pytest.raises(aio.AioRpcError) as error:
            await channel.unary_unary(UNARY)(b"m", compression=grpc.Compression.Deflate)
        assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("handler", [_fails, _bad_trailers, _bad_answer, _bad_headers])
async def test_a_handler_that_fails_is_internal_and_its_words_stay_here(handler: object) -> None:
    """Also one whose metadata no field may hold: its caller would wait for ever."""
    more = {HOLD: handler}
    async with serving(more) as (_, port), grpc_channel(port) as channel:  # type: ignore[arg-type]
        with pytest.raises(aio.AioRpcError) as error:
            await channel.unary_unary(HOLD)(b"m", timeout=PATIENCE_S)
        assert error.value.code() is grpc.StatusCode.INTERNAL
        assert error.value.details() == "the handler failed"


async def test_a_handler_that_ends_without_a_status_is_unknown() -> None:
    async def silent(call: ServerCall) -> None:
        await call.read()

    async with serving({HOLD: silent}) as (_, port), grpc_channel(port) as channel:
        with pytest.raises(aio.AioRpcError) as error:
            await channel.unary_unary(HOLD)(b"m")
        assert error.value.code() is grpc.StatusCode.UNKNOWN


async def test_a_deadline_ends_a_call_whose_handler_ignores_it() -> None:
    """By the server itself: a peer without a clock of its own hears of it."""
    held = Held()
    async with listening(more={HOLD: held}) as (listener, port), raw_client(port) as peer:
        fields = (*request(HOLD), (b"grpc-timeout", b"1m"))
        peer.send(wire.PREFACE, wire.settings(), wire.SETTINGS_ACK, wire.headers(1, fields))
        frame = await peer.until(wire.HEADERS, 1)
        assert frame.flags & wire.END
        assert b"grpc-status\x014" in frame.payload
        await within(held.cancelled)
        await until(lambda: not listener.connections[0].calls)


async def test_a_call_cancelled_by_its_client_is_cancelled_here() -> None:
    held = Held()
    async with listening(more={HOLD: held}) as (listener, port), grpc_channel(port) as channel:
        call = channel.unary_unary(HOLD)(b"m")
        await within(held.began)
        call.cancel()
        await within(held.cancelled)
        with pytest.raises(asyncio.CancelledError):
            await call
        await until(lambda: not listener.connections[0].calls)


async def test_a_lost_connection_cancels_its_calls() -> None:
    held = Held()
    async with listening(more={HOLD: held}) as (listener, port), raw_client(port) as peer:
        await begun(peer, HOLD)
        await within(held.began)
        peer.writer.close()
        await within(held.cancelled)
        await listener.why()
        await until(lambda: not listener.connections[0].calls)


async def test_a_call_cancelled_before_its_first_step_leaves_nothing() -> None:
    ran: list[str] = []

    async def handler(call: ServerCall) -> None:
        ran.append(call.path)

    async with listening(more={HOLD: handler}) as (listener, port), raw_client(port) as peer:
        await begun(peer, UNARY)
        await until(lambda: listener.connections and listener.connections[0].calls)
        link = listener.connections[0].link
        fields = (*request(HOLD), (b"grpc-timeout", b"1H"))
        link.data_received(wire.headers(3, fields) + wire.data(3, b"\0\0") + wire.reset(3))
        await until(lambda: 3 not in listener.connections[0].calls)
        assert ran == []
        assert not link.connection.has(3)
        peer.send(wire.data(1, framed(b"m"), end=True))
        await peer.until(wire.DATA, 1)


async def test_what_a_handler_never_read_gives_its_credit_back() -> None:
    """More than the window of the connection; uploads of others must still come in."""

    async def refuse(_: ServerCall) -> None:
        raise CallError(Code.FAILED_PRECONDITION, "no more")

    settings = ServerSettings(engine=SMALL)
    async with serving({HOLD: refuse}, settings) as (_, port), raw_client(port) as peer:
        await begun(peer, UNARY)
        for stream in range(3, 43, 2):
            # In one piece, so that all of it is there before the handler's first step.
            unread = wire.data(stream, framed(bytes(8000))) * 2
            peer.send(wire.headers(stream, request(HOLD)) + unread)
            await peer.until(wire.HEADERS, stream)
        peer.send(wire.data(1, framed(b"m"), end=True))
        await peer.until(wire.DATA, 1)


async def test_more_than_4_mb_of_unread_uploads_leave_a_connection_that_works() -> None:
    """The same with grpc's client, which minds the window that it is given."""

    async def refuse(call: ServerCall) -> None:
        await call.read()
        raise CallError(Code.FAILED_PRECONDITION, "no more")

    async with serving({HOLD: refuse}) as (_, port), grpc_channel(port) as channel:
        for _ in range(40):
            call = channel.stream_unary(HOLD)(each(*[bytes(60_000)] * 4))
            with pytest.raises(aio.AioRpcError) as error:
                await call
            # INTERNAL is what grpc makes of its own write to a call that has just ended.
            assert error.value.code() in {
                grpc.StatusCode.FAILED_PRECONDITION,
                grpc.StatusCode.INTERNAL,
            }
        assert await channel.unary_unary(UNARY)(BIG, timeout=PATIENCE_S) == BIG


async def test_messages_that_may_not_be_give_their_credit_back() -> None:
    """Each takes a frame of 16 KB of the window of 64 KB of the connection."""
    settings = ServerSettings(max_message=100, engine=SMALL)
    async with serving(settings=settings) as (_, port), raw_client(port) as peer:
        await begun(peer, UNARY)
        for stream in range(3, 43, 2):
            await begun(peer, UNARY, stream=stream)
            peer.send(wire.data(stream, framed(bytes(16_000))))
            frame = await peer.until(wire.HEADERS, stream)
            assert b"grpc-status\x018" in frame.payload
        peer.send(wire.data(1, framed(b"m"), end=True))
        assert (await peer.until(wire.DATA, 1)).payload == framed(b"m")


async def test_a_message_that_is_too_long_is_told_in_grpcs_words() -> None:
    settings = ServerSettings(max_message=100)
    async with serving(settings=settings) as (_, port), grpc_channel(port) as channel:
        with pytest.raises(aio.AioRpcError) as error:
            await channel.unary_unary(UNARY)(bytes(101))
        assert error.value.code() is RESOURCE_EXHAUSTED
        assert "Received message larger than max" in (error.value.details() or "")
        assert await channel.unary_unary(UNARY)(bytes(100)) == bytes(100)


async def test_a_bomb_is_refused_when_it_is_read() -> None:
    packed = gzip.compress(bytes(2**20))
    settings = ServerSettings(max_message=2**16)
    async with serving(settings=settings) as (_, port), raw_client(port) as peer:
        peer.send(wire.PREFACE, wire.settings(), wire.SETTINGS_ACK)
        peer.send(wire.headers(1, (*request(UNARY), (b"grpc-encoding", b"gzip"))))
        peer.send(wire.data(1, pack(">BL", 1, len(packed)) + packed, end=True))
        assert b"grpc-status\x018" in (await peer.until(wire.HEADERS, 1)).payload


async def test_a_request_that_ends_within_a_message_is_internal() -> None:
    async with serving() as (_, port), raw_client(port) as peer:
        await begun(peer, UNARY)
        peer.send(wire.data(1, framed(b"message")[:-1], end=True))
        assert b"grpc-status\x0213" in (await peer.until(wire.HEADERS, 1)).payload


async def test_halves_of_messages_beyond_what_may_be_held_are_refused() -> None:
    settings = ServerSettings(max_held=40_000)
    async with listening(settings) as (listener, port), raw_client(port) as peer:
        half = framed(bytes(60_000))[:15_000]
        for stream in (1, 3, 5):
            await begun(peer, UNARY, stream=stream)
            peer.send(wire.data(stream, half))
        assert b"grpc-status\x018" in (await peer.until(wire.HEADERS, 5)).payload
        await until(lambda: set(listener.connections[0].calls) == {1, 3})
        # What it held is free again.
        await begun(peer, UNARY, stream=7)
        message = framed(bytes(6000))
        peer.send(wire.data(7, message[:5000]))
        peer.send(wire.data(7, message[5000:], end=True))
        await peer.until(wire.DATA, 7)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (((b"content-type", b"application/json"),), b"415"),
        ((), b"415"),
    ],
)
async def test_what_is_no_grpc_is_told_in_http(fields: wire.Fields, status: bytes) -> None:
    async with serving() as (_, port), raw_client(port) as peer:
        peer.send(wire.PREFACE, wire.settings(), wire.SETTINGS_ACK)
        peer.send(wire.headers(1, (*wire.REQUEST, *fields)))
        assert status in (await peer.until(wire.HEADERS, 1)).payload
