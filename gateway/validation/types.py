"""The expected type: a type checker looks at the assembled code, and its errors are weighed.

An error counts against the fill when it stands in the fill, or when the code around the fill does
not have it with another. Otherwise nobody can say whose it is.
"""

from __future__ import annotations

import asyncio
from typing import Final

from gateway.core.constraint import TypeGoal
from gateway.core.hole import Hole
from gateway.core.running import TypeChecker, TypeMismatch, TypeReport
from gateway.core.value import value
from gateway.validation.finding import PASSED, Finding, bounded, failed, unchecked
from gateway.validation.late import LateFinding
from gateway.validation.typed_source import TypedSource, typed_source

LANGUAGE: Final = "python"

UNKNOWN: Final = frozenset({"reportUnknownArgumentType"})
"""Rules about an argument of which the checker does not know the type."""

UNSURE: Final = frozenset({"reportMissingImports", "reportInvalidTypeForm"})
"""Rules that a right fill breaks too: for want of a package here, or where a type must stand."""

UNDEFINED: Final = "reportUndefinedVariable"
"""The rule that a fragment of a file breaks, because what it uses is defined elsewhere."""

PARTIAL: Final = frozenset({"reportMissingImports", UNDEFINED})
"""Rules that say nothing about an expression whose type the checker knows all the same."""

UNTYPED: Final = unchecked("the type of the fill is not known to the type checker")
UNSEEN: Final = unchecked("what the fill uses is not known to the type checker")
NO_GOAL: Final = unchecked("the goal or a binding names a type that the code does not define")
OTHERS: Final = unchecked("the types of the code around the fill, or of the goal, do not agree")
LATE: Final = unchecked("the time for the type check was over")


def finding_of(report: TypeReport, typed: TypedSource, around: TypeReport | None = None) -> Finding:
    """Interpret what was found about a source and, in `around`, about `typed.around`."""
    if report.unknown:
        return unchecked(bounded(report.unknown))
    errors = _Errors(report, typed)
    if errors.in_fill:
        first = errors.in_fill[0]
        line = first.line - typed.begin[0] + 1
        return failed(f"the types do not agree: {_words(first)} (line {line} of the fill)")
    if errors.unsure:
        return UNSEEN
    if errors.in_added:
        return NO_GOAL
    if errors.outside:
        return _of_outside(errors, typed, around)
    return UNTYPED if errors.untyped else PASSED


def is_open(report: TypeReport, typed: TypedSource) -> bool:
    """Say whether it depends on `typed.around` what the report means."""
    if report.unknown or not typed.around:
        return False
    errors = _Errors(report, typed)
    return bool(errors.outside) and not (errors.in_fill or errors.unsure or errors.in_added)


@value
class TypeCheck:
    """The fill inhabits the goal, as a type checker of the machine sees it."""

    checker: TypeChecker
    hole: Hole
    goal: TypeGoal

    async def find(self, text: str, left_s: float) -> LateFinding:
        """Check the code and, if its errors may be its own, the code around the fill too."""
        typed = await asyncio.to_thread(typed_source, self.hole, self.goal, text)
        if isinstance(typed, Finding):
            return LateFinding(typed)
        try:
            async with asyncio.timeout(left_s):
                return LateFinding(await self._finding(typed, left_s))
        except TimeoutError:
            return LateFinding(LATE)

    async def _finding(self, typed: TypedSource, left_s: float) -> Finding:
        report = await self.checker.check(typed.source, LANGUAGE, left_s)
        if not is_open(report, typed):
            return finding_of(report, typed)
        around = await self.checker.check(typed.around, LANGUAGE, left_s)
        return finding_of(report, typed, around)


class _Errors:
    """The errors of a report by where they stand."""

    def __init__(self, report: TypeReport, typed: TypedSource) -> None:
        self.untyped = False
        self.in_fill: list[TypeMismatch] = []
        self.unsure: list[TypeMismatch] = []
        self.in_added: list[TypeMismatch] = []
        self.outside: list[TypeMismatch] = []
        # In front of the argument stands our call, whose type is the goal whatever the fill is.
        begin = typed.argument or typed.begin
        for error in report.errors:
            place = (error.line, error.column)
            if error.rule in UNKNOWN:
                self.untyped = self.untyped or place == typed.argument
            elif error.line in typed.added:
                self.in_added.append(error)
            elif not begin <= place < typed.end:
                self.outside.append(error)
            elif error.rule in UNSURE:
                self.unsure.append(error)
            else:
                self.in_fill.append(error)
        if any(error.rule == UNDEFINED for error in (*self.outside, *self.in_added)):
            # The code is a fragment: a name that the fill uses may be defined elsewhere, too.
            self.unsure += [error for error in self.in_fill if error.rule == UNDEFINED]
            self.in_fill = [error for error in self.in_fill if error.rule != UNDEFINED]
        if typed.argument:
            self.outside = [error for error in self.outside if error.rule not in PARTIAL]


def _of_outside(errors: _Errors, typed: TypedSource, around: TypeReport | None) -> Finding:
    if around is None or around.unknown:
        return OTHERS
    own = {(error.line, error.rule) for error in around.errors}
    for error in errors.outside:
        behind = (error.line, error.column) >= typed.end
        if (error.line - typed.shift * behind, error.rule) not in own:
            where = "after" if behind else "before"
            return failed(f"the types do not agree: {_words(error)} (in the code {where} the fill)")
    return OTHERS


def _words(error: TypeMismatch) -> str:
    return bounded(error.rule) or "an error"
