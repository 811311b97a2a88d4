"""Executors that run nothing: they say what a test wants to hear."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.core.running import Program, RunReport, RunResult, RunStatus

OK = RunResult(RunStatus.PASSED)


def failing(reason: str = "AssertionError in line 3") -> RunResult:
    return RunResult(RunStatus.FAILED, reason)


def not_run(reason: str = "no place was free") -> RunResult:
    return RunResult(RunStatus.NOT_RUN, reason)


class ScriptedExecutor:
    """Answers each program by `answer`, and remembers what was asked."""

    def __init__(self, answer: Callable[[Program], RunReport]) -> None:
        self.answer = answer
        self.programs: list[Program] = []
        self.times: list[float] = []

    async def run(self, program: Program, timeout_s: float) -> RunReport:
        self.programs.append(program)
        self.times.append(timeout_s)
        return self.answer(program)


def says(source: RunResult = OK, cases: Sequence[RunResult] = ()) -> ScriptedExecutor:
    return ScriptedExecutor(lambda _: RunReport(source, tuple(cases)))


def passing_where(condition: Callable[[str, str], bool]) -> ScriptedExecutor:
    """An executor for which a case passes when `condition(source, case)` holds."""

    def answer(program: Program) -> RunReport:
        results = tuple(
            OK if condition(program.source, case) else failing() for case in program.cases
        )
        return RunReport(OK, results)

    return ScriptedExecutor(answer)
