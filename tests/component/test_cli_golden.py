"""`ensemble analyze --golden` against a scripted gateway."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from gateway.cli.exits import Exit
from gateway.cli.main import app
from tests.fakes.gateway_server import FakeGateway, says
from tests.fakes.learned_decisions import ROUTED

ROUTES = (
    {"id": "1", "prompt": "x", "ideal_endpoint": "fast", "difficulty": "easy", "task": "repair"},
    {"id": "2", "prompt": "y", "ideal_endpoint": "strong", "difficulty": "hard", "kind": "block"},
)


def run(folder: Path, text: str, *arguments: str) -> tuple[Result, list[object]]:
    file = folder / "golden.jsonl"
    file.write_text(text, "utf-8")
    with FakeGateway(Route=says(ROUTED)) as gateway:
        options = ("--golden", str(file), "--target", gateway.target)
        result = CliRunner().invoke(app, ["analyze", *options, *arguments])
        return result, [seen.request.request for seen in gateway.seen]


def lines(*rows: object) -> str:
    return "\n".join(json.dumps(row) for row in rows)


def test_the_share_of_right_routes_is_shown_by_difficulty(tmp_path: Path) -> None:
    result, sent = run(tmp_path, lines(*ROUTES))
    shown = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert result.exit_code == Exit.OK
    assert any(line.startswith("easy 100.0% of 1 100.0% of 1") for line in shown)
    assert any(line.startswith("hard 100.0% of 1 0.0% of 1") for line in shown)
    assert any(line.startswith("all 100.0% of 2 50.0% of 2") for line in shown)
    assert [dict(request.labels) for request in sent] == [{"task": "repair"}, {}]


def test_the_scores_are_there_as_json_too(tmp_path: Path) -> None:
    result, _ = run(tmp_path, lines(*ROUTES), "--json")
    assert json.loads(result.stdout)["all"]["right"] == "50.0% of 2"


def test_a_broken_line_is_named_before_anything_is_asked(tmp_path: Path) -> None:
    result, sent = run(tmp_path, lines(ROUTES[0], {"id": "2"}))
    assert result.exit_code == Exit.USAGE
    assert "line 2: prompt" in result.stderr
    assert sent == []


def test_a_file_without_routes_is_refused(tmp_path: Path) -> None:
    result, _ = run(tmp_path, "\n")
    assert result.exit_code == Exit.USAGE
    assert "no golden route" in result.stderr


def test_a_policy_and_golden_routes_are_not_judged_at_once(tmp_path: Path) -> None:
    result, _ = run(tmp_path, lines(*ROUTES), "--policy", "policy.toml")
    assert result.exit_code == Exit.USAGE
    assert "choose one" in result.stderr
