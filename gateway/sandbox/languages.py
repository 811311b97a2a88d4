"""Programs in the only language that the runner knows, Python, whatever theirs is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from gateway.core.running import Program
from gateway.core.value import value
from gateway.validation.languages import PYTHON

FILE: Final = "{file}"
PLACE: Final = "/tmp/program"  # noqa: S108 - the sandbox's own
NAMED: Final = re.compile(re.escape(FILE) + r"(?:\.[A-Za-z0-9]+)*")

# Leaves as the command did, and comes to its end only when the command ended well.
LAUNCH: Final = """\
import os
FILE, COMMAND = {file!r}, {command!r}
if not any(os.access(os.path.join(folder, COMMAND[0]), os.X_OK) for folder in os.get_exec_path()):
    raise FileNotFoundError
def run(text):
    with open(FILE, "wb") as file:
        file.write(text)
    child = os.fork()
    if not child:
        try:
            os.execvp(COMMAND[0], COMMAND)
        finally:
            os._exit(127)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code < 0:
        os.kill(os.getpid(), -code)
    if code:
        os._exit(code)
"""


@value
class Script:
    """What the runner is given; without `python` the first case is the program's source."""

    source: str
    cases: tuple[str, ...]
    python: bool = True

    def frames(self) -> bytes:
        """Write it as the runner reads it: how many cases, then each text after its length."""
        texts = [_bytes(text) for text in (self.source, *self.cases)]
        pieces = [piece for text in texts for piece in (_size(len(text)), text)]
        return b"".join((_size(len(self.cases)), *pieces))


def script_of(program: Program, languages: Mapping[str, tuple[str, ...]]) -> Script | None:
    """Put a program in Python; None when nobody has said how its language is run.

    A command for Python itself is obeyed: it may know packages that the runner does not.
    """
    command = languages.get(program.language)
    if command is None:
        known = program.language in PYTHON
        return Script(program.source, program.cases) if known else None
    file = next(found for word in command if (found := NAMED.search(word))).group()
    launch = LAUNCH.format(
        file=file.replace(FILE, PLACE), command=[word.replace(FILE, PLACE) for word in command]
    )
    texts = (program.source, *(f"{program.source}\n{case}" for case in program.cases))
    return Script(launch, tuple(f"run({_bytes(text)!r})" for text in texts), python=False)


def _size(number: int) -> bytes:
    return number.to_bytes(4, "big")


def _bytes(text: str) -> bytes:
    # A text with a lone surrogate is not a program of any language; that is for it to say.
    return text.encode("utf-8", "surrogatepass")
