"""The syntax check by tree-sitter: prefix, fill and suffix are parsed together.

Only a whole text without any error passes. A text with one is held against the surroundings: the
fill is at fault when they parse with a simple fill, and with this one they do not, whatever they
may lack as a fragment. Otherwise nobody can say.

Where a text is wrong, the parser looks for the cheapest repair, and its memory grows with the
square of what is still open. The longest text that is parsed here can cost 250 MB in the worst
case that was found, where code as people write it costs one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from gateway.validation.finding import PASSED, Check, Finding, Fixed, failed, unchecked
from gateway.validation.languages import NAMES, Language, grammar_of
from gateway.validation.surroundings import WHOLE, Frame, Surroundings, frames_of, pieces_around
from gateway.validation.tree import (
    BALANCED,
    StepsSpentError,
    TreeParser,
    balance,
    count_tokens,
    errors,
    nearest,
)

MAX_TOKENS: Final = 2_500
"""Most tokens that are parsed, of code some 10 KB; in longer code, the lines near the hole are."""

MAX_STEPS: Final = 4_000
"""Steps of the parser spent on one fill, which take a tenth of a second."""

MAX_STEPS_AROUND: Final = 10_000
"""Steps spent, once, on the code around a hole: some fifty attempts to complete it."""

SMALL_SOURCE: Final = 1024
"""Characters up to which code is parsed on the event loop: in a fraction of a millisecond."""

INVALID: Final = "invalid syntax"
NO_PARSER: Final = Fixed(unchecked("no parser for this language is configured"))
NO_EXTRA: Final = Fixed(
    unchecked("no parser is installed: run `pip install 'ensemble-gateway[syntax]'`")
)
UNREADABLE: Final = Fixed(
    unchecked("the code around the hole has null characters or lone surrogates")
)
NEARBY: Final = unchecked("the code is too long to be parsed whole; what is near the hole parses")
FRAGMENT: Final = unchecked(
    "the code around the hole is a fragment that does not say whether the fill belongs there"
)
FRAMED: Final = unchecked("the code around the hole is a fragment; completed, it parses")


@dataclass(slots=True)
class TreeSyntax:
    """The fill makes its surroundings parse. What is found out about them is kept."""

    language: Language
    around: tuple[Surroundings, ...]
    _frames: dict[Surroundings, tuple[Frame, ...]] = field(
        default_factory=dict[Surroundings, tuple[Frame, ...]], init=False
    )

    def find(self, text: str) -> Finding:
        """Parse; the reason says what is wrong and on which line of the fill, from 1."""
        if not _is_readable(text):
            return failed("neither null characters nor lone surrogates may stand in code")
        around = next((one for one in self.around if _is_room(one.tokens, text)), None)
        if around is None:
            return unchecked(f"code above {MAX_TOKENS} tokens is not parsed")
        try:
            return self._parse(TreeParser(grammar_of(self.language), MAX_STEPS), around, text)
        except StepsSpentError:
            return unchecked("the parser finds no end with this code")

    def costly(self, length: int) -> bool:
        """Anything but short code."""
        first = self.around[0]
        return len(first.prompt) + length + len(first.suffix) > SMALL_SOURCE

    def _parse(self, parser: TreeParser, around: Surroundings, text: str) -> Finding:
        root = parser.root(around.framed(WHOLE, text))
        if not root.has_error:
            return NEARBY if around.cut else PASSED
        frames = self._frames_of(around)
        if frames == (WHOLE,) and not around.is_inside:
            return failed(_Fault(root, around.prompt, text).words)
        # In a fragment, brackets of the fill may belong to code that nobody sees.
        if not frames or balance(parser.root(text.encode())) != BALANCED:
            return FRAGMENT
        faults: list[_Fault] = []
        for frame in frames:
            root = parser.root(around.framed(frame, text))
            if not root.has_error:
                return FRAMED
            faults.append(_Fault(root, frame.before + around.prompt, text))
        return next((failed(fault.words) for fault in faults if fault.is_within), FRAGMENT)

    def _frames_of(self, around: Surroundings) -> tuple[Frame, ...]:
        """Look at the code around once; nothing is known of code that takes too long."""
        if around not in self._frames:
            parser = TreeParser(grammar_of(self.language), MAX_STEPS_AROUND)
            try:
                self._frames[around] = frames_of(around, self.language, parser)
            except StepsSpentError:
                self._frames[around] = ()
        return self._frames[around]


class _Fault:
    """What is wrong with a text, in words, and whether all of it is on lines of the fill."""

    def __init__(self, root: Any, before: str, text: str) -> None:
        begin = len(before.encode())
        end = begin + len(text.encode())
        first = before.count("\n")
        last = first + text.count("\n")
        found = list(errors(root))
        self.is_within = bool(found) and all(
            first <= node.start_point.row <= node.end_point.row <= last for node in found
        )
        node = nearest(found, begin, end)
        # A sign that is missing may have no name, and is in no tree.
        self.words = (
            INVALID if node is None else f"{_what(node)} ({_where(node, first, begin, end)})"
        )


def _what(node: Any) -> str:
    return f"{node.type!r} is missing" if node.is_missing else INVALID


def _where(node: Any, first: int, begin: int, end: int) -> str:
    if node.start_byte > end:
        return "in the code after the fill"
    if node.start_byte < begin:
        on = " and on into it" if node.end_byte > begin else ""
        return f"in the code before the fill{on}"
    return f"line {node.start_point.row - first + 1} of the fill"


def compile_tree_syntax(language: str, prompt: str, suffix: str) -> Check:
    """Build the check of a language by its name, or one that says why there is none."""
    known = NAMES.get(language)
    if known is None:
        return NO_PARSER
    try:
        grammar_of(known)
    except (ImportError, ValueError):
        # Without the extra, or with a grammar that is too old or too new for the binding.
        return NO_EXTRA
    pieces = pieces_around(prompt, suffix, MAX_TOKENS)
    if not _is_readable(pieces[0].prompt + pieces[0].suffix):
        return UNREADABLE
    return TreeSyntax(known, pieces)


def _is_room(tokens: int, text: str) -> bool:
    # Counting takes as long as parsing, and a token has at least one character.
    left = MAX_TOKENS - tokens
    return len(text) <= left or count_tokens(text) <= left


def _is_readable(text: str) -> bool:
    """Say whether a parser sees all of a text: a null character is an end to it."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False
