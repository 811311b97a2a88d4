"""`python -m tests.interop`: run the suites of the peers; exits 1 when a case failed."""

from __future__ import annotations

import argparse
import json
import time
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import cast

from tests.interop.rows import Row, Suite, rows_of, table
from tests.interop.venvs import say

SUITES = (
    "openai_client",
    "llama_server",
    "litellm_proxy",
    "oip_mlserver",
    "oip_tritonclient",
    "oip_grpc_js",
    "typescript",
    "locust_run",
)
"""The modules of this package that hold a suite, in the order run."""
WORK = Path("build/interop")


def main() -> int:
    """Run what is asked for; print the table and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.interop", description=__doc__)
    parser.add_argument("names", nargs="*", help="suites, by name or the start of it; none = all")
    names = tuple(parser.parse_args().names)
    chosen = [name for name in SUITES if name.startswith(names or "")]
    if not chosen:
        parser.error(f"no such suite; there are {', '.join(SUITES)}")
    started, rows = time.monotonic(), list[Row]()
    for name in chosen:
        say(name)
        for row in rows_of(named(name), WORK / name):
            say(f"  {row.case}: {row.result} {row.detail}")
            rows.append(row)
    write(rows, time.monotonic() - started)
    print(table(rows))  # noqa: T201 - the result
    return int(any(row.passed is False for row in rows))


def named(name: str) -> Suite:
    """Import a suite."""
    return cast("Suite", import_module(f"tests.interop.{name}"))


def write(rows: list[Row], took_s: float) -> None:
    """Write the rows for a program to read."""
    document = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(took_s, 1),
        "rows": [
            {
                "peer": row.peer,
                "version": row.version,
                "case": row.case,
                "result": row.result,
                "detail": row.detail,
            }
            for row in rows
        ],
    }
    WORK.mkdir(parents=True, exist_ok=True)
    (WORK / "result.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
