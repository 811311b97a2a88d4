"""The languages that tree-sitter parses here, by all their names."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any, Final

from gateway.core.value import value

PYTHON: Final = frozenset({"python", "python3", "py"})
"""Names of the language that Python's own parser checks."""


@value
class Language:
    """A language: the wheel of its grammar, and what the lost beginning of a file may have opened.

    Each of `openers` ends with a brace; the first suits statements.
    """

    package: str
    openers: tuple[str, ...]
    factory: str = "language"


_BLOCKS: Final = ("{", "if (x) {", "switch (x) {")
_SCRIPT: Final = (*_BLOCKS, "try {", "class A {", "class A { f() {", "x = {")
JAVASCRIPT: Final = Language("tree_sitter_javascript", _SCRIPT)
_TYPED: Final = (*_SCRIPT, "interface A {", "enum A {")
TYPESCRIPT: Final = Language("tree_sitter_typescript", _TYPED, "language_typescript")
TSX: Final = Language("tree_sitter_typescript", _TYPED, "language_tsx")
GO: Final = Language(
    "tree_sitter_go",
    (
        *("func f() {", "func f() { if x {", "func f() { switch x {"),
        *("type A struct {", "type A interface {", "var a = A{"),
    ),
)
RUST: Final = Language(
    "tree_sitter_rust",
    (
        *("fn f() {", "fn f() { if x {", "fn f() { match x {"),
        *("impl A {", "impl A { fn f() {", "struct A {", "enum A {"),
    ),
)
JAVA: Final = Language(
    "tree_sitter_java",
    (*_BLOCKS, "try {", "class A {", "class A { void f() {", "interface A {", "enum A {"),
)
C: Final = Language("tree_sitter_c", (*_BLOCKS, "struct A {", "enum A {", "int a[] = {"))
CPP: Final = Language(
    "tree_sitter_cpp",
    (
        *(*_BLOCKS, "try {", "class A {", "class A { void f() {"),
        *("enum A {", "int a[] = {", "namespace a {"),
    ),
)

NAMES: Final = {
    **dict.fromkeys(("javascript", "js", "jsx", "mjs", "cjs", "javascriptreact"), JAVASCRIPT),
    **dict.fromkeys(("ecmascript", "node", "nodejs"), JAVASCRIPT),
    **dict.fromkeys(("typescript", "ts", "mts", "cts"), TYPESCRIPT),
    **dict.fromkeys(("tsx", "typescriptreact"), TSX),
    **dict.fromkeys(("go", "golang"), GO),
    **dict.fromkeys(("rust", "rs"), RUST),
    "java": JAVA,
    "c": C,
    **dict.fromkeys(("c++", "cpp", "cxx", "cc", "hpp"), CPP),
}


@cache
def grammar_of(language: Language) -> Any:
    """Load a language's grammar once. Raises ImportError without the extra `syntax`."""
    from tree_sitter import Language as Grammar  # noqa: PLC0415 - an idle gateway does not load it

    # The wheel holds the grammar alone, as a capsule that the binding wraps.
    capsule: object = getattr(importlib.import_module(language.package), language.factory)()
    return Grammar(capsule)
