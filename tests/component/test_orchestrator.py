"""The example orchestrator against a running gateway."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tests.fakes.gateways import gateway_on_loopback, settings_of
from tests.fakes.model_server import FakeModelServer
from tests.fakes.script import Failure, Script

SCRIPT = Path(__file__).parents[2] / "clients" / "orchestrator" / "fill_file.py"
SOURCE = "def f(a, b):\n    total = ...  # HOLE\n    return total  # HOLE\n"


@pytest.fixture
def orchestrator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fill_file", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "example.py"
    path.write_text(SOURCE)
    return path


async def test_holes_are_filled_in_place(orchestrator: ModuleType, file: Path) -> None:
    async with (
        FakeModelServer(Script(pieces=("total = a", " + b"))) as server,
        gateway_on_loopback(settings_of(server.url)) as door,
    ):
        arguments = [str(file), "--target", door.target, "--write"]
        assert await asyncio.to_thread(orchestrator.main, arguments) == 0
    assert file.read_text() == "def f(a, b):\n    total = a + b\n    total = a + b\n"
    assert sorted(asked.after for asked in server.witness.asked) == [
        "\n",
        "\n    return total  # HOLE\n",
    ]


async def test_a_hole_that_cannot_be_filled_keeps_its_line(
    orchestrator: ModuleType, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with (
        FakeModelServer(Script(failure=Failure.INVALID)) as server,
        gateway_on_loopback(settings_of(server.url)) as door,
    ):
        arguments = [str(file), "--target", door.target]
        assert await asyncio.to_thread(orchestrator.main, arguments) == 5
    printed = capsys.readouterr()
    assert printed.out == SOURCE
    assert "example.py:2: not filled" in printed.err


def test_a_file_without_holes_is_a_usage_error(orchestrator: ModuleType, tmp_path: Path) -> None:
    plain = tmp_path / "plain.py"
    plain.write_text("x = 1\n")
    assert orchestrator.main([str(plain)]) == 2
