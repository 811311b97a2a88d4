"""The rows of the quality suite: a number, its confidence interval and its bar."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

DRAWS = 2_000
FOLDER = Path("build/eval")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `low` and `high`: 95% bootstrap interval over tasks.

    `least` and `most` are the bars, None where there is none. `note` says what was counted.
    """

    part: str
    what: str
    value: float
    low: float | None = None
    high: float | None = None
    least: float | None = None
    most: float | None = None
    note: str = ""

    @property
    def missed(self) -> bool:
        """True when the value is beyond a bar."""
        below = self.least is not None and self.value < self.least
        above = self.most is not None and self.value > self.most
        return below or above


def interval(per_task: Sequence[float], seed: int = 2026) -> tuple[float, float]:
    """Bound the mean over tasks by the bootstrap: 2.5% and 97.5% of the means of redrawn tasks."""
    rng = random.Random(seed)
    means = sorted(fmean(rng.choices(per_task, k=len(per_task))) for _ in range(DRAWS))
    return means[int(0.025 * DRAWS)], means[int(0.975 * DRAWS) - 1]


def mean_row(
    part: str,
    what: str,
    per_task: Sequence[float],
    *,
    least: float | None = None,
    most: float | None = None,
    note: str = "",
) -> Row:
    """Make the row of a mean over tasks."""
    low, high = interval(per_task)
    return Row(part, what, fmean(per_task), low, high, least, most, note)


def show(rows: Sequence[Row]) -> None:
    """Print the table."""
    width = max((len(row.what) for row in rows), default=0)
    print(f"{'part':<12}{'what':<{width + 2}}{'value':>9}  {'95% interval':<16}{'bar':<22}note")
    for row in rows:
        between = "" if row.low is None else f"{row.low:.3f} to {row.high:.3f}"
        bar = " ".join(
            ([f">= {row.least:g}"] if row.least is not None else [])
            + ([f"<= {row.most:g}"] if row.most is not None else [])
        )
        mark = " MISSED" if row.missed else ""
        print(
            f"{row.part:<12}{row.what:<{width + 2}}{row.value:>9.3f}  {between:<16}{bar:<22}"
            f"{row.note}{mark}"
        )


def keep(part: str, rows: Sequence[Row]) -> None:
    """Write the rows as JSON."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = json.dumps([asdict(row) for row in rows], indent=2)
    (FOLDER / f"{part}.json").write_text(text, encoding="utf-8")
