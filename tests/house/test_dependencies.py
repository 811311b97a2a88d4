"""The pinned set names versions and hashes, no addresses, and nothing known to do harm."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions

import pytest

from tests.house.sources import ROOT, python_files, tree

# Each breaks OTLP export or hangs with grpc.aio.
DENIED = {"xds-protos", "grpcio-admin", "grpcio-observability"}
OURS = {"gateway", "ensemble", "ensemble_client", "ensemble_loadtest"}
GRPC = {"grpcio", "grpcio-health-checking", "grpcio-reflection", "grpcio-status", "grpcio-tools"}


@cache
def pinned() -> list[tuple[str, str, str]]:
    """Return name, version and the rest (marker and hashes) of every requirement."""
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    found = [re.fullmatch(r"([a-z0-9-]+)==(\S+)(.*)", line) for line in text.splitlines()]
    assert all(found), "a line of constraints.txt that is not name==version"
    return [(match[1], match[2], match[3]) for match in found if match]


def test_every_requirement_has_hashes_and_no_address():
    assert [name for name, _, rest in pinned() if "--hash=sha256:" not in rest] == []
    assert [name for name, _, rest in pinned() if re.search(r"://|@|(?<!\w)/", rest)] == []


def test_nothing_denied_and_nothing_of_ours():
    # A stranger may hold our client's name in an index; ours comes from `clients/python` only.
    assert {name for name, _, _ in pinned()} & (
        DENIED | {"ensemble-client", "ensemble-loadtest"}
    ) == set()


def test_the_grpc_family_moves_together():
    assert len({version for name, version, _ in pinned() if name in GRPC}) == 1
    assert {name for name, _, _ in pinned()} >= GRPC


@pytest.mark.parametrize(
    "path",
    [
        "pyproject.toml",
        "clients/python/pyproject.toml",
        "clients/loadtest/pyproject.toml",
        "Makefile",
    ],
)
def test_no_file_of_the_build_names_an_index(path: str):
    text = (ROOT / path).read_text(encoding="utf-8")
    assert re.findall(r"(?:index|find)[-_](?:url|links)\s*=|simple/", text) == []


def imported(*, with_the_module: bool = False) -> set[str]:
    """The first name of every module of others that a file of the gateway imports.

    With `with_the_module` only of those that loading the file loads.
    """
    names: set[str] = set()
    for path in python_files("gateway"):
        module = tree(path)
        for node in module.body if with_the_module else ast.walk(module):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names - sys.stdlib_module_names - OURS


def declared(*, extras: bool) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    if extras:
        wanted += [one for extra in project["optional-dependencies"].values() for one in extra]
    return {re.split(r"[^A-Za-z0-9-]", one)[0] for one in wanted}


def undeclared(names: set[str], allowed: set[str]) -> dict[str, object]:
    providers = packages_distributions()
    return {
        name: providers.get(name)
        for name in names
        if not allowed & {one.lower().replace("_", "-") for one in providers.get(name, ())}
    }


def test_what_the_gateway_imports_is_declared():
    assert undeclared(imported(), declared(extras=True)) == {}


def test_what_only_an_extra_installs_is_imported_late():
    assert undeclared(imported(with_the_module=True), declared(extras=False)) == {}


def test_every_direct_dependency_is_pinned():
    assert declared(extras=True) - {name for name, _, _ in pinned()} == {
        "ensemble-client",
        "ensemble-loadtest",
    }
