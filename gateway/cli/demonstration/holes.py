"""A hole in a module of the standard library."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Cut(StrEnum):
    """How a hole is cut."""

    LINE = "line"
    LINES = "lines"
    SPAN = "span"


@dataclass(frozen=True, slots=True)
class CutHole:
    """A hole and the module it was cut from; offsets are in characters of `source`.

    The hole is `start` to `end`; `first` to `last` is what a model gets to see around it. `lines`
    are the 1-based numbers of the lines it touches.
    """

    module: str
    function: str
    cut: Cut
    source: str
    start: int
    end: int
    first: int
    last: int
    lines: tuple[int, ...]

    @property
    def name(self) -> str:
        """Where the hole is, such as `heapq:merge:312`."""
        return f"{self.module}:{self.function}:{self.lines[0]}"

    @property
    def prompt(self) -> str:
        """The code before the hole."""
        return self.source[self.first : self.start]

    @property
    def suffix(self) -> str:
        """The code after the hole."""
        return self.source[self.end : self.last]

    @property
    def original(self) -> str:
        """What was cut out."""
        return self.source[self.start : self.end]

    def filled(self, fill: str) -> str:
        """The whole module with the fill in the hole's place."""
        return self.source[: self.start] + fill + self.source[self.end :]
