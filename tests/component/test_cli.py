"""The command line against a running gateway, as its users call it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.cli.exits import Exit
from tests.fakes.gateways import gateway_on_loopback, settings_of
from tests.fakes.model_server import FakeModelServer
from tests.fakes.script import Failure, Script


@dataclass
class Shell:
    target: str

    async def run(self, *arguments: str, stdin: str = "", asked: bool = True) -> Result:
        from gateway.cli.main import app

        target = ["--target", self.target] if asked else []
        call = [*arguments, *target]
        return await asyncio.to_thread(CliRunner().invoke, app, call, input=stdin)


@pytest.fixture
async def shell() -> AsyncIterator[Shell]:
    async with (
        FakeModelServer(Script()) as server,
        gateway_on_loopback(settings_of(server.url)) as door,
    ):
        yield Shell(door.target)


@pytest.fixture
async def broken_shell() -> AsyncIterator[Shell]:
    async with (
        FakeModelServer(Script(failure=Failure.UNAVAILABLE)) as server,
        gateway_on_loopback(settings_of(server.url)) as door,
    ):
        yield Shell(door.target)


async def test_generate_prints_the_fill_and_nothing_else_on_stdout(shell: Shell) -> None:
    result = await shell.run("generate", "--prompt", "def f(a, b):\n    ")
    assert result.exit_code == Exit.OK
    assert result.stdout == Script().text + "\n"
    assert "a in 1 attempts, confidence" in result.stderr


async def test_generate_reads_the_prompt_from_standard_input(shell: Shell) -> None:
    result = await shell.run("generate", "--prompt", "-", "--json", stdin="x = ")
    document = json.loads(result.stdout)
    assert document["endpoint"] == "a"
    assert document["attempts"][0]["status"] == "ATTEMPT_STATUS_OK"


async def test_generate_streams(shell: Shell) -> None:
    result = await shell.run("generate", "-p", "x = ", "--stream")
    assert result.stdout == Script().text + "\n"


async def test_generate_takes_a_request_file_with_options_over_it(
    shell: Shell, tmp_path: Path
) -> None:
    file = tmp_path / "request.json"
    file.write_text(json.dumps({"prompt": "x = ", "return_candidates": True}))
    result = await shell.run(
        "generate", "--request", str(file), "-n", "2", "--seed", "7", "--temperature", "0.2",
        "--max-tokens", "9", "--language", "python", "--suffix", "\n", "--json",
    )  # fmt: skip
    assert len(json.loads(result.stdout)["candidates"]) >= 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["generate"], "no code before the hole"),
        (["generate", "--request", "/no/such/file"], "cannot be read"),
        (["generate", "-p", "x", "--stream", "--json"], "choose one"),
        (["route", "--request", "-"], "no GenerateRequest"),
    ],
)
async def test_a_hole_that_cannot_be_read_is_a_usage_error(
    shell: Shell, arguments: list[str], words: str
) -> None:
    result = await shell.run(*arguments, stdin="{broken")
    assert result.exit_code == Exit.USAGE
    assert words in result.stderr
    assert not result.stdout


async def test_route_explains_without_a_call(shell: Shell) -> None:
    result = await shell.run("route", "--prompt", "x = ")
    assert result.exit_code == Exit.OK
    assert "ROUTING_REASON_FAST_NO_MATCH" in result.stdout
    document = json.loads((await shell.run("route", "-p", "x = ", "--json")).stdout)
    assert document["primary"] == "a"


async def test_metrics_and_endpoints(shell: Shell) -> None:
    await shell.run("generate", "-p", "x = ")
    table = (await shell.run("metrics")).stdout
    assert "1 requests: 1 answered" in table
    assert "100.0%" in table
    document = json.loads((await shell.run("metrics", "--json")).stdout)
    assert document["endpoints"][0]["lifetime"]["successes"] == "1"
    assert "(default)" in (await shell.run("endpoints")).stdout
    listed = json.loads((await shell.run("endpoints", "--json")).stdout)
    assert listed["endpoints"][0]["protocol"] == "native"


async def test_an_unknown_endpoint_is_a_failure_that_names_it(shell: Shell) -> None:
    result = await shell.run("metrics", "--endpoint", "nobody")
    assert result.exit_code == Exit.FAILED
    assert "nobody" in result.stderr


async def test_a_failed_generation_shows_the_attempts(broken_shell: Shell) -> None:
    result = await broken_shell.run("generate", "-p", "x = ", "--timeout", "5")
    assert result.exit_code == Exit.FAILED
    assert "ALL_ENDPOINTS_FAILED" in result.stderr
    assert not result.stdout


async def test_a_gateway_that_is_not_there_has_its_own_exit_code() -> None:
    result = await Shell("127.0.0.1:1").run("endpoints", "--timeout", "2")
    assert result.exit_code == Exit.UNREACHABLE


async def test_a_bad_request_is_a_usage_error(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    file.write_text(json.dumps({"prompt": "x = ", "sampling": {"temperature": "NaN"}}))
    result = await shell.run("generate", "--request", str(file))
    assert result.exit_code == Exit.USAGE
    assert "sampling.temperature" in result.stderr


@pytest.mark.parametrize(
    ("fields", "code", "words"),
    [
        ({"n": 999}, Exit.USAGE, "n: "),
        ({"constraints": [{"name": "a", "regex": {"pattern": "("}}]}, Exit.USAGE, "constraints[0]"),
        ({"endpoint_filter": {"required_tags": ["x"]}}, Exit.FAILED, "NO_ELIGIBLE_ENDPOINT"),
    ],
)
async def test_route_refuses_with_and_without_a_gateway_alike(
    shell: Shell, tmp_path: Path, fields: dict[str, object], code: Exit, words: str
) -> None:
    file = tmp_path / "request.json"
    file.write_text(json.dumps({"prompt": "x = ", **fields}))
    config = tmp_path / "gateway.toml"
    config.write_text('[[endpoint]]\nname = "a"\nurl = "x:1"\n')
    for asked, arguments in ((True, ()), (False, ("--config", str(config)))):
        result = await shell.run("route", "--request", str(file), *arguments, asked=asked)
        assert (result.exit_code, result.stdout) == (code, "")
        assert words in result.stderr


async def test_a_variable_that_is_not_json_is_a_mistake_in_the_configuration(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text('[[endpoint]]\nname = "a"\nurl = "x:1"\n')
    monkeypatch.setenv("ENSEMBLE_ENDPOINT", "nope")
    refused = await shell.run("config", "check", "-c", str(file), asked=False)
    assert refused.exit_code == Exit.CONFIG
    assert "1 mistake in the configuration" in refused.stderr
    assert "ENSEMBLE_ENDPOINT: is not JSON" in refused.stderr


async def test_a_table_in_a_pipe_is_not_folded(shell: Shell, tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    name = "n" * 120
    config.write_text(f'[[endpoint]]\nname = "{name}"\nurl = "x:1"\n')
    result = await shell.run("route", "-p", "x = ", "-c", str(config), asked=False)
    rows = [line.split() for line in result.stdout.split("\n")]
    assert ["primary", name, "ROUTING_REASON_FAST_NO_MATCH"] in rows


async def test_config_is_checked_shown_and_described(shell: Shell, tmp_path: Path) -> None:
    good = tmp_path / "good.toml"
    good.write_text('[[endpoint]]\nname = "a"\nurl = "x:1"\n')
    bad = tmp_path / "bad.toml"
    bad.write_text("[server]\nport = 70000\n")
    checked = await shell.run("config", "check", "-c", str(good), asked=False)
    assert "1 endpoints" in checked.stdout
    as_json = await shell.run("config", "check", "-c", str(good), "--json", asked=False)
    assert json.loads(as_json.stdout)["endpoints"] == 1
    refused = await shell.run("config", "check", "-c", str(bad), asked=False)
    assert refused.exit_code == Exit.CONFIG
    assert "server.port" in refused.stderr
    shown = await shell.run("config", "show", "-c", str(good), asked=False)
    assert json.loads(shown.stdout)["endpoint"][0]["name"] == "a"
    running = await shell.run("config", "show", "--running")
    assert json.loads(running.stdout)["endpoint"][0]["name"] == "a"
    schema = await shell.run("config", "schema", asked=False)
    assert "EndpointConfig" in schema.stdout
