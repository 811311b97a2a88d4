"""The parts of the runner that need no sandbox; the rest is seen in real ones."""

from __future__ import annotations

import os

import pytest

from gateway.sandbox import runner


def described(text: str, place: str = runner.CASE) -> bytes:
    try:
        exec(compile(text, place, "exec"), {})
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the text raises
        return runner.described(error, place)
    raise AssertionError("it did not fail")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\nraise KeyError", b"failed KeyError case 2"),
        ("def", b"failed SyntaxError case 1"),
        ("raise SystemExit(0)", b"failed SystemExit case 1"),
        ("class KeyError(Exception): pass\nraise KeyError", b"failed - case 2"),
        ("import json\njson.loads('{')", b"failed - case 2"),
        ("exec('1/0')", b"failed ZeroDivisionError case 1"),
        ("class M(type):\n  __hash__ = 1\nraise M('E', (Exception,), {})", b"failed - case 0"),
    ],
)
def test_only_built_in_exceptions_are_named(text: str, expected: bytes) -> None:
    assert described(text) == expected


def test_the_last_line_of_the_program_is_named_wherever_it_is() -> None:
    names: dict[str, object] = {}
    exec(compile("\ndef f(): raise KeyError", runner.SOURCE, "exec"), names)
    try:
        exec(compile("f()", runner.CASE, "exec"), names)
    except KeyError as error:
        assert runner.described(error, runner.CASE) == b"failed KeyError source 2"


@pytest.mark.parametrize(
    ("code", "report", "expected"),
    [
        (b"0", "passed", "passed"),
        (b"0", "", "exited 0"),
        (b"1", "passed", "exited 1"),
        (b"-9", "passed", "signal 9"),
        (b"full", "", "full"),
    ],
)
def test_only_a_process_that_ended_well_is_believed(
    code: bytes, report: str, expected: str
) -> None:
    assert runner.ending(code, report) == expected


def test_limits_are_read_from_the_arguments() -> None:
    limits = runner.Limits(["0.5", "1024", "RLIMIT_CORE:0:0,RLIMIT_CPU:5:6"])
    assert (limits.case_s, limits.memory) == (0.5, 1024)
    assert [pair for _, pair in limits.resources] == [(0, 0), (5, 6)]


def test_memory_is_that_of_the_process_and_none_of_one_that_is_gone() -> None:
    assert runner.memory_of(str(os.getpid())) > 1 << 20
    assert runner.memory_of("0") == 0
