"""What stands for an open hole in the code that models see and checks parse."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gateway.core.hole import HoleKind

NOTHING = "/* open */"
PYTHON = ("python", "python3", "py")
VALUES: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("javascript", "js", "typescript", "ts", "java", "json"), "null"),
        **dict.fromkeys(("go", "golang"), "nil"),
        **dict.fromkeys(("rust", "rs"), "todo!()"),
        **dict.fromkeys(("c", "c++", "cpp"), "0"),
        **dict.fromkeys(PYTHON, "..."),
    }
)
"""A value of each language that fits about everywhere; Python's is a statement too."""

VALUE_ALWAYS = frozenset({*PYTHON, "json"})


def stand_in(language: str, kind: HoleKind, *, alone: bool, marker: str) -> str:
    """Choose a text with which the code around it parses, as far as that can be known.

    Where a value is wanted, that is for an expression, or for a hole of no stated size that shares
    its line (`alone` is false), it is a value of the language; elsewhere nothing but a comment. In
    a language that is not known the marker stays: no check will parse it.
    """
    name = language.lower()
    if name not in VALUES:
        return marker
    within = kind is HoleKind.UNSPECIFIED and not alone
    if name in VALUE_ALWAYS or kind is HoleKind.EXPRESSION or within:
        return VALUES[name]
    return NOTHING
