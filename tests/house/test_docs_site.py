"""The site of the documentation: every page is in its navigation, nothing comes from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.fakes.docs_scripts import script
from tests.house.sources import ROOT

yaml = import_module("yaml")

DOCS = ROOT / "docs"
CONFIG: dict[str, Any] = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
LISTED_BY_AN_INDEX = re.compile(r"decisions/\d{4}-.*|changes/.*")


def pages(entry: Any) -> Iterator[str]:
    """The pages of a navigation, in order: a list of entries, a table with one, or a page."""
    if isinstance(entry, str):
        yield entry
        return
    entries: list[Any] = [*entry.values()] if isinstance(entry, dict) else entry  # pyright: ignore[reportUnknownMemberType] - as YAML has it
    for inner in entries:
        yield from pages(inner)


@pytest.fixture(scope="module")
def checker() -> ModuleType:
    return script("check_site")


def test_every_page_is_in_the_navigation_once_and_nothing_else() -> None:
    there = [str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")]
    wanted = [path for path in there if not LISTED_BY_AN_INDEX.fullmatch(path)]
    assert sorted(pages(CONFIG["nav"])) == sorted(wanted)


def test_fonts_and_analytics_are_off() -> None:
    assert CONFIG["theme"]["font"] is False
    assert "analytics" not in CONFIG.get("extra", {})


def test_every_page_begins_with_one_title() -> None:
    for path in pages(CONFIG["nav"]):
        text = re.sub(
            r"^```.*?^```", "", (DOCS / path).read_text("utf-8"), flags=re.MULTILINE | re.DOTALL
        )
        assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1, path


def test_the_generator_is_pinned_with_hashes_and_no_address() -> None:
    text = (ROOT / "constraints-docs.txt").read_text(encoding="utf-8")
    assert re.search(r"^zensical==0\.0\.73 ", text, re.MULTILINE)
    assert "://" not in text
    requirements = text.replace("\\\n", " ").splitlines()
    assert [line for line in requirements if "--hash=sha256:" not in line] == []


def site(folder: Path, body: str) -> Path:
    (folder / "index.html").write_text(f'<a id="top">x</a>{body}', encoding="utf-8")
    (folder / "other.html").write_text('<h2 id="there">x</h2>', encoding="utf-8")
    (folder / "own.js").write_text("", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "body",
    [
        '<a href="other.html#there">x</a><a href="#top">x</a><script src="own.js"></script>',
        '<a href="https://example.com/">a link loads nothing</a>',
        '<a href="mailto:nobody">x</a><img src="data:image/gif;base64,AA==">',
    ],
)
def test_a_good_site_has_no_problem(checker: ModuleType, tmp_path: Path, body: str) -> None:
    assert list(checker.problems(site(tmp_path, body))) == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('<script src="https://cdn.example.com/x.js"></script>', "loads https://cdn"),
        ('<link rel="stylesheet" href="//fonts.example.com/a.css">', "loads //fonts"),
        ('<a href="missing.html">x</a>', "leads nowhere: missing.html"),
        ('<a href="other.html#gone">x</a>', "leads nowhere: other.html#gone"),
        ('<a href="../outside.toml">x</a>', "leads nowhere: ../outside.toml"),
    ],
)
def test_what_is_wrong_is_told(
    checker: ModuleType, tmp_path: Path, body: str, problem: str
) -> None:
    (found,) = checker.problems(site(tmp_path, body))
    assert problem in found


def test_a_style_that_loads_from_elsewhere_is_told(checker: ModuleType, tmp_path: Path) -> None:
    (site(tmp_path, "") / "a.css").write_text("a{background:url(https://x.example/y)}", "utf-8")
    (found,) = checker.problems(tmp_path)
    assert "a.css: loads from elsewhere" in found


def test_a_site_without_pages_is_no_site(checker: ModuleType, tmp_path: Path) -> None:
    (found,) = checker.problems(tmp_path)
    assert "no page was built" in found
