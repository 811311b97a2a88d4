"""Our server drained, and against peers that do not greet, answer, read or end."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import cast

import grpc
import pytest
from grpc import aio

pytest.importorskip("hpack")


from gateway.h2.aio.link import LinkSettings
from gateway.h2.aio.server_call import ServerCall
from gateway.h2.aio.server_connection import ServerSettings
from gateway.h2.grpc.framing import framed
from tests.fakes.h2_raw import RawPeer, raw_client, request
from tests.fakes.h2_stage import PATIENCE_S, UNARY, grpc_channel, listening, serving
from tests.fakes.until import until
from tests.unit.h2 import wire

HOLD = "/t.S/Hold"
SHORT = LinkSettings(greeting_s=0.05, idle_ping_s=0.05, ping_s=0.05)


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


async def test_drain_lets_running_calls_end_and_refuses_new_ones() -> None:
    held = Held()
    async with serving({HOLD: held}) as (server, port), raw_client(port) as peer:
        await begun(peer, HOLD)
        await within(held.began)
        drained = asyncio.create_task(server.drain(PATIENCE_S))
        soon = await peer.until(wire.GOAWAY)
        assert soon.payload[:4] == b"\x7f\xff\xff\xff"
        # What was on its way is still taken.
        await begun(peer, UNARY, stream=3)
        peer.send(wire.data(3, framed(b"m"), end=True))
        ping = await peer.until(wire.PING)
        peer.send(wire.ping(ping.payload, wire.ACK))
        assert (await peer.until(wire.GOAWAY)).payload[:4] == b"\0\0\0\3"
        await begun(peer, UNARY, stream=5)
        held.go.set()
        found = await peer.to_end()
        assert framed(b"at last") in [one.payload for one in found if one.kind == wire.DATA]
        assert not [one for one in found if one.stream == 5 and one.kind != wire.RST_STREAM]
        await asyncio.wait_for(drained, PATIENCE_S)


async def test_a_drain_without_time_ends_what_runs_as_unavailable() -> None:
    held = Held()
    async with serving({HOLD: held}) as (server, port), grpc_channel(port) as channel:
        call = channel.unary_unary(HOLD)(b"m")
        await within(held.began)
        await server.drain(0)
        await within(held.cancelled)
        with pytest.raises(aio.AioRpcError) as error:
            await call
        assert error.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_connections_beyond_their_number_are_closed() -> None:
    async with serving(max_connections=1) as (server, port), raw_client(port) as first:
        await begun(first, UNARY)
        await first.until(wire.SETTINGS)
        async with raw_client(port) as second:
            assert await second.to_end() == []
        assert server.refused == 1
        first.writer.close()
        await first.to_end()
        # A place is free again.
        async with raw_client(port) as third:
            await third.until(wire.SETTINGS)


async def test_a_connection_that_waited_to_be_accepted_when_the_drain_began_is_refused() -> None:
    """Nobody would tell it of the drain, and its calls would keep the server for ever."""
    held = Held()
    loop = asyncio.get_running_loop()
    async with serving({HOLD: held}) as (server, port), raw_client(port) as peer:
        await begun(peer, HOLD)
        await within(held.began)
        drained = asyncio.create_task(server.drain(PATIENCE_S))
        await peer.until(wire.GOAWAY)
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.setblocking(False)
            await loop.connect_accepted_socket(server._accept, ours)
            async with asyncio.timeout(PATIENCE_S):
                assert await loop.sock_recv(theirs, 100) == b""
        held.go.set()
        await drained
    assert server.refused == 1


@pytest.mark.parametrize(
    "said",
    [b"", wire.PREFACE[:9], wire.PREFACE, wire.PREFACE + wire.settings()],
    ids=["nothing", "half a preface", "no settings", "no acknowledgement"],
)
async def test_a_peer_that_does_not_greet_is_closed(said: bytes) -> None:
    settings = ServerSettings(link=SHORT)
    async with listening(settings) as (listener, port), raw_client(port) as peer:
        peer.send(said)
        assert "did not greet" in await listener.why()
        assert (await peer.to_end())[-1].kind == wire.GOAWAY


@pytest.mark.parametrize(
    "part",
    [wire.headers(1)[:-1], b"\0", wire.frame(wire.HEADERS, 0, 1, b"")],
    ids=["a frame", "a head", "a header block"],
)
async def test_what_begins_and_never_ends_is_closed(part: bytes) -> None:
    link = LinkSettings(greeting_s=0.05)
    async with listening(ServerSettings(link=link)) as (listener, port), raw_client(port) as peer:
        peer.send(wire.PREFACE, wire.settings(), wire.SETTINGS_ACK, part)
        assert "in time" in await listener.why()


async def test_a_peer_that_answers_no_ping_is_closed() -> None:
    settings = ServerSettings(link=LinkSettings(greeting_s=0.3, idle_ping_s=0.05, ping_s=0.05))
    async with listening(settings) as (listener, port), raw_client(port) as peer:
        peer.send(wire.PREFACE, wire.settings(), wire.SETTINGS_ACK)
        await peer.until(wire.PING)
        assert await listener.why() == "the peer gave no sign of life"


async def test_a_peer_that_answers_pings_stays() -> None:
    settings = ServerSettings(link=LinkSettings(greeting_s=0.3, idle_ping_s=0.01, ping_s=5))
    async with listening(settings) as (_, port), raw_client(port) as peer:
        peer.send(wire.PREFACE, wire.settings(), wire.SETTINGS_ACK)
        for _ in range(5):
            ping = await peer.until(wire.PING)
            peer.send(wire.ping(ping.payload, wire.ACK))
        await begun(peer, UNARY, stream=3)


async def test_a_reader_that_does_not_read_does_not_make_us_grow() -> None:
    """It opens its windows as wide as they go, and reads nothing."""
    sent = 0

    async def flood(call: ServerCall) -> None:
        nonlocal sent
        while True:
            await call.send(bytes(60_000))
            sent += 1

    async with listening(more={HOLD: flood}) as (listener, port), raw_client(port) as peer:
        cast("asyncio.Transport", peer.writer.transport).pause_reading()
        peer.send(wire.PREFACE, wire.settings((4, 2**31 - 1)), wire.SETTINGS_ACK)
        peer.send(wire.window(0, 2**30), wire.headers(1, request(HOLD), end=True))
        await until(lambda: listener.connections and listener.connections[0].link.is_paused)
        link, before = listener.connections[0].link, sent
        for _ in range(100):
            await asyncio.sleep(0)
        if link.is_paused:
            assert sent <= before + 1
        assert link.transport is not None
        kept = link.transport.get_write_buffer_size()
        kept += len(link.connection.to_send()) + link.connection.waits(1)
        assert kept < 2**20


async def test_a_window_that_stays_closed_stops_the_handler() -> None:
    """By `HIGH_WATER` bytes of the stream; the reset frees what waits."""
    sent = 0
    over = asyncio.Event()

    async def flood(call: ServerCall) -> None:
        nonlocal sent
        try:
            while True:
                await call.send(bytes(60_000))
                sent += 1
        finally:
            over.set()

    async with listening(more={HOLD: flood}) as (listener, port), raw_client(port) as peer:
        await begun(peer, HOLD)
        size = 0
        while size < 65_535:
            frame = await peer.until(wire.DATA, 1)
            size += len(frame.payload)
        await until(lambda: listener.connections[0].link.connection.waits(1) > 256 * 1024)
        assert sent <= 6
        peer.send(wire.reset(1))
        await within(over)
        await until(lambda: not listener.connections[0].calls)
        assert listener.connections[0].link.connection.waits(1) == 0


async def test_half_closed_callers_of_a_queued_answer_are_let_go() -> None:
    """The answer waits for the caller's window; once it has gone the stream is reset."""

    async def answers(call: ServerCall) -> None:
        call.answer(bytes(70_000))

    async with listening(more={HOLD: answers}) as (listener, port), raw_client(port) as peer:
        await begun(peer, HOLD)
        await until(
            lambda: listener.connections and listener.connections[0].link.connection.waits(1)
        )
        await until(lambda: not listener.connections[0].calls)
        peer.send(wire.window(0, 2**20), wire.window(1, 2**20), wire.ping())
        await peer.until(wire.PING)
        await until(lambda: not listener.connections[0].link.connection.waits(1))
        assert not listener.connections[0].link.connection.has(1)


async def test_a_cancelled_wait_of_a_drain_does_no_harm() -> None:
    held = Held()
    async with serving({HOLD: held}) as (server, port), grpc_channel(port) as channel:
        call = channel.unary_unary(HOLD)(b"m")
        await within(held.began)
        drained = asyncio.create_task(server.drain(PATIENCE_S))
        await asyncio.sleep(0)
        drained.cancel()
        with suppress(asyncio.CancelledError):
            await drained
        held.go.set()
        assert await call == b"at last"


async def test_a_handler_that_never_waits_gives_others_a_turn() -> None:
    """More messages than may wait as frames (`Limits.unsent`); its caller can still end it."""
    over = asyncio.Event()

    async def flood(call: ServerCall) -> None:
        try:
            for _ in range(2**40):
                await call.send(b"")
        finally:
            over.set()

    async with serving({HOLD: flood}) as (_, port), grpc_channel(port) as channel:
        call = channel.unary_stream(HOLD)(b"m")
        for _ in range(100):
            assert await call.read() == b""
        assert await channel.unary_unary(UNARY)(b"m") == b"m"
        call.cancel()
        await within(over)
