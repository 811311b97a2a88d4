from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Any

import grpc
import pytest
from ensemble.v1 import model_service_pb2 as pb
from ensemble.v1.result_pb2 import FINISH_REASON_STOP

from gateway.core.candidate import FinishReason, Usage
from gateway.core.ports import Draft, Operation
from gateway.modelserver.engine import End, ModelCard, Piece, Query, Refusal
from gateway.modelserver.service import ModelService
from gateway.wire.enums import OPERATION

SECRET = "do not tell"


class Aborted(Exception):
    pass


class Context:
    """What the service uses of a servicer context."""

    def __init__(self, left: float | None = None) -> None:
        self.left = left
        self.sent: list[pb.ModelServiceGenerateStreamResponse] = []

    def time_remaining(self) -> float | None:
        return self.left

    async def write(self, raw: bytes) -> None:
        self.sent.append(pb.ModelServiceGenerateStreamResponse.FromString(raw))

    async def abort(self, code: grpc.StatusCode, words: str) -> None:
        raise Aborted(code, words)


class Scripted:
    card = ModelCard("r1", 100, fills_suffix=False)

    def __init__(self, *, cut: bool = False, fails: Exception | None = None) -> None:
        self.cut = cut
        self.fails = fails
        self.hold: asyncio.Event | None = None
        self.closed = 0
        self.asked: list[Query] = []

    async def complete(self, query: Query) -> AsyncGenerator[Piece | End]:
        self.asked.append(query)
        try:
            yield Piece("a", (-0.5,))
            if self.hold is not None:
                await self.hold.wait()
            if self.fails is not None:
                raise self.fails
            yield Piece(" b", (-1.0, -2.0))
            if not self.cut:
                yield End(FinishReason.STOP, Usage(7, 3))
        finally:
            self.closed += 1


def request(**fields: Any) -> bytes:
    fields.setdefault("prompt", SECRET)
    return pb.ModelServiceGenerateRequest(**fields).SerializeToString()


def streamed(**fields: Any) -> bytes:
    inner = pb.ModelServiceGenerateRequest.FromString(request(**fields))
    return pb.ModelServiceGenerateStreamRequest(request=inner).SerializeToString()


def served(engine: Scripted, most: int = 8) -> ModelService:
    return ModelService({"first": engine, "second": Scripted()}, most)


async def generate(
    service: ModelService, raw: bytes, left: float | None = None
) -> pb.ModelServiceGenerateResponse:
    context: Any = Context(left)
    return pb.ModelServiceGenerateResponse.FromString(await service.generate(raw, context))


async def refused(service: ModelService, raw: bytes, left: float | None = None) -> grpc.StatusCode:
    with pytest.raises(Aborted) as caught:
        await generate(service, raw, left)
    code, words = caught.value.args
    assert words
    assert SECRET not in words
    return code


async def test_a_unary_answer_carries_everything() -> None:
    answer = await generate(served(Scripted()), request())
    assert answer.text == "a b"
    assert answer.model == "first"
    assert answer.finish_reason == FINISH_REASON_STOP
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (7, 3)
    assert list(answer.token_logprobs) == [-0.5, -1.0, -2.0]


async def test_a_stream_ends_with_everything_but_the_text() -> None:
    context: Any = Context()
    await served(Scripted()).generate_stream(streamed(model="second"), context)
    assert [message.text for message in context.sent] == ["a", " b", ""]
    assert [message.HasField("done") for message in context.sent] == [False, False, True]
    done = context.sent[-1].done
    assert (done.text, done.model, len(done.token_logprobs)) == ("", "second", 3)


async def test_a_cut_stream_has_no_done_and_a_cut_answer_is_unavailable() -> None:
    service = served(Scripted(cut=True))
    context: Any = Context()
    await service.generate_stream(streamed(), context)
    assert [message.HasField("done") for message in context.sent] == [False, False]
    assert await refused(service, request()) is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (request(prompt=""), grpc.StatusCode.INVALID_ARGUMENT),
        (b"\x12\x02\xff\xff", grpc.StatusCode.INVALID_ARGUMENT),
        (b"\xff\xff", grpc.StatusCode.INVALID_ARGUMENT),
        (request(sampling={"temperature": float("nan")}), grpc.StatusCode.INVALID_ARGUMENT),
        (request(sampling={"top_p": 0.0}), grpc.StatusCode.INVALID_ARGUMENT),
        (request(constraints=[{"name": "empty"}]), grpc.StatusCode.INVALID_ARGUMENT),
        (request(model="other"), grpc.StatusCode.NOT_FOUND),
        (request(operation=9), grpc.StatusCode.INVALID_ARGUMENT),
        (request(operation=pb.OPERATION_CRITIQUE), grpc.StatusCode.INVALID_ARGUMENT),
        (request(operation=pb.OPERATION_REPAIR), grpc.StatusCode.INVALID_ARGUMENT),
        (request(draft={"text": SECRET}), grpc.StatusCode.INVALID_ARGUMENT),
        (
            request(operation=pb.OPERATION_GENERATE, draft={"text": SECRET}),
            grpc.StatusCode.INVALID_ARGUMENT,
        ),
    ],
)
async def test_a_bad_request_is_refused_before_the_engine_is_asked(
    raw: bytes, code: grpc.StatusCode
) -> None:
    engine = Scripted()
    assert await refused(served(engine), raw) is code
    assert not engine.asked


