"""The connections of a channel: made, shared, left, lost, and calls made again."""

from __future__ import annotations

import asyncio
import socket

import pytest

pytest.importorskip("hpack")


from gateway.h2.aio.channel import Channel, ChannelSettings
from gateway.h2.aio.link import LinkSettings
from gateway.h2.aio.server import Server
from gateway.h2.aio.server_call import ServerCall
from gateway.h2.aio.server_connection import ServerSettings
from gateway.h2.grpc.framing import framed
from gateway.h2.grpc.status import CallError, Code
from gateway.h2.limits import Limits
from tests.fakes.h2_raw import ANSWER, RawPeer, greet, raw_client, raw_server
from tests.fakes.h2_stage import (
    HANDLERS,
    HOST,
    MANY,
    PATIENCE_S,
    UNARY,
    connections_of,
    connects,
    dialling,
    forgive,
    listening,
    serving,
)
from tests.fakes.until import until
from tests.unit.h2 import wire

HOLD = "/t.S/Hold"


def whole(stream: int, message: bytes = b"answer") -> bytes:
    """Write a whole answer."""
    return (
        wire.headers(stream, ANSWER)
        + wire.data(stream, framed(message))
        + wire.headers(stream, wire.TRAILERS, end=True)
    )


async def error_of(channel: Channel, path: str = UNARY) -> CallError:
    with pytest.raises(CallError) as error:
        async with asyncio.timeout(PATIENCE_S):
            await channel.unary(path, b"m")
    return error.value


def free_port() -> int:
    with socket.socket() as one:
        one.bind((HOST, 0))
        return int(one.getsockname()[1])


async def _forever(_: ServerCall) -> None:
    await asyncio.Event().wait()


async def test_a_drained_server_is_left_and_its_running_call_ends() -> None:
    began, go = asyncio.Event(), asyncio.Event()

    async def hold(call: ServerCall) -> None:
        began.set()
        await go.wait()
        call.answer(b"at last")

    settings = ChannelSettings(max_connections=1)
    async with (
        listening(more={HOLD: hold}) as (listener, port),
        dialling(port, settings) as channel,
    ):
        running = asyncio.create_task(channel.unary(HOLD, b"m"))
        await asyncio.wait_for(began.wait(), PATIENCE_S)
        listener.connections[0].drain()
        await until(lambda: not connections_of(channel)[0].takes_calls)
        # Even where only one may be: the one that leaves is not counted.
        async with asyncio.timeout(PATIENCE_S):
            assert await channel.unary(UNARY, b"n") == b"n"
        assert len(listener.connections) == 2
        go.set()
        assert await running == b"at last"
        await listener.why()


async def test_a_call_on_its_way_to_a_server_that_closes_is_made_again_elsewhere() -> None:
    """The last GOAWAY names the last call that was looked at."""
    first = Server(HANDLERS.get)
    port = await first.start(HOST, 0)
    async with dialling(port) as channel:
        assert await channel.unary(UNARY, b"m") == b"m"
        await first.drain(0)
        async with asyncio.timeout(PATIENCE_S):
            await until(lambda: not connections_of(channel)[0].takes_calls)
        second = Server(HANDLERS.get)
        await second.start(HOST, port)
        assert await channel.unary(UNARY, b"n") == b"n"
        await second.drain(0)


async def test_the_last_word_of_a_drained_server_names_its_last_call() -> None:
    async with serving() as (server, port), raw_client(port) as peer:
        peer.send(wire.PREFACE, wire.settings(), wire.SETTINGS_ACK)
        await peer.until(wire.SETTINGS)
        await server.drain(0)
        goaways = [one.payload for one in await peer.to_end() if one.kind == wire.GOAWAY]
        assert goaways[-1][:4] == bytes(4)


async def test_a_server_that_goes_away_within_a_call_is_unavailable() -> None:
    async def script(peer: RawPeer, _: int) -> None:
        await greet(peer)
        await peer.until(wire.DATA, 1)

    async with raw_server(script) as port, dialling(port) as channel:
        error = await error_of(channel)
        assert (error.code, error.unprocessed, error.unconnected) == (
            Code.UNAVAILABLE,
            False,
            False,
        )


@pytest.mark.parametrize("how", ["refused", "goaway"])
@pytest.mark.parametrize("times", [1, 2])
async def test_a_call_that_nobody_looked_at_is_made_once_more_and_not_again(
    how: str, times: int
) -> None:
    asked = 0

    async def script(peer: RawPeer, number: int) -> None:
        nonlocal asked
        await greet(peer)
        stream = 1
        while True:
            await peer.until(wire.DATA, stream)
            asked += 1
            if asked > times:
                peer.send(whole(stream))
            else:
                peer.send(wire.reset(stream, 7) if how == "refused" else wire.goaway(0))
            stream += 2

    async with raw_server(script) as port, dialling(port) as channel:
        if times == 1:
            assert await asyncio.wait_for(channel.unary(UNARY, b"m"), PATIENCE_S) == b"answer"
        else:
            error = await error_of(channel)
            assert (error.code, error.unprocessed) == (Code.UNAVAILABLE, True)
        assert asked == 2


