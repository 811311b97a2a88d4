r"""Code as tokens that join back to exactly the same text.

A token is a word, a number, a short string literal or an operator, each with the one space before
it if there is one. A line break is one token together with the indentation after it, written
relative to the line before (`"\n+4"`: one line break, four columns deeper), so that a loop looks
the same at every depth. Breaks that cannot be written so (tabs) stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_TOKEN = re.compile(
    r"""\n+[ \t]*                                             # line breaks and indentation
    |[ ]{2,}                                                  # spaces inside a line
    |[ ]?(?:
        [rbfuRBFU]{0,2}(?:'[^'\\\s]{0,24}'(?!')|"[^"\\\s]{0,24}"(?!"))  # short string
        |[^\W\d]\w*                                           # word
        |\d[\w.]*                                             # number
        |\"{3}|'{3}|\.{3}|->|\*\*=?|//=?|>>=?|<<=?|[-+*/%&|^=<>!:@]=
        |[^\s\w]                                              # any other character
    )
    |[\s\S]                                                   # whatever is left
    """,
    re.VERBOSE,
)


def is_break(token: str) -> bool:
    """True for a line break, relative or not."""
    return token.startswith("\n")


def _is_relative(token: str) -> bool:
    return token[0] == "\n" and token[-1].isdecimal()


def bare(token: str) -> str:
    """The token without the one space before it; contexts are compared without that space."""
    return token[1:] if len(token) > 1 and token[0] == " " and token[1] != " " else token


def place(token: str, indent: str) -> tuple[str, str] | None:
    """Write one token as text after a line with this indentation.

    Returns the text and the indentation of the line that it ends in, or None when the token goes
    left of column 0.
    """
    if token[0] != "\n":
        return token, indent
    if not _is_relative(token):
        return token, token.lstrip("\n")
    breaks = token.rstrip("+-0123456789")
    column = len(indent) + int(token[len(breaks) :])
    if column < 0:
        return None
    new = " " * column
    return breaks + new, new


def split(text: str) -> list[str]:
    """Cut text into pieces; joined they are the text."""
    pieces: list[str] = _TOKEN.findall(text)
    return pieces


def relate(pieces: list[str], indent: str = "") -> tuple[list[str], str]:
    """Make the breaks among the pieces relative to the line before, which is indented like this.

    Returns the tokens and the indentation of the last line.
    """
    tokens = pieces.copy()
    for index, piece in enumerate(pieces):
        if piece[0] == "\n":
            new = piece.lstrip("\n")
            if "\t" not in new and "\t" not in indent:
                breaks = "\n" * (len(piece) - len(new))
                tokens[index] = f"{breaks}{len(new) - len(indent):+d}"
            indent = new
    return tokens, indent


def encode(text: str, indent: str = "") -> list[str]:
    """Cut text that follows a line with this indentation into tokens."""
    return relate(split(text), indent)[0]


def decode(tokens: Iterable[str], indent: str = "") -> str:
    """Join tokens into text. Raises ValueError for a token left of column 0."""
    parts: list[str] = []
    for token in tokens:
        placed = place(token, indent)
        if placed is None:
            raise ValueError("a token goes left of column 0")
        parts.append(placed[0])
        indent = placed[1]
    return "".join(parts)
