"""From the lines that the runner writes to what is known of a program, at any moment."""

from __future__ import annotations

import builtins
import signal
from typing import Final

from gateway.core.ports import Clock
from gateway.core.running import RunReport, RunResult, RunStatus
from gateway.sandbox.languages import Script
from gateway.sandbox.options import SandboxOptions

NOT_RUN, FAILED = RunStatus.NOT_RUN, RunStatus.FAILED
CRASHED, TIMEOUT = RunStatus.CRASHED, RunStatus.TIMEOUT
PASSED: Final = RunResult(RunStatus.PASSED)
SOURCE_FAILED: Final = RunResult(NOT_RUN, "the source did not run to its end")
NO_TURN: Final = RunResult(NOT_RUN, "its turn did not come")
NO_COMMAND: Final = RunResult(
    NOT_RUN,
    "the command for its language is not in the sandbox: install it in /usr/bin, or give its full "
    "path and add its folder to sandbox.readable",
)
FORGED: Final = RunResult(FAILED, "it wrote to a file descriptor that it had not opened")

FIXED: Final = {
    "passed": PASSED,
    "forged": FORGED,
    "files": RunResult(CRASHED, "it made too many files"),
    "full": RunResult(CRASHED, "its processes left no room for another one"),
    "unrepeatable": RunResult(
        NOT_RUN, "the source did not pass when it was run again after a case that left something"
    ),
    "uncleared": RunResult(NOT_RUN, "an earlier case left files that cannot be removed"),
}
OWN_EXCEPTION: Final = "an exception of the program's own"
MAX_DIGITS: Final = 9


class NonsenseError(Exception):
    """The runner wrote what it never writes."""


class Progress:
    """What is known of a program that is being run."""

    def __init__(self, script: Script, options: SandboxOptions, clock: Clock) -> None:
        self.script = script
        self._options = options
        self._clock = clock
        self._began: float | None = None
        self._results: list[RunResult] = []
        # Before the results of a program in another language comes that of the part of ours.
        self._ours = 0 if script.python else 1

    @property
    def complete(self) -> bool:
        """Whether there is nothing more to learn."""
        broken = any(result is not PASSED for result in self._results[: self._ours + 1])
        return broken or len(self._results) == 1 + len(self.script.cases)

    def hear(self, line: bytes) -> None:
        """Take a line of the runner. Raises NonsenseError when it cannot come next."""
        kind, _, words = line.decode("ascii", "replace").removesuffix("\n").partition(" ")
        begun = self._began is not None
        if kind != ("case" if self._results else "source" if begun else "ready"):
            raise NonsenseError
        if begun:
            self._results.append(self._result(words))
        else:
            self._began = self._clock()

    def report(self, unfinished: RunResult) -> RunReport:
        """Report what is known; `unfinished` goes for what is being run."""
        cases = len(self.script.cases) - self._ours
        elapsed_s = 0.0 if self._began is None else self._clock() - self._began
        source, *known = (*self._results[self._ours :], unfinished)
        if self._ours and self._results and self._results[0] is not PASSED:
            source = NO_COMMAND
        if source is not PASSED:
            unrun = source if source.status is NOT_RUN else SOURCE_FAILED
            return RunReport(source, (unrun,) * cases, elapsed_s)
        return RunReport(source, (*known, *(NO_TURN,) * cases)[:cases], elapsed_s)

    def _result(self, words: str) -> RunResult:
        if words in FIXED:
            return FIXED[words]
        options = self._options
        match words.split(" "):
            case ["timeout"]:
                return RunResult(TIMEOUT, f"it took longer than {options.case_s:g} s")
            case ["memory"]:
                most = f"{options.memory_mib} MiB"
                return RunResult(CRASHED, f"its processes took more than {most} of memory together")
            case ["exited", code] if _number(code) >= 0:
                how = "before its end, " if self.script.python else ""
                return RunResult(FAILED, f"it ended {how}with exit status {_number(code)}")
            case ["signal", number] if _number(number) > 0:
                return self._ended_by(_number(number))
            case ["failed", kind, place, line] if self.script.python:
                return RunResult(FAILED, f"{_exception(kind)}{self._where(place, _number(line))}")
            case ["failed", *_] if not self.script.python:
                return RunResult(CRASHED, "it could not be started")
            case _:
                # Only a program that plays the runner says such a thing.
                return FORGED

    def _ended_by(self, number: int) -> RunResult:
        if number == signal.SIGXCPU:
            return RunResult(
                TIMEOUT, f"it used more than {self._options.cpu_s} s of processor time"
            )
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = f"signal {number}"
        why = ", as for want of memory or of time" if number == signal.SIGKILL else ""
        return RunResult(CRASHED, f"it was ended by {name}{why}")

    def _where(self, place: str, line: int) -> str:
        count = len(self._results)
        text = self.script.cases[count - 1] if place == "case" and count else self.script.source
        named = "case" if place == "case" else "source"
        # The program can say any number; one that exists gives nothing away.
        if 0 < line <= len(text.splitlines()) + 1:
            return f" in line {line} of the {named}"
        return f" in the {named}"


def _exception(name: str) -> str:
    kind = getattr(builtins, name, None)
    known = isinstance(kind, type) and issubclass(kind, BaseException)
    return name if known else OWN_EXCEPTION


def _number(digits: str) -> int:
    return int(digits) if digits.isdecimal() and len(digits) <= MAX_DIGITS else -1
