"""Unit tests and examples: the assembled program is run by whoever contains it."""

from __future__ import annotations

import re

from gateway.core.constraint import UnitTests
from gateway.core.running import Executor, Program, RunReport, RunResult, RunStatus
from gateway.core.value import value
from gateway.validation.finding import PASSED, BrokenError, Finding, failed, unchecked
from gateway.validation.late import LateFinding

_DEFINES_CHECK = re.compile(r"^def check\(", re.MULTILINE)
_CALLS_CHECK = re.compile(r"^check\(", re.MULTILINE)


@value
class ProgramCheck:
    """The program of prompt + fill + suffix + `code` runs to its end, and so does each case."""

    executor: Executor
    prompt: str
    suffix: str
    language: str
    code: str
    cases: tuple[str, ...]

    async def find(self, text: str, left_s: float) -> LateFinding:
        """Run it; the reason says how many cases fail, and how the first one does."""
        source = f"{self.prompt}{text}{self.suffix}"
        if self.code:
            source = f"{source}\n{self.code}\n"
        program = Program(self.language, source, self.cases)
        report = await self.executor.run(program, left_s)
        return LateFinding(_finding(report), _behaviour(report, len(self.cases)))


def compile_tests(
    body: UnitTests, prompt: str, suffix: str, language: str, executor: Executor
) -> ProgramCheck:
    """Build the check. Raises BrokenError when there is nothing to run."""
    if not (body.code.strip() or body.cases):
        raise BrokenError("unit_tests.code", "has no test; give code, cases or both")
    if body.entry_point and not body.entry_point.isidentifier():
        raise BrokenError("unit_tests.entry_point", "must be the name of a function")
    code = body.code
    calls = _CALLS_CHECK.search(code) is not None
    if body.entry_point and _DEFINES_CHECK.search(code) and not calls:
        code = f"{code}\ncheck({body.entry_point})"
    return ProgramCheck(executor, prompt, suffix, language, code, body.cases)


def _finding(report: RunReport) -> Finding:
    if report.source.status is RunStatus.NOT_RUN:
        return unchecked(report.source.reason or "the program was not run")
    if report.source.status is not RunStatus.PASSED:
        return failed(f"the program {_words(report.source)}")
    unknown = [case for case in report.cases if case.status is RunStatus.NOT_RUN]
    wrong = [
        index
        for index, case in enumerate(report.cases)
        if case.status not in {RunStatus.PASSED, RunStatus.NOT_RUN}
    ]
    if wrong:
        first = f"cases[{wrong[0]}] {_words(report.cases[wrong[0]])}"
        return failed(f"{len(wrong)} of {len(report.cases)} cases fail; {first}")
    if unknown:
        return unchecked(f"{len(unknown)} of {len(report.cases)} cases: {unknown[0].reason}")
    return PASSED


def _behaviour(report: RunReport, cases: int) -> tuple[bool, ...]:
    """Which cases passed; none of them when the program itself fails, nothing when unknown."""
    if report.source.status is RunStatus.NOT_RUN:
        return ()
    if report.source.status is not RunStatus.PASSED:
        return (False,) * cases
    if any(case.status is RunStatus.NOT_RUN for case in report.cases):
        return ()
    return tuple(case.status is RunStatus.PASSED for case in report.cases)


def _words(result: RunResult) -> str:
    how = {
        RunStatus.TIMEOUT: "does not end in its time",
        RunStatus.CRASHED: "crashes",
    }.get(result.status, "fails")
    return f"{how}: {result.reason}" if result.reason else how
