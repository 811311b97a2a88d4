"""`make eval`: recorded real data through real servers; one table, JSON under build/eval/."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Mapping

from tests.eval import candidates, cascade, early_stop, infilling, offline, routing
from tests.eval.recorded import DATA
from tests.eval.table import Row, keep, show

PARTS: Mapping[str, Callable[[], Awaitable[list[Row]]]] = {
    infilling.PART: infilling.measure,
    cascade.PART: cascade.measure,
    early_stop.PART: early_stop.measure,
    candidates.PART: candidates.measure,
    offline.SELECTION: offline.measure_selection,
    offline.CALIBRATION: offline.measure_calibration,
    routing.PART: routing.measure,
}


def main() -> int:
    """Run the parts asked for; return 0 when no bar was missed."""
    parser = argparse.ArgumentParser(prog="make eval", description=__doc__)
    parser.add_argument("--part", action="append", choices=[*PARTS], help="default: all of them")
    parts = parser.parse_args().part or list(PARTS)
    if not DATA.is_dir():
        print(f"eval skipped: no recorded data in {DATA} (set ENSEMBLE_DATA)")
        return 0
    rows: list[Row] = []
    for part in parts:
        began = time.monotonic()
        found = asyncio.run(PARTS[part]())
        print(f"{part}: {time.monotonic() - began:.0f} s", file=sys.stderr)
        keep(part, found)
        rows += found
    show(rows)
    return 1 if any(row.missed for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
