"""Cuts holes into the functions of one module: lines, runs of statements, random spans."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator

from gateway.cli.demonstration.holes import Cut, CutHole

LONGEST_FUNCTION = 120
LINES_BEFORE = 150
LINES_AFTER = 60
"""Lines sent around the function: whole statements beside it, as far as they fit."""

RUN_LINES = (2, 6)
SPAN_CHARACTERS = (4, 60)
SHORTEST_LINE = 8
HOLES_OF_A_KIND = 2
"""Most holes of each kind that one function offers."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Module:
    """A parsed module. Raises SyntaxError or ValueError when it cannot be parsed."""

    def __init__(self, name: str, source: str) -> None:
        self.name = name
        self.source = source
        self.tree = ast.parse(source)
        self._lines = source.split("\n")
        self._offsets = [0]
        for line in self._lines:
            self._offsets.append(self._offsets[-1] + len(line) + 1)

    def holes(self, rng: random.Random) -> Iterator[CutHole]:
        """Cut the holes that the module's functions and methods offer."""
        for name, function, siblings in self._functions():
            if _height(function) > LONGEST_FUNCTION:
                continue
            body = function.body[1:] if ast.get_docstring(function) else function.body
            blocks = list(_blocks(body))
            first, last = self._window(function, siblings)
            for cut, spans in (
                (Cut.LINE, self._single(blocks)),
                (Cut.LINES, self._runs(blocks)),
                (Cut.SPAN, self._random(blocks, rng)),
            ):
                for start, end in rng.sample(spans, min(HOLES_OF_A_KIND, len(spans))):
                    lines = tuple(range(self._line_of(start), self._line_of(end) + 1))
                    yield CutHole(self.name, name, cut, self.source, start, end, first, last, lines)

    def functions(self) -> Iterator[tuple[str, Function]]:
        """The functions and methods, by name."""
        return ((name, function) for name, function, _ in self._functions())

    def _functions(self) -> Iterator[tuple[str, Function, list[ast.stmt]]]:
        """Functions and methods, each with the statements among which its context is chosen."""
        for node in self.tree.body:
            if isinstance(node, Function):
                yield node.name, node, self.tree.body
            elif isinstance(node, ast.ClassDef):
                small = _height(node) <= LINES_BEFORE
                for method in node.body:
                    if isinstance(method, Function):
                        yield (
                            f"{node.name}.{method.name}",
                            method,
                            self.tree.body if small else node.body,
                        )

    def _window(self, function: Function, siblings: list[ast.stmt]) -> tuple[int, int]:
        """Offsets of whole statements around the function."""
        place = next(i for i, node in enumerate(siblings) if _end(node) >= _end(function))
        low = high = place
        top, bottom = _start(function), _end(function)
        while low > 0 and top - _start(siblings[low - 1]) <= LINES_BEFORE:
            low -= 1
        while high + 1 < len(siblings) and _end(siblings[high + 1]) - bottom <= LINES_AFTER:
            high += 1
        return self._offsets[_start(siblings[low]) - 1], self._offsets[_end(siblings[high])]

    def _single(self, blocks: list[list[ast.stmt]]) -> list[tuple[int, int]]:
        """Lines that begin a statement, without their indentation and line break."""
        spans: list[tuple[int, int]] = []
        for node in (node for block in blocks for node in block):
            line = self._lines[node.lineno - 1]
            text = line.strip()
            compound = hasattr(node, "body")
            whole = text.endswith(":") if compound else node.lineno == _end(node)
            if whole and "#" not in text and len(text) >= SHORTEST_LINE and self._alone(node, node):
                end = self._offsets[node.lineno - 1] + len(line.rstrip())
                spans.append((self._offset(node.lineno, node.col_offset), end))
        return spans

    def _runs(self, blocks: list[list[ast.stmt]]) -> list[tuple[int, int]]:
        """One to three statements beside each other that fill 2 to 6 lines."""
        spans: list[tuple[int, int]] = []
        for block in blocks:
            for place, first in enumerate(block):
                for last in block[place : place + 3]:
                    height = _end(last) - first.lineno + 1
                    if RUN_LINES[0] <= height <= RUN_LINES[1] and self._alone(first, last):
                        spans.append(self.span(first, last))
        return spans

    def _random(self, blocks: list[list[ast.stmt]], rng: random.Random) -> list[tuple[int, int]]:
        """Random characters inside a line or a run."""
        shortest, longest = SPAN_CHARACTERS
        spans: list[tuple[int, int]] = []
        for start, end in self._single(blocks) + self._runs(blocks):
            size = rng.randint(shortest, min(longest, end - start))
            begin = rng.randint(start, end - size)
            if self.source[begin : begin + size].strip():
                spans.append((begin, begin + size))
        return spans

    def _alone(self, first: ast.stmt, last: ast.stmt) -> bool:
        """No other statement shares the first and the last line."""
        before = self._lines[first.lineno - 1][: self._column(first.lineno, first.col_offset)]
        if before.strip() or hasattr(last, "body"):
            return not before.strip()
        _, end = self.span(first, last)
        return not self.source[end : self._offsets[_end(last)] - 1].strip()

    def span(self, first: ast.stmt | ast.expr, last: ast.stmt | ast.expr) -> tuple[int, int]:
        """Offsets of where the first begins and the last ends."""
        return (
            self._offset(first.lineno, first.col_offset),
            self._offset(_end(last), last.end_col_offset or 0),
        )

    def _column(self, line: int, byte: int) -> int:
        return len(self._lines[line - 1].encode()[:byte].decode())

    def _offset(self, line: int, byte: int) -> int:
        return self._offsets[line - 1] + self._column(line, byte)

    def _line_of(self, offset: int) -> int:
        return self.source.count("\n", 0, offset) + 1


def _start(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _end(node: ast.stmt | ast.expr) -> int:
    return node.end_lineno or node.lineno


def _height(node: ast.stmt) -> int:
    return _end(node) - _start(node) + 1


def _blocks(body: list[ast.stmt]) -> Iterator[list[ast.stmt]]:
    """This block and every block inside it."""
    yield body
    for node in body:
        for part in ("body", "orelse", "finalbody"):
            inner: list[ast.stmt] = getattr(node, part, [])
            if inner:
                yield from _blocks(inner)
        for handler in getattr(node, "handlers", []):
            yield from _blocks(handler.body)
