# noqa: INP001 - a script
"""Write the reference of docs/sdk.md from the client itself: `python clients/python/reference.py`.

What stands above the mark is written by hand and kept. A test compares the page with what this
writes, so that no public name changes without its documentation.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType, UnionType
from typing import Any, is_typeddict

import ensemble_client
from ensemble_client import AsyncClient, Client, testing
from google.protobuf.message import Message

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "sdk.md"
PROTOS = ROOT / "protos" / "ensemble" / "v1"
MARK = "<!-- What follows is written by clients/python/reference.py. Do not edit. -->\n"
COMMENTED = re.compile(r"((?:^// .*\n)+)message (\w+) \{", re.MULTILINE)

METHODS = """\
## Every method

`AsyncClient` has the same ones: *await* or *async for* says how they are used there.
`**RequestOptions` stands for the keys of [RequestFields](#requestfields) and
[CallOptions](#calloptions); `**CommandOptions` and `**OutcomeOptions` are CallOptions with those of
[CommandFields](#commandfields) and [OutcomeFields](#outcomefields).
"""


def render() -> str:
    """Return the whole page."""
    guide = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    parts = [METHODS, *_methods(), "## Every name\n", *_names(ensemble_client)]
    parts += ["## Every name of `ensemble_client.testing`\n", *_names(testing)]
    return guide + MARK + "\n" + "\n".join(parts)


def _methods() -> Iterator[str]:
    for name in sorted(name for name in dir(Client) if not name.startswith("_")):
        method, other = getattr(Client, name), getattr(AsyncClient, name)
        yield f"### {name}\n\n`{_signature(method)}` · {_use(other)}\n\n{inspect.getdoc(method)}\n"


def _use(method: Callable[..., Any]) -> str:
    if inspect.iscoroutinefunction(method):
        return "*await*"
    streamed = re.match(r"AsyncGenerator|Async\w+Stream|AsyncStream", _returned(method))
    return "*async for*" if streamed else "as it is"


def _returned(method: Callable[..., Any]) -> str:
    return str(inspect.signature(method).return_annotation)


def _signature(method: Callable[..., Any]) -> str:
    shown: list[str] = []
    for one in inspect.signature(method).parameters.values():
        if one.name == "self":
            continue
        if one.kind is one.KEYWORD_ONLY and "*" not in shown:
            shown.append("*")
        if one.kind is one.VAR_KEYWORD:
            shown.append("**" + str(one.annotation).removeprefix("Unpack[").removesuffix("]"))
        elif one.kind is one.VAR_POSITIONAL:
            shown.append(f"*{one.name}")
        else:
            default = "" if one.default is one.empty else f"={one.default!r}"
            shown.append(one.name + default)
    return f"{method.__name__}({', '.join(shown)}) -> {_returned(method)}"


def _names(module: ModuleType) -> Iterator[str]:
    said = _comments()
    for name in sorted(module.__all__, key=str.lower):
        found = getattr(module, name)
        if isinstance(found, type) and issubclass(found, Message):
            kind, words = "message", said[name]
        elif isinstance(found, type):
            kind, words = _class(found)
        else:
            kind, words = "union", f"{_comment_of(module, name)}\n\n{_members(found)}"
        yield f"### {name}\n\n*{kind}*\n\n{words}\n"


def _class(found: type[object]) -> tuple[str, str]:
    words = inspect.getdoc(found) or ""
    if is_typeddict(found):
        fields = ", ".join(f"`{field}`" for field in found.__annotations__)
        return "typed dictionary", f"{words}\n\nFields: {fields}."
    if issubclass(found, Exception):
        return f"error, {found.__mro__[1].__name__}", words
    if found in {Client, AsyncClient}:
        return "class", words
    members = [_member(found, name) for name in dir(found) if not name.startswith("_")]
    return "class", "\n".join([words, "", *filter(None, members)]).rstrip()


def _member(found: type[object], name: str) -> str:
    """One line of a method or property that has words of its own; fields are told by the class."""
    member = inspect.getattr_static(found, name)
    if not isinstance(member, property) and not inspect.isfunction(member):
        return ""
    words = " ".join((inspect.getdoc(member) or "").split("\n\n")[0].split())
    shown = _signature(member) if inspect.isfunction(member) else name
    return f"- `{shown}`: {words}"


def _members(union: object) -> str:
    kinds = union.__args__ if isinstance(union, UnionType) else getattr(union, "__args__", ())
    return "One of " + ", ".join(f"`{_named(kind)}`" for kind in kinds) + "."


def _named(kind: object) -> str:
    return kind.__name__ if isinstance(kind, type) else re.sub(r"[\w.]+\.", "", str(kind))


def _comments() -> dict[str, str]:
    """What the protos say about each message."""
    return {
        name: re.sub(r"^// ?", "", comment, flags=re.MULTILINE).strip()
        for path in sorted(PROTOS.glob("*.proto"))
        for comment, name in COMMENTED.findall(path.read_text(encoding="utf-8"))
    }


def _comment_of(module: ModuleType, name: str) -> str:
    """What stands under the assignment of a name, in the file that assigns it."""
    tree = ast.parse(inspect.getsource(module))
    [source] = [
        node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and name in {alias.name for alias in node.names}
    ]
    body = ast.parse(inspect.getsource(importlib.import_module(str(source)))).body
    for node, after in pairwise(body):
        assigned = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
        if assigned and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            return inspect.cleandoc(str(after.value.value))
    raise LookupError(f"{name} has no words under its assignment in {source}")


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
