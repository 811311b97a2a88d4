"""The recorded tasks and completions, as the suite needs them."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(os.environ.get("ENSEMBLE_DATA", "../shared/data")) / "code"


@dataclass(frozen=True, slots=True)
class Problem:
    """A task with its official test."""

    task_id: str
    prompt: str
    test: str
    entry_point: str


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """One real run of a model on a task; `passed` is the official test's verdict."""

    task_id: str
    model: str
    run: int
    code: str
    latency_s: float
    passed: bool


@dataclass(frozen=True, slots=True)
class Sampled:
    """The candidates that one model drew for a task, each as often as it was drawn.

    `cases` are the tests that the model itself wrote for it.
    """

    task_id: str
    prompt: str
    candidates: tuple[str, ...]
    passing: frozenset[str]
    cases: tuple[str, ...]


def rows(name: str) -> Iterator[dict[str, Any]]:
    """Read a file of the recorded data."""
    with gzip.open(DATA / name, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def problems() -> dict[str, Problem]:
    """Read the tasks, by name."""
    found = rows("humaneval_problems.jsonl.gz")
    return {
        row["task_id"]: Problem(row["task_id"], row["prompt"], row["test"], row["entry_point"])
        for row in found
    }


def runs(model: str) -> list[RecordedRun]:
    """Read the runs of one model."""
    return [
        RecordedRun(row["task_id"], model, row["run"], row["code"], row["latency_s"], row["passed"])
        for row in rows("humaneval_runs_3models_x10.jsonl.gz")
        if row["model"] == model
    ]


def sampled() -> list[Sampled]:
    """Read the drawn candidates and the generated tests of every task."""
    return [
        Sampled(
            row["task_id"],
            row["prompt"],
            tuple(
                candidate["code"]
                for candidate in row["candidates"]
                for _ in range(candidate["count"])
            ),
            frozenset(candidate["code"] for candidate in row["candidates"] if candidate["passed"]),
            tuple(test["assertion"] for test in row["generated_tests"]),
        )
        for row in rows("codet_codegen16b_x100.jsonl.gz")
    ]
