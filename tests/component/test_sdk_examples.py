"""Every program on the SDK's pages runs, and no public name is without one."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import re
import sys
from pathlib import Path

import ensemble_client
import pytest
from ensemble_client import testing

from tests.fakes.script import Script
from tests.fakes.traced import Traced

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "docs" / "sdk.md", ROOT / "clients" / "python" / "README.md")
BLOCK = re.compile(r"^```python(?: title=\"([^\"]*)\")?\n(.*?)^```", re.MULTILINE | re.DOTALL)
TARGET = "localhost:50051"
UNDER_PYTEST = {"The fixture, in conftest.py": "conftest.py", "A test": "test_lines.py"}
DRIVER = """
import contextlib, io, json, sys, traceback
for program in json.load(sys.stdin):
    out, wrong = io.StringIO(), ""
    with contextlib.redirect_stdout(out):
        try:
            exec(compile(program, "<example>", "exec"), {"__name__": "__main__"})
        except BaseException:
            wrong = traceback.format_exc()
    print(json.dumps([out.getvalue(), wrong]))
"""
SECONDS = 50


def blocks(page: Path) -> list[tuple[str, str]]:
    """Title and text of each program of a page."""
    return BLOCK.findall(page.read_text(encoding="utf-8"))


ALL = [block for page in PAGES for block in blocks(page)]
PROGRAMS = [program for title, program in ALL if title not in UNDER_PYTEST]


async def run(*command: str, given: str = "", folder: Path | None = None) -> tuple[str, str]:
    """Run Python; pytest in it loads none of our own plugins."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(given.encode()), SECONDS)
    return out.decode(), err.decode()


@pytest.fixture(scope="module")
async def ran() -> dict[str, tuple[str, str]]:
    """What each program printed, and its traceback; run after each other against one gateway."""
    scripts = [Script(pieces=("left", " + right")) for _ in range(2)]
    async with Traced(*scripts) as served:
        programs = [text.replace(TARGET, served.door.target) for text in PROGRAMS]
        out, err = await run("-c", DRIVER, given=json.dumps(programs))
    lines = [json.loads(line) for line in out.splitlines()]
    assert len(lines) == len(PROGRAMS), err
    return {text: (said, wrong) for text, (said, wrong) in zip(PROGRAMS, lines, strict=True)}


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda text: text.split("\n")[0][:40])
async def test_a_program_of_the_pages_runs(program: str, ran: dict[str, tuple[str, str]]) -> None:
    said, wrong = ran[program]
    assert wrong == "", said
    # Those that ask a gateway show what it said; the others assert.
    assert bool(said) is (TARGET in program)


async def test_the_fixture_of_the_page_works(tmp_path: Path) -> None:
    for title, program in ALL:
        if title in UNDER_PYTEST:
            (tmp_path / UNDER_PYTEST[title]).write_text(program, encoding="utf-8")
    out, err = await run("-m", "pytest", "-q", "-p", "no:cacheprovider", folder=tmp_path)
    assert "1 passed" in out, out + err


def names_in(program: str) -> set[str]:
    """Every name that a program uses, beside importing it."""
    nodes = list(ast.walk(ast.parse(program)))
    return {node.id for node in nodes if isinstance(node, ast.Name)} | {
        node.attr for node in nodes if isinstance(node, ast.Attribute)
    }


USED = {name for _, program in ALL for name in names_in(program)}


@pytest.mark.parametrize("name", ensemble_client.__all__)
def test_a_public_name_is_used_by_a_program_that_runs(name: str) -> None:
    assert name in USED


@pytest.mark.parametrize("name", testing.__all__)
def test_a_name_of_testing_is_used_by_a_program_that_runs(name: str) -> None:
    assert name in USED


METHODS = sorted(name for name in dir(ensemble_client.Client) if not name.startswith("_"))


@pytest.mark.parametrize("method", METHODS)
def test_a_method_of_the_client_is_used_by_a_program_that_runs(method: str) -> None:
    assert method in USED or method == "close"


async def test_the_first_program_prints_its_answers(ran: dict[str, tuple[str, str]]) -> None:
    first = blocks(PAGES[1])[0][1]
    assert len(first.splitlines()) <= 24
    assert ran[first][0].splitlines()[0] == "left + right by a after 1 attempts"
