# noqa: INP001 - a script
"""Write docs/reference/cli.md from the command line itself: `python docs/generate_cli.py`.

`--check` only compares the page with what it would be. A test runs the check, so that no command
and no option changes without its documentation.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

from typer.main import get_command

from gateway.cli.main import app

# The harness is a distribution of its own, which need not be installed.
sys.path.insert(0, str(Path(__file__).parents[1] / "clients" / "loadtest" / "src"))

from ensemble_loadtest.command import app as harness

PAGE = Path(__file__).parent / "reference" / "cli.md"
ERRORS = Path(__file__).with_name("errors.md")

HEAD = """\
# The command line

<!-- Written by docs/generate_cli.py from gateway/cli. Do not edit. -->

`ensemble COMMAND --help` prints the same. What a command was asked for goes to standard output,
everything else to standard error; with `--json` standard output is one document, or one a line
where things come one after the other. Options that name a variable may be given by it instead.

| command | does |
|---|---|
"""

KINDS = {int: "whole number", float: "number", str: "text", Path: "file or folder"}

EXITS = """\

## Exit codes

Every command ends with one of these. When a gateway refuses, [errors.md](../errors.md) has its
reason.

"""


def render() -> str:
    """Return the text of the page."""
    found = list(_commands(get_command(app), "ensemble"))
    parts = [HEAD]
    for path, command in found:
        anchor = path.replace(" ", "-")
        parts.append(f"| [`{path}`](#{anchor}) | {_first_sentence(_help(command))} |\n")
    for path, command in found:
        parts.append(f"\n## {path}\n\n{_help(command)}\n\n")
        parts.append(f"`{_usage(path, command)}`\n")
        parts.extend(_table(command))
    return "".join(parts) + EXITS + _exit_codes()


def _commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every command that does something, with the words that call it."""
    if path == "ensemble loadtest":
        command = get_command(harness)
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    if command.invoke_without_command:
        yield path, command
    for name, child in inner.items():
        yield from _commands(child, f"{path} {name}")


def _help(command: Any) -> str:
    paragraphs = inspect.cleandoc(command.help).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _first_sentence(text: str) -> str:
    return _cell(re.split(r"(?<=\.) ", text.partition("\n\n")[0])[0])


def _usage(path: str, command: Any) -> str:
    words = [path]
    for param in _arguments(command):
        name = param.name.upper()
        words.append(name if param.required else f"[{name}]")
    options = [param for param in _options(command) if param.required]
    words += [f"{param.opts[0]} {param.name.upper()}" for param in options]
    return " ".join([*words, *(["[OPTIONS]"] if _options(command) else [])])


def _arguments(command: Any) -> list[Any]:
    return [param for param in command.params if param.param_type_name == "argument"]


def _options(command: Any) -> list[Any]:
    return [
        param
        for param in command.params
        if param.param_type_name == "option" and "completion" not in param.name
    ]


def _table(command: Any) -> Iterator[str]:
    rows = [*_arguments(command), *_options(command)]
    if not rows:
        return
    yield "\n| argument or option | value | default | meaning |\n|---|---|---|---|\n"
    for param in rows:
        cells = (_names(param), _cell(_kind(param)), _default(param), _meaning(param))
        yield f"| {' | '.join(cells)} |\n"


def _names(param: Any) -> str:
    if param.param_type_name == "argument":
        return f"`{param.name.upper()}`"
    return ", ".join(f"`{name}`" for name in (*param.opts, *param.secondary_opts))


def _kind(param: Any) -> str:
    """What may be given: nothing for a flag, the words of a choice, a kind with its bounds."""
    if getattr(param, "is_flag", False):
        return ""
    value: Any = param.type_descriptor.annotation
    if get_origin(value) is list:
        (value,) = get_args(value)
    if issubclass(value, Enum):
        return " or ".join(str(member.value) for member in value)
    many = ", several times" if param.multiple else ""
    return f"{KINDS[value]}{_bounds(param.min, param.max)}{many}"


def _bounds(low: float | None, high: float | None) -> str:
    if low is None:
        return ""
    return f", at least {low}" if high is None else f", {low} to {high}"


def _default(param: Any) -> str:
    if param.required:
        return "required"
    value = _plain(param.default)
    if value in {None, "", False} or isinstance(value, (list, tuple)):
        return "off" if getattr(param, "is_flag", False) else "none"
    return f"`{value}`"


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def _meaning(param: Any) -> str:
    words = _cell(" ".join((param.help or "").split()))
    return f"{words} Variable: `{param.envvar}`." if param.envvar else words


def _cell(text: str) -> str:
    """Escape what would end a cell of a table, or begin markup."""
    return re.sub(r"([|<>*_\[\]])", r"\\\1", text)


def _exit_codes() -> str:
    """The table of docs/errors.md, which a test holds against the code."""
    table = ERRORS.read_text(encoding="utf-8").partition("## Exit codes of `ensemble`\n\n")[2]
    return table.partition("\n\n")[0].rstrip("\n") + "\n"


def main(arguments: Sequence[str]) -> str:
    """Write or check the page; return what is wrong, or nothing."""
    text = render()
    if "--check" not in arguments:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        return f"{PAGE.name} is not what the commands say: run `python docs/generate_cli.py`"
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) or 0)
