"""Every example of the documentation runs as it stands on its page, in the page's order."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from ensemble.v1.gateway_service_pb2 import GenerateRequest
from google.protobuf.json_format import Parse
from typer.testing import CliRunner

from gateway.config.load import build
from gateway.config.policy_file import read_policy
from gateway.core.matching import DEFAULT_THRESHOLDS
from gateway.ingress.messages import Reader
from gateway.validation.compile import compile_checks
from gateway.wire.request import request_from_wire
from tests.fakes.docs_blocks import PAGES, Block, Command, blocks, commands
from tests.fakes.docs_stage import Stage, free_port, listened
from tests.house.sources import ROOT, shown

LANGUAGES = {"python", "console", "toml", "json", "text", "mermaid"}
ELSEWHERE = {
    "make ": "sets up, or runs a suite of its own; that the target exists is checked",
    "ensemble loadtest ": "loads a target for minutes; that its options exist is checked",
    "pip ": "asks a registry",
    "protoc ": "is no tool of the project",
    "locust ": "is no package of the project",
    ". ": "changes the reader's shell",
}
"""How commands begin that are not run here, by why."""

SERVER = "model-server --engine ngram"
RUN_ELSEWHERE = {"docs/sdk.md": "tests/component/test_sdk_examples.py"}
"""Pages with a test of their own, which runs every program of theirs."""

WITH_BLOCKS = [
    page for page in PAGES if any(True for _ in blocks(page)) and shown(page) not in RUN_ELSEWHERE
]
CAPABILITIES = ["fast_inference", "high_quality"]
ENDPOINT = {"name": "fast", "url": "localhost:50061", "capabilities": CAPABILITIES}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A gateway with the endpoints of the README's example, on model servers of the product."""
    folder = tmp_path_factory.mktemp("docs")
    stage = Stage(folder, folder / "models")
    stage.ports = {
        port: free_port() for port in ("50051", "50061", "50062", "50063", "8000", "9464")
    }
    try:
        document = (Path(__file__).parent / "docs_gateway.toml").read_text(encoding="utf-8")
        (folder / "gateway.toml").write_text(stage.real(document), encoding="utf-8")
        for port, profile in (("50061", "fast"), ("50062", "quality"), ("50063", "constrained")):
            words = f"ensemble {SERVER} --profile {profile} --port {port}"
            stage.run(Command(words, ()))
        stage.run(Command("ensemble serve --config gateway.toml", ()))
        stage.settle()
        yield stage
    finally:
        stage.close()


@pytest.fixture
def stage(shared: Stage, tmp_path: Path) -> Iterator[Stage]:
    """A stage in an empty folder, but for the shared configuration and the examples."""
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    config = (shared.folder / "gateway.toml").read_text(encoding="utf-8")
    (tmp_path / "gateway.toml").write_text(config, encoding="utf-8")
    shims = tmp_path / "bin"
    shims.mkdir()
    for name, words in (("ensemble", "-m gateway "), ("python", "")):
        shim = shims / name
        shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words}"$@"\n', encoding="utf-8")
        shim.chmod(0o755)
    made = Stage(tmp_path, shared.trained, dict(shared.ports))
    made.environment = {
        "ENSEMBLE_TARGET": f"127.0.0.1:{shared.ports['50051']}",
        "QUALITY_API_KEY": "of-an-example",
        "PATH": f"{shims}:{os.environ['PATH']}",
    }
    try:
        yield made
    finally:
        made.close()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("page", WITH_BLOCKS, ids=shown)
def test_the_examples_of_a_page_run(page: Path, stage: Stage) -> None:
    found = list(blocks(page))
    started = {port: free_port() for port in listened(found)}
    stage.ports |= started
    if "50051" in started:
        stage.environment["ENSEMBLE_TARGET"] = f"127.0.0.1:{started['50051']}"
    for block in found:
        if block.told:
            stage.tell(block.told)
        elif not block.left_out:
            if block.file:
                stage.save(block)
            perform(block, stage)
    stage.settle()


def perform(block: Block, stage: Stage) -> None:
    match block.language:
        case "python":
            stage.python(block)
        case "console":
            stage.console(block, tuple(ELSEWHERE))
        case "toml":
            check_toml(block)
        case "json":
            check_json(block)
        case "text" | "mermaid":
            """Shown, not run."""
        case _:
            pytest.fail(f"{block.place}: a block is one of {', '.join(sorted(LANGUAGES))}")


def check_toml(block: Block) -> None:
    """A whole configuration, sections of one, or a policy."""
    document = tomllib.loads(block.text)
    if "kind" in document:
        names = ("fast", "quality")
        assert read_policy(block.text, block.place, endpoints=names, thresholds=DEFAULT_THRESHOLDS)
        return
    os.environ.setdefault("QUALITY_API_KEY", "of-an-example")
    build({"endpoint": [ENDPOINT], **document}, block.place)


def check_json(block: Block) -> None:
    if "prompt" in json.loads(block.text):
        Parse(block.text, GenerateRequest())


@pytest.mark.parametrize(("page", "test"), RUN_ELSEWHERE.items())
def test_a_page_that_is_run_elsewhere_is_run_there(page: str, test: str) -> None:
    assert Path(page).name in (ROOT / test).read_text(encoding="utf-8")


def test_every_block_has_a_language_and_a_title_that_says_what_becomes_of_it() -> None:
    for block in (block for page in PAGES for block in blocks(page)):
        assert block.told or block.language in LANGUAGES, block.place
        ways = (not block.title, block.file, block.left_out, block.title.startswith("Exit code "))
        own = shown(block.page) in RUN_ELSEWHERE or block.language in {"text", "json"}
        assert any(ways) or own, block.place


def shown_with(beginning: str) -> list[tuple[str, list[str]]]:
    """The commands of all pages that begin so, with the words after it and where they stand."""
    return [
        (block.place, shlex.split(command.line.removeprefix(beginning)))
        for page in PAGES
        for block in blocks(page)
        if block.language == "console"
        for command in commands(block)
        if command.line.startswith(beginning)
    ]


def test_every_target_of_make_is_one() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    for place, words in shown_with("make "):
        assert {word for word in words if "=" not in word} <= targets, place


def test_every_load_test_can_be_read() -> None:
    from ensemble_loadtest.command import app

    for place, words in shown_with("ensemble loadtest "):
        done = CliRunner().invoke(app, [*words, "--help"])
        assert done.exit_code == 0, f"{place}: {done.output}"


@pytest.mark.parametrize("hole", sorted((ROOT / "docs" / "examples" / "holes").glob("*.json")))
def test_an_example_hole_breaks_no_rule(hole: Path) -> None:
    request = Parse(hole.read_text(encoding="utf-8"), GenerateRequest())
    read = Reader(GenerateRequest)(request.SerializeToString())
    checks = compile_checks(request_from_wire(read, request_id="test").hole)
    assert checks.run("pass")
