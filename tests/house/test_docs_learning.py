"""What docs/learning.md shows runs: its configuration, policies, commands and program."""

from __future__ import annotations

import asyncio
import os
import sys
import tomllib
from collections.abc import AsyncIterator, Sequence

import pytest
from ensemble.v1.decision_pb2 import RoutingReason
from ensemble_client import AsyncClient
from typer.testing import CliRunner

from gateway.app import Gateway
from gateway.cli.main import app
from gateway.config.load import build, load
from gateway.config.policy_file import KINDS, read_policy
from gateway.core.matching import DEFAULT_THRESHOLDS
from tests.fakes.model_server import FakeModelServer
from tests.fakes.script import Script
from tests.house.sources import ROOT
from tests.house.test_docs_commands import TUTORIAL, blocks, commands

PAGE = ROOT / "docs" / "learning.md"
EXAMPLE = ROOT / "docs" / "examples" / "learning.toml"
POLICIES = [text for text in blocks(PAGE, "toml") if "kind" in tomllib.loads(text)]
SHOWN = list(commands(PAGE))
ENDPOINTS = ("fast", "quality")


@pytest.fixture
async def gateway() -> AsyncIterator[str]:
    """Address of the example's gateway, in memory, with model servers that always write `2 * x`."""
    document = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    async with FakeModelServer(Script(pieces=("2", " * x"))) as server:
        for endpoint in document["endpoint"]:
            endpoint["url"] = server.url
        document["outcomes"]["path"] = ":memory:"
        async with Gateway(build({**document, "server": {"port": 0}}, "test")) as running:
            yield f"127.0.0.1:{await running.start()}"


def test_the_configuration_shown_is_the_example_and_a_good_one() -> None:
    assert EXAMPLE.read_text(encoding="utf-8") in blocks(PAGE, "toml")
    settings = load(EXAMPLE)
    assert [topic.name for topic in settings.topic] == ["sql", "glue"]
    assert [arm.name for arm in settings.experiment[0].arm] == ["as-now", "sooner", "all-quality"]


def test_what_is_shown_besides_is_a_section_of_a_configuration() -> None:
    endpoints = [{"name": "fast", "url": "localhost:50061"}]
    for text in blocks(PAGE, "toml"):
        if text not in POLICIES and text != EXAMPLE.read_text(encoding="utf-8"):
            assert build({**tomllib.loads(text), "endpoint": endpoints}, "page").adaptive.enabled


@pytest.mark.parametrize("text", POLICIES)
def test_a_policy_that_is_shown_is_read(text: str) -> None:
    assert read_policy(text, "page", endpoints=ENDPOINTS, thresholds=DEFAULT_THRESHOLDS)


def test_every_kind_of_policy_is_shown() -> None:
    assert {tomllib.loads(text)["kind"] for text in POLICIES} == set(KINDS)


@pytest.mark.parametrize("words", SHOWN, ids=" ".join)
def test_a_command_that_is_shown_can_be_read(words: Sequence[str]) -> None:
    assert words[0] == "ensemble"
    done = CliRunner().invoke(app, [*words[1:], "--help"])
    assert done.exit_code == 0, done.output


async def test_the_program_reports_its_outcome(gateway: str) -> None:
    (program,) = blocks(PAGE, "python")
    assert "localhost:50051" in program
    done = await run(gateway, "-c", program.replace("localhost:50051", gateway))
    assert done == (0, "fast True\n", "")
    async with AsyncClient(gateway) as client:
        assert (await client.analyze_routing()).decisions == 1


@pytest.mark.parametrize(
    ("prompt", "endpoint"),
    [
        ("def names():\n    # the sql that lists all names\n    return ", "quality"),
        ("def names():\n    # the query of the database\n    return ", "quality"),
        ("def names():\n    # not of a nosql store\n    return ", "fast"),
        ("import json\nsqlite = ", "fast"),
    ],
)
async def test_the_topics_of_the_example_decide_as_the_page_says(
    gateway: str, prompt: str, endpoint: str
) -> None:
    async with AsyncClient(gateway) as client:
        decision = (await client.route(prompt, language="python")).decision
    assert decision.primary == endpoint
    by_layer = decision.reason == RoutingReason.ROUTING_REASON_LEARNED
    assert by_layer == (endpoint == "quality")


async def run(address: str, *words: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        env={**os.environ, "ENSEMBLE_TARGET": address},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 50)
    return process.returncode, out.decode(), err.decode()


async def test_the_outcome_of_the_tutorial_is_reported_and_analyzed() -> None:
    (config,) = blocks(TUTORIAL, "toml")
    async with FakeModelServer(Script(pieces=("a + b",))) as server:
        document = tomllib.loads(config)
        for endpoint in document["endpoint"]:
            endpoint["url"] = server.url
        async with Gateway(build({**document, "server": {"port": 0}}, "test")) as running:
            address = f"127.0.0.1:{await running.start()}"
            async with AsyncClient(address) as client:
                made = (await client.route("def add(a, b): return ")).decision_id
            shown = [words for words in commands(TUTORIAL) if words[1] in {"outcome", "analyze"}]
            asked = [[made if word == "DECISION_ID" else word for word in words] for words in shown]
            outcome, analysis = [await run(address, "-m", "gateway", *one[1:]) for one in asked]
    assert outcome == (0, "first: quality 0.75\n", "")
    assert outcome[1] in TUTORIAL.read_text(encoding="utf-8")
    assert analysis[0] == 0
    assert analysis[1].startswith("1 decisions, 1 with a known outcome")


async def test_hints_of_a_topic_are_found(gateway: str) -> None:
    async with AsyncClient(gateway) as client:
        answer = await client.route("# sql for postgres\nquery = ", language="python")
    assert dict(answer.decision.learned.hints) == {"dialect": "postgres"}
