"""`python -m tests.conformance`: run the reliability suite; exits 1 on any miss."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.conformance.rig import Scenario
from tests.conformance.rows import Row, table
from tests.conformance.scenarios import ALL
from tests.conformance.suite import run
from tests.conformance.target import run_foreign

OUTPUT = Path("build/conformance/result.json")


def say(line: str) -> None:
    """Tell how far it is, apart from the result."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - a command


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("names", nargs="*", help="scenarios, by name or the start of it")
    parser.add_argument("--list", action="store_true", help="say what there is, and run nothing")
    parser.add_argument("--json", type=Path, default=OUTPUT, help="where the result is written")
    parser.add_argument("--target", help="base URL of another gateway's OpenAI door, with /v1")
    parser.add_argument("--model", default="primary", help="the model to ask the target for")
    parser.add_argument(
        "--ports", default="18080,18081", help="ports of primary and fallback for the target"
    )
    parser.add_argument(
        "--wait", type=float, default=60.0, help="seconds to wait for the target to answer"
    )
    return parser.parse_args()


def chosen(names: Sequence[str], *, foreign: bool) -> list[Scenario]:
    """Return the scenarios meant. Raises SystemExit for a name that is none."""
    there = [scenario for scenario in ALL if scenario.foreign or not foreign]
    unknown = [name for name in names if not any(one.name.startswith(name) for one in there)]
    if unknown:
        raise SystemExit(f"no such scenario: {', '.join(unknown)}")
    return [one for one in there if not names or one.name.startswith(tuple(names))]


def write(path: Path, rows: Sequence[Row], took_s: float) -> None:
    """Write the rows with all their values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(took_s, 1),
        "rows": [row.values for row in rows],
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    """Run what is asked for; print the table and return the exit code."""
    given = arguments()
    scenarios = chosen(given.names, foreign=given.target is not None)
    if given.list:
        for one in scenarios:
            print(f"{one.name:<36}{one.purpose}  [{one.source or '-'}]")  # noqa: T201 - the result
        return 0
    started = time.monotonic()
    if given.target is None:
        rows = asyncio.run(run(scenarios, say))
    else:
        ports = [int(port) for port in given.ports.split(",")]
        rows = asyncio.run(
            run_foreign(scenarios, given.target, given.model, ports, given.wait, say)
        )
    took_s = time.monotonic() - started
    write(given.json, rows, took_s)
    missed = sum(row.verdict == "MISS" for row in rows)
    print(table(rows))  # noqa: T201 - the result
    say(f"{len(rows)} scenarios, {missed} missed, {took_s:.0f} s; all values in {given.json}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
