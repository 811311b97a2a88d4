"""Shows a report to people: a row for each hole, totals, some of the fills."""

from __future__ import annotations

import platform
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby

from gateway.cli.demonstration.answers import Answer
from gateway.cli.demonstration.holes import CutHole
from gateway.cli.demonstration.performing import Report
from gateway.cli.demonstration.showing_learning import show_learned
from gateway.cli.demonstration.showing_steering import show_repeated, show_steered
from gateway.cli.demonstration.showing_works import show_works
from gateway.cli.demonstration.totals import Checked
from gateway.cli.output import print_table

COLUMNS = (
    "hole", "cut", "mode", "endpoint", "reason", "attempts", "verdicts", "doctests", "ms", "result",
)  # fmt: skip

FOLDED: Mapping[str, int] = {"hole": 40, "attempts": 30, "verdicts": 30}
"""Columns that may take several lines, and how they share the room that is left, in hundredths."""

LEGEND = (
    "exact: the very text that was cut out; passes, fails: the doctests of the module that run the "
    "hole;\nparses: no doctest runs the hole; broken: the module does not parse with the fill."
)

COUNTS = {
    "sent": "holes sent",
    "answered": "answered",
    "typed_errors": "ended in a typed error",
    "lost": "lost",
    "filled": "filled (not empty)",
    "exact": "exactly the original",
    "parses": "module parses",
    "with_doctests": "holes that the module's own doctests run",
    "doctests_passed": "of these, all doctests pass",
    "verified": "verified (parses, doctests pass where there are any)",
    "fallbacks_after_a_failed_call": "fallbacks from an endpoint that failed or is down",
    "fallbacks_after_a_failed_check": "fallbacks after a failed check",
    "p50_ms": "p50 ms",
    "p95_ms": "p95 ms",
}
EXAMPLES = {"exact": 3, "passes": 2, "parses": 1, "fails": 1, "broken": 1}
"""How many fills of each result are shown in full."""

SHOWN_LINES = 6


def show(report: Report) -> None:
    """Print tables for people."""
    modules = {one.answer.question.hole.module for one in report.checked}
    print(
        f"{report.sent} holes in {len(modules)} modules of the standard library of Python "
        f"{platform.python_version()} that no model was trained on (seed {report.seed}).\n"
        f"Model servers and gateway ready after {report.start_s:.1f} s, holes sent in "
        f"{report.send_s:.1f} s, filled modules checked in {report.check_s:.1f} s."
    )
    before = [one for one in report.checked if not one.answer.after_kill]
    after = [one for one in report.checked if one.answer.after_kill]
    print_table("\nBefore the kill:", COLUMNS, [row(one) for one in before], FOLDED)
    print_table(
        f"\nAfter the model server {report.killed!r} was killed:",
        COLUMNS,
        [row(one) for one in after],
        FOLDED,
    )
    print(f"\n{LEGEND}")
    totals = {name: asdict(part) for name, part in report.totals.items()}
    print_table(
        "\nTotals:",
        ("", "all", "before the kill", "after the kill"),
        [
            (words, *(_number(totals[part][key]) for part in ("all", "before", "after")))
            for key, words in COUNTS.items()
        ],
    )
    print("\nSome of the fills (- what was cut out, + what was filled in):")
    for line in _fills(report.checked):
        print(line)
    show_works(report.works)
    show_learned(report.learned)
    show_steered(report.steered)
    show_repeated(report.repeated)
    if not report.missing:
        after = report.totals["after"]
        print(
            f"\nNo request was lost; after {report.killed!r} was killed, "
            f"{after.fallbacks_after_a_failed_call} of {after.sent} fell back to another endpoint."
        )


def row(checked: Checked) -> tuple[str, ...]:
    """Write one hole as a row of the table."""
    answer = checked.answer
    question = answer.question
    return (
        # A blank, at which the name can be folded.
        question.hole.name.replace(":", " ", 1),
        question.hole.cut.value,
        question.mode.value,
        answer.endpoint or "-",
        answer.routed or "-",
        _attempts(answer),
        _verdicts(answer),
        _doctests(checked),
        f"{answer.ms:.0f}",
        fate(checked),
    )


def fate(checked: Checked) -> str:
    """Say in a word or two what became of the hole."""
    answer = checked.answer
    if answer.error:
        return f"{'LOST: ' if answer.lost else ''}{answer.error}"
    if not answer.filled:
        return "empty"
    if answer.exact:
        return "exact"
    if not checked.parses:
        return "broken"
    if not checked.examples:
        return "parses"
    return "passes" if checked.passes else "fails"


def _attempts(answer: Answer) -> str:
    """Writes such as `fast failed x3, quality ok`."""
    runs = groupby(answer.attempts, key=lambda one: (one.endpoint, one.status))
    words: list[str] = []
    for (endpoint, status), group in runs:
        times = len(list(group))
        words.append(f"{endpoint} {status}" + (f" x{times}" if times > 1 else ""))
    return ", ".join(words) or "-"


def _verdicts(answer: Answer) -> str:
    """Names the checks that did not pass and counts those that did."""
    rest = [f"{name} {status}" for name, status in answer.verdicts if status != "passed"]
    passed = len(answer.verdicts) - len(rest)
    return ", ".join([*rest, *([f"{passed} passed"] if passed else [])]) or "-"


def _doctests(checked: Checked) -> str:
    if not checked.examples:
        return "-"
    found = checked.doctests
    if found is None:
        return "not run" if not checked.parses else "broke off"
    return f"{found.attempted - found.failed}/{checked.examples}"


def _number(value: float) -> str:
    return f"{value:.0f}"


def _fills(checked: Sequence[Checked]) -> Iterator[str]:
    """The longest cuts of each result, as lines of a comparison."""
    for result, most in EXAMPLES.items():
        alike = [one for one in checked if fate(one) == result]
        alike.sort(key=lambda one: len(one.answer.question.hole.original), reverse=True)
        for one in alike[:most]:
            hole = one.answer.question.hole
            yield f"\n{hole.name} ({hole.cut}, {one.answer.endpoint}): {result}"
            if result != "exact":
                yield from _marked("-", hole, hole.original)
            yield from _marked("+", hole, one.answer.text)


def _marked(mark: str, hole: CutHole, text: str) -> Iterator[str]:
    """The text with its lines in line, although the first one lacks its indentation."""
    line = hole.source[hole.source.rfind("\n", 0, hole.start) + 1 :]
    indent = line[: len(line) - len(line.lstrip())]
    lines = textwrap.dedent(indent + text).split("\n")
    for line in lines[:SHOWN_LINES]:
        yield f"  {mark} {line}"
    if len(lines) > SHOWN_LINES:
        yield f"  {mark} ... {len(lines) - SHOWN_LINES} more lines"
