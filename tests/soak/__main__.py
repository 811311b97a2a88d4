"""`python -m tests.soak --seconds N`: run the soak; exits 1 on any miss."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from tests.soak.readings import SHORTEST_S, SLOPE_BAR_MIB
from tests.soak.run import Soak, run
from tests.soak.traffic import WEIGHTS

OUTPUT = Path("build/soak/result.json")


def say(line: str) -> None:
    """Tell how far it is, apart from the result."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - a command


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="time with traffic, from 30")
    parser.add_argument("--json", type=Path, default=OUTPUT, help="where the result is written")
    parser.add_argument(
        "--without", action="append", default=[], choices=list(WEIGHTS), help="leave a kind out"
    )
    parser.add_argument("--tracemalloc", action="store_true", help="tell what grew")
    parser.add_argument("--calm", action="store_true", help="without faults")
    given = parser.parse_args()
    if given.seconds < 30:
        parser.error("--seconds must be at least 30")
    return given


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown; the first line is its head."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    shown = [
        "| "
        + " | ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    ]
    return "\n".join(
        [shown[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *shown[1:]]
    )


def report(soak: Soak) -> str:
    """Return everything a reader should see."""
    parts = [aligned(soak.tally.table()), aligned(soak.readings.table())]
    sizes, slope = soak.readings.sizes, soak.readings.slope
    if slope is not None:
        mib = [one / 2**20 for one in sizes]
        judged = "" if soak.readings.span_s >= SHORTEST_S else ", not judged over so short a time"
        parts.append(
            f"memory under load: {mib[0]:.2f} MiB at first, {mib[-1]:.2f} at last, "
            f"{min(mib):.2f} to {max(mib):.2f}; slope {slope.mib:+.2f} MiB in ten minutes "
            f"(quartiles {slope.low:+.2f} to {slope.high:+.2f}; below {SLOPE_BAR_MIB:g}{judged})"
        )
    last = soak.readings.samples[-1] if soak.readings.samples else {}
    did = ", ".join(
        f"{last.get(name)} {name}" for name in ("retries", "hedges", "shed", "replayed")
    )
    parts.append(f"the gateway's guards: {did}; it ended with {soak.exit_code}")
    parts.append("faults: " + ", ".join(f"{count} {name}" for name, count in soak.faults.items()))
    if soak.grown:
        parts += [f"traced growth {soak.grown['total']} bytes", *soak.grown["lines"]]
        parts.append(json.dumps(soak.grown["objects"], indent=1))
    parts += [f"its log: {line[:300]}" for line in soak.log_lines[-3:]]
    parts += [f"MISS {words}" for words in soak.misses]
    return "\n\n".join(parts)


def values(soak: Soak) -> dict[str, object]:
    """Return everything, for a file."""
    slope = soak.readings.slope
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": soak.seconds,
        "without": sorted(soak.without),
        "calm": soak.calm,
        "misses": soak.misses,
        "exit_code": soak.exit_code,
        "slope_mib_in_ten_minutes": None if slope is None else asdict(slope),
        "requests": soak.tally.counts,
        "codes": soak.tally.codes,
        "faults": soak.faults,
        "quiet": soak.readings.quiet,
        "times": soak.readings.times,
        "samples": soak.readings.samples,
        "traced": soak.grown,
        "log": soak.log_lines[-100:],
    }


def main() -> int:
    """Run what is asked for; print the tables and return the exit code."""
    given = arguments()
    soak = Soak(given.seconds, frozenset(given.without), traced=given.tracemalloc, calm=given.calm)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        asyncio.run(run(soak, Path(folder), say))
    misses = soak.misses
    print(report(soak))  # noqa: T201 - the result
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(values(soak), indent=1) + "\n", encoding="utf-8")
    say(f"{'MISS' if misses else 'ok'}; all values in {given.json}")
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
