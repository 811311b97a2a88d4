"""`python -m tests.load.bench`: print the table, write it as JSON under build/bench/."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.load.bench.measure import WrongAnswerError
from tests.load.bench.processes import LOAD_CORE, TARGET_CORE
from tests.load.bench.rows import Row, table
from tests.load.bench.suite import Plan, growth, measure

OUTPUT = Path(__file__).resolve().parents[3] / "build" / "bench"


def say(line: str) -> None:
    """Tell how far it is, apart from the result."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - a command


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.bench", description=__doc__)
    parser.add_argument("--long", action="store_true", help="only the growth over 200,000 calls")
    parser.add_argument("--rounds", type=int, default=5, help="runs of a target in one pass")
    parser.add_argument("--seconds", type=float, default=0.7, help="length of one run")
    parser.add_argument("--streams", type=int, default=10_000, help="streams held open at once")
    return parser.parse_args()


def circumstances(took_s: float) -> dict[str, object]:
    """Return when, where and with what was measured."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "grpcio": version("grpcio"),
        "protobuf": version("protobuf"),
        "uvloop": version("uvloop"),
        "system": platform.platform(terse=True),
        "cores": os.cpu_count(),
        "pinned": TARGET_CORE != LOAD_CORE,
        "seconds": round(took_s, 1),
    }


def write(name: str, rows: Sequence[Row], took_s: float) -> Path:
    """Write the rows with all their values; return the path."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    path = OUTPUT / f"{name}.json"
    shown = [{**asdict(row), "median": row.median, "verdict": row.verdict} for row in rows]
    content = {**circumstances(took_s), "rows": shown}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path


def main() -> int:
    """Measure. Exits 1 when any answer was wrong; a missed bar is a result, not a failure."""
    given = arguments()
    started = time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as folder:
            plan = Plan(Path(folder), given.rounds, given.seconds, given.streams)
            rows = growth(plan) if given.long else measure(plan, say)
    except WrongAnswerError as error:
        say(f"a wrong answer, so nothing is reported: {error}")
        return 1
    took_s = time.monotonic() - started
    path = write("growth" if given.long else "bench", rows, took_s)
    print(table(rows))  # noqa: T201 - the result
    say(f"{took_s:.0f} s; all values in {path.relative_to(Path.cwd())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
