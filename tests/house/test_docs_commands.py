"""Every `ensemble` command on a page is one, with options that it has; the tutorial runs."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from ensemble.v1.gateway_service_pb2 import GenerateRequest
from google.protobuf.json_format import Parse
from typer.testing import CliRunner

from gateway.app import Gateway
from gateway.cli.main import app
from gateway.config.load import load
from gateway.ingress.messages import Reader
from gateway.validation.compile import compile_checks
from gateway.wire.request import request_from_wire
from tests.fakes.model_server import FakeModelServer
from tests.fakes.script import Script
from tests.house.sources import ROOT

TUTORIAL = ROOT / "docs" / "tutorial.md"
PAGES = (ROOT / "README.md", ROOT / "docs" / "config.md", TUTORIAL)


def blocks(page: Path, language: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(page: Path) -> Iterator[tuple[str, ...]]:
    """The commands after the prompts of a page's consoles; a quoted argument may span lines."""
    for block in blocks(page, "console"):
        for shown in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = shown.split("\n")
            for count in range(1, len(lines) + 1):
                try:
                    words = shlex.split("\n".join(lines[:count]))
                except ValueError:
                    continue
                yield tuple(words)
                break


SHOWN = [
    words
    for page in PAGES
    for words in commands(page)
    if words[0].removeprefix(".venv/bin/") == "ensemble"
]


@pytest.mark.parametrize("words", SHOWN, ids=" ".join)
def test_a_command_that_is_shown_can_be_read(words: Sequence[str]) -> None:
    done = CliRunner().invoke(app, [*words[1:], "--help"])
    assert done.exit_code == 0, done.output


def test_an_option_that_is_none_is_noticed() -> None:
    assert CliRunner().invoke(app, ["serve", "--prot", "1", "--help"]).exit_code == 2


def test_the_pages_show_commands() -> None:
    assert {words[1] for words in SHOWN} >= {
        "serve", "generate", "route", "metrics", "endpoints", "config", "model-server"
    }  # fmt: skip


@pytest.mark.parametrize("hole", sorted((ROOT / "docs" / "examples" / "holes").glob("*.json")))
def test_an_example_hole_breaks_no_rule(hole: Path) -> None:
    request = Parse(hole.read_text(encoding="utf-8"), GenerateRequest())
    read = Reader(GenerateRequest)(request.SerializeToString())
    checks = compile_checks(request_from_wire(read, request_id="test").hole)
    assert checks.run("pass")


@dataclass
class Tutorial:
    """What its reader has after step 5."""

    folder: Path
    address: str
    stop_first: Callable[[], Awaitable[None]]

    async def ensemble(self, *arguments: str) -> tuple[int | None, str, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gateway",
            *arguments,
            cwd=self.folder,
            env={**os.environ, "ENSEMBLE_TARGET": self.address},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 50)
        return process.returncode, out.decode(), err.decode()


@pytest.fixture
async def tutorial(tmp_path: Path) -> AsyncIterator[Tutorial]:
    (config,) = blocks(TUTORIAL, "toml")
    (hole,) = blocks(TUTORIAL, "json")
    (tmp_path / "hole.json").write_text(hole, encoding="utf-8")
    script = Script(pieces=("exists(", "__file__)"))
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(AsyncExitStack())
        servers = [
            await owner.enter_async_context(FakeModelServer(script)) for owner in (first, stack)
        ]
        for port, server in zip((50061, 50062), servers, strict=True):
            assert f"localhost:{port}" in config
            config = config.replace(f"localhost:{port}", server.url)
        file = tmp_path / "gateway.toml"
        file.write_text(config, encoding="utf-8")
        gateway = await stack.enter_async_context(Gateway(load(file, {"server": {"port": 0}})))
        yield Tutorial(tmp_path, f"127.0.0.1:{await gateway.start()}", first.aclose)


def shown(command: str, *having: str) -> list[str]:
    """The first command of the tutorial with this name and these words, without `ensemble`."""
    return next(
        list(words[1:])
        for words in commands(TUTORIAL)
        if words[:2] == ("ensemble", command) and set(having) <= set(words)
    )


async def test_the_configuration_is_good(tutorial: Tutorial) -> None:
    done = await tutorial.ensemble(*shown("config"))
    assert done == (0, "gateway.toml: good, 2 endpoints\n", "")
    assert done[1] in TUTORIAL.read_text(encoding="utf-8")


async def test_the_route_is_explained_as_the_page_says(tutorial: Tutorial) -> None:
    code, out, err = await tutorial.ensemble(*shown("route"), "--json")
    assert (code, err) == (0, "")
    decision = json.loads(out)
    assert (decision["primary"], decision["fallbacks"]) == ("first", ["second"])
    assert decision["complexity"] == 0
    assert "'first' is the first endpoint with fast_inference" in decision["detail"]


@pytest.mark.parametrize("option", [(), ("--stream",), ("--best-of", "3"), ("--temperature", "0")])
async def test_a_hole_is_filled(tutorial: Tutorial, option: tuple[str, ...]) -> None:
    code, out, err = await tutorial.ensemble(*shown("generate", "--prompt"), *option)
    assert (code, out) == (0, "exists(__file__)\n"), err


async def test_each_requirement_has_a_verdict_and_a_stopped_server_is_passed_over(
    tutorial: Tutorial,
) -> None:
    ask = shown("generate", "--request", "hole.json")
    code, out, err = await tutorial.ensemble(*ask)
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert answer["endpoint"] == "first"
    verdicts = {verdict["constraint"]: verdict["required"] for verdict in answer["verdicts"]}
    assert verdicts == {"non_empty": False, "syntax": False, "one_line": True, "no_join": False}
    await tutorial.stop_first()
    code, out, err = await tutorial.ensemble(*ask)
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert answer["endpoint"] == "second"
    *before, last = [(attempt["endpoint"], attempt["reason"]) for attempt in answer["attempts"]]
    # Which of the two depends on whether the gateway has noticed the end of the connection.
    assert before
    assert set(before) <= {("first", "UPSTREAM_UNREACHABLE"), ("first", "UPSTREAM_UNAVAILABLE")}
    assert last == ("second", "")


@pytest.mark.parametrize("command", ["metrics", "endpoints"])
async def test_the_counters_and_the_fleet_are_shown(tutorial: Tutorial, command: str) -> None:
    code, out, err = await tutorial.ensemble(*shown(command))
    assert (code, err) == (0, "")
    assert "first" in out
    assert "second" in out
    code, out, err = await tutorial.ensemble(*shown(command), "--json")
    assert (code, err) == (0, "")
    assert len(json.loads(out)["endpoints"]) == 2
