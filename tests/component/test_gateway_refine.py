"""Refinements over real servers: the RPC, both clients and the command line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble.v1.gateway_service_pb2_grpc import GatewayServiceStub
from ensemble_client import AsyncClient, InvalidArgument, RefineHole, RefineOptions
from typer.testing import CliRunner, Result

from gateway.cli.exits import Exit
from tests.fakes.gateways import Door, failure, gateway_on_loopback, settings_of
from tests.fakes.model_server import FakeModelServer
from tests.fakes.script import Asked, Failure, Script

SOURCE = "def f(x):\n    y = <<first>>\n    return <<second:expression>>\n"
FILLED = "def f(x):\n    y = x + 1\n    return y * 2\n"
TEXTS = {"y = ": "x + 1", "return ": "y * 2"}


def told(server: FakeModelServer, texts: Mapping[str, str]) -> None:
    """Have a server answer by the beginning of the line that its hole stands on."""

    async def hold(asked: Asked) -> None:
        line = asked.before.rpartition("\n")[2].lstrip()
        server.script = Script(pieces=(texts[line],))

    server.hold = hold


@dataclass
class Stand:
    """A gateway over two servers, which both write good texts."""

    door: Door
    servers: tuple[FakeModelServer, FakeModelServer]

    async def shell(self, *arguments: str, stdin: str = "") -> Result:
        from gateway.cli.main import app

        call = ["refine", *arguments, "--target", self.door.target]
        return await asyncio.to_thread(CliRunner().invoke, app, call, input=stdin)

    def asked(self) -> list[tuple[int, str]]:
        """Which server was asked, and the last line before the hole."""
        return [
            (place, one.before.rpartition("\n")[2].strip())
            for place, server in enumerate(self.servers)
            for one in server.witness.asked
        ]


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    async with AsyncExitStack() as stack:
        servers = (FakeModelServer(Script()), FakeModelServer(Script()))
        for server in servers:
            told(await stack.enter_async_context(server), TEXTS)
        settings = settings_of(*(server.url for server in servers))
        yield Stand(await stack.enter_async_context(gateway_on_loopback(settings)), servers)


def message(**options: object) -> pb.RefineRequest:
    request = pb.RefineRequest(options=pb.RefineOptions(**options))
    request.request.prompt = SOURCE.replace(":expression", "")
    request.request.hole.language = "python"
    request.holes.add(id="first")
    request.holes.add(id="second", depends_on=["first"])
    return request


async def test_the_events_come_in_order_and_the_text_is_filled(stand: Stand) -> None:
    call = GatewayServiceStub(stand.door.channel).Refine(message())
    events = [event async for event in call]
    assert [event.sequence for event in events] == list(range(len(events)))
    assert [event.WhichOneof("event") for event in events] == [
        "started",
        *["progress"] * 4,
        "done",
    ]
    assert [list(wave.holes) for wave in events[0].started.waves] == [["first"], ["second"]]
    done = events[-1].done
    assert (done.text, done.complete) == (FILLED, True)
    assert dict(done.model_usage) == {f"a/{done.holes[0].model}": 2}
    assert [attempt.part for attempt in done.attempts] == ["first", "second"]
    assert done.request_id == events[0].started.request_id


async def test_another_try_goes_to_another_server(stand: Stand) -> None:
    """P-06 ✗ over real servers: the first one writes nothing that parses."""
    told(stand.servers[0], dict.fromkeys(TEXTS, "(("))
    async with AsyncClient(stand.door.target) as client:
        whole = message()
        result = await client.refine(whole, timeout=20).finish()
        assert result.text == FILLED
        assert {hole.endpoint for hole in result.holes} == {"b"}


async def test_the_same_refinement_asked_for_again_is_told_again_and_not_done_again(
    stand: Stand,
) -> None:
    named = message()
    named.request.request_id = "mine"
    refine_twice = GatewayServiceStub(stand.door.channel).Refine
    first, second = [[event async for event in refine_twice(named)] for _ in range(2)]
    assert first == second
    assert len(stand.asked()) == 2


async def test_every_mistake_is_named_and_nobody_is_asked(stand: Stand) -> None:
    async with AsyncClient(stand.door.target) as client:
        holes = [RefineHole(id="first", depends_on=["second"]), RefineHole(id="second"), "third"]
        holes[1].depends_on.append("first")
        with pytest.raises(InvalidArgument) as caught:
            await client.refine(SOURCE, holes, language="python").finish()
    assert [item.field for item in caught.value.violations] == [
        "holes[0].depends_on",
        "holes[1].marker",
        "holes[2].marker",
    ]
    assert stand.asked() == []


async def test_a_hole_in_the_message_that_breaks_a_rule_is_named(stand: Stand) -> None:
    wrong = message()
    wrong.holes[0].id = "no blanks"
    found = await failure(GatewayServiceStub(stand.door.channel).Refine(wrong))
    assert (found.code, found.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["holes[0].id"])


async def test_a_hole_that_nobody_fills_is_part_of_the_result(stand: Stand) -> None:
    for server in stand.servers:
        server.hold = None
        server.script = Script(failure=Failure.UNAVAILABLE)
    async with AsyncClient(stand.door.target) as client:
        options = RefineOptions(on_failure=pb.FAILURE_STRATEGY_SKIP)
        source = message().request
        result = await client.refine(source, message().holes, options=options).finish()
    assert (result.text, result.complete) == (source.prompt, False)
    assert [hole.status for hole in result.holes] == [
        pb.HOLE_STATUS_SKIPPED,
        pb.HOLE_STATUS_BLOCKED,
    ]


async def test_a_file_is_filled_from_the_command_line(stand: Stand, tmp_path: Path) -> None:
    file = tmp_path / "source.py"
    file.write_text(SOURCE)
    done = await stand.shell(str(file), "--depends", "second=first")
    assert (done.exit_code, done.stdout) == (Exit.OK, FILLED)
    assert done.stderr.startswith("2 of 2 holes filled; rounds: 2, calls: 2, mean")
    assert done.stderr.count("\n") == 1
    assert stand.servers[0].witness.asked[1].before.endswith("y = x + 1\n    return ")


async def test_the_text_may_go_to_a_file_and_the_result_to_standard_output(
    stand: Stand, tmp_path: Path
) -> None:
    output = tmp_path / "filled.py"
    done = await stand.shell(
        "-", "--language", "python", "--output", str(output), "--json", stdin=SOURCE
    )
    assert done.exit_code == Exit.OK
    assert output.read_text() == FILLED
    assert json.loads(done.stdout)["complete"] is True
    plain = await stand.shell("-", "-l", "python", "-o", str(output), stdin=SOURCE)
    assert (plain.exit_code, plain.stdout) == (Exit.OK, "")


async def test_a_text_that_is_not_complete_ends_with_partial(stand: Stand, tmp_path: Path) -> None:
    for server in stand.servers:
        told(server, {"y = ": "((", "return ": "y * 2"})
    file = tmp_path / "source.py"
    file.write_text(SOURCE)
    done = await stand.shell(
        str(file), "--depends", "second=first", "--on-failure", "human_review",
        "--min-confidence", "0.6", "--rounds", "2", "--best-of", "1",
    )  # fmt: skip
    assert (done.exit_code, done.stdout) == (Exit.PARTIAL, SOURCE)
    lines = done.stderr.splitlines()
    assert lines[0].startswith("0 of 2 holes filled; rounds: 1")
    assert lines[1].startswith("first: needs human: confidence")
    assert lines[2].startswith("second: blocked: depends on a hole without a fill")
    assert lines[3].startswith("the whole text: syntax failed: ")


async def test_a_whole_request_may_be_given_as_json(stand: Stand, tmp_path: Path) -> None:
    from google.protobuf.json_format import MessageToJson

    file = tmp_path / "request.json"
    file.write_text(MessageToJson(message()))
    done = await stand.shell("--request", str(file))
    assert (done.exit_code, done.stdout) == (Exit.OK, FILLED)


USAGE = {
    "neither": ([], "give either a source or --request FILE"),
    "both": (["-", "--request", "r.json"], "give either a source or --request FILE"),
    "no file": (["none.py"], "none.py cannot be read"),
    "no hole": (["-"], "has no hole: write <<name>>"),
    "kind": (["-"], "<<a:huge>>: a hole is one of expression, statement, block"),
    "no name": (["-", "--depends", "a"], "write hole=other"),
    "no such hole": (["-", "--depends", "b=a"], "there is no hole b"),
    "depends of a request": (["--request", "-", "--depends", "b=a"], "set `depends_on`"),
    "not JSON": (["--request", "-"], "is no RefineRequest in JSON"),
    "cannot write": (["-", "-o", "/nowhere/x"], "cannot be written"),
}
STDIN = {"no hole": "x = 1\n", "kind": "x = <<a:huge>>\n", "cannot write": "y = <<first:nano>>\n"}


@pytest.mark.parametrize("mistake", USAGE)
async def test_a_mistake_on_the_command_line_is_told(stand: Stand, mistake: str) -> None:
    arguments, words = USAGE[mistake]
    done = await stand.shell(*arguments, stdin=STDIN.get(mistake, "x = <<a>>\n"))
    assert done.exit_code == (Exit.FAILED if mistake == "cannot write" else Exit.USAGE)
    assert words in done.stderr
