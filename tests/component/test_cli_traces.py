"""`ensemble trace`, `traces` and `replay` against a running gateway."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.cli.exits import Exit
from gateway.cli.main import app
from tests.fakes.script import Failure, Script
from tests.fakes.traced import Traced


@pytest.fixture
async def served() -> AsyncIterator[Traced]:
    async with Traced(learning={"builtin_topics": True}) as gateway:
        yield gateway


async def run(served: Traced, *arguments: str) -> Result:
    target = f"127.0.0.1:{served.door.port}"
    return await asyncio.to_thread(CliRunner().invoke, app, [*arguments, "--target", target])


async def test_a_trace_is_printed_as_a_tree_with_times_and_reasons(served: Traced) -> None:
    result = await run(served, "trace", "--prompt", "def f():\n    return ")
    assert result.exit_code == Exit.OK, result.stderr
    lines = result.stdout.splitlines()
    assert ": ok in " in lines[0]
    assert any(line.lstrip().startswith("route ") and "a > b" in line for line in lines)
    assert any(line.startswith("   match[keyword]") and "no keyword" in line for line in lines)
    assert any("a try 1: 3 tokens" in line for line in lines)
    assert any("non_empty passed" in line for line in lines)
    assert any(line.startswith("decided by") and "rules (fast_match)" in line for line in lines)
    assert "return a + b" in result.stdout


async def test_a_failed_fill_is_shown_and_ends_with_its_code() -> None:
    broken = Script(failure=Failure.UNAVAILABLE)
    async with Traced(broken, broken) as served:
        result = await run(served, "trace", "--prompt", "x = ")
        assert result.exit_code == Exit.FAILED
        assert "ALL_ENDPOINTS_FAILED" in result.stdout
        assert "UPSTREAM_UNAVAILABLE" in result.stdout
        assert "(ALL_ENDPOINTS_FAILED)" in result.stderr


async def test_a_dry_run_calls_nobody_and_prints_json(served: Traced) -> None:
    result = await run(served, "trace", "--prompt", "x = ", "--dry-run", "--json")
    document = json.loads(result.stdout)
    assert document["trace"]["dry_run"] is True
    assert served.asked() == [0, 0]


async def test_a_recorded_trace_is_run_again_and_compared(served: Traced, tmp_path: Path) -> None:
    file = tmp_path / "trace.json"
    saved = await run(served, "trace", "--prompt", "x = ", "--save", str(file))
    assert saved.exit_code == Exit.OK, saved.stderr
    again = await run(served, "replay", str(file))
    assert again.exit_code == Exit.OK, again.stdout
    assert " no" not in {line[-3:] for line in again.stdout.splitlines()}
    served.models[0].script = Script(("another text",))
    document = json.loads(file.read_text())
    document["result"]["response"]["text"] = "what it was before"
    file.write_text(json.dumps(document))
    differs = await run(served, "replay", str(file), "--json")
    assert differs.exit_code == Exit.FAILED
    compared = json.loads(differs.stdout)
    assert compared["text"]["before"] != compared["text"]["after"]
    assert compared["chain"]["before"] == compared["chain"]["after"]


async def test_a_replay_stops_where_an_endpoint_is_missing(served: Traced, tmp_path: Path) -> None:
    """V-09: what cannot be reproduced is not tried."""
    file = tmp_path / "trace.json"
    await run(served, "trace", "--prompt", "x = ", "--save", str(file))
    document = json.loads(file.read_text())
    document["result"]["response"]["attempts"][0]["endpoint"] = "gone"
    file.write_text(json.dumps(document))
    result = await run(served, "replay", str(file))
    assert result.exit_code == Exit.FAILED
    assert "no endpoint gone" in result.stderr
    assert served.asked() == [1, 0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "was not written by"),
        ("[]", "was not written by"),
        ('{"trace_file_version": 9}', "of version 9"),
        (None, "cannot be read"),
    ],
)
async def test_a_file_that_is_no_trace_is_refused(
    served: Traced, tmp_path: Path, text: str | None, words: str
) -> None:
    file = tmp_path / "trace.json"
    if text is not None:
        file.write_text(text)
    result = await run(served, "replay", str(file))
    assert result.exit_code == Exit.USAGE
    assert words in result.stderr


async def test_traces_are_listed_shown_and_exported(served: Traced, tmp_path: Path) -> None:
    answer = await served.generate(trace=True)
    listed = await run(served, "traces", "list", "--status", "ok", "--slower-ms", "0.001")
    assert listed.stdout.startswith("1 traces, newest first")
    assert answer.trace_id in listed.stdout
    document = json.loads((await run(served, "traces", "list", "--json")).stdout)
    assert document["traces"][0]["trace_id"] == answer.trace_id
    shown = await run(served, "traces", "show", answer.trace_id)
    assert "attempt[0]" in shown.stdout
    shown_json = await run(served, "traces", "show", answer.request_id, "--json")
    assert json.loads(shown_json.stdout)["trace_id"] == answer.trace_id
    file = tmp_path / "traces.csv"
    written = await run(served, "traces", "export", "--format", "csv", "--output", str(file))
    assert (written.exit_code, written.stdout) == (Exit.OK, "")
    assert file.read_text().splitlines()[1].startswith(answer.trace_id)
    printed = await run(served, "traces", "export")
    assert json.loads(printed.stdout)["trace_id"] == answer.trace_id


async def test_traces_are_cleared(served: Traced) -> None:
    await served.generate(trace=True)
    cleared = await run(served, "traces", "clear")
    assert (cleared.exit_code, cleared.stdout) == (Exit.OK, "1 traces removed\n")
    assert await served.listed() == []


async def test_what_cannot_be_found_or_written_says_so(served: Traced, tmp_path: Path) -> None:
    unknown = await run(served, "traces", "show", "nobody")
    assert unknown.exit_code == Exit.FAILED
    assert "UNKNOWN_TRACE" in unknown.stderr
    here = str(tmp_path)
    for arguments in (
        ("traces", "export", "--output", here),
        ("trace", "--prompt", "x = ", "--save", here),
    ):
        result = await run(served, *arguments)
        assert result.exit_code == Exit.FAILED
        assert "cannot be written" in result.stderr
