"""What the gateway asks of a store of decisions and outcomes, whichever database is behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Protocol

from gateway.core.feedback import OutcomeReport, Reviewed, RoutingEvent, quality_of
from gateway.core.value import value

MAX_REPORTS = 64
"""Most endpoints of one decision that may have a report."""

MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
MAX_VERSIONS = 1000
"""Most versions of one kind of document that are kept when the caller does not say."""

_KEYS = frozenset({"decision_id", "endpoint", "at", "source"})


class StoreError(Exception):
    """A store could not do what it was asked; nothing of it was done, or all of it.

    The message names the store and how to mend it. With `retryable` the same call may succeed soon:
    the store is busy, slow or full. Every method but `close` may raise it.
    """

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


@value
class StoreCounts:
    """What a store holds, and what it could not read or write since it was opened.

    `labelled`: events with a report that tells a quality or the right endpoint. `oldest_at` and
    `newest_at`: unix seconds of the first and the last decision, 0 without any. `unwritable`:
    events whose texts or numbers no database takes; `unreadable`: times that an entry was left out
    because it is not what this version writes.
    """

    events: int = 0
    labelled: int = 0
    reports: int = 0
    oldest_at: float = 0.0
    newest_at: float = 0.0
    unwritable: int = 0
    unreadable: int = 0


@value
class DocumentEntry:
    """One version of a document, without what it says.

    `kind`: such as `thresholds`, `head` or `audit`; `at`: unix seconds; `actor`: who put it there;
    `words`: what for.
    """

    kind: str
    version: int
    at: float
    actor: str = ""
    words: str = ""


@value
class Document:
    """A version of a document with what it says."""

    entry: DocumentEntry
    body: bytes


class OutcomeStore(Protocol):
    """Decisions, what callers reported about them, and versions of what was learned.

    Each method returns, or raises StoreError, within the time that the store was opened with for
    one call; those that read or remove many rows do it in parts, and that time is for each part.
    Cancelling a call may leave what it began to be done. All of them belong to one event loop.
    """

    async def record(self, events: Sequence[RoutingEvent]) -> None:
        """Keep decisions. One whose id is known is left as it was, so that a call may be repeated.

        An event that no database could keep is left out, and counted in `counts().unwritable`.
        """
        ...

    async def report(self, report: OutcomeReport) -> Reviewed | None:
        """Add to what is known of an endpoint's answer; return the decision as it now stands.

        None when no such decision is kept. Of two reports about the same answer the one that comes
        later is believed where it says something (`merge`), however late it comes. Raises
        Fault(INVALID) beyond `MAX_REPORTS` endpoints of one decision.
        """
        ...

    async def event(self, decision_id: str) -> Reviewed | None:
        """Return a decision with the reports about it; None when none of this id is kept."""
        ...

    async def reviewed(
        self, since: float, until: float, limit: int, *, labelled: bool
    ) -> Sequence[Reviewed]:
        """Return the newest `limit` decisions of `since` <= at < `until`, newest first.

        `labelled`: only those for which `is_label` holds of a report.
        """
        ...

    async def counts(self) -> StoreCounts:
        """Count what is kept."""
        ...

    async def prune(self, before: float, keep: int) -> int:
        """Remove decisions older than `before`, and all but the newest `keep`, with their reports.

        Removes some of them only, the oldest first, so that others get their turn; returns how many
        it removed. Call it again until that is 0.
        """
        ...

    async def put_document(self, document: Document, *, keep: int = MAX_VERSIONS) -> int:
        """Keep a version, and only the `keep` highest of its kind; return its number.

        Version 0 asks for the next number. Returns 0, and keeps nothing, when the version is taken:
        somebody else was faster. Raises ValueError for a body over `MAX_DOCUMENT_BYTES`.
        """
        ...

    async def document(self, kind: str, version: int | None = None) -> Document | None:
        """Return a version of a document, the highest for None; None when there is none."""
        ...

    async def documents(self, kind: str, limit: int = MAX_VERSIONS) -> Sequence[DocumentEntry]:
        """Return the highest `limit` versions of a kind, highest first."""
        ...

    async def close(self) -> None:
        """Finish what was begun, within the time of one call, and let go of everything."""
        ...


def is_label(report: OutcomeReport) -> bool:
    """Say whether something can be learned from a report: a quality, or the right endpoint."""
    return quality_of(report) is not None or bool(report.corrected_endpoint)


def merge(earlier: OutcomeReport, later: OutcomeReport) -> OutcomeReport:
    """Return what two reports about the same answer say together.

    The later one is believed where it says something; what it leaves unknown stays as it was, so
    that a late report about tests does not take back that the text was accepted.
    """
    known = {
        one.name: getattr(earlier, one.name)
        for one in fields(later)
        if one.name not in _KEYS and getattr(later, one.name) in {None, ""}
    }
    return replace(later, at=max(earlier.at, later.at), **known)
