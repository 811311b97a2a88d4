"""What one check finds, what a check is, and how a constraint can be broken."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from gateway.core.constraint import VerdictStatus
from gateway.core.value import value

MAX_MESSAGE = 200
"""Longest part of a parser's message about the caller's own text that is passed on."""

LARGE_TEXT = 64 * 1024
"""Characters from which a check of a text is better done by a worker thread."""


@value
class Finding:
    """The status of a verdict and its reason, which never quotes the candidate."""

    status: VerdictStatus
    reason: str = ""


PASSED = Finding(VerdictStatus.PASSED)


def failed(reason: str) -> Finding:
    """The candidate breaks the requirement."""
    return Finding(VerdictStatus.FAILED, reason)


def unchecked(reason: str) -> Finding:
    """Nobody looked, or the check could not decide."""
    return Finding(VerdictStatus.UNCHECKED, reason)


class Check(Protocol):
    """One requirement, ready to be checked against any number of texts from any thread."""

    def find(self, text: str) -> Finding:
        """Check a text; never raises for any text."""
        ...

    def costly(self, length: int) -> bool:
        """Say whether a text of so many characters should be checked off the event loop."""
        ...


@runtime_checkable
class Foretelling(Protocol):
    """A check that can tell from the beginning of a text that every continuation fails."""

    def hopeless(self, beginning: str) -> bool:
        """Say whether every text that begins so fails; False when nobody can say."""
        ...


@value
class Fixed:
    """A requirement about which the same is found whatever the text is."""

    finding: Finding

    def find(self, text: str) -> Finding:
        """Return the one finding."""
        del text
        return self.finding

    def costly(self, length: int) -> bool:
        """Never."""
        del length
        return False


class BrokenError(ValueError):
    """A constraint cannot be compiled: which field of its body, what is wrong, how to mend it."""

    def __init__(self, field: str, description: str) -> None:
        super().__init__(f"{field}: {description}")
        self.field = field
        self.description = description


def bounded(message: object) -> str:
    """One line of a parser's message about the caller's constraint, short enough to pass on."""
    line = " ".join(str(message).split())
    return line if len(line) <= MAX_MESSAGE else line[: MAX_MESSAGE - 1] + "…"
