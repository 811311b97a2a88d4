"""Pipelines over real servers: the RPCs, the strategy, both clients and the command line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble.v1 import hole_pb2
from ensemble.v1.gateway_service_pb2_grpc import GatewayServiceStub
from ensemble.v1.model_service_pb2 import OPERATION_CRITIQUE, OPERATION_REPAIR, Operation
from ensemble_client import AsyncClient, ConstraintsFailed, NotFound
from typer.testing import CliRunner, Result

from gateway.cli.exits import Exit
from tests.fakes.gateways import Door, failure, gateway_on_loopback, request, settings_of, streamed
from tests.fakes.model_server import FakeModelServer
from tests.fakes.script import Asked, Script

OWN = {
    "name": "look_twice",
    "output": "draft",
    "step": [{"id": "draft", "do": "draft", "on_error": "fallback", "fallback": {"text": "0"}}],
}
DIGITS = hole_pb2.Constraint(name="digits", regex=hole_pb2.RegexPattern(pattern="[0-9]+"))


@dataclass
class Stand:
    """A gateway over one server, which writes a text for each operation."""

    door: Door
    server: FakeModelServer
    generate: str = "twelve"
    critique: str = "OK"
    repair: str = "12"

    @property
    def stub(self) -> GatewayServiceStub:
        return GatewayServiceStub(self.door.channel)

    async def answer(self, asked: Asked) -> None:
        body: Any = asked.body
        texts = {OPERATION_CRITIQUE: self.critique, OPERATION_REPAIR: self.repair}
        self.server.script = Script(pieces=(texts.get(body.operation, self.generate),))

    @property
    def operations(self) -> list[str]:
        bodies: list[Any] = [one.body for one in self.server.witness.asked]
        return [
            Operation.Name(getattr(body, "request", body).operation).removeprefix("OPERATION_")
            for body in bodies
        ]

    async def shell(self, *arguments: str) -> Result:
        from gateway.cli.main import app

        call = ["pipeline", *arguments, "--target", self.door.target]
        return await asyncio.to_thread(CliRunner().invoke, app, call)


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(FakeModelServer(Script()))
        settings = settings_of(server.url, pipeline=[OWN])
        door = await stack.enter_async_context(gateway_on_loopback(settings))
        made = Stand(door, server)
        server.hold = made.answer
        yield made


def asked_for(name: str, /, **fields: Any) -> pb.RunPipelineRequest:
    parameters = fields.pop("parameters", {})
    return pb.RunPipelineRequest(pipeline=name, request=request(**fields), parameters=parameters)


async def test_the_built_in_pipelines_and_the_own_ones_are_listed(stand: Stand) -> None:
    answer = await stand.stub.ListPipelines(pb.ListPipelinesRequest())
    assert [one.name for one in answer.pipelines] == [
        "best_of_n_select",
        "cascade_cheap_then_strong",
        "draft_critique_repair",
        "draft_only",
        "draft_validate",
        "look_twice",
    ]


async def test_a_run_is_told_step_by_step_and_ends_with_the_mended_text(stand: Stand) -> None:
    call = stand.stub.RunPipeline(asked_for("draft_critique_repair", constraints=[DIGITS]))
    events = [event async for event in call]
    assert [event.sequence for event in events] == list(range(len(events)))
    kinds = [event.WhichOneof("event") for event in events]
    assert kinds == ["started", *["step"] * 8, "done"]
    done = events[-1].done
    assert done.response.text == "12"
    assert [step for event in events[1:-1] for step in [event.step]] == list(done.steps)
    assert stand.operations == ["GENERATE", "CRITIQUE", "REPAIR", "CRITIQUE"]
    parts = [attempt.part for attempt in done.response.attempts]
    assert parts == ["draft", "critique", "repair", "critique"]
    assert done.response.request_id == events[0].started.request_id


async def test_a_request_may_ask_for_a_pipeline_by_its_strategy(stand: Stand) -> None:
    fields = {"strategy": pb.STRATEGY_PIPELINE, "pipeline": "draft_critique_repair"}
    answer = await stand.door.generate(request(constraints=[DIGITS], **fields))
    assert answer.text == "12"
    stream = stand.door.stream(streamed(constraints=[DIGITS], **fields))
    events = [event async for event in stream]
    kinds = [event.WhichOneof("event") for event in events]
    assert kinds == ["started", "delta", "verdict", "verdict", "done"]
    assert events[1].delta.text == "12"


async def test_the_same_run_asked_for_again_is_told_again_and_not_done_again(
    stand: Stand,
) -> None:
    named = asked_for("draft_critique_repair", request_id="mine", constraints=[DIGITS])
    first, second = [[event async for event in stand.stub.RunPipeline(named)] for _ in range(2)]
    assert first == second
    assert len(stand.operations) == 4


@pytest.mark.parametrize(
    ("pipeline", "fields", "code", "reason", "named"),
    [
        ("nothing", {}, grpc.StatusCode.NOT_FOUND, "UNKNOWN_PIPELINE", []),
        (
            "draft_critique_repair",
            {"parameters": {"max_rounds": "99", "rounds": "1"}},
            grpc.StatusCode.INVALID_ARGUMENT,
            "INVALID_FIELD",
            ["parameters[max_rounds]", "parameters[rounds]"],
        ),
        (
            "draft_only",
            {"pipeline": "draft_validate"},
            grpc.StatusCode.INVALID_ARGUMENT,
            "INVALID_FIELD",
            ["request.pipeline"],
        ),
    ],
)
async def test_what_cannot_be_run_is_refused_and_nobody_is_asked(
    stand: Stand,
    pipeline: str,
    fields: dict[str, Any],
    code: grpc.StatusCode,
    reason: str,
    named: list[str],
) -> None:
    found = await failure(stand.stub.RunPipeline(asked_for(pipeline, **fields)))
    assert (found.code, found.reason, found.fields) == (code, reason, named)
    assert stand.operations == []


async def test_an_output_that_fails_a_required_check_comes_as_the_best_candidate(
    stand: Stand,
) -> None:
    stand.repair = "thirteen"
    async with AsyncClient(stand.door.target) as client:
        with pytest.raises(ConstraintsFailed) as caught:
            await client.run_pipeline(
                "draft_critique_repair", "x = ", parameters={"max_rounds": 1}, constraints=[DIGITS]
            ).finish()
        assert caught.value.best_candidate is not None
        assert caught.value.best_candidate.text in {"twelve", "thirteen"}
        with pytest.raises(NotFound):
            await client.run_pipeline("nothing", "x").finish()
        assert len(await client.pipelines()) == 6


async def test_the_command_line_runs_one(stand: Stand) -> None:
    stand.generate = "12"
    done = await stand.shell("run", "draft_validate", "--prompt", "x = ")
    assert (done.exit_code, done.stdout) == (Exit.OK, "12\n")
    assert "draft (draft by a): ok in" in done.stderr
    assert "check (validate): ok in" in done.stderr
    listed = await stand.shell("list")
    assert "look_twice" in listed.stdout
