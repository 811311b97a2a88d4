"""The adapter of the Open Inference Protocol against a scripted server, in each form of stream."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.core.candidate import Completion, FinishReason, Usage
from gateway.core.deadline import Deadline
from gateway.core.endpoint import Endpoint, Protocol
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.hole import NO_SAMPLING, Hole, Request, Sampling
from gateway.core.ports import Draft, Operation, Task, Upstream
from gateway.upstreams.connect import connect
from gateway.upstreams.oip_options import OipDecimals, OipOptions, OipStream
from gateway.upstreams.options import UpstreamOptions
from gateway.wire.oip.parameters import values_of
from tests.fakes.oip_server import FakeOipServer
from tests.fakes.script import Failure, Script
from tests.fakes.served import UNCHECKED, Served

STREAMS = list(OipStream)
BIDI = [OipStream.TRITON, OipStream.MLSERVER]


@dataclass
class Rig:
    server: FakeOipServer
    upstream: Upstream
    endpoint: Endpoint
    sent: list[str] = field(default_factory=list)

    async def send(self, text: str) -> None:
        self.sent.append(text)

    async def ask(
        self, *, streamed: bool = False, within_s: float = 10.0, **changes: Any
    ) -> Completion:
        hole = Hole(changes.pop("prompt", "x = "), changes.pop("suffix", "\n"))
        sampling = changes.pop("sampling", NO_SAMPLING)
        task = Task(Request(hole, "r-1"), self.endpoint, sampling, **changes)
        deadline = Deadline(time.monotonic() + within_s)
        if streamed:
            return await self.upstream.stream(task, deadline, self.send)
        return await self.upstream.generate(task, deadline)

    async def fault(self, **changes: Any) -> Fault:
        with pytest.raises(Fault) as caught:
            await self.ask(**changes)
        return caught.value

    @property
    def body(self) -> Any:
        return self.server.witness.asked[-1].body


@asynccontextmanager
async def connected(
    script: Script, options: OipOptions | None = None, **server: Any
) -> AsyncIterator[Rig]:
    how = options or OipOptions()
    async with FakeOipServer(script, streams=how.stream, **server) as fake:
        endpoint = Endpoint("fake", protocol=Protocol.OIP, url=fake.url, model="tiny")
        asked = UpstreamOptions(secret="s3", max_message_bytes=200_000, oip=how)
        upstream = connect(endpoint, asked, time.monotonic)
        try:
            yield Rig(fake, upstream, endpoint)
        finally:
            await upstream.close()


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("on_tensor", [False, True])
@pytest.mark.parametrize("stream", STREAMS)
async def test_a_fill_comes_back_with_what_is_said_of_it(
    stream: OipStream, raw: bool, on_tensor: bool, streamed: bool
) -> None:
    script = Script(finish="length")
    async with connected(
        script, OipOptions(stream=stream, raw=raw), raw=raw, on_tensor=on_tensor
    ) as rig:
        completion = await rig.ask(streamed=streamed)
        usage = Usage(11, 3)
        expected = Completion(script.text, FinishReason.LENGTH, "tiny-1", usage)
        assert completion == expected
        pieces = [script.text] if stream is OipStream.UNARY else list(script.pieces)
        assert rig.sent == (pieces if streamed else [])
        (asked,) = rig.server.witness.asked
        assert (asked.before, asked.after, asked.model) == ("x = ", "\n", "tiny")
        assert asked.headers["authorization"] == "Bearer s3"
        assert asked.time_left_s is not None
        assert bool(asked.body.raw_input_contents) is raw


async def test_sampling_goes_as_parameters() -> None:
    sampling = Sampling(5, 0.5, 0.9, 4, 2**63 + 1, ("a", "b"))
    async with connected(Script()) as rig:
        await rig.ask(sampling=sampling)
        assert rig.body.id == "r-1"
        assert values_of(rig.body.parameters) == {
            "max_tokens": 5,
            "temperature": 0.5,
            "top_p": 0.9,
            "top_k": 4,
            "seed": 1,
            "stop": '["a", "b"]',
        }


async def test_tensors_and_forms_are_those_of_the_model() -> None:
    options = OipOptions(
        "text_input", suffix="", output="text", version="3", decimals=OipDecimals.STRING
    )
    async with connected(Script(), options) as rig:
        await rig.ask(sampling=Sampling(temperature=0.5), partial="1 + ")
        assert [one.name for one in rig.body.inputs] == ["text_input"]
        assert list(rig.body.inputs[0].contents.bytes_contents) == [b"x = 1 + "]
        assert rig.body.model_version == "3"
        assert values_of(rig.body.parameters) == {"temperature": "0.5"}


async def test_a_named_output_that_is_missing_is_nonsense() -> None:
    async with connected(Script(), OipOptions(output="generated")) as rig:
        fault = await rig.fault()
        assert (fault.kind, fault.reason) == (Kind.MALFORMED, Reason.UPSTREAM_MALFORMED)


async def test_a_critique_is_not_made_and_a_repair_is_another_fill() -> None:
    async with connected(Script()) as rig:
        fault = await rig.fault(operation=Operation.CRITIQUE, draft=Draft("y"))
        assert fault.reason is Reason.UPSTREAM_REFUSED_REQUEST
        assert rig.server.witness.asked == []
        assert (await rig.ask(operation=Operation.REPAIR, draft=Draft("y"))).text


FAILURES = [
    (Failure.UNAVAILABLE, Kind.UNAVAILABLE, Origin.UPSTREAM),
    (Failure.INVALID, Kind.INVALID, Origin.CALLER),
    (Failure.UNKNOWN_MODEL, Kind.NOT_FOUND, Origin.US),
    (Failure.UNAUTHENTICATED, Kind.UNAUTHENTICATED, Origin.US),
    (Failure.BROKEN, Kind.UNAVAILABLE, Origin.UPSTREAM),
    (Failure.OVERLOADED, Kind.EXHAUSTED, Origin.UPSTREAM),
]


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("row", FAILURES, ids=[row[0].value for row in FAILURES])
async def test_every_status_has_its_fault(
    stream: OipStream, row: tuple[Failure, Kind, Origin]
) -> None:
    failure, kind, origin = row
    async with connected(Script(failure=failure), OipOptions(stream=stream)) as rig:
        fault = await rig.fault(streamed=True)
        assert (fault.kind, fault.origin) == (kind, origin)
        assert "secret" not in repr(fault)
        assert len(rig.server.witness.asked) == 1


async def test_an_error_in_words_is_the_endpoints_failure() -> None:
    script = Script(failure=Failure.INVALID, failure_after=1)
    async with connected(script, OipOptions(stream=OipStream.TRITON), in_words=True) as rig:
        fault = await rig.fault(streamed=True)
        assert (fault.kind, fault.reason) == (Kind.UNAVAILABLE, Reason.UPSTREAM_ERROR)
        assert "secret" not in repr(fault)
        assert rig.sent == [script.pieces[0]]


async def test_a_stream_without_its_flag_is_cut() -> None:
    async with connected(Script(cut=True), OipOptions(stream=OipStream.TRITON)) as rig:
        fault = await rig.fault(streamed=True)
        assert (fault.kind, fault.reason) == (Kind.TRUNCATED, Reason.UPSTREAM_TRUNCATED)


@pytest.mark.parametrize("stream", BIDI)
async def test_a_stream_without_an_answer_is_cut(stream: OipStream) -> None:
    async with connected(Script((), cut=True), OipOptions(stream=stream)) as rig:
        assert (await rig.fault(streamed=True)).kind is Kind.TRUNCATED


@pytest.mark.parametrize("stream", STREAMS)
async def test_bytes_that_are_no_answer_are_nonsense(stream: OipStream) -> None:
    async with connected(Script(malformed=True), OipOptions(stream=stream)) as rig:
        assert (await rig.fault(streamed=True)).kind is Kind.MALFORMED
        assert rig.sent == []


@pytest.mark.parametrize("stream", STREAMS)
async def test_sizes_are_bounded_both_ways(stream: OipStream) -> None:
    async with connected(Script(("x" * 50_000,) * 5), OipOptions(stream=stream)) as rig:
        assert (await rig.fault(streamed=True)).reason is Reason.UPSTREAM_MALFORMED
        asked = len(rig.server.witness.asked)
        fault = await rig.fault(streamed=True, prompt="x" * 300_000)
        assert (fault.kind, fault.origin) == (Kind.INVALID, Origin.CALLER)
        assert len(rig.server.witness.asked) == asked


@pytest.mark.parametrize("stream", STREAMS)
async def test_the_deadline_reaches_the_server(stream: OipStream) -> None:
    async with connected(Script(hang=True), OipOptions(stream=stream)) as rig:
        fault = await rig.fault(streamed=True, within_s=0.2)
        assert fault.reason is Reason.UPSTREAM_TIMEOUT
        assert (await rig.fault(within_s=-1)).reason is Reason.DEADLINE_EXCEEDED
        async with asyncio.timeout(10):
            await rig.server.witness.left.wait()


@pytest.mark.parametrize("stream", STREAMS)
async def test_cancelling_reaches_the_server(stream: OipStream) -> None:
    async with connected(Script(hang=True), OipOptions(stream=stream)) as rig:
        asking = asyncio.create_task(rig.ask(streamed=True))
        async with asyncio.timeout(10):
            await rig.server.witness.started.wait()
            asking.cancel()
            await rig.server.witness.left.wait()
        with pytest.raises(asyncio.CancelledError):
            await asking


@pytest.mark.parametrize("stream", STREAMS)
async def test_closing_ends_what_runs_and_refuses_what_comes(stream: OipStream) -> None:
    async with connected(Script(hang=True), OipOptions(stream=stream)) as rig:
        asking = asyncio.create_task(rig.fault(streamed=True))
        async with asyncio.timeout(10):
            await rig.server.witness.started.wait()
            await rig.upstream.close()
            fault = await asking
        assert (fault.kind, fault.reason) == (Kind.CANCELLED, Reason.SHUTTING_DOWN)
        assert (await rig.fault()).reason is Reason.SHUTTING_DOWN


@pytest.mark.parametrize("stream", STREAMS)
async def test_nobody_listening_is_unreachable(stream: OipStream) -> None:
    async with connected(Script(), OipOptions(stream=stream)) as rig:
        await rig.server.stop()
        for _ in range(2):
            assert (await rig.fault(streamed=True)).reason is Reason.UPSTREAM_UNREACHABLE


async def test_text_that_is_not_unicode_is_the_callers() -> None:
    async with connected(Script()) as rig:
        fault = await rig.fault(prompt="\ud800")
        assert (fault.kind, fault.origin) == (Kind.INVALID, Origin.CALLER)


@pytest.mark.parametrize("stream", [OipStream.UNARY, OipStream.TRITON])
async def test_a_gateway_of_ours_can_be_an_endpoint_of_another(stream: OipStream) -> None:
    async with Served(Script(), endpoint=[UNCHECKED]) as served:
        endpoint = Endpoint(
            "inner", protocol=Protocol.OIP, url=f"grpc://127.0.0.1:{served.door.port}", model="a"
        )
        options = UpstreamOptions(oip=OipOptions(stream=stream))
        upstream = connect(endpoint, options, time.monotonic)
        sent: list[str] = []

        async def send(text: str) -> None:
            sent.append(text)

        deadline = Deadline(time.monotonic() + 10)
        task = Task(Request(Hole("x = "), "r-1"), endpoint, Sampling(max_tokens=3))
        completion = await upstream.stream(task, deadline, send)
        assert completion.text == "".join(sent) == Script().text
        assert (completion.finish_reason, completion.usage) == (FinishReason.STOP, Usage(11, 3))
        wrong = Task(Request(Hole("x = "), "r-2"), endpoint, Sampling(temperature=9.0))
        with pytest.raises(Fault) as caught:
            await upstream.stream(wrong, deadline, send)
        assert (caught.value.kind, caught.value.origin) == (Kind.INVALID, Origin.CALLER)
        await upstream.close()
