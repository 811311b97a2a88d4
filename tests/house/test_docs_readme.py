"""The README's program is short, its configuration is the example, its commands are there."""

from __future__ import annotations

import asyncio
import re
import sys
import tomllib

import pytest

from tests.fakes.docs_blocks import blocks
from tests.house.sources import ROOT

README = ROOT / "README.md"
EXAMPLE = ROOT / "docs" / "examples" / "gateway.toml"
CLIENT = next(block.text for block in blocks(README) if block.language == "python")
TARGET = "localhost:50051"
COMMANDS = sorted(set(re.findall(r"make ([a-z-]+)", README.read_text(encoding="utf-8"))))


def test_the_client_program_is_twenty_lines() -> None:
    assert len(CLIENT.splitlines()) <= 20


async def test_the_client_program_says_why_there_is_no_answer() -> None:
    assert TARGET in CLIENT
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        CLIENT.replace(TARGET, "127.0.0.1:1"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 50)
    assert (process.returncode, out) == (1, b"")
    assert err.startswith(b"UNAVAILABLE")


def test_the_configuration_is_the_example() -> None:
    shown = [block.text for block in blocks(README) if block.language == "toml"]
    assert EXAMPLE.read_text(encoding="utf-8") in shown


def test_the_example_is_the_sample_fleet() -> None:
    endpoints = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))["endpoint"]
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


@pytest.mark.parametrize("command", COMMANDS)
def test_every_make_command_is_one(command: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{command}:.*## ", makefile, re.MULTILINE)
