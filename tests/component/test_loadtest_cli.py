"""`ensemble loadtest` as a user runs it: reports, comparison, and what its exit code says."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
from click.testing import Result
from ensemble_loadtest.command import app as harness
from typer.testing import CliRunner

from gateway.cli.main import app as ensemble
from tests.fakes.gateways import gateway_on_loopback, settings_of
from tests.fakes.model_server import FakeModelServer
from tests.fakes.script import Script
from tests.fakes.until import until

SHORT = ("--workers", "2", "-n", "20")
# A machine that is busy with other tests must not make a run partial.
PATIENT = ("--max-lag", "1h")


@dataclass
class Rig:
    target: str
    model: FakeModelServer

    async def load(self, *arguments: str) -> Result:
        return await invoked(harness, "--target", self.target, *PATIENT, *arguments)


async def invoked(app: typer.Typer, *arguments: str) -> Result:
    """Run a command of this process; only what it starts is another one."""
    return await asyncio.to_thread(CliRunner().invoke, app, arguments)


@pytest.fixture(scope="module")
async def rig() -> AsyncIterator[Rig]:
    async with (
        FakeModelServer(Script(pieces=("return ", "x"), logprobs=())) as model,
        gateway_on_loopback(settings_of(model.url)) as door,
    ):
        yield Rig(door.target, model)


async def test_a_run_prints_tables_and_writes_both_reports(rig: Rig, tmp_path: Path) -> None:
    json_file, html_file = tmp_path / "a.json", tmp_path / "a.html"
    files = ("--json", str(json_file), "--html", str(html_file))
    done = await rig.load(*SHORT, "--stream", "--slo", "latency=1m", *files)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "20 of 20" in done.stdout
    assert "Time to first token" in done.stdout
    document = json.loads(json_file.read_text())
    assert document["totals"]["good"] == document["totals"]["met"] == 20
    assert html_file.read_text().startswith("<!doctype html>")


async def test_an_open_loop_over_two_processes_prints_one_document(rig: Rig) -> None:
    done = await rig.load(
        "--rate", "100", "--arrivals", "constant", "-d", "300ms", "--processes", "2", "--json", "-"
    )  # fmt: skip
    assert (done.exit_code, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["totals"]["sent"] == document["totals"]["good"] == 30
    assert len(document["harness"]["cpus"]) == 2


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((*SHORT, "--slo", "latency=1us", "--fail-under", "0.5"), 1),
        ((*SHORT, "--temperature", "1e9"), 1),
        (("--rate", "50", "-d", "100ms", "--max-lag", "0s"), 5),
    ],
    ids=["below --fail-under", "no answer", "late"],
)
async def test_the_exit_code_says_what_came_of_it(
    rig: Rig, arguments: tuple[str, ...], expected: int
) -> None:
    done = await rig.load(*arguments)
    assert done.exit_code == expected, done.output
    assert ("WARNING: The harness is the bottleneck" in done.stdout) is (expected == 5)


async def test_nobody_at_the_target_is_an_exit_code_of_its_own(rig: Rig) -> None:
    done = await invoked(harness, "-t", "127.0.0.1:1", *SHORT)
    assert (done.exit_code, done.stdout) == (4, "")
    assert done.stderr.startswith("ensemble: cannot reach 127.0.0.1:1: ")


async def test_an_interrupt_ends_with_a_report(rig: Rig) -> None:
    before = len(rig.model.witness.asked)
    command = ("-m", "ensemble_loadtest", "-t", rig.target)
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, "--workers", "2", "-d", "10m", "--json", "-",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    await until(lambda: len(rig.model.witness.asked) >= before + 10)
    process.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(process.communicate(), 50)
    assert (process.returncode, err) == (130, b"")
    document = json.loads(out)
    assert document["interrupted"]
    assert document["totals"]["good"] > 0
    assert document["harness"]["lost_processes"] == 0


async def test_it_is_a_command_of_the_gateways_too(rig: Rig) -> None:
    done = await invoked(ensemble, "loadtest", "-t", rig.target, *PATIENT, *SHORT)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "20 of 20" in done.stdout
