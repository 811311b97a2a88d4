"""All checks of a hole together: what each candidate is held against."""

from __future__ import annotations

from gateway.core.constraint import Verdict, VerdictStatus
from gateway.core.value import value
from gateway.validation.finding import Check, Fixed, Foretelling, unchecked
from gateway.validation.late import LateCheck

SYNTAX = "syntax"

AWAITED = Fixed(unchecked("not run, because another check failed"))
"""Stands in for a late check until that was made."""

CALLS_ONLY = Fixed(unchecked("not made, because the answer calls tools and is no fill yet"))


@value
class NamedCheck:
    """A check and the name of its verdict; with `late`, `check` stands in until that was made."""

    name: str
    check: Check
    required: bool = False
    late: LateCheck | None = None


@value
class Found:
    """The verdicts about one text and, of the test cases that ran, which of them passed."""

    verdicts: tuple[Verdict, ...]
    behaviour: tuple[bool, ...] = ()


@value
class Checks:
    """All checks of a request, in the order of their verdicts. `run` is safe from any thread.

    `late` says whether some of them need a tool of the machine: `run` leaves those UNCHECKED and
    `finish` makes them.
    """

    checks: tuple[NamedCheck, ...]
    late: bool = False

    def for_calls(self) -> Checks:
        """Those of an answer that wants functions called: its text, if any, is no fill yet."""
        return Checks(
            tuple(NamedCheck(named.name, CALLS_ONLY, named.required) for named in self.checks)
        )

    def run(self, text: str) -> tuple[Verdict, ...]:
        """Check a text; never raises for any text."""
        verdicts: list[Verdict] = []
        for named in self.checks:
            finding = named.check.find(text)
            verdicts.append(Verdict(named.name, finding.status, finding.reason, named.required))
        return tuple(verdicts)

    async def finish(self, text: str, verdicts: tuple[Verdict, ...], left_s: float) -> Found:
        """Make the late checks of a text too, one after another, in at most `left_s` seconds each.

        A text that does not parse, or that a required check refused, costs no run.
        """
        if any(_settles(verdict) for verdict in verdicts):
            return Found(verdicts)
        finished: list[Verdict] = []
        behaviour: tuple[bool, ...] = ()
        for named, verdict in zip(self.checks, verdicts, strict=True):
            if named.late is None:
                finished.append(verdict)
                continue
            late = await named.late.find(text, left_s)
            finding = late.finding
            finished.append(Verdict(named.name, finding.status, finding.reason, named.required))
            behaviour += late.behaviour
        return Found(tuple(finished), behaviour)

    def hopeless(self, beginning: str) -> bool:
        """Say whether every text that begins so fails a check."""
        return any(
            named.check.hopeless(beginning)
            for named in self.checks
            if isinstance(named.check, Foretelling)
        )

    def costly(self, text: str) -> bool:
        """Say whether `run` may take so long that it belongs in a worker thread."""
        length = len(text)
        for named in self.checks:  # noqa: SIM110 - a generator costs more than most loops
            if named.check.costly(length):
                return True
        return False


def _settles(verdict: Verdict) -> bool:
    """Say whether nothing more has to be found out about a text."""
    failed = verdict.status is VerdictStatus.FAILED
    return failed and (verdict.required or verdict.constraint == SYNTAX)
