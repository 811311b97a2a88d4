"""Rules as they are read from a grammar's text, with repetitions written out as rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from gateway.validation.earley import Rules
from gateway.validation.grammar_limits import MAX_SYMBOLS
from gateway.validation.regex import Pattern, compile_pattern

MAX_BODY: Final = 16
"""Most symbols of one production: the recogniser compares productions at every step."""

Symbols = tuple[str, ...]


class TooLargeError(Exception):
    """The grammar has too many symbols when its repetitions are written out."""


@dataclass(slots=True)
class RuleBuilder:
    """Collects rules and terminals. Parts of rules get names that no rule can have."""

    productions: dict[str, tuple[Symbols, ...]] = field(
        default_factory=dict[str, tuple[Symbols, ...]]
    )
    terminals: dict[str, Pattern] = field(default_factory=dict[str, Pattern])
    size: int = 0
    parts: int = 0

    def rules(self, start: str) -> Rules:
        """Return what was collected."""
        return Rules(start, self.productions, self.terminals)

    def define(self, name: str, bodies: tuple[Symbols, ...]) -> None:
        """Set the alternatives of a rule. Raises TooLargeError."""
        short = tuple(self._short(body) for body in bodies)
        self.size += sum(map(len, short))
        if self.size > MAX_SYMBOLS:
            raise TooLargeError
        self.productions[name] = short

    def part(self, bodies: tuple[Symbols, ...]) -> Symbols:
        """Name a part of a rule. Raises TooLargeError."""
        self.parts += 1
        name = f"part/{self.parts}"
        self.define(name, bodies)
        return (name,)

    def terminal(self, source: str) -> Symbols:
        """Name an expression, which must match one length of text only. Raises RegexError."""
        name = f"/{source}/"
        if name not in self.terminals:
            self.terminals[name] = compile_pattern(source)
        return (name,)

    def repeated(self, item: Symbols, least: int, most: int | None) -> Symbols:
        """Repeat an item, without end when `most` is None. Raises TooLargeError."""
        if max(least, most or 0) > MAX_SYMBOLS:
            raise TooLargeError
        one = item if len(item) == 1 else self.part((item,))
        if most is None:
            # The rule begins with itself: in that order the recogniser's work is linear.
            (name,) = self.part(())
            self.define(name, ((), (name, *one)))
            return (*one * least, name)
        rest: Symbols = ()
        for _ in range(most - least):
            rest = self.part(((), one + rest))
        return one * least + rest

    def _short(self, body: Symbols) -> Symbols:
        while len(body) > MAX_BODY:
            pieces = (body[at : at + MAX_BODY] for at in range(0, len(body), MAX_BODY))
            body = tuple(name for piece in pieces for name in self.part((piece,)))
        return body
