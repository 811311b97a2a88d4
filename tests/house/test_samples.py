"""Samples of configuration parse, and every fragment of the changelog is one that is read."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.house.sources import ROOT, shown

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("clients/*/*.md"), *ROOT.glob("docs/**/*.md")])
TOML = re.compile(r"^```toml\b[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
FRAGMENT = re.compile(r"(?:\+[a-z0-9-]+|\d+)\.(?:feature|bugfix|doc|removal|misc)\.md")


def test_every_sample_of_configuration_parses():
    samples = [(shown(page), sample) for page in PAGES for sample in TOML.findall(page.read_text())]
    for page, sample in samples:
        try:
            tomllib.loads(sample)
        except tomllib.TOMLDecodeError as error:
            pytest.fail(f"{page}: {error}\n{sample}")


def test_the_check_finds_samples():
    assert TOML.findall("a\n```toml\nx = 1\n```\n```python\n```\n") == ["x = 1\n"]


def test_every_fragment_of_the_changelog_has_a_known_kind():
    fragments = [path.name for path in (ROOT / "docs/changes").iterdir()]
    assert [name for name in fragments if not FRAGMENT.fullmatch(name)] == []
