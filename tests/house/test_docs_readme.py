"""The README's programs run, and its configuration is the example that is checked elsewhere."""

from __future__ import annotations

import asyncio
import re
import sys
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.app import Gateway
from gateway.config.load import build
from tests.fakes.model_server import FakeModelServer
from tests.fakes.script import Script
from tests.house.sources import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
CLIENT, PLAIN, IN_PROCESS = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
TARGET = "localhost:50051"


@pytest.fixture
async def gateway() -> AsyncIterator[str]:
    """Address of a gateway whose one endpoint always fills in the same text."""
    async with FakeModelServer(Script(pieces=("left", " + right"))) as server:
        document = {
            "server": {"port": 0},
            "endpoint": [{"name": "only", "url": server.url}],
        }
        async with Gateway(build(document, "test")) as running:
            port = await running.start()
            yield f"127.0.0.1:{port}"


async def run(program: str, folder: Path | None = None) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 50)
    return process.returncode, out.decode(), err.decode()


async def test_the_client_program_prints_the_fill_and_how_it_came(gateway: str) -> None:
    assert TARGET in CLIENT
    code, out, err = await run(CLIENT.replace(TARGET, gateway))
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "left + right"
    assert lines[1].startswith("from only because ")
    assert lines[2].split()[0] == "only"
    assert {line.split()[0] for line in lines[3:]} == {"non_empty", "syntax"}


async def test_the_client_program_is_twenty_lines() -> None:
    assert len(CLIENT.splitlines()) <= 20


async def test_the_client_program_says_why_there_is_no_answer() -> None:
    code, out, err = await run(CLIENT.replace(TARGET, "127.0.0.1:1"))
    assert (code, out) == (1, "")
    assert err.startswith("UNAVAILABLE")


async def test_the_plain_program_prints_the_fill(gateway: str) -> None:
    assert TARGET in PLAIN
    code, out, err = await run(PLAIN.replace(TARGET, gateway))
    assert (code, err, out) == (0, "", "left + right\n")


async def test_the_program_with_a_gateway_inside_prints_the_fill(tmp_path: Path) -> None:
    async with FakeModelServer(Script(pieces=("x", " + x"))) as server:
        config = f'[[endpoint]]\nname = "only"\nurl = "{server.url}"\n'
        (tmp_path / "gateway.toml").write_text(config, encoding="utf-8")
        code, out, err = await run(IN_PROCESS, tmp_path)
    assert (code, err, out) == (0, "", "x + x\n")


def test_the_configuration_is_the_example() -> None:
    (shown,) = re.findall(r"^```toml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    example = ROOT / "docs" / "examples" / "gateway.toml"
    assert shown == example.read_text(encoding="utf-8")


def test_the_example_is_the_sample_fleet() -> None:
    example = ROOT / "docs" / "examples" / "gateway.toml"
    endpoints = tomllib.loads(example.read_text(encoding="utf-8"))["endpoint"]
    keys = ("name", "timeout_s", "cost_per_1k_tokens", "priority")
    assert [tuple(endpoint[key] for key in keys) for endpoint in endpoints] == [
        ("fast", 60, 0.001, 1),
        ("quality", 180, 0.01, 2),
        ("constrained", 120, 0.005, 3),
    ]
    assert [set(endpoint["capabilities"]) for endpoint in endpoints] == [
        {"fast_inference", "code_completion"},
        {"high_quality", "security_aware", "long_context"},
        {"constrained_generation", "code_completion"},
    ]


@pytest.mark.parametrize("command", sorted(set(re.findall(r"make ([a-z-]+)", README))))
def test_every_make_command_is_one(command: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{command}:.*## ", makefile, re.MULTILINE)
