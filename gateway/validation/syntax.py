"""The syntax check for Python: prefix, fill and suffix are parsed together.

The code around a hole may be a fragment: it may start inside an indented block, or end in the
middle of one. A text that does not parse is therefore held against the surroundings: the fill is
at fault when the surroundings parse with some simple fill, or when the code goes wrong on a line
of the fill while all lines before it are a good start. Otherwise nobody can say.
"""

from __future__ import annotations

import ast
import keyword
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from gateway.validation.finding import LARGE_TEXT, PASSED, Finding, bounded, failed, unchecked

MAX_SOURCE = 512 * 1024
"""Longest prefix + fill + suffix, in characters, that is parsed; a syntax tree is much larger."""

FILENAME = "<fill>"

# Values of CPython's Include/cpython/compile.h, as its module codeop uses them: source that only
# lacks its end fails with the message `incomplete input`.
PARTIAL: Final = ast.PyCF_ONLY_AST | 0x4000 | 0x0200
INCOMPLETE: Final = "incomplete input"

SIMPLE_FILLS: Final = (
    *("", "pass", "x", "pass\n", "x\n", "x:", "x: pass"),
    *("x)", "x]", "x}", "x):", "x'", 'x"'),
)

# A warning about a candidate, such as of a bad escape, would be printed; the filter is narrow.
_NO_WARNINGS: Final = ("ignore", None, Warning, re.compile(re.escape(FILENAME)), 0)

_QUOTED: Final = re.compile(r"'([^']*)'")
_DETAILS: Final = re.compile(
    r" \(detected at line \d+\)| on line \d+| '.' \(U\+[0-9A-F]+\)| U\+[0-9A-F]+"
)
_OPERATORS: Final = re.compile(r"[!-/:-@\[-`{-~]{1,3}")


TRIES: Final = 3
"""Of one parse. CPython 3.11 counts the depth of the trees that it makes for all threads together,
and ends a parse in SystemError when another one came between."""


class UndecidableError(Exception):
    """The parser gave up for want of room, not because of the syntax."""


def parse_error(source: str, flags: int = ast.PyCF_ONLY_AST) -> SyntaxError | None:
    """Parse as a module; return the error or None. Raises UndecidableError."""
    if _NO_WARNINGS not in warnings.filters:
        warnings.filterwarnings("ignore", category=Warning, module=re.escape(FILENAME))
    for _ in range(TRIES):
        try:
            compile(source, FILENAME, "exec", flags, dont_inherit=True)
        except SyntaxError as error:
            return error
        except ValueError:
            return SyntaxError("neither null characters nor lone surrogates may stand in code")
        except (MemoryError, RecursionError):
            raise UndecidableError from None
        except SystemError:
            continue
        return None
    raise UndecidableError


def starts_well(source: str) -> bool:
    """Say whether some continuation of these lines could parse."""
    error = parse_error(source, PARTIAL)
    return error is None or error.msg == INCOMPLETE


@dataclass(slots=True)
class PythonSyntax:
    """The fill makes its surroundings parse. What is found out about them is kept."""

    prompt: str
    suffix: str
    _completable: bool | None = field(default=None, init=False)

    def find(self, text: str) -> Finding:
        """Parse; the reason has the parser's words and the line of the fill, from 1."""
        length = len(self.prompt) + len(text) + len(self.suffix)
        if length > MAX_SOURCE:
            return unchecked(f"code above {MAX_SOURCE} characters is not parsed")
        try:
            tried = [self._parse(header, text) for header in self._headers()]
            if PASSED in tried:
                return PASSED
            if self._is_fault_of_fill(text):
                return tried[-1]
        except UndecidableError:
            return unchecked("the code is nested too deeply to be parsed")
        return unchecked("the code around the hole is a fragment that does not parse by itself")

    def hopeless(self, beginning: str) -> bool:
        """Say whether the code before the hole is a good start, and with these lines none."""
        if len(self.prompt) + len(beginning) > MAX_SOURCE:
            return False
        lines = beginning[: beginning.rfind("\n") + 1]
        try:
            return not any(self._may_go_on(header, lines) for header in self._headers())
        except UndecidableError:
            return False

    def _may_go_on(self, header: str, lines: str) -> bool:
        before = header + self.prompt
        return starts_well(before + lines) or not starts_well(before)

    def costly(self, length: int) -> bool:
        """Long code; the parser reads some megabytes a second."""
        return len(self.prompt) + length + len(self.suffix) > LARGE_TEXT

    def _parse(self, header: str, text: str) -> Finding:
        error = parse_error(header + self.prompt + text + self.suffix)
        if error is None:
            return PASSED
        line = (error.lineno or 1) - (header + self.prompt).count("\n")
        return failed(f"{plain(error.msg)} ({_place(line, text)})")

    def _headers(self) -> tuple[str, ...]:
        """What to put in front: nothing or, if the first line is indented, the blocks it lost."""
        indents = _indents(self.prompt) or _indents(self.suffix)
        first = indents[0] if indents else ""
        if not first:
            return ("",)
        outer = {"", *(one for one in _indents(self.suffix) + indents if first.startswith(one))}
        blocks = (f"{indent}if 1:\n" for indent in sorted(outer - {first}, key=len))
        return ("", "".join(blocks))

    def _is_fault_of_fill(self, text: str) -> bool:
        if self._completable is None:
            self._completable = any(
                parse_error(header + self.prompt + fill + self.suffix) is None
                for header in self._headers()
                for fill in self._simple_fills()
            )
        return self._completable or any(
            self._goes_wrong_in_fill(header, text) for header in self._headers()
        )

    def _goes_wrong_in_fill(self, header: str, text: str) -> bool:
        """Say whether all lines before the hole are a good start, and those of the fill are not."""
        if not starts_well(header + self.prompt[: self.prompt.rfind("\n") + 1]):
            return False
        rest_of_line, newline, _ = self.suffix.partition("\n")
        return not self.suffix.strip() or not starts_well(
            header + self.prompt + text + rest_of_line + newline
        )

    def _simple_fills(self) -> Iterator[str]:
        yield from SIMPLE_FILLS
        if self.prompt and not self.prompt.endswith("\n"):
            return
        above, below = _indents(self.prompt), _indents(self.suffix)
        indents = {*above[-1:], *below[:1], *(f"{indent}    " for indent in above[-1:])}
        for indent in sorted(indents):
            yield f"{indent}pass\n"


def _indents(code: str) -> list[str]:
    """The indentation of every line that is not blank."""
    lines = (line for line in code.splitlines() if line.strip())
    return [line[: len(line) - len(line.lstrip())] for line in lines]


def _place(line: int, text: str) -> str:
    if line < 1:
        return "in the code before the fill"
    if line > text.count("\n") + 1:
        return "in the code after the fill"
    return f"line {line} of the fill"


def plain(message: str) -> str:
    """The parser's message without anything it may have quoted from the source."""
    if message.startswith("("):
        return "a string that cannot be decoded"

    def keep(match: re.Match[str]) -> str:
        word = match[1]
        return match[0] if keyword.iskeyword(word) or _OPERATORS.fullmatch(word) else "a token"

    return bounded(_QUOTED.sub(keep, _DETAILS.sub("", message)))
