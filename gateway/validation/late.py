"""Checks that take a tool of the machine and its time: running tests, checking types."""

from __future__ import annotations

from typing import Protocol

from gateway.core.running import Executor, TypeChecker
from gateway.core.value import value
from gateway.validation.finding import Finding


@value
class Tools:
    """What the machine has for late checks; None = it does not.

    `examples` runs the `>>>` examples of Python code wherever there is an executor.
    """

    executor: Executor | None = None
    types: TypeChecker | None = None
    examples: bool = True


NO_TOOLS = Tools()


@value
class LateFinding:
    """A finding and, of test cases that ran, which of them passed."""

    finding: Finding
    behaviour: tuple[bool, ...] = ()


class LateCheck(Protocol):
    """One requirement that is checked outside this process, within a time."""

    async def find(self, text: str, left_s: float) -> LateFinding:
        """Check a text in at most `left_s` seconds; never raises for any text."""
        ...
