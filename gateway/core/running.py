"""Programs made of candidates, and what was found by running or type-checking them."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from gateway.core.value import value


class RunStatus(StrEnum):
    """How a run ended. NOT_RUN: nobody knows anything about the program."""

    PASSED = "passed"
    FAILED = "failed"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    NOT_RUN = "not_run"


@value
class Program:
    """A program and what to try on it.

    `source` runs first, by itself. Each of `cases`, code in the same language, then runs as if it
    followed the source, and none sees what another did.
    """

    language: str
    source: str
    cases: tuple[str, ...] = ()


@value
class RunResult:
    """How the source or one case ended; `reason` has no text of the program."""

    status: RunStatus
    reason: str = ""


@value
class RunReport:
    """What came of a program. `cases` are all NOT_RUN when the source did not pass."""

    source: RunResult
    cases: tuple[RunResult, ...] = ()
    elapsed_s: float = 0.0


class Executor(Protocol):
    """Runs programs that nobody trusts, contained."""

    async def run(self, program: Program, timeout_s: float) -> RunReport:
        """Run a program within `timeout_s` seconds, waiting for a free place included.

        Never raises for anything that a program does. What cannot be run at all, for want of a
        sandbox, a language or time, is NOT_RUN with the reason. Cancelling ends the program.
        """
        ...


class Sandbox(Executor, Protocol):
    """An executor that can say whether it works here."""

    async def probe(self) -> str:
        """Try a trivial program; return nothing, or why no program can be run and the mending."""
        ...


@value
class TypeMismatch:
    """A place where types do not agree: 1-based line and column of the whole source."""

    line: int
    column: int
    rule: str


@value
class TypeReport:
    """The errors found, or in `unknown` why nobody looked."""

    errors: tuple[TypeMismatch, ...] = ()
    unknown: str = ""


class TypeChecker(Protocol):
    """Checks the types of a whole source without running it."""

    async def check(self, source: str, language: str, timeout_s: float) -> TypeReport:
        """Check within `timeout_s` seconds. Never raises for any source."""
        ...
