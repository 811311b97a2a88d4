"""The executor that contains each program in a sandbox of its own, made by bubblewrap."""

from __future__ import annotations

import asyncio
import hashlib
import platform
import time
from functools import partial
from typing import Final

from gateway.core.ports import Clock
from gateway.core.running import Program, RunReport, RunResult, RunStatus
from gateway.sandbox.arguments import sandbox_command
from gateway.sandbox.contained import Contained, contained
from gateway.sandbox.flights import OVERDUE, Flights, Landing
from gateway.sandbox.languages import Script, script_of
from gateway.sandbox.options import SandboxOptions
from gateway.sandbox.report import NonsenseError, Progress
from gateway.sandbox.seccomp import filter_for
from gateway.sandbox.trouble import UnavailableError, too_new
from gateway.sandbox.view import look

START_S: Final = 10.0
"""Longest time from the start of bwrap to the first line of the runner."""

NO_ROOM: Final = RunResult(RunStatus.NOT_RUN, "too many programs wait for a place in the sandbox")
NONSENSE: Final = RunResult(RunStatus.NOT_RUN, "the sandbox gave an answer that makes no sense")
BROKEN: Final = RunResult(RunStatus.CRASHED, "it brought the sandbox to its end")
TRIAL: Final = Script("pass", ("pass",))


class BubblewrapExecutor:
    """Runs programs that nobody trusts, contained by namespaces and limits.

    Make it inside the event loop that uses it. Nothing has to be closed: a sandbox ends with the
    last caller that waits for it.
    """

    def __init__(self, options: SandboxOptions, clock: Clock = time.monotonic) -> None:
        self._options = options
        self._clock = clock
        self._rules = filter_for(platform.machine())
        self._strict = True
        self._places = asyncio.Semaphore(options.max_running)
        self._waiting = 0
        self._flights = Flights(self._run, options.max_kept)

    async def run(self, program: Program, timeout_s: float) -> RunReport:
        """Run a program within `timeout_s` seconds, waiting for a free place included.

        Never raises for anything that a program does. TIMEOUT means one of the limits of the
        options; when the caller's time is over before, the rest is NOT_RUN.
        """
        script = script_of(program, self._options.languages)
        if script is None:
            return _unrun(program, _unknown(program.language))
        if timeout_s <= 0:
            return _unrun(program, OVERDUE)
        key = hashlib.sha256(script.frames()).digest()
        return await self._flights.report(key, self._progress(script), timeout_s)

    async def probe(self) -> str:
        """Try a trivial program; return nothing, or why no program can be run and the mending."""
        report = (await self._contain(self._progress(TRIAL))).report
        ends = (report.source, *report.cases)
        return next((end.reason for end in ends if end.status is not RunStatus.PASSED), "")

    def _progress(self, script: Script) -> Progress:
        return Progress(script, self._options, self._clock)

    async def _run(self, progress: Progress) -> Landing:
        if self._places.locked() and self._waiting >= self._options.max_waiting:
            return Landing(progress.report(NO_ROOM), lasting=False)
        self._waiting += 1
        try:
            # Whoever waits for this run has a deadline, and cancels it then.
            await self._places.acquire()
        finally:
            self._waiting -= 1
        try:
            return await self._contain(progress)
        finally:
            self._places.release()

    async def _contain(self, progress: Progress) -> Landing:
        strict = self._strict
        try:
            return await self._attempt(progress, strict=strict)
        except UnavailableError as error:
            if strict and too_new(error.said):
                self._strict = False
                return await self._contain(progress)
            nothing = RunResult(RunStatus.NOT_RUN, str(error))
            return Landing(progress.report(nothing), lasting=False)

    async def _attempt(self, progress: Progress, *, strict: bool) -> Landing:
        script, options = progress.script, self._options
        compose = partial(
            sandbox_command, options, look(options), python=script.python, strict=strict
        )
        async with contained(compose, script.frames(), self._rules) as box:
            await _begin(box, progress)
            try:
                async with asyncio.timeout(options.wall_s):
                    unfinished = await _follow(box, progress)
            except TimeoutError:
                late = RunResult(RunStatus.TIMEOUT, f"it took longer than {options.wall_s:g} s")
                return Landing(progress.report(late), lasting=True)
            return Landing(progress.report(unfinished), lasting=progress.complete)


async def _begin(box: Contained, progress: Progress) -> None:
    """Wait for the runner. Raises UnavailableError."""
    try:
        async with asyncio.timeout(START_S):
            line = await box.line()
    except TimeoutError:
        raise UnavailableError(f"the sandbox did not start within {START_S:g} s") from None
    if not line:
        raise await box.failure()
    try:
        progress.hear(line)
    except NonsenseError:
        raise UnavailableError(NONSENSE.reason) from None


async def _follow(box: Contained, progress: Progress) -> RunResult:
    """Listen to the end; return what to say of a part that the runner said nothing about."""
    while not progress.complete:
        line = await box.line()
        if not line:
            return BROKEN
        try:
            progress.hear(line)
        except NonsenseError:
            return NONSENSE
    return BROKEN


def _unrun(program: Program, result: RunResult) -> RunReport:
    return RunReport(result, (result,) * len(program.cases))


def _unknown(language: str) -> RunResult:
    name = language if language.isidentifier() else "of its language"
    return RunResult(
        RunStatus.NOT_RUN,
        f"nothing runs {name} programs here: say how in the table sandbox.languages",
    )
