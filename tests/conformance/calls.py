"""One request and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from tests.conformance.texts import Judgement, Text, judge

OK = "OK"
UNTYPED = frozenset({"UNKNOWN", "INTERNAL"})
"""Statuses that tell a caller nothing: a bug, or a status that somebody forgot."""


class Fate(StrEnum):
    """What became of a request, as its caller sees it.

    LOST: neither an answer nor an error came in the request's time and a second more. UNTYPED: an
    error came that says nothing.
    """

    ANSWERED = "answered"
    ERROR = "error"
    UNTYPED = "untyped"
    LOST = "lost"
    REPEATED = "repeated"
    TRUNCATED = "truncated"


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt, as the answer or the error reports it."""

    endpoint: str
    status: str
    reason: str
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class Ask:
    """A request: its text and how it is asked for.

    `read_gap_s` passes between two reads of a stream, `pause_s` once after its tenth.
    `more` are fields of the request message.
    """

    text: Text
    streamed: bool = False
    deadline_s: float = 10.0
    read_gap_s: float = 0.0
    pause_s: float = 0.0
    tenant: str = ""
    more: dict[str, object] = field(default_factory=dict[str, object])


@dataclass(slots=True)
class Got:
    """What came of a request. Times are seconds of the monotonic clock.

    `code` is the status' name, empty while there is none. `said` is all text received.
    `explained`: the error carried the attempts so far.
    """

    ask: Ask
    sent: float
    ended: float = 0.0
    code: str = ""
    reason: str = ""
    words: str = ""
    said: str = ""
    endpoint: str = ""
    first: float = 0.0
    tries: tuple[Try, ...] = ()
    explained: bool = False
    retry_after_s: float | None = None
    faults: list[str] = field(default_factory=list[str])

    @property
    def name(self) -> str:
        """The name of the request's text."""
        return self.ask.text.name

    @property
    def fate(self) -> Fate:
        """What became of the request."""
        if not self.code:
            return Fate.LOST
        judgement = judge(self.ask.text, self.said)
        if self.code == OK:
            return {
                Judgement.WHOLE: Fate.ANSWERED,
                Judgement.TRUNCATED: Fate.TRUNCATED,
                Judgement.REPEATED: Fate.REPEATED,
            }[judgement]
        # An error may come after some of the text, never after something that is not of it.
        if judgement is Judgement.REPEATED:
            return Fate.REPEATED
        return Fate.UNTYPED if self.code in UNTYPED else Fate.ERROR

    @property
    def wasted(self) -> int:
        """Attempts that were made and came to nothing."""
        return sum(one.status not in {"OK", "SKIPPED"} for one in self.tries)
