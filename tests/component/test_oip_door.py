"""The Open Inference Protocol as a way in, over loopback."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest

from gateway.wire.oip import inference as oip
from gateway.wire.oip.parameters import values_of
from tests.fakes.gateways import Failure, failure
from tests.fakes.oip_caller import Caller, asked, text_of
from tests.fakes.script import Failure as Scripted
from tests.fakes.script import Script
from tests.fakes.served import TIMEOUT_S, UNCHECKED, Hold, Served, trailers_of

PIECES = ("return ", "a + b")
TEXT = "".join(PIECES)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    first = {"capabilities": ["code_completion"], "model": "tiny", **UNCHECKED}
    second = {"capabilities": ["high_quality"], "tags": ["eu"], **UNCHECKED}
    async with Served(Script(PIECES), Script(("other",)), endpoint=[first, second]) as made:
        yield made


@pytest.fixture
def caller(served: Served) -> Caller:
    return Caller(served)


async def test_a_hole_is_filled_and_the_answer_says_where_it_came_from(
    served: Served, caller: Caller
) -> None:
    request = asked("def f(a, b):\n    ", suffixes=("\n",), key="7", max_tokens=9, top_p=0.5)
    answer = await caller.infer(request, metadata=(("x-request-id", "r-1"),))
    assert (answer.model_name, answer.model_version, answer.id) == ("auto", "1", "7")
    assert text_of(answer) == (TEXT,)
    assert list(answer.outputs[0].shape) == [1]
    said = values_of(answer.parameters)
    assert (said["endpoint"], said["model"], said["finish_reason"]) == ("a", "tiny-1", "stop")
    assert (said["prompt_tokens"], said["completion_tokens"]) == (11, 3)
    assert (said["request_id"], said["cached"]) == ("r-1", False)
    assert 0 <= said["confidence"] <= 1
    (seen,) = served.models[0].witness.asked
    assert (seen.before, seen.after) == ("def f(a, b):\n    ", "\n")
    assert (seen.body.sampling.max_tokens, seen.body.sampling.top_p) == (9, 0.5)


@pytest.mark.parametrize("raw", [False, True])
async def test_the_answer_has_the_form_and_the_shape_of_the_question(
    caller: Caller, raw: bool
) -> None:
    answer = await caller.infer(asked("x = ", raw=raw, shape=(1, 1)))
    assert text_of(answer) == (TEXT,)
    assert list(answer.outputs[0].shape) == [1, 1]
    assert bool(answer.raw_output_contents) is raw


async def test_the_only_text_is_the_prompt_whatever_its_name(caller: Caller) -> None:
    request = asked("x = ")
    request.inputs[0].name = "text_input"
    assert text_of(await caller.infer(request)) == (TEXT,)


@pytest.mark.parametrize("raw", [False, True])
async def test_each_element_is_a_request_answered_in_its_place(
    served: Served, caller: Caller, raw: bool
) -> None:
    outputs = ("text", "endpoint", "request_id", "confidence")
    prompts = tuple(f"x{number} = " for number in range(5))
    request = asked(*prompts, raw=raw, outputs=outputs, suffixes=tuple("abcde"))
    answer = await caller.infer(request, metadata=(("x-request-id", "b"),))
    assert [one.name for one in answer.outputs] == list(outputs)
    assert text_of(answer, "text") == (TEXT,) * 5
    assert text_of(answer, "endpoint") == ("a",) * 5
    assert text_of(answer, "request_id") == tuple(f"b-{number}" for number in range(5))
    numbers = (
        struct.unpack("<5d", answer.raw_output_contents[3])
        if raw
        else answer.outputs[3].contents.fp64_contents
    )
    assert len(numbers) == 5
    assert values_of(answer.parameters)["completion_tokens"] == 15
    seen = {one.before: one.after for one in served.models[0].witness.asked}
    assert seen == dict(zip(prompts, "abcde", strict=True))


async def test_a_batch_is_worked_on_within_its_bound() -> None:
    hold = Hold()
    async with Served(Script(PIECES), server={"batch_in_flight": 2}) as served:
        served.models[0].hold = hold
        call = Caller(served).infer(asked(*(f"x{number} = " for number in range(5))))
        witness = served.models[0].witness
        await witness.called(2)
        assert len(witness.asked) == 2
        hold.release(5)
        assert text_of(await call) == (TEXT,) * 5


async def test_one_failed_element_fails_the_batch_with_its_reason() -> None:
    failing = Script(failure=Scripted.INVALID)
    async with Served(failing, endpoint=[UNCHECKED]) as served:
        found = await failure(Caller(served).infer(asked("x = ", "y = ")))
        assert found.code is grpc.StatusCode.INVALID_ARGUMENT
        assert found.reason


@pytest.mark.parametrize(
    ("model", "endpoint"),
    [("", "a"), ("auto", "a"), ("a", "a"), ("b", "b"), ("high_quality", "b")],
)
async def test_the_model_chooses_who_answers(caller: Caller, model: str, endpoint: str) -> None:
    answer = await caller.infer(asked("x = ", model=model))
    assert values_of(answer.parameters)["endpoint"] == endpoint


async def test_the_model_may_be_a_pipeline(served: Served, caller: Caller) -> None:
    (name, *_) = served.door.gateway.ensemble.pipelines
    answer = await caller.infer(asked("x = ", model=name))
    assert text_of(answer)
    events = await caller.answers(asked("x = ", model=name))
    assert "".join(text_of(one.infer_response)[0] for one in events)


async def test_parameters_steer_the_gateway(served: Served, caller: Caller) -> None:
    request = asked(
        "x = ",
        strategy="best_of_n",
        n=2,
        temperature="0.5",
        seed=7.0,
        stop='["\\n", ";"]',
        language="python",
        kind="expression",
        priority=1,
        required_tags="eu",
        cache_policy="bypass",
        repair=True,
        sequence_id="s-1",
        sequence_start=True,
        sequence_end=False,
        timeout=5_000_000,
    )
    answer = await caller.infer(request)
    assert values_of(answer.parameters)["endpoint"] == "b"
    assert len(served.models[1].witness.asked) == 2
    body = served.models[1].witness.asked[0].body
    assert list(body.sampling.stop) == ["\n", ";"]
    assert body.language == "python"


BAD: dict[str, tuple[Callable[[], Any], str, str]] = {
    "parameter": (lambda: asked("x", colour="red"), "parameters.colour", "known are cache_policy"),
    "number": (lambda: asked("x", max_tokens=1.5), "parameters.max_tokens", "whole number"),
    "yes": (lambda: asked("x", max_tokens=True), "parameters.max_tokens", "whole number"),
    "decimal": (lambda: asked("x", top_p="much"), "parameters.top_p", "a number"),
    "range": (lambda: asked("x", temperature=9), "parameters.temperature", "2"),
    "huge": (lambda: asked("x", max_tokens=2**63), "parameters.max_tokens", "whole number"),
    "enum": (lambda: asked("x", strategy="luck"), "parameters.strategy", "best_of_n"),
    "flag": (lambda: asked("x", repair="maybe"), "parameters.repair", "true or false"),
    "text": (lambda: asked("x", language=3), "parameters.language", "a text"),
    "list": (lambda: asked("x", stop=3), "parameters.stop", "JSON array"),
    "item": (lambda: asked("x", stop=""), "parameters.stop", "1"),
    "timeout": (lambda: asked("x", timeout=-1), "parameters.timeout", "microseconds"),
    "schema": (lambda: asked("x", json_schema="{"), "hole.json_schema", "JSON"),
    "output": (lambda: asked("x", outputs=("logits",)), "outputs[0].name", "confidence"),
    "version": (lambda: _with(asked("x"), model_version="2"), "model_version", "'1'"),
    "nothing": (asked, "inputs", "'prompt'"),
    "empty": (lambda: asked(""), "prompt", "1"),
    "shape": (lambda: asked("x", shape=(2,)), "inputs[0]", "shape [2] is of 2"),
    "none": (lambda: _emptied(asked("x")), "inputs[0].shape", "1 to 1024"),
    "suffixes": (lambda: asked("x", "y", suffixes=("z",)), "inputs[1].shape", "as many"),
    "tensor": (lambda: _named(asked("x", suffixes=("y",)), 1, "context"), "inputs[1].name", "suf"),
    "twice": (lambda: _named(asked("x", suffixes=("y",)), 1, "prompt"), "inputs[1].name", "once"),
    "raw": (lambda: _raw(asked("x", raw=True), b"x"), "raw_input_contents[0]", "4 bytes"),
}


def _with(request: Any, **fields: Any) -> Any:
    for name, value in fields.items():
        setattr(request, name, value)
    return request


def _named(request: Any, place: int, name: str) -> Any:
    request.inputs[place].name = name
    return request


def _emptied(request: Any) -> Any:
    request.inputs[0].shape[:] = [0]
    del request.inputs[0].contents.bytes_contents[:]
    return request


def _raw(request: Any, raw: bytes) -> Any:
    request.raw_input_contents[0] = raw
    return request


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_request_names_its_field_and_the_mend(
    served: Served, caller: Caller, name: str
) -> None:
    make, field, words = BAD[name]
    found = await failure(caller.infer(make()))
    assert found.code is grpc.StatusCode.INVALID_ARGUMENT
    assert any(one.startswith(field) for one in found.fields), found.message
    assert words in found.message
    assert served.asked() == [0, 0]


async def test_bytes_that_are_no_message_are_refused(caller: Caller) -> None:
    assert await reason_of(caller.infer(b"\xff")) == "UNREADABLE_MESSAGE"
    broken = oip.ModelInferRequest(model_name="abc").SerializeToString().replace(b"abc", b"a\xffc")
    found = await failure(caller.infer(broken))
    assert found.fields == ["model_name"]


async def reason_of(call: Any) -> str:
    found: Failure = await failure(call)
    return found.reason


async def test_an_unknown_model_is_not_found_and_the_known_ones_are_told(caller: Caller) -> None:
    for call in (
        caller.infer(asked("x", model="gpt")),
        caller.unary("ModelMetadata", oip.ModelMetadataRequest(name="gpt")),
    ):
        found = await failure(call)
        assert found.code is grpc.StatusCode.NOT_FOUND
        assert "auto, a, b" in found.message


async def test_the_server_lives_and_says_what_it_is(caller: Caller) -> None:
    assert (await caller.unary("ServerLive", oip.ServerLiveRequest())).live
    assert (await caller.unary("ServerReady", oip.ServerReadyRequest())).ready
    metadata = await caller.unary("ServerMetadata", oip.ServerMetadataRequest())
    assert metadata.name == "ensemble-gateway"
    assert metadata.version
    assert "parameters" in metadata.extensions


async def test_a_model_says_its_tensors(served: Served, caller: Caller) -> None:
    (pipeline, *_) = served.door.gateway.ensemble.pipelines
    kinds = {"a": "endpoint", "auto": "auto", "high_quality": "capability", pipeline: "pipeline"}
    for name, kind in kinds.items():
        found = await caller.unary("ModelMetadata", oip.ModelMetadataRequest(name=name))
        assert (found.name, list(found.versions)) == (name, ["1"])
        assert [(one.name, one.datatype) for one in found.inputs] == [
            ("prompt", "BYTES"),
            ("suffix", "BYTES"),
        ]
        assert found.outputs[0].name == "text"
        assert found.properties["kind"] == kind
        ready = await caller.unary("ModelReady", oip.ModelReadyRequest(name=name))
        assert ready.ready
    assert not (await caller.unary("ModelReady", oip.ModelReadyRequest(name="gpt"))).ready


async def test_a_drained_endpoint_is_not_ready(served: Served, caller: Caller) -> None:
    await served.drain("b")
    for name, ready in (("b", False), ("high_quality", False), ("a", True), ("auto", True)):
        found = await caller.unary("ModelReady", oip.ModelReadyRequest(name=name))
        assert found.ready is ready
    await served.drain("a")
    assert not (await caller.unary("ServerReady", oip.ServerReadyRequest())).ready


async def test_a_group_is_a_model_too() -> None:
    together = [{"group": "g", "priority": 0, **UNCHECKED}] * 2
    async with Served(Script(PIECES), Script(PIECES), endpoint=together) as served:
        caller = Caller(served)
        answer = await caller.infer(asked("x", model="g"))
        assert values_of(answer.parameters)["endpoint"] in {"a", "b"}
        found = await caller.unary("ModelMetadata", oip.ModelMetadataRequest(name="g"))
        assert found.properties["kind"] == "group"


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_caller_that_leaves_ends_the_work(streamed: bool) -> None:
    async with Served(Script(hang=True, pieces=("x",)), endpoint=[UNCHECKED]) as served:
        caller = Caller(served)
        call = caller.stream(asked("x")) if streamed else caller.infer(asked("x", "y"))
        if streamed:
            await call.read()
        await served.models[0].witness.started.wait()
        call.cancel()
        async with asyncio.timeout(TIMEOUT_S):
            await served.models[0].witness.left.wait()


@pytest.mark.parametrize("own", [True, False], ids=["timeout", "deadline"])
async def test_the_time_is_kept(own: bool) -> None:
    async with Served(Script(hang=True), endpoint=[UNCHECKED]) as served:
        caller = Caller(served)
        values, more = ({"timeout": 200_000}, {}) if own else ({}, {"timeout": 0.3})
        found = await failure(caller.infer(asked("x", **values), **more))
        assert found.code is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_traced_request_can_be_looked_up() -> None:
    async with Served(Script(PIECES), endpoint=[UNCHECKED], trace={"enabled": True}) as served:
        call = Caller(served).infer(asked("x", trace=True))
        await call
        assert (await trailers_of(call))["x-ensemble-trace"]


async def test_a_door_that_is_off_is_not_there() -> None:
    async with Served(Script(PIECES), endpoint=[UNCHECKED], oip={"enabled": False}) as served:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await Caller(served).unary("ServerLive", oip.ServerLiveRequest())
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