async def test_a_refused_connection_is_unavailable_at_once_and_for_a_while() -> None:
    async with dialling(free_port()) as channel:
        first = await error_of(channel)
        assert (first.code, first.unconnected, first.unprocessed) == (Code.UNAVAILABLE, True, False)
        # Not tried: it waits.
        second = await error_of(channel)
        assert second.message == first.message
        assert not connects(channel)


async def test_the_wait_grows_and_ends_with_a_connection() -> None:
    port = free_port()
    async with dialling(port) as channel:
        waits: list[float] = []
        for _ in range(10):
            await error_of(channel)
            waits.append(forgive(channel))
        assert waits[:4] == pytest.approx([0.1, 0.2, 0.4, 0.8])
        assert waits[-1] == 10.0
        server = Server(HANDLERS.get)
        await server.start(HOST, port)
        assert await channel.unary(UNARY, b"m") == b"m"
        assert forgive(channel) == 0.0
        await server.drain(0)


async def test_a_name_that_cannot_be_looked_up_is_unavailable() -> None:
    channel = Channel("a..b", 1)
    error = await error_of(channel)
    assert (error.code, error.unconnected) == (Code.UNAVAILABLE, True)
    await channel.close()


async def test_a_server_that_does_not_greet_is_unavailable() -> None:
    async def script(peer: RawPeer, _: int) -> None:
        await peer.to_end()

    async with (
        raw_server(script) as port,
        dialling(port, ChannelSettings(connect_s=0.05)) as channel,
    ):
        error = await error_of(channel)
        assert error.unconnected
        assert "it took too long" in error.message


async def test_a_server_that_gives_no_sign_of_life_ends_the_call() -> None:
    async def script(peer: RawPeer, _: int) -> None:
        await greet(peer)
        await peer.until(wire.PING)
        await peer.to_end()

    settings = ChannelSettings(link=LinkSettings(greeting_s=0.3, idle_ping_s=0.05, ping_s=0.05))
    async with raw_server(script) as port, dialling(port, settings) as channel:
        error = await error_of(channel)
        assert (error.code, error.message) == (Code.UNAVAILABLE, "the peer gave no sign of life")


async def test_whatever_comes_is_a_sign_of_life() -> None:
    """The answer to a ping may be far behind data."""

    async def script(peer: RawPeer, _: int) -> None:
        await greet(peer)
        await peer.until(wire.DATA, 1)
        peer.send(wire.headers(1, ANSWER))
        for _ in range(4):
            await peer.until(wire.PING)
            peer.send(wire.data(1, framed(b"x")))
        await peer.to_end()

    settings = ChannelSettings(link=LinkSettings(greeting_s=0.3, idle_ping_s=0.05, ping_s=0.5))
    async with (
        raw_server(script) as port,
        dialling(port, settings) as channel,
        channel.call(MANY, message=b"m") as call,
    ):
        assert [await call.read() for _ in range(4)] == [b"x"] * 4


async def test_calls_beyond_what_a_server_takes_wait_for_another_to_end() -> None:
    most = 0

    async def script(peer: RawPeer, _: int) -> None:
        nonlocal most
        await peer.preface()
        peer.send(wire.settings((3, 2)), wire.SETTINGS_ACK)
        streams: list[int] = []
        served = 0
        while served < 6:
            frame = await peer.frame()
            assert frame is not None
            if frame.kind == wire.DATA and frame.flags & wire.END:
                streams.append(frame.stream)
                most = max(most, len(streams))
            if len(streams) == 2:
                peer.send(*map(whole, streams))
                served += 2
                streams.clear()
        await peer.to_end()

    async with (
        raw_server(script) as port,
        dialling(port, ChannelSettings(max_connections=1)) as one,
    ):
        async with asyncio.timeout(PATIENCE_S):
            answers = await asyncio.gather(*[one.unary(UNARY, b"m") for _ in range(6)])
        assert (answers, most) == ([b"answer"] * 6, 2)


async def test_a_second_connection_is_made_where_the_first_takes_no_more() -> None:
    began: list[str] = []
    go = asyncio.Event()

    async def hold(call: ServerCall) -> None:
        began.append(call.peer)
        await go.wait()
        call.answer(b"m")

    settings = ServerSettings(limits=Limits(max_concurrent=2))
    async with listening(settings, {HOLD: hold}) as (listener, port), dialling(port) as channel:
        asked = [asyncio.create_task(channel.unary(HOLD, b"m")) for _ in range(4)]
        await until(lambda: len(began) == 4)
        assert len(listener.connections) == 2
        go.set()
        assert await asyncio.gather(*asked) == [b"m"] * 4


async def test_closing_ends_calls_and_those_that_wait_for_a_connection() -> None:
    """Those that wait are not cancelled: nobody has cancelled their tasks."""
    async with serving({HOLD: _forever}) as (_, port), dialling(port) as channel:
        running = asyncio.create_task(channel.unary(HOLD, b"m"))
        await until(lambda: connections_of(channel) and connections_of(channel)[0].calls)
        await channel.close()
        with pytest.raises(CallError, match="CANCELLED"):
            await running
        assert (await error_of(channel)).code is Code.CANCELLED

    async def script(peer: RawPeer, _: int) -> None:
        await peer.to_end()

    async with raw_server(script) as port, dialling(port) as channel:
        waiting = asyncio.create_task(channel.unary(UNARY, b"m"))
        await until(lambda: connects(channel))
        await channel.close()
        with pytest.raises(CallError, match="CANCELLED"):
            await waiting
