"""The `>>>` examples in Python code, as test cases."""

from __future__ import annotations

import ast
import re

MAX_EXAMPLES = 64
"""Most examples taken from the code around one hole."""

# What an example shows ends at a blank line; the end of its docstring is as good.
_QUOTES = re.compile("\"\"\"|'''")


def example_cases(code: str) -> tuple[str, ...]:
    """Make a test case of each example that shows a value.

    Examples with the same prompt and nothing but blank lines and text between them follow each
    other: statements that show nothing are run before the next ones. An example passes when it
    shows what is written, or its value equals the literal that is. Examples that show an exception,
    or nothing, make no case. Code that doctest cannot read has none.
    """
    from doctest import DocTestParser  # noqa: PLC0415 - it brings a debugger into memory

    try:
        examples = DocTestParser().get_examples(_QUOTES.sub("\n\n", code))
    except ValueError:
        return ()
    cases: list[str] = []
    before: list[str] = []
    for example in examples:
        source, want = example.source.strip(), example.want.strip()
        if example.exc_msg is not None or not _reads(source, "exec"):
            continue
        if want and _reads(source, "eval"):
            cases.append("\n".join([*before, _case(source, want)]))
        elif not want:
            before.append(source)
        if len(cases) >= MAX_EXAMPLES:
            break
    return tuple(cases)


def _case(source: str, want: str) -> str:
    shown = "_out.getvalue() + ('' if _value is None else repr(_value))"
    equal = f"({shown}).strip() == {want!r}"
    if _is_literal(want):
        equal = f"{equal} or _value == ({want}\n)"
    return (
        "import contextlib, io\n"
        "with contextlib.redirect_stdout(io.StringIO()) as _out:\n"
        f"    _value = ({source}\n)\n"
        f"assert {equal}\n"
    )


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False
    return True


def _reads(source: str, mode: str) -> bool:
    try:
        ast.parse(source, mode=mode)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
