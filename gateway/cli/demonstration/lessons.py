"""Small holes from which routing learns: names and conditions, each in a function of its own."""

from __future__ import annotations

import ast
import random
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from gateway.cli.demonstration.cutting import Module
from gateway.cli.demonstration.holes import Cut, CutHole
from gateway.cli.demonstration.verifying import parses

LINES_BEFORE, LINES_AFTER = 3, 2
"""Lines sent around the hole's own: a large model reads more in a longer time."""

LONGEST_FUNCTION = 60
CHARACTERS = (3, 30)
OF_A_MODULE = 6
"""Most holes of each kind that one module offers."""


class Task(StrEnum):
    """What is missing: the kind of task, by which routing learns."""

    NAME = "name"
    CONDITION = "condition"


@dataclass(frozen=True, slots=True)
class Lesson:
    """A hole in a function that stands alone, and the kind of task that filling it is."""

    task: Task
    hole: CutHole

    def accepts(self, fill: str) -> bool:
        """Say whether a caller could go on: there is a text, and the function parses with it."""
        return bool(fill.strip()) and parses(self.hole.filled(fill))


def choose_lessons(sources: Mapping[str, str], count: int, seed: int) -> list[Lesson]:
    """Choose holes, the kinds in turn; the same ones for the same seed and library.

    Returns fewer when the modules offer no more.
    """
    rng = random.Random(seed)  # noqa: S311 - a choice to repeat, not a secret
    each = -(-count // len(Task))
    found: dict[Task, list[Lesson]] = {task: [] for task in Task}
    for name in rng.sample(sorted(sources), len(sources)):
        for task, lessons in _of_module(name, sources[name], rng).items():
            found[task] += lessons[: each - len(found[task])]
        if all(len(lessons) == each for lessons in found.values()):
            break
    return list(islice((one for row in zip(*found.values(), strict=False) for one in row), count))


def _of_module(name: str, source: str, rng: random.Random) -> dict[Task, list[Lesson]]:
    try:
        functions = list(Module(name, source).functions())
    except (SyntaxError, ValueError):
        return {}
    found: dict[Task, list[Lesson]] = {task: [] for task in Task}
    lines = source.split("\n")
    for function, node in rng.sample(functions, len(functions)):
        text = textwrap.dedent("\n".join(lines[node.lineno - 1 : node.end_lineno])) + "\n"
        if text.count("\n") <= LONGEST_FUNCTION and parses(text):
            spans = list(_spans(Module(function, text)))
            for task, lessons in found.items():
                fitting = [span for kind, *span in spans if kind is task]
                if fitting and len(lessons) < OF_A_MODULE:
                    start, end = rng.choice(fitting)
                    lessons.append(Lesson(task, _cut(name, function, text, start, end)))
    return found


def _spans(function: Module) -> Iterator[tuple[Task, int, int]]:
    """Yield what can be cut out of a function that is a module of its own."""
    shortest, longest = CHARACTERS
    for node in ast.walk(function.tree):
        if isinstance(node, ast.Attribute):
            end = function.span(node, node)[1]
            found = Task.NAME, end - len(node.attr), end
        elif isinstance(node, ast.If):
            found = Task.CONDITION, *function.span(node.test, node.test)
        else:
            continue
        task, start, end = found
        text = function.source[start:end]
        if shortest <= len(text) <= longest and "\n" not in text:
            yield task, start, end


def _cut(module: str, function: str, text: str, start: int, end: int) -> CutHole:
    """Cut a hole with the lines around its own."""
    first, last = start, end
    for _ in range(LINES_BEFORE + 1):
        first = max(text.rfind("\n", 0, first), 0)
    for _ in range(LINES_AFTER + 1):
        last = text.find("\n", last) + 1 or len(text)
    begin = first + 1 if first else 0
    line = text.count("\n", 0, start) + 1
    return CutHole(module, function, Cut.SPAN, text, start, end, begin, last, (line,))