async def test_a_stream_request_without_a_request_is_invalid() -> None:
    context: Any = Context()
    with pytest.raises(Aborted) as caught:
        await served(Scripted()).generate_stream(b"", context)
    assert caught.value.args[0] is grpc.StatusCode.INVALID_ARGUMENT


async def test_an_engines_refusal_is_passed_on_with_its_status() -> None:
    engine = Scripted(fails=Refusal(grpc.StatusCode.NOT_FOUND, "not recorded"))
    assert await refused(served(engine), request()) is grpc.StatusCode.NOT_FOUND


async def test_a_bug_is_internal_and_its_words_stay_inside(
    capsys: pytest.CaptureFixture[str],
) -> None:
    service = served(Scripted(fails=RuntimeError(SECRET)))
    assert await refused(service, request()) is grpc.StatusCode.INTERNAL
    captured = capsys.readouterr()
    assert SECRET not in captured.out + captured.err


async def test_an_expired_deadline_ends_the_work() -> None:
    engine = Scripted()
    engine.hold = asyncio.Event()
    assert await refused(served(engine), request(), 0.0) is grpc.StatusCode.DEADLINE_EXCEEDED
    assert engine.closed == len(engine.asked)


async def settle(until: Callable[[], bool]) -> None:
    for _ in range(100):
        if until():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never happened")


async def test_more_requests_than_allowed_are_refused_and_room_is_made_again() -> None:
    engine = Scripted()
    engine.hold = asyncio.Event()
    service = served(engine, most=2)
    running = [asyncio.create_task(generate(service, request())) for _ in range(2)]
    await settle(lambda: len(engine.asked) == 2)
    assert await refused(service, request()) is grpc.StatusCode.RESOURCE_EXHAUSTED
    running[0].cancel()
    with suppress(asyncio.CancelledError):
        await running[0]
    assert engine.closed == 1
    engine.hold.set()
    assert (await generate(service, request())).text == "a b"
    assert (await running[1]).text == "a b"


async def test_models_are_listed_the_default_one_first() -> None:
    context: Any = Context()
    raw = await served(Scripted()).list_models(b"", context)
    models = pb.ListModelsResponse.FromString(raw).models
    assert [model.name for model in models] == ["first", "second"]
    assert (models[0].revision, models[0].max_context_tokens) == ("r1", 100)
    assert not models[0].fills_suffix


async def test_the_engine_is_given_everything_it_may_use() -> None:
    engine = Scripted()
    raw = request(
        suffix="s",
        language="Python",
        candidate=3,
        sampling={"seed": 5, "stop": ["x"]},
        constraints=[{"name": "c", "regex": {"pattern": "a"}}],
    )
    await generate(served(engine), raw)
    asked = engine.asked[0]
    assert (asked.suffix, asked.language, asked.candidate) == ("s", "python", 3)
    assert (asked.sampling.seed, asked.sampling.stop) == (5, ("x",))
    assert [constraint.name for constraint in asked.constraints] == ["c"]


@pytest.mark.parametrize("operation", [Operation.CRITIQUE, Operation.REPAIR])
async def test_the_engine_is_given_the_draft_and_what_is_wanted_of_it(
    operation: Operation,
) -> None:
    engine = Scripted()
    draft = {"text": "d", "issues": ["line 1: odd"]}
    raw = request(operation=OPERATION[operation], draft=draft)
    answer = await generate(served(engine), raw)
    assert answer.text == "a b"
    assert engine.asked[0].operation is operation
    assert engine.asked[0].draft == Draft("d", ("line 1: odd",))


@pytest.mark.parametrize("operation", [pb.OPERATION_UNSPECIFIED, pb.OPERATION_GENERATE])
async def test_an_operation_that_is_not_stated_is_a_fill(operation: pb.Operation) -> None:
    engine = Scripted()
    await generate(served(engine), request(operation=operation))
    assert engine.asked[0].operation is Operation.GENERATE


async def test_an_operation_that_an_engine_does_not_offer_is_unimplemented() -> None:
    engine = Scripted(fails=Refusal(grpc.StatusCode.UNIMPLEMENTED, "no critique"))
    raw = request(operation=pb.OPERATION_CRITIQUE, draft={})
    assert await refused(served(engine), raw) is grpc.StatusCode.UNIMPLEMENTED
