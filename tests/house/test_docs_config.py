"""docs/config.md is what docs/generate_config.py writes, and what it says holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config.load import build, load
from gateway.config.problems import ConfigError
from tests.fakes.docs_scripts import script

DOCS = Path(__file__).resolve().parents[2] / "docs"
ENDPOINT = '[[endpoint]]\nname = "one"\nurl = "localhost:50061"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.toml"
    path.write_text(f"[server]\nport = 1111\nhost = '0.0.0.0'\n{ENDPOINT}", encoding="utf-8")
    return path


def test_the_page_is_up_to_date() -> None:
    page = (DOCS / "config.md").read_text(encoding="utf-8")
    assert page == script("generate_config").render(), "run `python docs/generate_config.py`"


def test_the_environment_stands_over_the_file_and_options_over_both(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load(file).server.port == 1111
    monkeypatch.setenv("ENSEMBLE_SERVER__PORT", "2222")
    settings = load(file)
    assert (settings.server.port, settings.server.host) == (2222, "0.0.0.0")
    assert load(file, {"server": {"port": 3333}}).server.port == 3333


def test_the_environment_replaces_all_endpoints_together(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENSEMBLE_ENDPOINT", '[{"name": "two", "url": "localhost:50062"}]')
    assert [endpoint.name for endpoint in load(file).endpoint] == ["two"]


@pytest.mark.parametrize(
    ("variable", "place"),
    [
        ("ENSEMBLE_SERVR__PORT", "ENSEMBLE_SERVR__PORT"),
        ("ENSEMBLE_SERVER__PROT", "server.prot"),
    ],
)
def test_a_variable_that_nobody_reads_is_a_mistake(
    file: Path, monkeypatch: pytest.MonkeyPatch, variable: str, place: str
) -> None:
    monkeypatch.setenv(variable, "1")
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert [problem.path for problem in caught.value.problems] == [place]


@pytest.mark.parametrize(
    "document",
    [
        {"server": {"default_deadline_s": 100, "drain_grace_s": 50}},
        {"router": {"fast_below": 0.8, "quality_above": 0.2}},
    ],
)
def test_the_rules_over_several_keys_hold(document: dict[str, dict[str, float]]) -> None:
    endpoints = [{"name": "one", "url": "localhost:50061"}]
    with pytest.raises(ConfigError) as caught:
        build({**document, "endpoint": endpoints}, "here")
    assert [problem.path for problem in caught.value.problems] == [*document]


@pytest.mark.parametrize(
    ("protocol", "url", "fits"),
    [
        ("native", "localhost:50061", True),
        ("native", "grpc://localhost:50061", True),
        ("native", "grpcs://models.example.com:443", True),
        ("native", "http://localhost:50061", False),
        ("openai", "http://localhost:8000/v1", True),
        ("openai", "https://api.example.com/v1", True),
        ("openai", "localhost:8000", False),
        ("openai", "https://user:word@api.example.com/v1", False),
    ],
)
def test_a_url_fits_its_protocol(protocol: str, url: str, fits: bool) -> None:
    document = {"endpoint": [{"name": "one", "url": url, "protocol": protocol}]}
    if fits:
        assert build(document, "here").endpoint[0].url == url
    else:
        with pytest.raises(ConfigError, match=r"endpoint\[0\]\.url"):
            build(document, "here")
