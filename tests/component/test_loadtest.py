"""The load harness against a gateway of ours, and against servers that break, per protocol."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import grpc
import pytest
from ensemble_loadtest import Address, Header, Load, Plan, Protocol, UnreachableError
from ensemble_loadtest.address import read_address
from ensemble_loadtest.drive import Drive
from ensemble_loadtest.fleet import Running, run
from ensemble_loadtest.prompts import Asking, of_size
from ensemble_loadtest.tally import Tally
from ensemble_loadtest.targets import target_of

from tests.fakes.gateway_server import DONE, STARTED, FakeGateway, delta, streams
from tests.fakes.gateways import gateway_on_loopback, settings_of
from tests.fakes.model_server import FakeModelServer
from tests.fakes.openai_server import FakeOpenAiServer
from tests.fakes.script import Failure, Script
from tests.fakes.until import until

CLOSED = Load(seconds=30, workers=4, max_requests=20)
PIECES = ("return ", "a + b", "  # sum")


@dataclass
class Rig:
    native: Address
    openai: Address
    model: FakeModelServer

    def plan(self, protocol: Protocol, **fields: object) -> Plan:
        address = self.openai if protocol is Protocol.OPENAI else self.native
        return Plan(address, CLOSED, protocol, timeout_s=10, **fields)


@pytest.fixture(scope="module")
async def rig() -> AsyncIterator[Rig]:
    async with FakeModelServer(Script(pieces=PIECES, logprobs=())) as model:
        endpoint = {"cost_per_1k_tokens": 1.0}
        settings = settings_of(model.url, endpoint=[endpoint], openai={"port": 0})
        async with gateway_on_loopback(settings) as door:
            port = door.gateway.doors.openai_port
            yield Rig(Address("127.0.0.1", door.port), Address("127.0.0.1", port), model)


async def measured(plan: Plan) -> Tally:
    """Run one process's share here."""
    plan.check()
    drive = Drive(plan, 0)
    target = target_of(plan, drive)
    await target.connect()
    try:
        async with asyncio.timeout(30):
            await drive.run(target, time.monotonic())
    finally:
        await target.close()
    return drive.tally


@pytest.mark.parametrize("protocol", list(Protocol))
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_each_protocol_drives_the_gateway_without_an_error(
    rig: Rig, protocol: Protocol, stream: bool
) -> None:
    tally = await measured(rig.plan(protocol, stream=stream))
    assert (tally.sent, tally.good, dict(tally.reasons)) == (20, 20, {})
    assert tally.latency.count == tally.service.count == 20
    if stream:
        assert tally.ttft.count == 20
        assert tally.gap.count == tally.pieces - 20
    if protocol is not Protocol.OIP:
        assert tally.endpoints == {"a": 20}
        assert (tally.prompt_tokens, tally.completion_tokens) == (220, 60)
        assert tally.cost_micros > 0


async def test_chat_is_asked_too(rig: Rig) -> None:
    plan = rig.plan(Protocol.OPENAI, stream=True, asking=Asking(chat=True))
    tally = await measured(plan)
    assert (tally.good, tally.ttft.count) == (20, 20)


@pytest.mark.parametrize("protocol", [Protocol.NATIVE, Protocol.OIP])
async def test_large_prompts_go_out_over_several_connections(rig: Rig, protocol: Protocol) -> None:
    # No Python, which the gateway would parse for seconds.
    prompts = tuple(replace(prompt, language="sql") for prompt in of_size(120_000, 2))
    plan = rig.plan(protocol, prompts=prompts, connections=2)
    assert (await measured(plan)).good == 20


@pytest.mark.parametrize(
    ("protocol", "reason"),
    [
        (Protocol.NATIVE, "INVALID_ARGUMENT INVALID_FIELD"),
        (Protocol.OIP, "NOT_FOUND"),
        (Protocol.OPENAI, "HTTP_404 model_not_found"),
    ],
)
async def test_failures_are_counted_by_their_reason(
    rig: Rig, protocol: Protocol, reason: str
) -> None:
    asking = Asking(model="nobody", temperature=1e9 if protocol is Protocol.NATIVE else None)
    tally = await measured(rig.plan(protocol, asking=asking))
    (found,) = tally.reasons
    assert found.startswith(reason)
    assert (tally.failed, tally.good, tally.failed_latency.count) == (20, 0, 20)


