"""What docs/learning.md says of its example holds: its topics, its policies, its experiment."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator

import pytest
from ensemble.v1.decision_pb2 import RoutingReason
from ensemble_client import AsyncClient

from gateway.app import Gateway
from gateway.config.load import build, load
from gateway.config.policy_file import KINDS, read_policy
from gateway.core.matching import DEFAULT_THRESHOLDS
from tests.fakes.docs_blocks import blocks
from tests.fakes.model_server import FakeModelServer
from tests.fakes.script import Script
from tests.house.sources import ROOT

PAGE = ROOT / "docs" / "learning.md"
EXAMPLE = ROOT / "docs" / "examples" / "learning.toml"
SHOWN = [block.text for block in blocks(PAGE) if block.language == "toml"]
POLICIES = [text for text in SHOWN if "kind" in tomllib.loads(text)]
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
    assert EXAMPLE.read_text(encoding="utf-8") in SHOWN
    settings = load(EXAMPLE)
    assert [topic.name for topic in settings.topic] == ["sql", "glue"]
    assert [arm.name for arm in settings.experiment[0].arm] == ["as-now", "sooner", "all-quality"]


def test_what_is_shown_besides_is_a_section_of_a_configuration() -> None:
    endpoints = [{"name": "fast", "url": "localhost:50061"}]
    for text in SHOWN:
        if text not in POLICIES and text != EXAMPLE.read_text(encoding="utf-8"):
            assert build({**tomllib.loads(text), "endpoint": endpoints}, "page").adaptive.enabled


@pytest.mark.parametrize("text", POLICIES)
def test_a_policy_that_is_shown_is_read(text: str) -> None:
    assert read_policy(text, "page", endpoints=ENDPOINTS, thresholds=DEFAULT_THRESHOLDS)


def test_every_kind_of_policy_is_shown() -> None:
    assert {tomllib.loads(text)["kind"] for text in POLICIES} == set(KINDS)


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


async def test_hints_of_a_topic_are_found(gateway: str) -> None:
    async with AsyncClient(gateway) as client:
        answer = await client.route("# sql for postgres\nquery = ", language="python")
    assert dict(answer.decision.learned.hints) == {"dialect": "postgres"}
