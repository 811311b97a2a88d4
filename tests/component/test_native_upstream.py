"""What only the native protocol has, against a real gRPC server on loopback."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable

import grpc
import pytest

from gateway.core.constraint import Constraint, Grammar, JsonSchema, Regex
from gateway.core.deadline import Deadline
from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault, Kind, Reason
from gateway.core.hole import NO_SAMPLING, Hole, HoleSpec, Request, Sampling
from gateway.core.ports import Task
from gateway.upstreams.native_grpc import NativeUpstream
from gateway.upstreams.options import UpstreamOptions
from tests.fakes.model_server import CODES, FakeModelServer
from tests.fakes.script import Failure, Script

READY = grpc.ChannelConnectivity.READY
HOLE = Hole(
    "x = ",
    "\n",
    HoleSpec(language="python", json_schema=JsonSchema("{}"), grammar=Grammar(text="start: /a/")),
    (Constraint("digits", Regex("[0-9]+")),),
)


@pytest.fixture
async def server() -> AsyncIterator[FakeModelServer]:
    async with FakeModelServer(Script()) as fake:
        yield fake


@pytest.fixture
async def upstream(server: FakeModelServer) -> AsyncIterator[NativeUpstream]:
    adapter = NativeUpstream(Endpoint("fake", url=server.url), UpstreamOptions(), time.monotonic)
    yield adapter
    await adapter.close()


def task_of(server: FakeModelServer, sampling: Sampling = NO_SAMPLING) -> Task:
    return Task(Request(HOLE, "req-7"), Endpoint("fake", url=server.url), sampling, candidate=2)


def within(seconds: float) -> Deadline:
    return Deadline(time.monotonic() + seconds)


async def ignore(_: str) -> None:
    return


async def test_the_deadline_is_forwarded(server: FakeModelServer, upstream: NativeUpstream) -> None:
    await upstream.generate(task_of(server), within(20))
    await upstream.stream(task_of(server), within(20), ignore)
    for asked in server.witness.asked:
        assert asked.time_left_s is not None
        assert 10 < asked.time_left_s < 25  # gRPC rounds up a little


async def test_the_whole_task_is_sent(server: FakeModelServer, upstream: NativeUpstream) -> None:
    await upstream.generate(
        task_of(server, Sampling(max_tokens=5, temperature=0.0, seed=2**63, stop=("\n",))),
        within(20),
    )
    body = server.witness.asked[0].body
    assert body.hole.language == "python"
    assert body.hole.grammar.text == "start: /a/"
    assert [item.name for item in body.constraints] == [
        "digits",
        "hole.json_schema",
        "hole.grammar",
    ]
    assert (body.language, body.request_id, body.candidate) == ("python", "req-7", 2)
    assert (body.sampling.max_tokens, body.sampling.seed) == (5, 2**63)
    assert body.sampling.HasField("temperature")
    assert not body.sampling.HasField("top_p")
    assert list(body.sampling.stop) == ["\n"]


class Holding:
    """Holds on to the calls it makes, so that the garbage collector cannot be what ends them."""

    def __init__(self, make: Callable[..., object]) -> None:
        self.make = make
        self.calls: list[object] = []

    def __call__(self, *args: object, **options: object) -> object:
        self.calls.append(self.make(*args, **options))
        return self.calls[-1]


@pytest.mark.parametrize("how", ["cancel", "fail", "close"])
async def test_a_stream_that_nobody_reads_is_cancelled_by_us(
    server: FakeModelServer, upstream: NativeUpstream, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    server.script.endless, server.script.pieces = True, ("x" * 1000,)
    monkeypatch.setattr(upstream, "_generate_stream", Holding(upstream._generate_stream))
    stuck, never = asyncio.Event(), asyncio.Event()

    async def send(_: str) -> None:
        stuck.set()
        if how == "fail":
            raise ValueError("the reader's own")
        await never.wait()

    asking = asyncio.create_task(upstream.stream(task_of(server), within(30), send))
    async with asyncio.timeout(10):
        await stuck.wait()
        if how == "cancel":
            asking.cancel()
        elif how == "close":
            await upstream.close()
        await server.witness.left.wait()
        asking.cancel()
        await asyncio.wait([asking])
    assert asking.cancelled() or isinstance(asking.exception(), ValueError)


async def test_text_after_the_end_marker_is_malformed(
    server: FakeModelServer, upstream: NativeUpstream
) -> None:
    server.script.ends = 2
    with pytest.raises(Fault) as caught:
        await upstream.stream(task_of(server), within(20), ignore)
    assert caught.value.kind is Kind.MALFORMED


async def test_a_request_beyond_the_servers_limit_is_refused_not_overloaded(
    server: FakeModelServer,
) -> None:
    adapter = NativeUpstream(
        Endpoint("fake", url=server.url),
        UpstreamOptions(max_message_bytes=32 * 1024 * 1024),
        time.monotonic,
    )
    task = Task(Request(Hole("x" * (5 * 1024 * 1024)), "r"), Endpoint("fake"), NO_SAMPLING)
    try:
        with pytest.raises(Fault) as caught:
            await adapter.generate(task, within(20))
    finally:
        await adapter.close()
    assert caught.value.kind is Kind.INVALID
    assert caught.value.reason is Reason.UPSTREAM_REFUSED_REQUEST


async def test_a_peer_that_gives_up_is_not_a_caller_that_left(
    server: FakeModelServer, upstream: NativeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.script.failure = Failure.BROKEN
    monkeypatch.setitem(CODES, Failure.BROKEN, grpc.StatusCode.CANCELLED)
    for asking in (
        upstream.generate(task_of(server), within(20)),
        upstream.stream(task_of(server), within(20), ignore),
    ):
        with pytest.raises(Fault) as caught:
            await asking
        assert caught.value.kind is Kind.UNAVAILABLE
        assert caught.value.against_endpoint


async def test_an_endpoint_that_starts_late_is_found() -> None:
    """A refused connection does not stick: the channel connects again by itself, and soon."""
    with socket.socket() as holder:
        # Bound without listening: the port is refused, and stays ours until the server shares it.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        adapter = NativeUpstream(Endpoint("late", url=address), UpstreamOptions(), time.monotonic)
        task = Task(Request(Hole("x"), "r"), Endpoint("late", url=address), NO_SAMPLING)
        kinds = [await kind_of(adapter, task)]
        late = grpc.aio.server()
        late.add_insecure_port(address)
        await late.start()
        try:
            async with asyncio.timeout(10):
                while kinds[-1] is Kind.UNAVAILABLE:
                    kinds.append(await kind_of(adapter, task))
        finally:
            await adapter.close()
            await late.stop(None)
    assert kinds[0] is Kind.UNAVAILABLE
    assert kinds[-1] is Kind.MALFORMED  # UNIMPLEMENTED: the server was reached


async def kind_of(adapter: NativeUpstream, task: Task) -> Kind:
    with pytest.raises(Fault) as caught:
        await adapter.generate(task, within(5))
    return caught.value.kind


async def test_a_server_that_comes_back_is_used_again_without_a_call_to_wake_it() -> None:
    """While there is no connection a call fails without being made; gRPC goes on connecting."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    endpoint = Endpoint("fake", url=f"grpc://127.0.0.1:{port}")
    upstream = NativeUpstream(endpoint, UpstreamOptions(), time.monotonic)
    task = Task(Request(Hole("x = "), "req-7"), endpoint, NO_SAMPLING)
    try:
        for _ in range(3):
            with pytest.raises(Fault) as caught:
                await upstream.generate(task, within(5))
            assert caught.value.reason is Reason.UPSTREAM_UNREACHABLE
        fake = FakeModelServer(Script())
        fake._server.add_insecure_port(f"127.0.0.1:{port}")
        async with fake:
            async with asyncio.timeout(10):
                while (state := upstream._calls.channel.get_state()) is not READY:
                    await upstream._calls.channel.wait_for_state_change(state)
            assert (await upstream.generate(task, within(5))).text == Script().text
            assert len(fake.witness.asked) == 1
    finally:
        await upstream.close()


async def test_a_cancelled_unary_call_leaves_its_inner_task_to_end_by_itself(
    server: FakeModelServer, upstream: NativeUpstream
) -> None:
    """grpc.aio loses a kilobyte with each unary call whose own task is cancelled.

    That task frees the buffers. What this needs of the library is private, so it must fail when a
    new version has it elsewhere.
    """
    server.script.hang = True
    work = asyncio.ensure_future(upstream.generate(task_of(server), within(30)))
    await server.witness.started.wait()
    (call,) = upstream._calls._running
    inner: asyncio.Task[object] = vars(call)["_invocation_task"]
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    await asyncio.wait_for(server.witness.left.wait(), 5)
    await asyncio.wait_for(asyncio.wait([inner]), 5)
    assert not inner.cancelled()
    assert not upstream._calls._running
