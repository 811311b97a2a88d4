"""The fenced blocks of the documentation's pages, as tests run them.

The first word after a fence is the block's language; `title="..."` after it is shown to the reader
and tells what becomes of the block: a file name saves it, `Not run by the tests: ...` says why it
is left out, `Exit code N: ...` how a command ends. A comment `<!-- tests: ... -->` is told to the
stage.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.house.sources import ROOT

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))

FENCE = re.compile(
    r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=indent)```$|"
    r"^<!-- tests: (?P<told>.+?) -->$",
    re.MULTILINE | re.DOTALL,
)
TITLE = re.compile(r'title="([^"]*)"')
FILE = re.compile(r"[\w.-]+\.\w+")
LEFT_OUT = re.compile(r"Not run by the tests: \w.*")
EXIT = re.compile(r"Exit code (\d+): \w.*")


@dataclass(frozen=True, slots=True)
class Block:
    """One block, or what a comment tells the stage (`told`); `line` is where it begins."""

    page: Path
    line: int
    language: str
    title: str
    text: str
    told: str = ""

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def file(self) -> str:
        """The file that the reader is told to save it as, or nothing."""
        return self.title if FILE.fullmatch(self.title) else ""

    @property
    def left_out(self) -> bool:
        return LEFT_OUT.fullmatch(self.title) is not None

    @property
    def exit_code(self) -> int:
        found = EXIT.fullmatch(self.title)
        return int(found[1]) if found else 0


@dataclass(frozen=True, slots=True)
class Command:
    """What stands after a prompt, and the lines that the page shows as its output."""

    line: str
    shown: tuple[str, ...]


def blocks(page: Path) -> Iterator[Block]:
    """Every block and every comment of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        if found["told"]:
            yield Block(page, line, "", "", "", found["told"])
            continue
        language, _, rest = found["info"].strip().partition(" ")
        title = TITLE.search(rest)
        body = re.sub(rf"^{found['indent']}", "", found["text"], flags=re.MULTILINE)
        yield Block(page, line, language, title[1] if title else "", body)


def commands(block: Block) -> Iterator[Command]:
    """The commands after the prompts of a console; a quoted argument may span lines."""
    for shown in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        lines = shown.rstrip("\n").split("\n")
        count = next(count for count in range(1, len(lines) + 1) if whole(lines[:count]))
        yield Command("\n".join(lines[:count]), tuple(lines[count:]))


def whole(lines: list[str]) -> bool:
    if lines[-1].endswith("\\"):
        return False
    try:
        shlex.split("\n".join(lines))
    except ValueError:
        return False
    return True
