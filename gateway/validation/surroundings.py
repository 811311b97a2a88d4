"""The code around a hole, which may be a fragment, and what makes it parse.

A fragment may lack the beginning of its file, the end, or both. What it lacks is guessed from its
brackets and from what the language may open, put back as a frame, and tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.core.value import value
from gateway.validation.languages import Language
from gateway.validation.tree import CONDITION, Balance, TreeParser, balance, count_tokens

NEAR: Final = 600
"""Tokens on each side of the hole that are parsed where there are too many in all."""

MAX_SLICE: Final = 24 * 1024
"""Characters on each side of the hole that are looked at."""

COMMON_FILLS: Final = ("", "x", "x;", "{}")
SIMPLE_FILLS: Final = (
    *COMMON_FILLS,
    *("x x", "x() {}", "x {}", "x,", "x: x", ";;", '"x"', 'x"', "x'", "x`", "*/"),
)


@value
class Frame:
    """What is put around a fragment."""

    before: str = ""
    after: str = ""


WHOLE: Final = Frame()


@value
class Surroundings:
    """The code before and after the hole, and how many tokens it has.

    `cut` when it is known that there is more of it.
    """

    prompt: str
    suffix: str
    tokens: int
    cut: bool

    def framed(self, frame: Frame, fill: str) -> bytes:
        """Put a fill and a frame around it together."""
        return f"{frame.before}{self.prompt}{fill}{self.suffix}{frame.after}".encode()

    @property
    def begins_inside(self) -> bool:
        """Say whether code may be lacking before the first line."""
        return self.cut or any(line[:1].isspace() for line in _visible(self.prompt)[:1])

    @property
    def is_inside(self) -> bool:
        """Say whether code may be lacking before the first line, or behind the last one."""
        last = _visible(self.suffix)[-1:]
        return self.begins_inside or any(line[:1].isspace() for line in last)


def _visible(code: str) -> list[str]:
    return [line for line in code.splitlines() if line.strip()]


def frames_of(around: Surroundings, language: Language, parser: TreeParser) -> tuple[Frame, ...]:
    """Return every frame in which a simple fill parses; WHOLE alone when nothing is lacking.

    Raises StepsSpentError.
    """

    def parses(frame: Frame, fill: str) -> bool:
        return not parser.root(around.framed(frame, fill)).has_error

    plain = any(parses(WHOLE, fill) for fill in SIMPLE_FILLS)
    if plain and not around.is_inside:
        return (WHOLE,)
    left = {fill: balance(parser.root(around.framed(WHOLE, fill))) for fill in COMMON_FILLS}
    # The last of the code closes what is open. What stands before more code may do it elsewhere.
    closed = ["".join((fill, *left[fill].skipped, *left[fill].open)) for fill in left]
    ends = not around.suffix.strip() and any(parses(WHOLE, fill) for fill in closed)
    first = (WHOLE,) if plain or ends else ()
    possible = (frame for fill in left for frame in _frames(around, language, left[fill]))
    others = (
        frame
        for frame in dict.fromkeys(possible)
        if any(parses(frame, fill) for fill in COMMON_FILLS)
    )
    return (*first, *others)


def _frames(around: Surroundings, language: Language, left: Balance) -> Iterator[Frame]:
    """Frames for code that leaves these brackets."""
    after = left.open if around.suffix.strip() else ()
    if after:
        yield _frame("", after)
    if set(left.lost) <= {"}", CONDITION} and (left.lost or around.begins_inside):
        conditions = "#if 1\n" * left.lost.count(CONDITION)
        braces = left.lost.count("}")
        if not braces:
            yield _frame(conditions, after)
        for opener in language.openers:
            more = braces - opener.count("{")
            yield _frame(conditions + opener + "{" * more, (*after, *"}" * -more))


def _frame(before: str, after: tuple[str, ...]) -> Frame:
    # Each on its own line, because a comment would swallow it and a condition needs one.
    return Frame(before, "".join(f"\n{kind}" for kind in after) + "\n")


def pieces_around(prompt: str, suffix: str, max_tokens: int) -> tuple[Surroundings, ...]:
    """Return both sides whole, if they are not too long, and then the lines nearest to the hole."""
    above = "\n".join(reversed(_first_lines(prompt[-MAX_SLICE:].split("\n")[::-1])))
    below = "\n".join(_first_lines(suffix[:MAX_SLICE].split("\n")))
    near = Surroundings(above, below, count_tokens(above) + count_tokens(below), cut=True)
    if len(prompt) > MAX_SLICE or len(suffix) > MAX_SLICE:
        return (near,)
    whole = Surroundings(prompt, suffix, count_tokens(prompt) + count_tokens(suffix), cut=False)
    return (whole, near) if whole.tokens <= max_tokens else (near,)


def _first_lines(lines: list[str]) -> list[str]:
    """The first line, which the hole may share, and those after it as far as NEAR tokens go."""
    left = NEAR - count_tokens(lines[0])
    taken = lines[:1]
    for line in lines[1:]:
        left -= count_tokens(line) + 1
        if left < 0:
            break
        taken.append(line)
    return taken
