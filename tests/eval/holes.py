"""The recorded holes: which of them are sent, and what each must become."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SETS = {
    "singleline": 1,
    "randomspanlight": 1,
    "multiline": 10,
    "randomspan": 10,
}
"""Which sets are sent: all of them (1), or a fixed tenth (10)."""


@dataclass(frozen=True, slots=True)
class RecordedHole:
    """A hole with its recorded fill and the official test of its program."""

    kind: str
    task_id: str
    prompt: str
    suffix: str
    fill: str
    test: str
    entry_point: str

    def program(self, fill: str) -> str:
        """Assemble the program that the official test runs."""
        return f"{self.prompt}{fill}{self.suffix}{self.test}\ncheck({self.entry_point})\n"


def recorded(folder: Path) -> Iterator[RecordedHole]:
    """Read the holes of every set, the fixed tenth by a hash of the task's name."""
    for kind, share in SETS.items():
        with gzip.open(folder / f"infilling_{kind}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                digest = hashlib.sha256(row["task_id"].encode()).digest()
                if digest[0] % share:
                    continue
                yield RecordedHole(
                    kind,
                    row["task_id"],
                    row["prompt"],
                    row["suffix"],
                    row["canonical_solution"],
                    row["test"],
                    row["entry_point"],
                )
