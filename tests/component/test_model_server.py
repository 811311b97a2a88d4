"""The reference model server as a process of its own, over loopback."""

from __future__ import annotations

import ast
import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from ensemble.v1 import model_service_pb2 as pb
from ensemble.v1.hole_pb2 import Sampling
from ensemble.v1.model_service_pb2_grpc import ModelServiceStub
from ensemble.v1.result_pb2 import FINISH_REASON_STOP
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha.reflection_pb2 import (
    ServerReflectionRequest,
    ServerReflectionResponse,
)

from gateway.core.candidate import Completion
from gateway.core.deadline import Deadline
from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault
from gateway.core.hole import NO_SAMPLING, Hole, Request
from gateway.core.outcome import Outcome, outcome_of
from gateway.core.ports import Draft, Operation, Task
from gateway.upstreams.connect import UpstreamOptions, connect
from tests.fakes.processes import Running, start

PROMPT = "def total(values):\n    result = 0\n    for value in values:\n"
SUFFIX = "    return result\n"
SERVICE = "ensemble.v1.ModelService"
TRIES = 200


def channel(server: Running) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(f"127.0.0.1:{server.port}")


def ask(
    prompt: str = PROMPT, suffix: str = SUFFIX, **sampling: object
) -> pb.ModelServiceGenerateRequest:
    return pb.ModelServiceGenerateRequest(
        prompt=prompt, suffix=suffix, sampling=Sampling(**sampling)
    )


