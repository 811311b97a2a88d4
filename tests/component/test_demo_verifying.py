"""A filled module is judged by its own doctests, in a process that cannot reach out."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli.demonstration import verifying
from gateway.cli.demonstration.verifying import Doctests, parses, passing, run_doctests

MODULE = '''\
"""A module.

>>> double(4)
8
>>> double("a")
'aa'
"""


def double(value):
    {body}


def never(value):
    return value
'''


def filled(body: str) -> str:
    return MODULE.format(body=body)


async def run(body: str, tmp_path: Path) -> Doctests | None:
    return await run_doctests("sample", tmp_path / "sample.py", filled(body))


async def test_a_right_fill_passes_and_the_lines_it_ran_are_known(tmp_path: Path) -> None:
    found = await run("return value * 2", tmp_path)
    assert found == Doctests(attempted=2, failed=0, lines=frozenset({11}))
    assert found.passed


async def test_a_wrong_fill_fails(tmp_path: Path) -> None:
    found = await run("return value + value + value", tmp_path)
    assert found is not None
    assert (found.attempted, found.failed, found.passed) == (2, 2, False)


@pytest.mark.parametrize(
    "body",
    [
        "return (",
        "pass\nraise ValueError",
        "pass\nimport os; os._exit(0)",
        "pass\nimport no_such_module",
    ],
)
async def test_a_module_that_cannot_be_imported_has_no_result(body: str, tmp_path: Path) -> None:
    assert await run(body, tmp_path) is None


@pytest.mark.parametrize(
    "reach",
    [
        "open({path!r}, 'w')",
        "__import__('os').remove({path!r})",
        "__import__('os').system('true')",
        "__import__('subprocess').run(['true'])",
        "__import__('socket').socket().connect(('127.0.0.1', 1))",
    ],
)
async def test_a_fill_that_reaches_out_is_refused(reach: str, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("kept", encoding="utf-8")
    found = await run(f"{reach.format(path=str(target))}; return value * 2", tmp_path)
    assert found is not None
    assert found.failed == 2
    assert target.read_text(encoding="utf-8") == "kept"


async def test_a_fill_that_eats_memory_fails(tmp_path: Path) -> None:
    found = await run("return [0] * (1 << 34)", tmp_path)
    assert found is not None
    assert found.failed == 2


async def test_a_fill_without_end_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "SECONDS", 0.5)
    assert await run("while True: pass", tmp_path) is None


async def test_only_modules_whose_doctests_pass_untouched_count(tmp_path: Path) -> None:
    path = tmp_path / "sample.py"
    sources = {
        "right": (path, filled("return value * 2")),
        "wrong": (path, filled("return value")),
        "none": (path, "def f():\n    return 1\n"),
        "broken": (path, filled("return (")),
    }
    assert set(await passing(sources)) == {"right"}


def test_code_parses_or_it_does_not() -> None:
    assert parses("x = 1\n")
    assert parses("x = '\\d'\n")
    assert not parses("x = (\n")
    assert not parses("x = '\0'\n")
