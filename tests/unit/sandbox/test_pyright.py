"""The type checker as a process: what it says, and that nothing of it is left."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.core.constraint import TypeGoal, VerdictStatus
from gateway.core.hole import Hole, HoleSpec
from gateway.core.running import TypeMismatch, TypeReport
from gateway.sandbox import pyright
from gateway.sandbox.pyright import (
    MAX_ERRORS,
    MAX_OUTPUT,
    MAX_SOURCE,
    NONSENSE,
    TOO_MUCH,
    Pyright,
    find_pyright,
    report_of,
)
from gateway.validation.types import TypeCheck

FOUND = find_pyright()
needs_pyright = pytest.mark.skipif(FOUND is None, reason="no pyright is installed")

LONG_S = 50.0
CLEAN = '{"summary": {"filesAnalyzed": 1}, "generalDiagnostics": []}'

Fake = Callable[[str], str]


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    """Make an executable of a shell script."""

    def make(script: str) -> str:
        path = tmp_path / "fake"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return make


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have the folders of runs made where a test can see what is left of them."""
    path = tmp_path / "folders"
    path.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(path))
    return path


async def checked(executable: str, source: str = "x = 1\n", seconds: float = LONG_S) -> TypeReport:
    return await Pyright(executable).check(source, "python", seconds)


@needs_pyright
@pytest.mark.parametrize(
    ("prompt", "right", "wrong"),
    [
        ("def f(a: int, b):\n    '''€😀'''; x = ", "[a, len(b), n]", "[a, '😀']"),
        ("def f(a: int) -> list[int]:\n    ", "return [a, n]", "return a + n"),
    ],
)
async def test_a_fill_that_inhabits_the_type_passes_and_another_fails(
    folders: Path, prompt: str, right: str, wrong: str
) -> None:
    assert FOUND is not None
    hole = Hole(prompt, "\n", HoleSpec(language="python"))
    goal = TypeGoal("List[int]", bindings=(("n", "int"),))
    check = TypeCheck(Pyright(FOUND), hole, goal)
    good, bad = await asyncio.gather(check.find(right, LONG_S), check.find(wrong, LONG_S))
    assert (bad.finding.status, good.finding.reason) == (VerdictStatus.FAILED, "")
    assert bad.finding.reason.endswith("(line 1 of the fill)")
    assert list(folders.iterdir()) == []


@needs_pyright
async def test_neither_files_nor_comments_nor_variables_change_what_is_found(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert FOUND is not None
    (folders / "pyrightconfig.json").write_text('{"typeCheckingMode": "off", "ignore": ["**"]}')
    (folders / "pyproject.toml").write_text('[tool.pyright]\ntypeCheckingMode = "off"\n')
    (folders / "secret.py").write_text("x = 1\n")
    monkeypatch.setenv("PYTHONPATH", str(folders))
    source = "import secret\n'😀'; x: int = ''\ndef f(a):\n    print(a)\n"
    report = await checked(FOUND, source)
    assert report.errors == (
        TypeMismatch(1, 8, "reportMissingImports"),
        TypeMismatch(2, 16, "reportAssignmentType"),
        TypeMismatch(4, 11, "reportUnknownArgumentType"),
    )


async def test_a_report_is_kept_and_an_unknown_one_is_not(fake: Fake, tmp_path: Path) -> None:
    count = tmp_path / "count"
    checker = Pyright(fake(f"echo run >> {count}; echo '{CLEAN}'"), max_kept=2)
    for source in ("a", "b", "a", "c", "a", "b"):
        assert await checker.check(source, "python", LONG_S) == TypeReport()
    assert count.read_text().count("run") == 4
    broken = Pyright(fake(f"echo run >> {count}"))
    for _ in range(2):
        assert (await broken.check("a", "python", LONG_S)).unknown == NONSENSE
    assert count.read_text().count("run") == 6


async def test_it_is_run_on_the_source_in_a_folder_of_its_own(fake: Fake, folders: Path) -> None:
    script = f"""
test "$(cat checked.py)" = "x = 1" && test -f pyrightconfig.json && test "$#" = 5 &&
test "$(dirname "$PWD")" = "$(cd {folders} && pwd -P)" && test "$5" = "{sys.executable}" &&
echo '{CLEAN}'
"""
    assert await checked(fake(script)) == TypeReport()
    assert list(folders.iterdir()) == []


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exit 3", NONSENSE),
        ("echo garbage", NONSENSE),
        ("echo '[]'", NONSENSE),
        ("head -c 5000000 /dev/zero", TOO_MUCH),
        ("cat /dev/zero", TOO_MUCH),
    ],
)
async def test_an_answer_that_makes_no_sense_is_unknown(
    fake: Fake, folders: Path, script: str, words: str
) -> None:
    assert (await checked(fake(script))).unknown == words
    assert list(folders.iterdir()) == []


@pytest.mark.parametrize("name", ["missing", "."])
async def test_an_executable_that_cannot_be_started_is_unknown(tmp_path: Path, name: str) -> None:
    report = await checked(str(tmp_path / name))
    assert report.unknown.startswith("the type checker did not start: ")


