"""Real sandboxes with short limits, and what is left of them on the machine."""

from __future__ import annotations

import asyncio
import itertools
import os
from functools import cache
from pathlib import Path

import pytest

from gateway.config.checking import SandboxConfig
from gateway.core.running import Program, RunReport, RunStatus
from gateway.sandbox.bubblewrap import BubblewrapExecutor
from gateway.sandbox.options import SandboxOptions

LONG_S = 50.0
"""Time enough for everything: what ends a program in a test is one of its limits."""

_numbers = itertools.count()


def options(**changed: object) -> SandboxOptions:
    """Limits for programs that end, or are caught at once."""
    return SandboxConfig(**{"wall_s": 20.0, "case_s": 10.0, **changed}).options()  # type: ignore[arg-type]


class Sandbox:
    """An executor whose processes can be told from those of every other one."""

    def __init__(self, **changed: object) -> None:
        case_s = float(str(changed.pop("case_s", 10.0)))
        # The runner has it among its arguments, to the last digit.
        case_s += (os.getpid() * 1000 + next(_numbers)) / 10**12
        self.options = options(case_s=case_s, **changed)
        self.executor = BubblewrapExecutor(self.options)
        self._mark = str(self.options.case_s).encode()

    async def run(self, source: str, *cases: str, language: str = "python") -> RunReport:
        """Run a program, and see that nothing is left of it."""
        report = await self.executor.run(Program(language, source, cases), LONG_S)
        assert self.left() == []
        return report

    def left(self) -> list[str]:
        """Which processes of its programs there are on this machine."""
        return [path.parent.name for path in Path("/proc").glob("[0-9]*/cmdline") if self._in(path)]

    def _in(self, path: Path) -> bool:
        try:
            return self._mark in path.read_bytes().split(b"\0")
        except OSError:
            return False


def statuses(report: RunReport) -> list[RunStatus]:
    """How the source and each case ended."""
    return [report.source.status, *(case.status for case in report.cases)]


def programs(text: str) -> list[str]:
    """Take the programs that lines of `---` part."""
    return text.split("---\n")


@cache
def needs_sandbox() -> pytest.MarkDecorator:
    """Skip where no sandbox can run, saying why."""
    missing = asyncio.run(BubblewrapExecutor(options()).probe())
    return pytest.mark.skipif(bool(missing), reason=f"no sandbox here: {missing}")
