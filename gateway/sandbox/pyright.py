"""The type checker pyright, or basedpyright, run on one source in a folder of its own."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import shutil
import signal
import sys
import tempfile
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

from gateway.core.running import TypeMismatch, TypeReport
from gateway.validation.languages import PYTHON

NAMES: Final = ("basedpyright", "pyright")
SOURCE: Final = "checked.py"
CONFIG: Final = "pyrightconfig.json"
OPTIONS: Final = json.dumps(
    {
        "include": [SOURCE],
        "typeCheckingMode": "basic",
        # Tells a type that fits from one that is not known, which fits everywhere.
        "reportUnknownArgumentType": "error",
    }
)

MAX_SOURCE: Final = 512 * 1024
MAX_OUTPUT: Final = 4 * 1024 * 1024
MAX_ERRORS: Final = 1_000
"""Most errors of a source that are looked at."""

END_S: Final = 5.0
"""Time for processes that were killed to be gone."""

NO_PYRIGHT: Final = "no type checker is installed: run `pip install 'ensemble-gateway[types]'`"
NONSENSE: Final = "the type checker gave an answer that makes no sense"
TOO_MUCH: Final = "the type checker found more errors than are looked at"
OTHER_LANGUAGE: Final = "only the types of Python code are checked"
NOT_UNICODE: Final = "code with lone surrogates cannot be written to a file"
TOO_LONG: Final = f"the types of code above {MAX_SOURCE} bytes are not checked"

_RULE: Final = re.compile(r"[A-Za-z]{1,64}")


def find_pyright() -> str | None:
    """Return the path of a type checker beside the interpreter or on the PATH, if there is one."""
    beside = str(Path(sys.executable).parent)
    found = (shutil.which(name, path=path) for path in (beside, None) for name in NAMES)
    return next((path for path in found if path), None)


class Pyright:
    """Runs the type checker at `executable`, at most `max_running` times at once, `longest_s` each.

    Without one, every report is unknown and says how to get it. The last `max_kept` reports are
    kept. Make it inside the event loop that uses it. Nothing has to be closed: a run ends with its
    caller.
    """

    def __init__(
        self,
        executable: str | None,
        max_running: int = 2,
        max_kept: int = 256,
        longest_s: float = 20.0,
    ) -> None:
        self._executable = executable
        self._longest_s = longest_s
        self._max_kept = max_kept
        self._places = asyncio.Semaphore(max_running)
        self._kept: OrderedDict[bytes, TypeReport] = OrderedDict()

    async def check(self, source: str, language: str, timeout_s: float) -> TypeReport:
        """Check within `timeout_s` seconds, waiting for a free place included; never raises.

        Cancelling ends the processes of the type checker.
        """
        if language not in PYTHON:
            return TypeReport(unknown=OTHER_LANGUAGE)
        if self._executable is None:
            return TypeReport(unknown=NO_PYRIGHT)
        try:
            data = source.encode()
        except UnicodeEncodeError:
            return TypeReport(unknown=NOT_UNICODE)
        if len(data) > MAX_SOURCE:
            return TypeReport(unknown=TOO_LONG)
        key = hashlib.sha256(data).digest()
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            return kept
        longest_s = min(timeout_s, self._longest_s)
        try:
            async with asyncio.timeout(longest_s), self._places:
                report = await _run(self._executable, data)
        except TimeoutError:
            return TypeReport(unknown=f"the type check took longer than {longest_s:g} s")
        if not report.unknown:
            self._kept[key] = report
            while len(self._kept) > self._max_kept:
                self._kept.popitem(last=False)
        return report


async def _run(executable: str, data: bytes) -> TypeReport:
    command = (executable, "--outputjson", "--project", CONFIG, "--pythonpath", sys.executable)
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            _write(Path(folder), data)
            async with _process(folder, *command) as process:
                output = await _output(process)
    except OSError as error:
        return TypeReport(unknown=f"the type checker did not start: {error.strerror}")
    return report_of(output)


def report_of(output: bytes) -> TypeReport:
    """Read what the type checker wrote about one source."""
    if len(output) > MAX_OUTPUT:
        return TypeReport(unknown=TOO_MUCH)
    try:
        answer: Any = json.loads(output)
        if answer["summary"]["filesAnalyzed"] != 1:
            return TypeReport(unknown=NONSENSE)
        found = [one for one in answer["generalDiagnostics"] if one["severity"] == "error"]
        if len(found) > MAX_ERRORS:
            return TypeReport(unknown=TOO_MUCH)
        return TypeReport(tuple(_mismatch(one) for one in found))
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError):
        return TypeReport(unknown=NONSENSE)


def _mismatch(one: Any) -> TypeMismatch:
    start = one["range"]["start"]
    rule = str(one.get("rule", ""))
    # A rule's name goes into verdicts; anything else might be text of the source.
    return TypeMismatch(
        int(start["line"]) + 1,
        int(start["character"]) + 1,
        rule if _RULE.fullmatch(rule) else "",
    )


def _write(folder: Path, data: bytes) -> None:
    (folder / SOURCE).write_bytes(data)
    (folder / CONFIG).write_text(OPTIONS, encoding="utf-8")


def _environment() -> dict[str, str]:
    """What the type checker needs of ours; nothing that changes what it finds."""
    ours = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**ours, "PYTHONNOUSERSITE": "1", "NODE_OPTIONS": "--max-old-space-size=1024"}


@asynccontextmanager
async def _process(folder: str, *command: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Start a process group in a folder; on leaving, whatever the reason, nothing of it is left."""
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=folder,
            env=_environment(),
            start_new_session=True,
        )
    )
    try:
        # Cancelled half-way, asyncio would end the first process but not its children.
        yield await asyncio.shield(starting)
    finally:
        await _end(await starting)


async def _output(process: asyncio.subprocess.Process) -> bytes:
    """Read to the end, or a little more than MAX_OUTPUT."""
    output = bytearray()
    while len(output) <= MAX_OUTPUT and (piece := await _piece(process)):
        output += piece
    if len(output) <= MAX_OUTPUT:
        await process.wait()
    return bytes(output)


async def _piece(process: asyncio.subprocess.Process) -> bytes:
    return b"" if process.stdout is None else await process.stdout.read(64 * 1024)


async def _end(process: asyncio.subprocess.Process) -> None:
    # A process that left children behind has left them its output, too.
    if process.returncode is not None and process.stdout is not None and process.stdout.at_eof():
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(TimeoutError):
        async with asyncio.timeout(END_S):
            # A process whose output nobody reads does not count as ended.
            while await _piece(process):
                pass
            await process.wait()