def replayed(folder: Path, *completions: dict[str, object], **fields: str) -> str:
    path = folder / "recorded.jsonl"
    row = {"prompt": PROMPT, "suffix": SUFFIX, "completions": list(completions), **fields}
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
async def ngram(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    folder = tmp_path_factory.mktemp("models")
    arguments = ("--profile", "fast", "--corpus-tokens", "20000", "--cache", str(folder))
    async with start(
        "model-server", "--engine", "ngram", *arguments, "--max-in-flight", "1", "--model", "tiny"
    ) as server:
        yield server


async def test_a_hole_is_filled_the_same_way_unary_and_streamed(ngram: Running) -> None:
    async with channel(ngram) as open_channel:
        stub = ModelServiceStub(open_channel)
        whole = await stub.Generate(ask(temperature=0), timeout=20)
        stream = stub.GenerateStream(
            pb.ModelServiceGenerateStreamRequest(request=ask(temperature=0)), timeout=20
        )
        messages = [message async for message in stream]
    assert whole.text.startswith("        ")
    assert whole.text.endswith("\n")
    assert whole.finish_reason == FINISH_REASON_STOP
    assert whole.model == "tiny"
    assert len(whole.token_logprobs) == whole.usage.completion_tokens > 0
    assert "".join(message.text for message in messages) == whole.text
    assert [message.HasField("done") for message in messages[:-1]] == [False] * (len(messages) - 1)
    done = messages[-1].done
    whole.text = ""
    assert done == whole


def drafted(operation: pb.Operation, text: str, *issues: str) -> pb.ModelServiceGenerateRequest:
    request = ask(temperature=0, seed=1)
    request.MergeFrom(
        pb.ModelServiceGenerateRequest(
            operation=operation, draft=pb.Draft(text=text, issues=issues), language="python"
        )
    )
    return request


async def test_a_draft_is_criticised_and_repaired_by_a_real_model(ngram: Running) -> None:
    broken = "        result += (value\n"
    async with channel(ngram) as open_channel:
        stub = ModelServiceStub(open_channel)
        critique = await stub.Generate(drafted(pb.OPERATION_CRITIQUE, broken), timeout=20)
        issues = critique.text.split("\n")
        repair = await stub.Generate(drafted(pb.OPERATION_REPAIR, broken, *issues), timeout=20)
        mended = PROMPT + repair.text + SUFFIX
        again = await stub.Generate(drafted(pb.OPERATION_CRITIQUE, repair.text), timeout=20)
    assert issues[0].startswith("syntax: ")
    assert repair.text.strip() != broken.strip()
    assert ast.parse(mended)
    assert not again.text.startswith("syntax: ")


@pytest.mark.parametrize("operation", [pb.OPERATION_CRITIQUE, pb.OPERATION_REPAIR])
async def test_a_draft_that_is_missing_is_named(ngram: Running, operation: pb.Operation) -> None:
    request = pb.ModelServiceGenerateRequest(prompt="x = ", operation=operation)
    async with channel(ngram) as open_channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ModelServiceStub(open_channel).Generate(request, timeout=20)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details().startswith("draft: ")


async def outcome_at(server: Running, operation: Operation) -> Completion | Fault:
    """Ask through the gateway's own adapter."""
    endpoint = Endpoint("real", url=f"grpc://127.0.0.1:{server.port}")
    upstream = connect(endpoint, UpstreamOptions(), time.monotonic)
    request = Request(Hole(PROMPT, SUFFIX), "r")
    task = Task(request, endpoint, NO_SAMPLING, operation=operation, draft=Draft("        pass\n"))
    try:
        return await upstream.generate(task, Deadline(time.monotonic() + 20))
    except Fault as fault:
        return fault
    finally:
        await upstream.close()


async def test_an_operation_that_was_not_recorded_counts_against_nobody(tmp_path: Path) -> None:
    file = replayed(tmp_path, {"text": "        pass\n"}, {"text": "        result += value\n"})
    async with start("model-server", "--engine", "replay", "--file", file) as server:
        critique = await outcome_at(server, Operation.CRITIQUE)
        repair = await outcome_at(server, Operation.REPAIR)
    assert isinstance(critique, Fault)
    assert outcome_of(critique) is Outcome.NOT_COUNTED
    assert not critique.retryable
    assert isinstance(repair, Completion)
    assert repair.text == "        result += value\n"


async def test_a_recorded_critique_comes_through_the_adapter(tmp_path: Path) -> None:
    file = replayed(tmp_path, {"text": "line 1: adds nothing\n"}, operation="critique")
    async with start("model-server", "--engine", "replay", "--file", file) as server:
        critique = await outcome_at(server, Operation.CRITIQUE)
    assert isinstance(critique, Completion)
    assert critique.text == "line 1: adds nothing\n"


async def test_the_seed_draws_among_recorded_completions_when_the_flag_says_so(
    tmp_path: Path,
) -> None:
    file = replayed(tmp_path, *({"text": letter} for letter in "abc"))
    arguments = ("--engine", "replay", "--file", file, "--choose", "seed")
    async with start("model-server", *arguments) as server, channel(server) as open_channel:
        stub = ModelServiceStub(open_channel)
        texts = [(await stub.Generate(ask(seed=seed), timeout=20)).text for seed in range(6)]
    assert "".join(texts) == "cbabab"


async def test_models_health_and_reflection_are_served(ngram: Running) -> None:
    async with channel(ngram) as open_channel:
        models = await ModelServiceStub(open_channel).ListModels(pb.ListModelsRequest(), timeout=20)
        assert [model.name for model in models.models] == ["tiny"]
        for name in ("", SERVICE):
            answer = await HealthStub(open_channel).Check(
                HealthCheckRequest(service=name), timeout=20
            )
            assert answer.status == HealthCheckResponse.SERVING
        for version in ("v1", "v1alpha"):
            call = open_channel.stream_stream(
                f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
                ServerReflectionRequest.SerializeToString,
                ServerReflectionResponse.FromString,
            )
            requests = [
                ServerReflectionRequest(list_services=""),
                ServerReflectionRequest(file_containing_symbol=SERVICE),
            ]
            answers = [answer async for answer in call(iter(requests), timeout=20)]
            listed = {item.name for item in answers[0].list_services_response.service}
            assert {SERVICE, "grpc.health.v1.Health"} <= listed
            assert f"grpc.reflection.{version}.ServerReflection" in listed
            assert answers[1].file_descriptor_response.file_descriptor_proto


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (ask(prompt=""), grpc.StatusCode.INVALID_ARGUMENT),
        (ask(temperature=-1), grpc.StatusCode.INVALID_ARGUMENT),
        (
            pb.ModelServiceGenerateRequest(prompt="x", model="other"),
            grpc.StatusCode.NOT_FOUND,
        ),
    ],
)
async def test_a_request_that_cannot_be_met_is_refused(
    ngram: Running, request_: object, code: grpc.StatusCode
) -> None:
    async with channel(ngram) as open_channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ModelServiceStub(open_channel).Generate(request_, timeout=20)
    assert caught.value.code() is code


async def first_not_overloaded(stub: object, request: object, seconds: float = 20) -> object:
    """Ask until there is room; the server learns of a cancel a moment after the caller."""
    for _ in range(TRIES):
        try:
            return await stub.Generate(request, timeout=seconds)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                raise
    raise AssertionError("the work for a caller who left never stopped")


async def test_work_for_a_caller_who_left_stops(ngram: Running) -> None:
    # Without a suffix and at the margin the fill goes on for as long as the server is let.
    endless = ask("x = 1\ny = ", "", max_tokens=1_000_000, temperature=1.0, seed=1)
    async with channel(ngram) as open_channel:
        stub = ModelServiceStub(open_channel)
        stream = stub.GenerateStream(
            pb.ModelServiceGenerateStreamRequest(request=endless), timeout=20
        )
        await stream.read()
        stream.cancel()
        await first_not_overloaded(stub, ask())


