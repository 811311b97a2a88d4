"""docs/state-machines.md is what docs/generate_states.py writes, and no machine is left out."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from tests.house.sources import ROOT, python_files

TABLE = re.compile(r"^([A-Z]+_)?TRANSITIONS\b.*=", re.MULTILINE)


@pytest.fixture
def script() -> ModuleType:
    """The generator, freshly loaded."""
    path = ROOT / "docs" / "generate_states.py"
    spec = importlib.util.spec_from_file_location("generate_states", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(script: ModuleType) -> None:
    assert script.main(["--check"]) == ""


def test_the_check_tells_of_a_page_that_is_old_or_missing_and_writing_mends_it(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "state-machines.md"
    monkeypatch.setattr(script, "PAGE", page)
    assert "run `python docs/generate_states.py`" in script.main(["--check"])
    page.write_text("old", encoding="utf-8")
    assert "run `python docs/generate_states.py`" in script.main(["--check"])
    assert page.read_text(encoding="utf-8") == "old"
    assert script.main([]) == ""
    assert script.main(["--check"]) == ""


def test_every_table_is_drawn(script: ModuleType) -> None:
    tables = {
        (".".join(path.relative_to(ROOT).with_suffix("").parts), prefix)
        for path in python_files("gateway")
        for prefix in re.findall(r"^(\w*)TRANSITIONS\b.* = ", path.read_text("utf-8"), re.MULTILINE)
    }
    assert tables == {(module, prefix) for _, module, prefix in script.MACHINES}
