"""The TypeScript client: its files hold to the rules, and, when asked for, it is built and run."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from ensemble_client.channel import service_config

from tests.interop import typescript
from tests.interop.rows import rows_of

PROJECT = typescript.PROJECT
MADE = {"node_modules", "gen", "dist"}
FILES = [
    path
    for path in sorted(PROJECT.rglob("*"))
    if path.is_file() and path.relative_to(PROJECT).parts[0] not in MADE
]


@pytest.mark.timeout(600)
def test_the_client_passes_its_cases(tmp_path: Path) -> None:
    if os.environ.get("TYPESCRIPT") != "1":
        pytest.skip("npm and the compiler take their time: `make typescript`, or set TYPESCRIPT=1")
    rows = list(rows_of(typescript, tmp_path))
    if rows[0].passed is None:
        pytest.skip(rows[0].detail)
    assert [row for row in rows if not row.passed] == []
    assert len(rows) > len(typescript.SAW)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_file_names_a_registry(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"https?://\w[\w.-]*\.\w+|\"resolved\"", text) == []


def test_every_version_is_exact_and_every_package_has_its_digest() -> None:
    package = json.loads((PROJECT / "package.json").read_text(encoding="utf-8"))
    wanted = {**package["dependencies"], **package["devDependencies"]}
    assert [version for version in wanted.values() if not re.fullmatch(r"[\d.]+", version)] == []
    locked = json.loads((PROJECT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    own = locked.pop("")
    assert {**own["dependencies"], **own["devDependencies"]} == wanted
    assert [name for name, found in locked.items() if "integrity" not in found] == []


def test_what_is_made_is_not_committed() -> None:
    ignored = (PROJECT / ".gitignore").read_text(encoding="utf-8").split()
    assert {f"{name}/" for name in MADE} <= set(ignored)


def test_the_program_of_its_page_is_the_example_that_is_run() -> None:
    page = (PROJECT / "README.md").read_text(encoding="utf-8")
    [shown] = re.findall(r"^```typescript\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert shown == (PROJECT / "example" / "short.ts").read_text(encoding="utf-8")


def test_both_clients_retry_by_the_same_rules() -> None:
    retry = (PROJECT / "src" / "retry.ts").read_text(encoding="utf-8")
    methods, never = json.loads(service_config())["methodConfig"]
    policy = methods["retryPolicy"]
    assert f"const ATTEMPTS = {policy['maxAttempts']};" in retry
    assert policy["retryableStatusCodes"] == ["UNAVAILABLE"]
    assert (policy["initialBackoff"], policy["maxBackoff"]) == ("0.1s", "1s")
    assert "FIRST_BACKOFF_MS = 100;\nconst LONGEST_BACKOFF_MS = 1_000;" in retry
    [found] = re.findall(r"NEVER = new Set\(\[(.*)\]\)", retry)
    assert set(re.findall(r"\w+", found)) == {one["method"] for one in never["name"]}


@pytest.mark.parametrize("missing", ["node", "npm"])
def test_without_node_the_suite_is_skipped_with_the_words(
    missing: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(
        typescript.shutil, "which", lambda name: None if name == missing else f"/bin/{name}"
    )
    [row] = rows_of(typescript, tmp_path)
    assert (row.passed, row.detail) == (None, "Node.js or npm is not installed")
