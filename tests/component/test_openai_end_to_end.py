"""A gateway whose primary is OpenAI-compatible and whose fallback is native."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import grpc
import pytest
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble.v1.result_pb2 import AttemptStatus

from tests.fakes.gateways import (
    Door,
    failure,
    gateway_on_loopback,
    request,
    settings_of,
    streamed,
)
from tests.fakes.model_server import FakeModelServer
from tests.fakes.openai_server import FakeOpenAiServer
from tests.fakes.script import Failure, Script

SECRET = "sk-of-the-endpoint"
SCHEMA = '{"type": "object", "required": ["a"]}'


@dataclass
class Mix:
    door: Door
    openai: FakeOpenAiServer
    native: FakeModelServer


@pytest.fixture(params=["chat", "completions"])
async def mix(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Mix]:
    monkeypatch.setenv("KEY_OF_A", SECRET)
    first = {
        "protocol": "openai",
        "model": "tiny",
        "openai_mode": request.param,
        "secret_ref": "env:KEY_OF_A",
        "logprobs": True,
        "cost_per_1k_tokens": 1.0,
    }
    async with (
        FakeOpenAiServer(Script(pieces=("from ", "openai"), logprobs=(-0.5, -0.5))) as openai,
        FakeModelServer(Script(pieces=(" and ", "native"), logprobs=())) as native,
        gateway_on_loopback(settings_of(openai.url, native.url, endpoint=[first, {}])) as door,
    ):
        yield Mix(door, openai, native)


async def test_the_primary_answers_with_model_usage_and_cost(mix: Mix) -> None:
    answer = await mix.door.generate(request("x = ", suffix="\n"), timeout=10)
    assert (answer.text, answer.endpoint, answer.model) == ("from openai", "a", "tiny-1")
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (11, 3)
    assert answer.cost_micros == 14_000
    assert answer.confidence_method == "validators+logprob"
    (asked,) = mix.openai.witness.asked
    assert asked.headers["authorization"] == f"Bearer {SECRET}"
    assert asked.model == "tiny"
    assert mix.native.witness.asked == []


async def test_a_streamed_answer_comes_piece_by_piece(mix: Mix) -> None:
    events = [event async for event in mix.door.stream(streamed(), timeout=10)]
    assert [event.delta.text for event in events if event.HasField("delta")] == ["from ", "openai"]
    assert events[-1].done.endpoint == "a"


@pytest.mark.parametrize("scripted", [one for one in Failure if one is not Failure.INVALID])
async def test_the_native_endpoint_takes_over(mix: Mix, scripted: Failure) -> None:
    mix.openai.script.failure = scripted
    answer = await mix.door.generate(request(), timeout=10)
    assert (answer.text, answer.endpoint) == (" and native", "b")
    assert [(attempt.endpoint, attempt.status) for attempt in answer.attempts] == [
        ("a", AttemptStatus.ATTEMPT_STATUS_FAILED),
        ("b", AttemptStatus.ATTEMPT_STATUS_OK),
    ]
    assert mix.openai.script.words not in str(answer)
    assert SECRET not in str(answer)


async def test_a_cut_answer_goes_on_at_the_native_endpoint(mix: Mix) -> None:
    mix.openai.script.cut = True
    events = [event async for event in mix.door.stream(streamed("x = "), timeout=10)]
    assert "".join(event.delta.text for event in events) == "from openai and native"
    assert mix.native.witness.asked[0].before == "x = from openai"
    (failover,) = [event.failover for event in events if event.HasField("failover")]
    assert (failover.from_endpoint, failover.to_endpoint, failover.resumed_at) == ("a", "b", 11)
    assert events[-1].done.endpoint == "b"


async def test_a_cut_native_answer_goes_on_at_the_openai_endpoint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    second = {"protocol": "openai", "openai_mode": "completions", "model": "tiny"}
    async with (
        FakeModelServer(Script(pieces=("one ",), logprobs=(), cut=True)) as native,
        FakeOpenAiServer(Script(pieces=("two",), logprobs=())) as openai,
        gateway_on_loopback(settings_of(native.url, openai.url, endpoint=[{}, second])) as door,
    ):
        events = [event async for event in door.stream(streamed("x = "), timeout=10)]
        assert "".join(event.delta.text for event in events) == "one two"
        assert openai.witness.asked[0].before == "x = one "


async def test_a_candidate_that_fails_its_check_falls_back(mix: Mix) -> None:
    mix.native.script.pieces = ('{"a": ', "1}")
    checked = [{"name": "shape", "json_schema": {"schema": SCHEMA}}]
    answer = await mix.door.generate(request(constraints=checked), timeout=10)
    assert (answer.text, answer.endpoint) == ('{"a": 1}', "b")
    assert [attempt.reason for attempt in answer.attempts] == ["CHECK_FAILED", ""]


async def test_best_of_n_spreads_over_both(mix: Mix) -> None:
    message = request(strategy="STRATEGY_BEST_OF_N", n=2, return_candidates=True)
    answer = await mix.door.generate(message, timeout=10)
    assert sorted(one.endpoint for one in answer.candidates) == ["a", "b"]
    assert {one.text for one in answer.candidates} == {"from openai", " and native"}


async def test_a_batch_goes_through_both_protocols(mix: Mix) -> None:
    numbered = [pb.BatchGenerateRequest(index=place, request=request()) for place in range(4)]
    mix.openai.script.failure = Failure.UNAVAILABLE
    answers = [answer async for answer in mix.door.batch(iter(numbered), timeout=10)]
    assert [answer.response.endpoint for answer in answers] == ["b"] * 4


async def test_both_down_is_unavailable_with_both_attempts(mix: Mix) -> None:
    mix.openai.script.failure = mix.native.script.failure = Failure.UNAVAILABLE
    failed = await failure(mix.door.generate(request(), timeout=10))
    assert (failed.code, failed.reason) == (grpc.StatusCode.UNAVAILABLE, "ALL_ENDPOINTS_FAILED")
    assert [attempt.endpoint for attempt in failed.attempts] == ["a", "b"]
    assert "RetryInfo" in failed.details