async def test_a_deadline_is_kept_and_frees_the_place(tmp_path: Path) -> None:
    file = replayed(tmp_path, {"text": "        result += value\n"})
    async with (
        start(
            "model-server", "--engine", "replay", "--file", file, "--hang", "--max-in-flight", "1"
        ) as server,
        channel(server) as open_channel,
    ):
        stub = ModelServiceStub(open_channel)
        loop = asyncio.get_running_loop()
        for _ in range(2):
            began = loop.time()
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await first_not_overloaded(stub, ask(), seconds=0.2)
            assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            assert loop.time() - began < 5


async def test_too_many_at_once_are_refused(tmp_path: Path) -> None:
    file = replayed(tmp_path, {"text": "x\ny\n"})
    arguments = ("--latency", "none", "--pace-ms", "60000", "--max-in-flight", "1")
    async with (
        start("model-server", "--engine", "replay", "--file", file, *arguments) as server,
        channel(server) as open_channel,
    ):
        stub = ModelServiceStub(open_channel)
        held = stub.GenerateStream(pb.ModelServiceGenerateStreamRequest(request=ask()), timeout=20)
        await held.read()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Generate(ask(), timeout=20)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        held.cancel()


async def test_sigterm_tells_watchers_and_lets_running_requests_end(tmp_path: Path) -> None:
    file = replayed(tmp_path, {"text": "        result += value\n"})
    arguments = ("--latency", "none", "--pace-ms", "50")
    async with (
        start("model-server", "--engine", "replay", "--file", file, *arguments) as server,
        channel(server) as open_channel,
    ):
        watch = HealthStub(open_channel).Watch(HealthCheckRequest(service=SERVICE), timeout=20)
        assert (await watch.read()).status == HealthCheckResponse.SERVING
        running = ModelServiceStub(open_channel).GenerateStream(
            pb.ModelServiceGenerateStreamRequest(request=ask()), timeout=20
        )
        await running.read()
        server.process.send_signal(signal.SIGTERM)
        assert (await watch.read()).status == HealthCheckResponse.NOT_SERVING
        assert await watch.read() is grpc.aio.EOF
        last = await running.read()
        while not last.HasField("done"):
            last = await running.read()
        assert await asyncio.wait_for(server.process.wait(), 20) == 0


async def test_a_cut_stream_ends_without_done(tmp_path: Path) -> None:
    file = replayed(tmp_path, {"text": "        result += value\n"})
    async with (
        start("model-server", "--engine", "replay", "--file", file, "--cut-after", "10") as server,
        channel(server) as open_channel,
    ):
        stub = ModelServiceStub(open_channel)
        stream = stub.GenerateStream(
            pb.ModelServiceGenerateStreamRequest(request=ask()), timeout=20
        )
        messages = [message async for message in stream]
        assert "".join(message.text for message in messages) == "        re"
        assert not any(message.HasField("done") for message in messages)


async def run(*arguments: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway",
        "model-server",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, out.decode(), err.decode()


async def test_interrupted_is_130(tmp_path: Path) -> None:
    file = replayed(tmp_path, {"text": "x"})
    async with start("model-server", "--engine", "replay", "--file", file) as server:
        assert await server.stop(signal.SIGINT) == 130


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--engine", "replay"), "--file"),
        (("--engine", "ngram", "--profile", "huge"), "fast"),
        (("--engine", "ngram", "--cut-after", "3"), "--cut-after"),
        (("--engine", "replay", "--file", "x", "--field", "colour=red"), "--field"),
        (("--engine", "magic"), "magic"),
    ],
)
async def test_wrong_usage_is_2_and_says_what_is_wrong(
    arguments: tuple[str, ...], words: str
) -> None:
    code, out, err = await run(*arguments)
    assert (code, out) == (2, "")
    assert words in err


async def test_wrong_recordings_are_3_with_every_line(tmp_path: Path) -> None:
    file = tmp_path / "wrong.jsonl"
    file.write_text('{"prompt": 1}\nnot json\n', encoding="utf-8")
    code, out, err = await run("--engine", "replay", "--file", str(file))
    assert (code, out) == (3, "")
    assert "line 1 prompt" in err
    assert "line 2" in err


async def test_wrong_flags_and_profiles_are_3(tmp_path: Path) -> None:
    file = replayed(tmp_path, {"text": "x"})
    code, _, err = await run(
        *("--engine", "replay", "--file", file),
        *("--latency", "soon", "--error-rate", "7", "--choose", "luck"),
    )
    assert code == 3
    assert "latency" in err
    assert "error_rate" in err
    assert "choose" in err
    code, _, err = await run("--engine", "replay", "--file", file, "--profile", "missing.toml")
    assert code == 3
    assert "missing.toml" in err
