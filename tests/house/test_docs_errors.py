"""docs/errors.md says what the code does: every reason, its kinds, its status; every exit code."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from google.rpc.code_pb2 import Code

from gateway.cli.exits import Exit
from gateway.core.endpoint import Endpoint
from gateway.core.faults import CATEGORIES, Category, Kind, Reason
from gateway.ensemble.ending import no_answer
from gateway.upstreams import errors
from gateway.upstreams.errors import ForeignError
from gateway.wire.failure import CODES
from tests.house.sources import ROOT, python_files, tree

PAGE = ROOT / "docs" / "errors.md"
DEFINITION = ROOT / "gateway" / "core" / "faults.py"
ROWS = tuple(row for row in vars(errors).values() if isinstance(row, ForeignError))
MAKERS = {"Fault", "ForeignError", "_fault", "not_called"}
UNAVAILABLE = ast.parse("Kind.UNAVAILABLE", mode="eval").body
"""The kind of an endpoint that was not called, unless said otherwise."""


@dataclass(frozen=True, slots=True)
class Row:
    reason: str
    seen_in: str
    kinds: tuple[str, ...]
    statuses: tuple[str, ...]
    when: str
    advice: str


def table(header: str) -> list[list[str]]:
    """The cells of the table that starts with this header, its two heading lines left out."""
    lines = PAGE.read_text(encoding="utf-8").split("\n")
    start = lines.index(header) + 2
    end = next(place for place in range(start, len(lines)) if not lines[place].startswith("|"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[start:end]]


@cache
def rows() -> dict[str, Row]:
    header = "| reason | seen in | kind | gRPC status | when | what the caller should do |"
    found: dict[str, Row] = {}
    for reason, seen_in, kinds, statuses, when, advice in table(header):
        name = reason.strip("`")
        found[name] = Row(
            name,
            seen_in,
            () if kinds == "-" else tuple(kinds.split(", ")),
            tuple(re.findall(r"`(\w+)`", statuses)),
            when,
            advice,
        )
    return found


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for path in python_files("gateway"):
        yield path, tree(path)


def members(node: ast.AST, enum: str) -> list[str]:
    """The members of an enum that an expression names, in order."""
    return [
        part.attr
        for part in ast.walk(node)
        if isinstance(part, ast.Attribute)
        and isinstance(part.value, ast.Name)
        and part.value.id == enum
    ]


def branches(node: ast.expr) -> list[ast.expr]:
    return [node.body, node.orelse] if isinstance(node, ast.IfExp) else [node]


def pairs_of(call: ast.Call) -> Iterator[tuple[str, str]]:
    """The pairs of reason and kind that a call may make; both may depend on one condition."""
    named = [keyword.value for keyword in call.keywords]
    kinds: list[ast.expr] = [arg for arg in (*call.args, *named) if members(arg, "Kind")]
    reasons = [arg for arg in call.args if members(arg, "Reason")]
    if not kinds and isinstance(call.func, ast.Name) and call.func.id == "not_called":
        kinds = [UNAVAILABLE]
    if not kinds or not reasons:
        return
    one, other = branches(kinds[0]), branches(reasons[0])
    if len(one) != len(other):
        one, other = one * len(other), [each for each in other for _ in one]
    for kind, reason in zip(one, other, strict=True):
        for name in members(reason, "Reason"):
            yield name, members(kind, "Kind")[0]


@cache
def kinds_in_code() -> dict[str, set[str]]:
    """For each reason, every kind that it is raised with, as far as the source says it."""
    found: dict[str, set[str]] = defaultdict(set)
    for path, module in sources():
        calls = [node for node in ast.walk(module) if isinstance(node, ast.Call)]
        for call in calls if path != DEFINITION else ():
            if isinstance(call.func, ast.Name) and call.func.id in MAKERS:
                for reason, kind in pairs_of(call):
                    found[reason].add(kind)
    return found


def test_the_table_has_exactly_the_reasons_in_their_order() -> None:
    assert list(rows()) == [reason.name for reason in Reason]


@pytest.mark.parametrize("reason", [reason.name for reason in Reason])
def test_a_reason_has_the_status_of_its_kind(reason: str) -> None:
    row = rows()[reason]
    if row.seen_in == "attempt":
        assert row.statuses == ()
    else:
        assert row.statuses == tuple(Code.Name(CODES[Kind(kind)]) for kind in row.kinds)
        assert row.kinds
    assert row.seen_in in {"status", "attempt", "both"}
    assert row.when
    assert row.advice


@pytest.mark.parametrize("reason", sorted(kinds_in_code()))
def test_a_reason_has_the_kinds_that_the_code_gives_it(reason: str) -> None:
    assert {Kind(kind).name for kind in rows()[reason].kinds} == kinds_in_code()[reason]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.words)
def test_a_foreign_error_reaches_the_caller_only_where_the_table_says_so(
    row: ForeignError,
) -> None:
    ending = no_answer([row.fault(Endpoint("alone"))])
    reaches = ending.reason is row.reason
    assert (rows()[row.reason.name].seen_in != "attempt") is reaches


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_used_by_the_gateway(reason: Reason) -> None:
    users = [
        path
        for path, module in sources()
        if path != DEFINITION and reason.name in members(module, "Reason")
    ]
    assert users, f"{reason} is in the contract, and nothing raises it"


def test_the_categories_are_those_of_the_code() -> None:
    listed = [name.strip("`") for name, _ in table("| category | what it says |")]
    assert listed == [category.value for category in Category]
    assert set(CATEGORIES) == set(Kind)


def test_the_exit_codes_are_those_of_the_command_line() -> None:
    listed = [(int(code), name.strip("`")) for code, name, _ in table("| code | name | when |")]
    assert listed == [(int(code), code.name) for code in Exit]


def test_the_exit_codes_that_no_command_uses_are_marked() -> None:
    commands = ROOT / "gateway" / "cli"
    used = {
        name
        for path, module in sources()
        if path.is_relative_to(commands)
        for name in members(module, "Exit")
    }
    marked = {
        name.strip("`")
        for _, name, when in table("| code | name | when |")
        if when.endswith("no command of this version ends so")
    }
    assert {code.name for code in Exit} - used - {"OK"} == marked
