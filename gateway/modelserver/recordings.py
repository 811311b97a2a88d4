"""Recorded completions from a JSONL file, plain or gzipped, checked whole before it is served.

A row is `{"prompt", "suffix", "completions": [{"text", "latency_s", "finish_reason", "error",
"logprobs"}]}`; a row without `completions` is itself a completion. A row with an `"operation"` of
`critique` or `repair` holds answers to that instead of fills. Rows with the same prompt, suffix and
operation are put together in the order of the file. Other names are mapped by `names`.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeGuard, cast

import grpc

from gateway.config.problems import ConfigError, Problem
from gateway.core.candidate import FinishReason
from gateway.core.ports import Operation

FIELDS = frozenset({
    "prompt", "suffix", "operation", "completions", "text", "latency_s", "finish_reason", "error",
    "logprobs",
})  # fmt: skip
MOST_PROBLEMS = 50
"""Mistakes reported at once."""
ERRORS = {code.name: code for code in grpc.StatusCode if code is not grpc.StatusCode.OK}


@dataclass(frozen=True, slots=True)
class Recorded:
    """One completion. With an `error` the call fails with that status instead."""

    text: str = ""
    latency_s: float = 0.0
    finish: FinishReason = FinishReason.STOP
    error: grpc.StatusCode | None = None
    logprobs: tuple[float, ...] = ()


Key = bytes
"""SHA-256 of operation, prompt and suffix with NUL between them."""


def key_of(prompt: str, suffix: str, operation: Operation = Operation.GENERATE) -> Key:
    """Look-up key of a hole and what is wanted for it."""
    text = f"{operation}\0{prompt}\0{suffix}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def load(path: Path, names: Mapping[str, str]) -> dict[Key, list[Recorded]]:
    """Read a file. Raises ConfigError with every mistake and its line number."""
    try:
        with _open(path) as lines:
            return read(lines, names, str(path))
    except (OSError, EOFError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        problem = Problem(str(path), f"cannot be read ({why})", "name a readable JSONL file")
        raise ConfigError(str(path), (problem,)) from None


def revision_of(path: Path) -> str:
    """A short name of the file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def _open(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8")


def read(lines: Iterable[str], names: Mapping[str, str], source: str) -> dict[Key, list[Recorded]]:
    """Read rows; see `load`."""
    reading = _Reading(names)
    for number, line in enumerate(lines, 1):
        if line.strip():
            reading.row(number, line)
    if not reading.found and not reading.problems:
        reading.problem("file", "holds no rows", "record at least one completion")
    if reading.problems:
        raise ConfigError(source, tuple(reading.problems[:MOST_PROBLEMS]))
    return reading.found


@dataclass(slots=True)
class _Reading:
    names: Mapping[str, str]
    found: dict[Key, list[Recorded]] = field(default_factory=dict[bytes, list[Recorded]])
    problems: list[Problem] = field(default_factory=list[Problem])

    def problem(self, where: str, why: str, mend: str) -> None:
        self.problems.append(Problem(where, why, mend))

    def row(self, number: int, line: str) -> None:
        """Take one line in, or note what is wrong with it."""
        where = f"line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            self.problem(where, "is not JSON", "write one JSON object a line")
            return
        if not isinstance(row, dict):
            self.problem(where, "is not a JSON object", "write one JSON object a line")
            return
        before = len(self.problems)
        values = cast("dict[str, Any]", row)
        prompt = self._string(values, "prompt", where, required=True)
        suffix = self._string(values, "suffix", where, required=False)
        operation = self._choice(values, "operation", OPERATIONS, where, Operation.GENERATE)
        completions = values.get(self._name("completions"), [values])
        if not isinstance(completions, list) or not completions:
            self.problem(f"{where} completions", "must be a list of one or more", "fill the list")
            return
        recorded = [
            self._completion(item, f"{where} completions[{index}]")
            for index, item in enumerate(cast("list[object]", completions))
        ]
        if len(self.problems) == before:
            kept = [item for item in recorded if item is not None]
            self.found.setdefault(key_of(prompt, suffix, operation), []).extend(kept)

    def _completion(self, item: object, where: str) -> Recorded | None:
        if not isinstance(item, dict):
            self.problem(where, "is not a JSON object", 'write {"text": ...}')
            return None
        values = cast("dict[str, Any]", item)
        error = self._choice(values, "error", ERRORS, where, None)
        return Recorded(
            self._string(values, "text", where, required=error is None),
            self._seconds(values, where),
            self._choice(values, "finish_reason", FINISHES, where, FinishReason.STOP),
            error,
            self._logprobs(values, where),
        )

    def _name(self, field_name: str) -> str:
        return self.names.get(field_name, field_name)

    def _string(self, row: dict[str, Any], name: str, where: str, *, required: bool) -> str:
        value = row.get(self._name(name))
        if value is None and not required:
            return ""
        if not isinstance(value, str) or (name == "prompt" and not value):
            self.problem(f"{where} {self._name(name)}", "must be a text", "add it or map its name")
            return ""
        return value

    def _seconds(self, row: dict[str, Any], where: str) -> float:
        value: object = row.get(self._name("latency_s"))
        if value is None:
            return 0.0
        if not _is_number(value) or value < 0:
            self.problem(f"{where} latency_s", "must be a number of seconds", "write 0 or more")
            return 0.0
        return float(value)

    def _choice(
        self, row: dict[str, Any], name: str, choices: Mapping[str, Any], where: str, default: Any
    ) -> Any:
        value: object = row.get(self._name(name))
        if value is None:
            return default
        if not isinstance(value, str) or value not in choices:
            self.problem(f"{where} {name}", "is not known", f"use one of {', '.join(choices)}")
            return default
        return choices[value]

    def _logprobs(self, row: dict[str, Any], where: str) -> tuple[float, ...]:
        value: object = row.get(self._name("logprobs"))
        if value is None:
            return ()
        numbers = cast("list[object]", value) if isinstance(value, list) else None
        if numbers is None or not all(_is_number(item) and item <= 0 for item in numbers):
            self.problem(f"{where} logprobs", "must be numbers, none above 0", "mend or drop them")
            return ()
        return tuple(cast("list[float]", numbers))


FINISHES = {reason.value: reason for reason in FinishReason}
OPERATIONS = {operation.value: operation for operation in Operation}


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
