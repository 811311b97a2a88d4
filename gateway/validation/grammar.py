"""The grammar check: Lark reads the grammar, `earley` recognises the text in bounded time."""

from __future__ import annotations

from typing import Any, cast

from gateway.core.constraint import Grammar
from gateway.core.value import value
from gateway.validation.earley import Rules, StepsSpentError, nullable_heads, recognise
from gateway.validation.finding import (
    PASSED,
    BrokenError,
    Check,
    Finding,
    Fixed,
    bounded,
    failed,
    unchecked,
)
from gateway.validation.grammar_limits import refusal, too_large
from gateway.validation.regex import Pattern, RegexError, compile_pattern

MAX_GRAMMAR = 16 * 1024
"""Longest grammar, in characters, that is checked here."""

MAX_FILL = 64 * 1024
"""Longest fill, in characters, that is held against a grammar."""

SMALL_FILL = 64
"""Characters up to which a fill is recognised on the event loop."""

MAX_STEPS = 1_000_000
"""Items of the recogniser spent on one fill, which takes two or three seconds of a worker."""

TOO_LARGE = Fixed(unchecked("the grammar is too large to be checked here"))

# What `common.ESCAPED_STRING` is made of, and the same language without look-behind.
ESCAPED = r".*?(?<!\\)(\\\\)*?"
ESCAPED_LINEAR = r"(?:[^\\\n]|\\.)*?"


@value
class GrammarCheck:
    """The whole fill belongs to the grammar's language."""

    rules: Rules
    nullable: frozenset[str]

    def find(self, text: str) -> Finding:
        """Recognise the text; the reason says how far it went well."""
        if len(text) > MAX_FILL:
            return unchecked(f"fills above {MAX_FILL} characters are not held against a grammar")
        try:
            data = text.encode()
        except UnicodeEncodeError:
            return failed("the fill is not valid Unicode")
        try:
            stopped = recognise(self.rules, self.nullable, data, MAX_STEPS)
        except StepsSpentError:
            return unchecked(f"the check would take more than {MAX_STEPS} steps")
        if stopped is None:
            return PASSED
        if stopped == len(data):
            return failed("the fill ends where the grammar wants more")
        before = data[:stopped].decode(errors="replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return failed(f"the grammar does not allow line {line}, column {column} of the fill")

    def costly(self, length: int) -> bool:
        """Anything but a few characters: recognising is slow and can be cubic."""
        return length > SMALL_FILL


def grammar_text(grammar: Grammar) -> tuple[str, str]:
    """The grammar in Lark's notation and its start symbol.

    Raises BrokenError when there is neither a text nor a rule.
    """
    if grammar.text:
        return grammar.text, grammar.start or "start"
    if not grammar.rules:
        raise BrokenError("grammar", "has neither text nor rules; give one of them")
    alternatives: dict[str, list[str]] = {}
    for rule in grammar.rules:
        alternatives.setdefault(rule.lhs, []).extend(rule.rhs)
    lines = [f"{head}: {' | '.join(bodies)}" for head, bodies in alternatives.items()]
    return "\n".join(lines) + "\n", grammar.start or grammar.rules[0].lhs


def compile_grammar(grammar: Grammar) -> Check:
    """Build the check. Raises BrokenError with Lark's own message."""
    text, start = grammar_text(grammar)
    if len(text) > MAX_GRAMMAR:
        return TOO_LARGE
    field = "grammar.text" if grammar.text else "grammar.rules"
    from lark.exceptions import LarkError  # noqa: PLC0415 - an idle gateway does not load it

    try:
        return _compile(field, text, start)
    except (LarkError, ValueError, AssertionError, KeyError, IndexError) as error:
        if isinstance(error, BrokenError):
            raise
        raise BrokenError(field, f"not a Lark grammar: {bounded(error)}") from None
    except RecursionError:
        raise BrokenError(field, "nested too deeply; name the inner parts") from None


def _compile(field: str, text: str, start: str) -> Check:
    tree = _parsed(text)
    why = refusal(tree)
    if why:
        raise BrokenError(field, why)
    if too_large(tree):
        return TOO_LARGE
    from lark import Lark  # noqa: PLC0415 - an idle gateway does not load it

    lark = cast("Any", Lark)(text, parser="earley", lexer="dynamic", start=start)
    terminals: dict[str, Pattern] = {}
    for terminal in lark.terminals:
        source = terminal.pattern.to_regexp().replace(ESCAPED, ESCAPED_LINEAR)
        try:
            terminals[terminal.name] = compile_pattern(source)
        except RegexError:
            name = bounded(terminal.name)
            return Fixed(
                unchecked(f"RE2 cannot run the terminal {name}, which may have look-around")
            )
    return _check(lark, start, terminals)


def _parsed(text: str) -> Any:
    """The tree of a grammar's text, of which nothing is expanded, imported or resolved yet."""
    # Lark has no public way to look at a grammar before it acts on it.
    from lark.load_grammar import (  # noqa: PLC0415 - an idle gateway does not load it
        _parse_grammar,  # pyright: ignore[reportPrivateUsage, reportUnknownVariableType]
    )

    return cast("Any", _parse_grammar(text, "grammar"))


def _check(lark: Any, start: str, terminals: dict[str, Pattern]) -> GrammarCheck:
    productions: dict[str, tuple[tuple[str, ...], ...]] = {}
    for rule in lark.rules:
        body = tuple(str(symbol.name) for symbol in rule.expansion)
        head = str(rule.origin.name)
        productions[head] = (*productions.get(head, ()), body)
    ignored = tuple(str(name) for name in lark.ignore_tokens)
    rules = Rules(start, productions, terminals, ignored)
    return GrammarCheck(rules, nullable_heads(productions))
