"""Bad arguments of a tool are refused by name, with what to do, and without their words."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ensemble_client import Client
from ensemble_client.errors import InvalidRequest, invalid

from gateway.cli.mcp_server.arguments import (
    Export,
    FillHole,
    Hole,
    NoArguments,
    OneTrace,
    RecentTraces,
)
from gateway.cli.mcp_server.catalog import TOOLS
from gateway.cli.mcp_server.refusals import Refusal, argument_of, failure_of, read
from tests.house.sources import ROOT

SECRET = "sk-planted-0123456789"
BAD: list[tuple[Any, dict[str, Any], str, str]] = [
    (NoArguments, {"x": 1}, "x", "takes nothing"),
    (RecentTraces, {"count": 0}, "count", "greater than or equal to 1"),
    (RecentTraces, {"count": 101}, "count", "less than or equal to 100"),
    (RecentTraces, {"count": "10"}, "count", "valid integer"),
    (RecentTraces, {"count": True}, "count", "valid integer"),
    (RecentTraces, {"count": 1.5}, "count", "valid integer"),
    (RecentTraces, {"count": None}, "count", "valid integer"),
    (RecentTraces, {"status": "great"}, "status", "'ok', 'failed' or 'cancelled'"),
    (RecentTraces, {"endpoint": ""}, "endpoint", "at least 1 character"),
    (RecentTraces, {"endpoint": "x" * 257}, "endpoint", "at most 256 characters"),
    (RecentTraces, {"slower_ms": -1}, "slower_ms", "greater than or equal to 0"),
    (RecentTraces, {"slower_ms": float("nan")}, "slower_ms", "finite"),
    (RecentTraces, {"slower_ms": 1e300}, "slower_ms", "less than"),
    (RecentTraces, {"skip": 1}, "skip", "which takes count, status, endpoint, slower_ms"),
    (OneTrace, {}, "id", "is required"),
    (OneTrace, {"id": ""}, "id", "at least 1 character"),
    (OneTrace, {"id": "x" * 257}, "id", "at most 256"),
    (OneTrace, {"id": 5}, "id", "valid string"),
    (Export, {}, "format", "is required"),
    (Export, {"format": "xml"}, "format", "'json' or 'csv'"),
    (Export, {"format": "../csv"}, "format", "'json' or 'csv'"),
    (Export, {"format": "csv", "path": "/tmp/x"}, "path", "leave it out"),
    (Hole, {}, "prompt", "is required"),
    (Hole, {"prompt": ""}, "prompt", "at least 1 character"),
    (Hole, {"prompt": "x" * (2**21 + 1)}, "prompt", "at most 2097152"),
    (Hole, {"prompt": ["x"]}, "prompt", "valid string"),
    (Hole, {"prompt": "x", "suffix": "x" * (2**21 + 1)}, "suffix", "at most 2097152"),
    (Hole, {"prompt": "x", "language": "x" * 65}, "language", "at most 64"),
    (Hole, {"prompt": "x", "kind": "huge"}, "kind", "'expression'"),
    (Hole, {"prompt": "x", "expected_type": "x" * 4097}, "expected_type", "at most 4096"),
    (Hole, {"prompt": "x", "regex": "x" * 65_537}, "regex", "at most 65536"),
    (Hole, {"prompt": "x", "json_schema": "x" * 262_145}, "json_schema", "at most 262144"),
    (Hole, {"prompt": "x", "json_schema": {"a": 1}}, "json_schema", "valid string"),
    (Hole, {"prompt": "x", "forbidden_text": "x"}, "forbidden_text", "valid list"),
    (Hole, {"prompt": "x", "forbidden_text": [""]}, "forbidden_text.0", "at least 1"),
    (Hole, {"prompt": "x", "forbidden_text": ["x"] * 65}, "forbidden_text", "at most 64"),
    (Hole, {"prompt": "x", "objective": "free"}, "objective", "'cheapest'"),
    (Hole, {"prompt": "x", "routing_mode": "x"}, "routing_mode", "'learned'"),
    (Hole, {"prompt": "x", "task": "x" * 129}, "task", "at most 128"),
    (Hole, {"prompt": "x", "max_tokens": 5}, "max_tokens", "leave it out"),
    (FillHole, {"prompt": "x", "max_tokens": 0}, "max_tokens", "greater than or equal to 1"),
    (FillHole, {"prompt": "x", "temperature": 2.1}, "temperature", "less than or equal to 2"),
    (FillHole, {"prompt": "x", "seed": -1}, "seed", "greater than or equal to 0"),
    (FillHole, {"prompt": "x", "seed": 2**64}, "seed", "less than or equal to"),
    (FillHole, {"prompt": "x", "n": 17}, "n", "less than or equal to 16"),
    (FillHole, {"prompt": "x", "trace": "yes"}, "trace", "valid boolean"),
]


@pytest.mark.parametrize(("kind", "given", "field", "words"), BAD, ids=str)
def test_a_bad_argument_is_named_with_what_to_do(
    kind: Any, given: dict[str, Any], field: str, words: str
) -> None:
    """K-02: errors are typed, and say which field and how to mend it."""
    with pytest.raises(Refusal) as caught:
        read(kind, given)
    failure = caught.value.failure
    assert (failure.code, failure.reason) == ("INVALID_ARGUMENT", "INVALID_FIELD")
    (at_fault,) = failure.fields
    assert at_fault.field == field
    assert words in at_fault.fix
    assert f"{field}: " in failure.message


def test_every_argument_of_every_tool_is_refused_at_least_once() -> None:
    kinds: tuple[Any, ...] = (RecentTraces, OneTrace, Export, Hole, FillHole)
    known = {name for kind in kinds for name in kind.model_fields}
    assert known <= {field.partition(".")[0] for _, _, field, _ in BAD}


def test_several_bad_arguments_are_all_named() -> None:
    with pytest.raises(Refusal) as caught:
        read(FillHole, {"n": 0, "seed": "x"})
    assert [one.field for one in caught.value.failure.fields] == ["prompt", "seed", "n"]


def test_what_was_given_is_never_repeated() -> None:
    """V-08: an argument of the wrong kind may be a prompt."""
    given = {"prompt": [SECRET], "language": SECRET * 9, "kind": SECRET, "n": SECRET}
    with pytest.raises(Refusal) as caught:
        read(FillHole, given)
    assert len(caught.value.failure.fields) == 4
    assert SECRET not in caught.value.failure.model_dump_json()


@pytest.mark.parametrize(
    ("path", "argument"),
    [
        ("prompt", "prompt"),
        ("hole.language", "language"),
        ("sampling.max_tokens", "max_tokens"),
        ("constraints[0].json_schema.schema", "json_schema"),
        ("labels.task", "task"),
        ("endpoint_filter.required_tags", "endpoint_filter.required_tags"),
    ],
)
def test_a_field_of_the_contract_is_named_as_the_tool_names_it(path: str, argument: str) -> None:
    assert argument_of(path, FillHole) == argument
    failure = failure_of(invalid(path, "mend it"), FillHole)
    assert (failure.fields[0].field, failure.fields[0].fix) == (argument, "mend it")


def test_what_a_schema_lets_through_may_still_be_too_large_to_send() -> None:
    """A character may take four bytes."""
    asked = read(Hole, {"prompt": "\N{SNOWMAN}" * 2**20})
    with Client("127.0.0.1:1") as client, pytest.raises(InvalidRequest) as caught:
        client.route(asked.prompt, **asked.request_fields())
    assert failure_of(caught.value, Hole).fields[0].field == "prompt"


def test_the_page_names_every_tool_with_every_argument() -> None:
    page = (ROOT / "docs" / "mcp.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##)", page, re.MULTILINE | re.DOTALL))
    assert sections.keys() == {tool.name for tool in TOOLS}
    sections["generate"] += sections["explain_route"]
    for tool in TOOLS:
        named = set(re.findall(r"^\| `(\w+)` \|", sections[tool.name], re.MULTILINE))
        assert named == set(tool.arguments.model_fields), tool.name
