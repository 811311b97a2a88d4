"""What `ensemble mcp` refuses before it serves, in one line, and where it may listen."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli.exits import Exit
from gateway.cli.mcp_server.addresses import Address, address_of, is_loopback
from gateway.cli.mcp_server.credentials import connecting, token_of


def refused(*arguments: str) -> str:
    from gateway.cli.main import app

    result = CliRunner().invoke(app, ["mcp", *arguments])
    assert result.exit_code == Exit.USAGE, result.output
    assert not result.stdout
    return result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--http", "0.0.0.0:80"], "is not loopback"),
        (["--http", "0.0.0.0:80"], "--allow-remote"),
        (["--http", "[::]:80"], "is not loopback"),
        (["--http", "gateway.example:80"], "is not loopback"),
        (["--http", "127.0.0.1"], "HOST:PORT"),
        (["--http", ":80"], "HOST:PORT"),
        (["--http", "127.0.0.1:x"], "HOST:PORT"),
        (["--http", "127.0.0.1:65536"], "HOST:PORT"),
        (["--allow-remote"], "are for --http"),
        (["--allowed-host", "x"], "are for --http"),
        (["--export-dir", "/nowhere/at/all"], "No such file or directory; name a directory"),
        (["--token", "sk-secret"], "never the token itself"),
        (["--token", "env:ENSEMBLE_NOT_SET"], "ENSEMBLE_NOT_SET is not set"),
        (["--token", "file:/nowhere/at/all"], "cannot be read (FileNotFoundError)"),
        (["--ca", "/nowhere/at/all"], "cannot be read (No such file or directory)"),
        (["--timeout", "0"], "greater than or equal to 0.001"),
        (["--tenant", "b\N{LATIN SMALL LETTER U WITH DIAERESIS}ro"], "printable ASCII"),
    ],
)
def test_a_bad_option_is_refused_with_what_to_do(arguments: list[str], words: str) -> None:
    error = refused(*arguments)
    assert words in error
    assert "sk-secret" not in error
    assert "Traceback" not in error


def test_without_the_extra_one_line_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    assert refused() == (
        "ensemble: `ensemble mcp` needs the MCP SDK, which is not installed: run "
        "`pip install 'ensemble-gateway[mcp]'`\n"
    )


def test_the_command_line_does_not_load_the_sdk() -> None:
    program = "import sys, gateway.cli.main; print({'mcp', 'anyio', 'starlette'} & {*sys.modules})"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "set()\n"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.0.1", False),
        ("localhost.evil.example", False),
    ],
)
def test_only_loopback_is_taken_for_loopback(host: str, *, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_a_loopback_server_answers_to_names_of_loopback_only() -> None:
    address = address_of("[::1]:0", remote=False, allowed=("box",))
    assert address == Address("::1", 0, ("box",))
    assert address.shown_host == "[::1]"
    assert address.names() == ("127.0.0.1", "localhost", "[::1]", "box")


def test_a_remote_server_answers_to_its_own_names_too() -> None:
    address = address_of("0.0.0.0:80", remote=True, allowed=("box.example",))
    assert address is not None
    assert set(address.names()) >= {"0.0.0.0", socket.gethostname(), "box.example", "localhost"}


def test_a_token_comes_from_a_variable_or_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN_FOR_TESTS", "one")
    (tmp_path / "token").write_text("two\n")
    assert token_of("env:TOKEN_FOR_TESTS") == "one"
    assert token_of(f"file:{tmp_path / 'token'}") == "two"


def test_a_token_does_not_leave_this_machine_in_plain_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN_FOR_TESTS", "one")
    ca = tmp_path / "ca.pem"
    ca.write_text("")
    token = "env:TOKEN_FOR_TESTS"
    with pytest.raises(ValueError, match="in plain text; give --ca FILE"):
        connecting("gateway.example:443", token=token, tenant=None, ca=None)
    for target, roots in (("gateway.example:443", ca), ("[::1]:1", None), ("127.0.0.1:1", None)):
        connecting(target, token=token, tenant=None, ca=roots)
