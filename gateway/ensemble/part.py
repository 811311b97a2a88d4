"""What came of one hole, or of one step, of the many of a request."""

from __future__ import annotations

from gateway.core.answer import Answer
from gateway.core.candidate import Attempt, Candidate
from gateway.core.faults import Fault
from gateway.core.value import value

MAX_ISSUES = 32
MAX_ISSUE_CHARS = 1000


@value
class Part:
    """What came of one hole or step: an answer, or the fault and what was written before it."""

    answer: Answer | None
    fault: Fault | None
    candidates: tuple[Candidate, ...]
    attempts: tuple[Attempt, ...]


@value
class Critique:
    """What an endpoint finds wrong with a draft, a line each; nothing when it finds it right."""

    issues: tuple[str, ...]
    endpoint: str
    attempts: tuple[Attempt, ...]


def issues_of(words: str) -> tuple[str, ...]:
    """Read a critique: one issue a line, `OK` alone for none; bounded."""
    lines = [line.strip().removeprefix("- ") for line in words.splitlines() if line.strip()]
    if len(lines) == 1 and lines[0].strip(".!").upper() == "OK":
        return ()
    return tuple(line[:MAX_ISSUE_CHARS] for line in lines[:MAX_ISSUES])
