"""The generated pages of the reference are what their generators write."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest
from ensemble.v1 import gateway_service_pb2

from tests.fakes.docs_scripts import script
from tests.house.sources import ROOT

NAMES = ("generate_api", "generate_cli", "generate_decisions", "generate_states")


@pytest.fixture(params=NAMES)
def generator(request: pytest.FixtureRequest) -> ModuleType:
    """A generator, freshly loaded."""
    return script(request.param)


def test_the_page_is_up_to_date(generator: ModuleType) -> None:
    assert generator.main(["--check"]) == ""


def test_an_old_page_is_told_and_writing_mends_it(
    generator: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.md"
    monkeypatch.setattr(generator, "PAGE", page)
    assert "run `python docs/" in generator.main(["--check"])
    page.write_text("old", encoding="utf-8")
    assert "run `python docs/" in generator.main(["--check"])
    assert generator.main([]) == ""
    assert generator.main(["--check"]) == ""


def test_every_call_and_every_rule_of_a_field_is_there() -> None:
    page = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    service = gateway_service_pb2.DESCRIPTOR.services_by_name["GatewayService"]
    for method in service.methods:
        assert re.search(rf"^\| `{method.name}` \|", page, re.MULTILINE), method.name
    assert "| `prompt` | 1 | string | characters ≥ 1, bytes ≤ 2,097,152 |" in page


def test_every_page_of_commands_tells_options_defaults_and_exit_codes() -> None:
    page = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    assert "| `--target`, `-t` | text | `127.0.0.1:50051` |" in page
    assert "| 124 | `DEADLINE` | the time was over |" in page
