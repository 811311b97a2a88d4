# noqa: INP001 - a script
"""Write docs/decisions/index.md from the records: `python docs/generate_decisions.py`.

`--check` only compares the page with what it would be. A test runs the check.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

RECORDS = Path(__file__).parent / "decisions"
PAGE = RECORDS / "index.md"

HEAD = """\
# Decisions

<!-- Written by docs/generate_decisions.py from the records. Do not edit. -->

Each record says what there was to decide, what was decided and what follows. It is written when a
choice binds others, and replaced by a newer one, never rewritten.

| record | decision |
|---|---|
"""


def render() -> str:
    """Return the text of the page."""
    records = sorted(RECORDS.glob("[0-9]*.md"))
    return HEAD + "".join(_row(record) for record in records)


def _row(record: Path) -> str:
    title = record.read_text(encoding="utf-8").partition("\n")[0]
    number, words = re.fullmatch(r"# (\d+) (.+)", title).groups()  # pyright: ignore[reportOptionalMemberAccess] - a test checks titles
    return f"| [{number}]({record.name}) | {words} |\n"


def main(arguments: Sequence[str]) -> str:
    """Write or check the page; return what is wrong, or nothing."""
    text = render()
    if "--check" not in arguments:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        return f"{PAGE.name} is not what the records say: run `python docs/generate_decisions.py`"
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) or 0)
