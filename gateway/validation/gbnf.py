"""The grammar check for GBNF, the notation of llama.cpp, read as its grammars/README.md has it.

Repetitions become rules of their own, so that a grammar grows only with the numbers in its braces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, NoReturn

from gateway.core.constraint import Grammar
from gateway.validation.earley import nullable_heads
from gateway.validation.finding import BrokenError, Check, Fixed, bounded, unchecked
from gateway.validation.gbnf_rules import RuleBuilder, Symbols, TooLargeError
from gateway.validation.grammar import MAX_GRAMMAR, TOO_LARGE, GrammarCheck

START: Final = "root"
FIELD: Final = "grammar.text"
MAX_CODE: Final = 0x10FFFF
TOKENS: Final = Fixed(unchecked("the grammar names tokens, which only the endpoint sees"))
ANY: Final = "(?s:.)"

_SPACE: Final = re.compile(r"(?:[ \t]|#[^\r\n]*)*")
_SPACE_AND_LINES: Final = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
_TIMES: Final = re.compile(r"\{\s*([0-9]{1,9})\s*(?:(,)\s*([0-9]{1,9})?\s*)?\}")
_CHARACTER: Final = re.compile(
    r'\\x([0-9A-Fa-f]{2})|\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})|\\([trn\\"\[\]-])|([^\\])',
    re.DOTALL,
)
_CONTROLS: Final = {"t": "\t", "r": "\r", "n": "\n"}
_SIGNS: Final = {"*": (0, None), "+": (1, None), "?": (0, 1)}


class _TokenError(Exception):
    """The grammar names a token of the model."""


def compile_gbnf(grammar: Grammar) -> Check:
    """Build the check. Raises BrokenError that says where the text is no GBNF."""
    if len(grammar.text) > MAX_GRAMMAR:
        return TOO_LARGE
    reader = _Reader(grammar.text)
    try:
        reader.read()
    except TooLargeError:
        return TOO_LARGE
    except _TokenError:
        return TOKENS
    except RecursionError:
        raise BrokenError(FIELD, "nested too deeply; name the inner parts") from None
    start = grammar.start or START
    if start not in reader.built.productions:
        if grammar.start:
            raise BrokenError("grammar.start", "names no rule of the grammar")
        raise BrokenError(FIELD, f"has no rule {START!r}; name the first rule so, or give a start")
    rules = reader.built.rules(start)
    return GrammarCheck(rules, nullable_heads(rules.productions))


@dataclass(slots=True)
class _Reader:
    """Reads the text from `at` on; every reading method leaves `at` behind what it read."""

    text: str
    at: int = 0
    built: RuleBuilder = field(default_factory=RuleBuilder)
    named: dict[str, int] = field(default_factory=dict[str, int])

    def read(self) -> None:
        """Read all rules. Of two with one name the last one counts, as in llama.cpp."""
        self._skip(_SPACE_AND_LINES)
        while self.at < len(self.text):
            name = self._name()
            self._skip(_SPACE)
            self._expect("::=")
            self._skip(_SPACE_AND_LINES)
            self.built.define(name, self._alternatives(_SPACE))
            if self.at < len(self.text) and self.text[self.at] not in "\r\n":
                self._refuse("neither a symbol nor the end of the rule")
            self._skip(_SPACE_AND_LINES)
        for name, place in self.named.items():
            if name not in self.built.productions:
                self.at = place
                self._refuse(f"the rule {bounded(name)!r} is not defined")

    def _alternatives(self, space: re.Pattern[str]) -> tuple[Symbols, ...]:
        bodies = [self._sequence(space)]
        while self.text.startswith("|", self.at):
            self.at += 1
            self._skip(_SPACE_AND_LINES)
            bodies.append(self._sequence(space))
        return tuple(bodies)

    def _sequence(self, space: re.Pattern[str]) -> Symbols:
        items: list[Symbols] = []
        while True:
            times = self._times()
            if times is not None:
                if not items:
                    self._refuse("nothing stands before the repetition")
                items.append(self.built.repeated(items.pop(), *times))
            else:
                item = self._item()
                if item is None:
                    return tuple(symbol for item in items for symbol in item)
                items.append(item)
            self._skip(space)

    def _times(self) -> tuple[int, int | None] | None:
        """Read how often the item before is repeated, if that is said here; None = no most."""
        sign = self.text[self.at : self.at + 1]
        if sign in _SIGNS:
            self.at += 1
            return _SIGNS[sign]
        if sign != "{":
            return None
        match = _TIMES.match(self.text, self.at)
        if match is None:
            self._refuse("a repetition is written {2}, {2,} or {2,5}")
        least = int(match[1])
        most = int(match[3]) if match[3] else None if match[2] else least
        if most is not None and most < least:
            self._refuse("the repetition ends before it begins")
        self.at = match.end()
        return least, most

    def _item(self) -> Symbols | None:
        match self.text[self.at : self.at + 1]:
            case '"':
                return self._literal()
            case "[":
                return self.built.terminal(self._class())
            case ".":
                self.at += 1
                return self.built.terminal(ANY)
            case "(":
                return self._group()
            case "<" | "!":
                raise _TokenError
            case _:
                if not _NAME.match(self.text, self.at):
                    return None
                place = self.at
                name = self._name()
                self.named.setdefault(name, place)
                return (name,)

    def _group(self) -> Symbols:
        self.at += 1
        self._skip(_SPACE_AND_LINES)
        bodies = self._alternatives(_SPACE_AND_LINES)
        self._expect(")")
        return self.built.part(bodies)

    def _literal(self) -> Symbols:
        self.at += 1
        codes: list[int] = []
        while not self.text.startswith('"', self.at):
            codes.append(self._code())
        self.at += 1
        return self.built.terminal("".join(map(_escaped, codes))) if codes else ()

    def _class(self) -> str:
        self.at += 1
        sign = "^" if self.text.startswith("^", self.at) else ""
        self.at += len(sign)
        ranges: list[str] = []
        while not self.text.startswith("]", self.at):
            first = last = self._code()
            if self.text.startswith("-", self.at) and not self.text.startswith("-]", self.at):
                self.at += 1
                last = self._code()
            if last < first:
                self._refuse("the range ends before it begins")
            ranges.append(f"{_escaped(first)}-{_escaped(last)}")
        if not ranges:
            self._refuse("the class has no character")
        self.at += 1
        return f"[{sign}{''.join(ranges)}]"

    def _code(self) -> int:
        match = _CHARACTER.match(self.text, self.at)
        if match is None:
            ended = self.at >= len(self.text)
            self._refuse("a quotation mark or bracket is missing" if ended else "unknown escape")
        *digits, sign, plain = match.groups()
        code = next((int(one, 16) for one in digits if one), None)
        if code is None:
            code = ord(plain or _CONTROLS.get(sign, sign))
        if code > MAX_CODE:
            self._refuse("there is no such character")
        self.at = match.end()
        return code

    def _name(self) -> str:
        match = _NAME.match(self.text, self.at)
        if match is None:
            self._refuse(
                "expected the name of a rule; a rule goes on over the end of its line only after "
                "`|` and inside parentheses"
            )
        self.at = match.end()
        return match[0]

    def _expect(self, sign: str) -> None:
        if not self.text.startswith(sign, self.at):
            self._refuse(f"expected {sign!r}")
        self.at += len(sign)

    def _skip(self, space: re.Pattern[str]) -> None:
        match = space.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def _refuse(self, words: str) -> NoReturn:
        line = self.text.count("\n", 0, self.at) + 1
        column = self.at - self.text.rfind("\n", 0, self.at)
        raise BrokenError(FIELD, f"not GBNF: {words} (line {line}, column {column})")


def _escaped(code: int) -> str:
    return f"\\x{{{code:x}}}"
