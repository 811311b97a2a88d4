from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from ensemble_loadtest.command import Exit, app, exit_code
from typer.testing import CliRunner

from gateway.cli.main import app as ensemble
from tests.fakes.loadtest_runs import document

SHORT = ("--workers", "2", "-n", "20")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--rate", "x"), "--rate: 'x' is no rate"),
        (("-d", "5s"), "give one of --rate"),
        ((*SHORT, "--slo", "p99=1s"), "--slo"),
        ((*SHORT, "--slo", "ttft=1s"), "add --stream"),
        ((*SHORT, "--api-key-env", "NOT_THERE"), "the environment has no NOT_THERE"),
        ((*SHORT, "-t", "ftp://x"), "--target"),
        ((*SHORT, "--protocol", "soap"), "soap"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_sent(
    arguments: tuple[str, ...], words: str
) -> None:
    done = CliRunner().invoke(app, arguments)
    assert (done.exit_code, done.stdout) == (Exit.USAGE, "")
    assert words in done.stderr


def test_what_cannot_be_trusted_is_said_before_what_it_says() -> None:
    assert exit_code(document(), None) == 0
    assert exit_code(document(), 0.99) == 0
    assert exit_code(document(), 0.991) == Exit.FAILED
    assert exit_code(document(1.0, 200), None) == Exit.FAILED
    assert exit_code(document(1.0, 200, cpus=[1.0]), 1.0) == Exit.PARTIAL
    assert exit_code(document(cpus=[1.0], interrupted=True), 1.0) == Exit.INTERRUPTED


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    for name, slower in (("a", 1.0), ("b", 1.5)):
        (tmp_path / name).write_text(json.dumps(document(slower)), encoding="utf-8")
    return str(tmp_path / "a"), str(tmp_path / "b")


def test_two_runs_are_compared(files: tuple[str, str], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = CliRunner().invoke(app, ["compare", *files, "--html", str(page)])
    assert (done.exit_code, done.stderr) == (0, "")
    assert "B is worse" in done.stdout
    assert "<figure>" in page.read_text(encoding="utf-8")


def test_a_comparison_can_fail_a_build(files: tuple[str, str]) -> None:
    done = CliRunner().invoke(app, ["compare", *files, "--json", "--fail-if-worse"])
    assert done.exit_code == Exit.FAILED
    assert json.loads(done.stdout)["measures"][0]["name"] == "throughput"
    assert CliRunner().invoke(app, ["compare", *reversed(files), "--fail-if-worse"]).exit_code == 0


@pytest.mark.parametrize("text", ["x", "[]", "{}"])
def test_what_is_no_report_cannot_be_compared(
    files: tuple[str, str], tmp_path: Path, text: str
) -> None:
    (tmp_path / "c").write_text(text, encoding="utf-8")
    done = CliRunner().invoke(app, ["compare", files[0], str(tmp_path / "c")])
    assert done.exit_code == Exit.USAGE
    assert "--json FILE" in done.stderr


def test_the_gateways_command_has_the_harness_own_help() -> None:
    done = CliRunner().invoke(ensemble, ["loadtest", "compare", "--help"])
    assert done.exit_code == 0
    assert "--fail-if-worse" in done.stdout


def test_without_the_harness_the_gateway_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "ensemble_loadtest.command", None)
    done = CliRunner().invoke(ensemble, ["loadtest", *SHORT])
    assert done.exit_code == Exit.FAILED
    assert "pip install 'ensemble-gateway[loadtest]'" in done.stderr
