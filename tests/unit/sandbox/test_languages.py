from __future__ import annotations

import pytest

from gateway.core.running import Program
from gateway.sandbox.languages import Script, script_of

NODE = {"javascript": ("/usr/bin/node", "--check", "{file}.js")}


def test_python_is_run_as_it_is() -> None:
    for name in ("python", "python3", "py"):
        assert script_of(Program(name, "x = 1", ("assert x",)), {}) == Script(
            "x = 1", ("assert x",)
        )


def test_a_command_for_python_goes_before_the_runner() -> None:
    script = script_of(Program("python", "x"), {"python": ("/opt/python", "{file}.py")})
    assert script is not None
    assert not script.python


def test_each_case_of_another_language_follows_the_source_in_one_file() -> None:
    script = script_of(Program("javascript", "let x", ("x = 'é'", "\ud800")), NODE)
    assert script is not None
    assert not script.python
    assert "'/tmp/program.js', ['/usr/bin/node', '--check', '/tmp/program.js']" in script.source
    assert script.cases[0] == "run(b'let x')"
    assert script.cases[1] == r"""run(b"let x\nx = '\xc3\xa9'")"""
    assert script.cases[2] == r"run(b'let x\n\xed\xa0\x80')"
    compile(script.source, "launch", "exec")


def test_the_file_is_found_inside_a_shell_command() -> None:
    command = ("/bin/sh", "-c", "cc -o /tmp/out {file}.test.c && /tmp/out")
    script = script_of(Program("c", ""), {"c": command})
    assert script is not None
    assert "FILE, COMMAND = '/tmp/program.test.c'," in script.source
    assert "cc -o /tmp/out /tmp/program.test.c && /tmp/out" in script.source


def test_a_language_without_a_command_has_no_script() -> None:
    assert script_of(Program("rust", ""), NODE) is None


@pytest.mark.parametrize("text", ["", "é", "\ud800", "a\0b"])
def test_every_text_can_be_framed(text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    size = len(raw).to_bytes(4, "big")
    assert Script(text, (text,)).frames() == b"\0\0\0\1" + size + raw + size + raw