@pytest.mark.parametrize(
    ("source", "language", "words"),
    [
        ("x", "rust", "only the types of Python"),
        ("x = '\ud800'", "python", "lone surrogates"),
        ("x" * (MAX_SOURCE + 1), "python", "are not checked"),
    ],
)
async def test_what_it_cannot_look_at_costs_no_run(source: str, language: str, words: str) -> None:
    report = await Pyright("/missing").check(source, language, LONG_S)
    assert words in report.unknown


async def test_without_room_for_its_files_the_report_is_unknown(folders: Path) -> None:
    folders.rmdir()
    report = await checked("/missing")
    assert report.unknown.startswith("the type checker did not start: ")


async def test_without_a_type_checker_the_reason_names_the_extra() -> None:
    report = await Pyright(None).check("x", "python", LONG_S)
    assert "pip install 'ensemble-gateway[types]'" in report.unknown


class Pipe:
    """A named pipe that a script holds open: its end is the end of all processes."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self._number = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.script = f"exec 3> {path}; echo started >&3; sleep 100 & sleep 100"

    async def line(self) -> bytes:
        """Wait for what the script says; empty at the end."""
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_reader(self._number, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(self._number)
        return os.read(self._number, 100)

    def close(self) -> None:
        os.close(self._number)


@pytest.fixture
def pipe(tmp_path: Path):
    pipe = Pipe(tmp_path / "pipe")
    yield pipe
    pipe.close()


async def test_on_cancelling_no_process_is_left(fake: Fake, folders: Path, pipe: Pipe) -> None:
    task = asyncio.create_task(checked(fake(pipe.script)))
    assert await pipe.line() == b"started\n"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await pipe.line() == b""
    assert list(folders.iterdir()) == []


async def test_cancelled_while_it_starts_no_process_is_left(fake: Fake, folders: Path) -> None:
    task = asyncio.create_task(checked(fake("sleep 100")))
    # Long enough to begin, and too short to have begun.
    for _ in range(3):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list(folders.iterdir()) == []


async def test_when_its_time_is_over_no_process_is_left(
    fake: Fake, folders: Path, pipe: Pipe
) -> None:
    report = await checked(fake(pipe.script), seconds=0.3)
    assert report.unknown == "the type check took longer than 0.3 s"
    while await pipe.line():
        pass
    assert list(folders.iterdir()) == []


async def test_children_that_outlive_it_are_ended_too(fake: Fake, pipe: Pipe) -> None:
    script = pipe.script.replace("& sleep 100", "&")
    report = await checked(fake(script), seconds=0.3)
    assert "took longer" in report.unknown
    while await pipe.line():
        pass


async def test_an_end_that_does_not_come_is_not_waited_for_for_ever(
    fake: Fake, pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pyright, "END_S", 0.0)
    assert "took longer" in (await checked(fake(pipe.script), seconds=0.3)).unknown
    while await pipe.line():
        pass


async def test_the_wait_for_a_free_place_is_part_of_the_time(fake: Fake, pipe: Pipe) -> None:
    checker = Pyright(fake(pipe.script), max_running=1)
    first = asyncio.create_task(checker.check("a", "python", LONG_S))
    assert await pipe.line() == b"started\n"
    second = await checker.check("b", "python", 0.05)
    assert second.unknown == "the type check took longer than 0.05 s"
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first


def answer(*diagnostics: object, files: int = 1) -> bytes:
    body = {"summary": {"filesAnalyzed": files}, "generalDiagnostics": diagnostics}
    return json.dumps(body).encode()


def diagnostic(**changed: object) -> dict[str, object]:
    start = {"line": 0, "character": 4}
    return {"severity": "error", "rule": "reportX", "range": {"start": start}, **changed}


def test_only_errors_count_and_only_names_of_rules_are_told() -> None:
    output = answer(
        diagnostic(),
        diagnostic(severity="warning"),
        diagnostic(rule="zq zq"),
        diagnostic(rule=None),
    )
    assert report_of(output).errors == (
        TypeMismatch(1, 5, "reportX"),
        TypeMismatch(1, 5, ""),
        TypeMismatch(1, 5, "None"),
    )


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (b"", NONSENSE),
        (b"\xff", NONSENSE),
        (b"[" * 100_000, NONSENSE),
        (b"{}", NONSENSE),
        (answer(files=0), NONSENSE),
        (answer(7), NONSENSE),
        (answer(diagnostic(range=None)), NONSENSE),
        (answer(diagnostic(range={"start": {"line": float("inf"), "character": 1}})), NONSENSE),
        (answer(diagnostic(range={"start": {"line": "x", "character": 1}})), NONSENSE),
        (answer(*[diagnostic()] * (MAX_ERRORS + 1)), TOO_MUCH),
        (b"x" * (MAX_OUTPUT + 1), TOO_MUCH),
    ],
)
def test_any_output_makes_a_report(output: bytes, words: str) -> None:
    assert report_of(output).unknown == words


def test_the_type_checker_beside_the_interpreter_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, name in (("beside", "pyright"), ("path", "basedpyright")):
        path = tmp_path / folder / name
        path.parent.mkdir()
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "beside" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    assert find_pyright() == str(tmp_path / "beside" / "pyright")
    (tmp_path / "beside" / "pyright").unlink()
    assert find_pyright() == str(tmp_path / "path" / "basedpyright")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_pyright() is None
