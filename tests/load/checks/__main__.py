"""`python -m tests.load.checks`: microseconds of the checks of one candidate, beside their bar.

The candidate has about 1 KB: Python between a prompt and a suffix, held against the syntax, an
expression and, as JSON, a schema. Medians of rounds; nobody else should use the machine meanwhile.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time

from gateway.core.constraint import Constraint, JsonSchema, Regex, VerdictStatus
from gateway.core.hole import Hole, HoleSpec
from gateway.validation.checks import Checks
from gateway.validation.compile import compile_checks

BAR_US = 1_000.0
ROUNDS = 30
CALLS = 50

LANGUAGES = {
    "python": ("def total(rows):\n", "    acc += rows[{n}].price * rows[{n}].count\n", "\n"),
    "javascript": (
        "function total(rows) {\n",
        "  acc += rows[{n}].price * rows[{n}].count;\n",
        "}\n",
    ),
    "typescript": ("function total(rows: Row[]) {\n", "  acc += rows[{n}].price * 2;\n", "}\n"),
    "go": ("package p\nfunc total(rows []Row) {\n", "\tacc += rows[{n}].price * 2\n", "}\n"),
    "rust": ("fn total(rows: &[Row]) {{\n", "    acc += rows[{n}].price * 2;\n", "}\n"),
    "java": ("class A {\nvoid total(Row[] rows) {\n", "  acc += rows[{n}].price * 2;\n", "}\n}\n"),
    "c": ("void total(struct row *rows) {\n", "  acc += rows[{n}].price * 2;\n", "}\n"),
    "cpp": ("void total(Row *rows) {\n", "  acc += rows[{n}].price * 2;\n", "}\n"),
}


def code(language: str) -> tuple[Checks, str]:
    """Compile the syntax check and an expression for about 1 KB of a language."""
    before, line, after = LANGUAGES[language]
    before = before.replace("{{", "{")
    lines = [line.format(n=number) for number in range(10, 10 + 1024 // len(line))]
    hole = Hole(
        before,
        after,
        HoleSpec(language=language),
        (Constraint("shape", Regex(r"(?s)[\s\S]*acc[\s\S]*")),),
    )
    return compile_checks(hole), "".join(lines)


def document() -> tuple[Checks, str]:
    """Compile all three for about 1 KB of settings, which are JSON and a Python literal too."""
    settings = {f"option_{number}": f"value {number} of the service" for number in range(22)}
    properties = {
        name: {"type": "string", "pattern": "^value", "maxLength": 80} for name in settings
    }
    schema = {
        "type": "object",
        "required": list(settings),
        "properties": properties,
        "additionalProperties": False,
    }
    hole = Hole(
        "SETTINGS = ",
        "\n",
        HoleSpec(language="python"),
        (
            Constraint("schema", JsonSchema(json.dumps(schema))),
            Constraint("shape", Regex(r"(?s)\{[\s\S]*\}")),
        ),
    )
    return compile_checks(hole), json.dumps(settings)


def rows() -> tuple[Checks, str]:
    """Compile a schema for about 1 KB of small objects: as many keywords as the text can hold."""
    items = [{"name": f"row{number}", "price": number / 7, "tags": ["a"]} for number in range(17)]
    schema = {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["name", "price"],
            "properties": {
                "name": {"type": "string", "pattern": "^row"},
                "price": {"type": "number", "minimum": 0},
                "tags": {"type": "array", "items": {"type": "string"}},
            },
            "additionalProperties": False,
        },
    }
    return compile_checks(
        Hole("data = ", constraints=(Constraint("schema", JsonSchema(json.dumps(schema))),))
    ), json.dumps(items)


def measure(checks: Checks, text: str) -> float:
    """Median microseconds of all checks of a text. Raises ValueError when one does not pass."""
    verdicts = checks.run(text)
    if any(verdict.status is not VerdictStatus.PASSED for verdict in verdicts):
        raise ValueError(f"the candidate should pass: {verdicts}")
    times: list[float] = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(CALLS):
            checks.run(text)
        times.append((time.perf_counter() - began) / CALLS * 1e6)
    return statistics.median(times)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def main() -> int:
    """Print the table; return 1 when a bar was missed."""
    argparse.ArgumentParser(prog="make bench-checks", description=__doc__).parse_args()
    costs = {f"syntax + regex, {name}": measure(*code(name)) for name in LANGUAGES}
    costs["syntax + regex + schema"] = measure(*document())
    costs["schema of many small objects"] = measure(*rows())
    missed = 0
    _say(f"{'checks of 1 KB':<30}{'us':>8}{'bar':>8}")
    for name, cost in costs.items():
        missed += cost > BAR_US
        mark = "  MISSED" if cost > BAR_US else ""
        _say(f"{name:<30}{cost:>8.0f}{BAR_US:>8.0f}{mark}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