@pytest.mark.parametrize("protocol", [Protocol.NATIVE, Protocol.OPENAI])
async def test_headers_are_sent(protocol: Protocol, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "s3cret")
    seen: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n" + b'{"choices":[1]}')
        await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        address = Address("127.0.0.1", server.sockets[0].getsockname()[1])
        headers = (Header("X-Key", "env:KEY"),)
        plan = Plan(address, replace(CLOSED, workers=1, max_requests=1), protocol, headers=headers)
        if protocol is Protocol.OPENAI:
            assert (await measured(plan)).good == 1
            assert "x-key: s3cret\r\n" in seen[0]
        else:
            # Not one that speaks HTTP/2.
            with pytest.raises(UnreachableError):
                await measured(plan)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (Script(failure=Failure.OVERLOADED), "HTTP_429 rate_limit_error"),
        (Script(failure=Failure.BROKEN), "HTTP_500 server_error"),
        (Script(cut=True), "CONNECTION_LOST"),
        (Script(hang=True), "HARNESS_TIMEOUT"),
    ],
    ids=["overloaded", "broken", "cut", "hang"],
)
async def test_a_stream_that_does_not_end_well_is_no_answer(script: Script, reason: str) -> None:
    async with FakeOpenAiServer(script) as server:
        host, _, port = server.url.removeprefix("http://").removesuffix("/v1").partition(":")
        load = replace(CLOSED, workers=2, max_requests=4)
        plan = Plan(Address(host, int(port), path="/v1"), load, Protocol.OPENAI, stream=True)
        tally = await measured(replace(plan, timeout_s=0.2 if script.hang else 10))
    assert dict(tally.reasons) == {reason: 4}


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([STARTED, delta("x")], "TRUNCATED"),
        ([DONE], ""),
        ([STARTED, delta("x" * 100_000), DONE], ""),
    ],
    ids=["truncated", "without text", "large"],
)
async def test_a_stream_is_an_answer_when_its_last_event_has_come(
    events: list[object], reason: str
) -> None:
    with FakeGateway(GenerateStream=streams(*events)) as server:
        load = replace(CLOSED, max_requests=8)
        tally = await measured(Plan(read_address(server.target), load, stream=True))
    assert (tally.good, dict(tally.reasons)) == ((0, {reason: 8}) if reason else (8, {}))


async def test_what_is_no_message_is_no_answer() -> None:
    def handle(_: bytes, __: grpc.ServicerContext) -> bytes:
        return b"\xff\xff"

    server = grpc.server(ThreadPoolExecutor(2))
    methods = {"Generate": grpc.unary_unary_rpc_method_handler(handle)}
    generic = grpc.method_handlers_generic_handler("ensemble.v1.GatewayService", methods)
    server.add_generic_rpc_handlers((generic,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    tally = await measured(Plan(Address("127.0.0.1", port), CLOSED))
    server.stop(None).wait(10)
    assert dict(tally.reasons) == {"MALFORMED_MESSAGE": 20}


async def test_a_server_that_takes_no_more_connections_fails_those_who_need_one() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.close()
        while await reader.read(100_000):
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n" + b'{"choices":[1]}')
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = Address("127.0.0.1", server.sockets[0].getsockname()[1])
    tally = await measured(Plan(address, replace(CLOSED, workers=2), Protocol.OPENAI))
    await server.wait_closed()
    assert set(tally.reasons) == {"NO_CONNECTION"}
    assert tally.good + tally.failed == 20


async def test_a_deadline_ends_a_call_that_hangs() -> None:
    async with (
        FakeModelServer(Script(hang=True)) as model,
        gateway_on_loopback(settings_of(model.url)) as door,
    ):
        load = replace(CLOSED, workers=2, max_requests=4)
        tally = await measured(Plan(Address("127.0.0.1", door.port), load, timeout_s=0.2))
    # Whichever of the two notices first.
    assert tally.failed == 4
    assert all(reason.startswith("DEADLINE_EXCEEDED") for reason in tally.reasons)


async def test_a_server_that_stops_and_comes_back_is_used_again() -> None:
    async with FakeModelServer(Script(pieces=PIECES, logprobs=())) as model:
        async with gateway_on_loopback(settings_of(model.url)) as door:
            port = door.port
            plan = Plan(Address("127.0.0.1", port), Load(seconds=600, workers=1), timeout_s=10)
            drive = Drive(plan, 0)
            target = target_of(plan, drive)
            await target.connect()
            run_it = asyncio.create_task(drive.run(target, time.monotonic()))
            await until(lambda: drive.tally.good > 0)
        await until(lambda: drive.tally.failed > 0)
        before = drive.tally.good
        settings = settings_of(model.url, server={"port": port})
        async with gateway_on_loopback(settings):
            await until(lambda: drive.tally.good > before)
            drive.stop()
            await run_it
            await target.close()
    assert all("UNAVAILABLE" in reason or "GOAWAY" in reason or "LOST" in reason
               for reason in drive.tally.reasons)  # fmt: skip


@pytest.mark.parametrize("protocol", list(Protocol))
async def test_nobody_at_the_target_is_told_at_once(protocol: Protocol) -> None:
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:1"):
        await measured(Plan(Address("127.0.0.1", 1), CLOSED, protocol))


async def test_two_processes_send_one_schedule_between_them(rig: Rig) -> None:
    shown: list[float] = []
    plan = rig.plan(Protocol.NATIVE, processes=2)
    result = await asyncio.to_thread(run, plan, lambda running: shown.append(running.elapsed_s))
    assert (result.tally.good, result.tally.failed, result.lost_processes) == (20, 0, 0)
    assert len(result.cpus) == 2
    assert not result.interrupted
    assert shown
    json.dumps(result.tally.latency.buckets())


async def test_a_process_that_dies_is_told_and_the_others_count(rig: Rig) -> None:
    def kill_one(_: Running) -> None:
        children = multiprocessing.active_children()
        if len(children) == 2:
            children[0].kill()

    load = Load(seconds=1, workers=2)
    plan = replace(rig.plan(Protocol.NATIVE, processes=2), load=load)
    result = await asyncio.to_thread(run, plan, kill_one)
    assert (result.lost_processes, len(result.cpus)) == (1, 1)
    assert result.tally.good > 0


async def test_processes_that_reach_nobody_say_so() -> None:
    plan = Plan(Address("127.0.0.1", 1), CLOSED, processes=2)
    with pytest.raises(UnreachableError):
        await asyncio.to_thread(run, plan)
