"""The default store: one SQLite file, or memory, that one thread reads and writes."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from gateway.core.feedback import OutcomeReport, Reviewed, RoutingEvent
from gateway.core.stores import (
    MAX_DOCUMENT_BYTES,
    MAX_VERSIONS,
    Document,
    DocumentEntry,
    StoreCounts,
    StoreError,
)
from gateway.core.value import value
from gateway.stores import documents
from gateway.stores.database import MEMORY, connect, trouble
from gateway.stores.rows import Page, Place, Rows
from gateway.stores.worker import Worker

Result = TypeVar("Result")

PAGE = 40
"""Rows read at a time: some 2 ms of Python, which would otherwise hold up the event loop."""

REMOVED = 200
"""Decisions removed at a time; SQLite does that, and lets other threads run meanwhile."""

log = logging.getLogger(__name__)


@value
class SqliteSettings:
    """Where the store is and how long it may take.

    `path` ":memory:" keeps everything until the gateway ends. `busy_s`: how long another program
    may hold the file; `timeout_s`: most that one call, or one part of a long one, takes; at most
    `max_calls` wait at once. Raises ValueError for what cannot be.
    """

    path: str = MEMORY
    busy_s: float = 1.0
    timeout_s: float = 5.0
    max_calls: int = 4096

    def __post_init__(self) -> None:
        if not 0 <= self.busy_s < self.timeout_s:
            raise ValueError("busy_s must be 0 or more, and less than timeout_s")
        if not self.path or self.max_calls < 1:
            raise ValueError("path must not be empty, and max_calls at least 1")


class Opened:
    """The file as the thread of the store sees it."""

    def __init__(self, settings: SqliteSettings) -> None:
        self._path = settings.path
        self.connection = connect(settings.path, settings.busy_s)
        self.rows = Rows(self.connection)
        self._file = self._identity()

    def check(self) -> None:
        """Raise StoreError when the file is not there any more: what is written would be lost."""
        if self._identity() != self._file:
            raise StoreError(
                f"the store {self._path} was removed or replaced while it was in use: restart the "
                "gateway to go on with what is there now"
            )

    def _identity(self) -> tuple[int, int] | None:
        if self._path == MEMORY:
            return None
        try:
            status = Path(self._path).stat()
        except OSError:
            return (0, 0)
        return (status.st_dev, status.st_ino)


class SqliteStore:
    """OutcomeStore on SQLite; made by `open`. See `core.stores` for what its methods promise.

    Several processes may share a file. Nothing is ever deleted but by `prune` and `put_document`.
    """

    def __init__(self, settings: SqliteSettings, worker: Worker, opened: Opened) -> None:
        self._settings = settings
        self._worker = worker
        self._opened = opened

    @classmethod
    async def open(cls, settings: SqliteSettings) -> Self:
        """Open or make the file.

        Raises StoreError, with the path and the mending, for a file that is damaged, of another
        program or of a later version; it is left as it is.
        """
        worker = Worker(f"the store {settings.path}", settings.max_calls)
        opened: list[Opened] = []

        def shut() -> None:
            for one in opened:
                one.connection.close()

        try:
            opening = partial(_named, settings.path, lambda: opened.append(Opened(settings)))
            await worker.run(opening, settings.timeout_s)
        except BaseException:
            await worker.close(shut, settings.timeout_s)
            raise
        return cls(settings, worker, opened[0])

    async def record(self, events: Sequence[RoutingEvent]) -> None:
        """Keep decisions."""
        await self._run(lambda rows: rows.record(events))

    async def report(self, report: OutcomeReport) -> Reviewed | None:
        """Add to what is known of an endpoint's answer."""
        return await self._run(lambda rows: rows.report(report))

    async def event(self, decision_id: str) -> Reviewed | None:
        """Return a decision with the reports about it."""
        return await self._run(lambda rows: rows.event(decision_id))

    async def reviewed(
        self, since: float, until: float, limit: int, *, labelled: bool
    ) -> Sequence[Reviewed]:
        """Return the newest decisions of a time."""
        return await self._read(
            lambda place, size, rows: rows.page(since, place, size, labelled=labelled),
            until,
            limit,
        )

    async def counts(self) -> StoreCounts:
        """Count what is kept."""
        return await self._run(Rows.counts)

    async def prune(self, before: float, keep: int) -> int:
        """Remove some of what is too old or too much."""
        return await self._run(lambda rows: rows.prune(before, keep, REMOVED))

    async def put_document(self, document: Document, *, keep: int = MAX_VERSIONS) -> int:
        """Keep a version of a document."""
        if len(document.body) > MAX_DOCUMENT_BYTES:
            raise ValueError(f"a document may have {MAX_DOCUMENT_BYTES} bytes")
        connection = self._opened.connection
        return await self._run(lambda _: documents.put(connection, document, keep))

    async def document(self, kind: str, version: int | None = None) -> Document | None:
        """Return a version of a document."""
        connection = self._opened.connection
        return await self._run(lambda _: documents.get(connection, kind, version))

    async def documents(self, kind: str, limit: int = MAX_VERSIONS) -> Sequence[DocumentEntry]:
        """Return the highest versions of a kind."""
        connection = self._opened.connection
        return await self._run(lambda _: documents.entries(connection, kind, limit))

    async def close(self) -> None:
        """Finish what was begun and close the file."""
        try:
            await self._worker.close(self._opened.connection.close, self._settings.timeout_s)
        except sqlite3.Error as error:
            log.warning("the store was not closed well", extra={"error": str(error)})

    async def _run(self, work: Callable[[Rows], Result]) -> Result:
        opened = self._opened

        def checked() -> Result:
            opened.check()
            return work(opened.rows)

        path, timeout_s = self._settings.path, self._settings.timeout_s
        return await self._worker.run(partial(_named, path, checked), timeout_s)

    async def _read(
        self, page: Callable[[Place, int, Rows], Page[Result]], until: float, limit: int
    ) -> Sequence[Result]:
        """Read in parts, until enough rows were looked at or there are no more."""
        found: list[Result] = []
        place: Place | None = (until, "")
        for size in (min(PAGE, limit - first) for first in range(0, limit, PAGE)):
            if place is None:
                break
            some, place = await self._run(partial(page, place, size))
            found += some
        return found


def _named(path: str, work: Callable[[], Result]) -> Result:
    """Do work on the file, with SQLite's errors as the store's."""
    try:
        return work()
    except sqlite3.Error as error:
        raise trouble(path, error) from error
