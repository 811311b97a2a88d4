"""The SQLite file: opened, checked and brought up to date, with every error named once."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from gateway.core.stores import StoreError

MEMORY = ":memory:"

APPLICATION_ID = 0x456E7362
"""Marks the file as ours (the bytes "Ensb"), so that no other program's file is written to."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE events (
            decision_id TEXT NOT NULL PRIMARY KEY,
            at REAL NOT NULL,
            labelled INTEGER NOT NULL DEFAULT 0,
            body TEXT NOT NULL,
            features BLOB
        )""",
        "CREATE INDEX events_by_time ON events (at, decision_id)",
        "CREATE INDEX labelled_by_time ON events (at, decision_id) WHERE labelled = 1",
        """CREATE TABLE reports (
            decision_id TEXT NOT NULL,
            endpoint TEXT NOT NULL,
            body TEXT NOT NULL,
            PRIMARY KEY (decision_id, endpoint)
        ) WITHOUT ROWID""",
        """CREATE TABLE documents (
            kind TEXT NOT NULL,
            version INTEGER NOT NULL,
            at REAL NOT NULL,
            actor TEXT NOT NULL,
            words TEXT NOT NULL,
            body BLOB NOT NULL,
            PRIMARY KEY (kind, version)
        )""",
    ),
)
"""Statement by statement, what makes a file of version n (`user_version`) one of version n + 1."""

_DAMAGED = (
    "is damaged, or no database of SQLite: nothing was changed. Move it away, which begins a new "
    "one, or recover what it holds with `sqlite3 FILE .recover`"
)
_NO_ACCESS = "must be a file that the gateway may write, in a folder that it may write"

_TROUBLES: dict[int, tuple[str, bool]] = {
    sqlite3.SQLITE_BUSY: ("is held by another program for too long", True),
    sqlite3.SQLITE_LOCKED: ("is held by another program for too long", True),
    sqlite3.SQLITE_FULL: ("has no room to grow: free some of its disk", True),
    sqlite3.SQLITE_IOERR: ("could not be read or written: look at its disk", True),
    sqlite3.SQLITE_CORRUPT: (_DAMAGED, False),
    sqlite3.SQLITE_NOTADB: (_DAMAGED, False),
    sqlite3.SQLITE_CANTOPEN: (_NO_ACCESS, False),
    sqlite3.SQLITE_READONLY: (_NO_ACCESS, False),
    sqlite3.SQLITE_PERM: (_NO_ACCESS, False),
}


def trouble(path: str, error: sqlite3.Error) -> StoreError:
    """Say what SQLite's error means for the store and how to mend it."""
    # Errors of the module itself have no code; the low byte is the kind of an extended code.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    words, retryable = _TROUBLES.get(code, (f"failed: {error}", False))
    return StoreError(f"the store {path} {words}", retryable=retryable)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """Do what is inside whole or not at all, with nobody writing in between."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # Some errors, such as a full disk, have rolled it back already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def connect(path: str, busy_s: float) -> sqlite3.Connection:
    """Open the file for the calling thread, made or brought up to date if need be.

    Others may hold it for `busy_s` seconds. Raises StoreError for one that is not ours, damaged or
    of a later version, and sqlite3.Error for what `trouble` names; neither changes the file.

    A commit survives the end of the process. It is written to the disk itself at the next
    checkpoint only (synchronous = NORMAL): a machine that loses its power may lose the last
    seconds, never the file.
    """
    if path != MEMORY:
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"the store {path} {_NO_ACCESS}: {error.strerror}") from None
    connection = sqlite3.connect(path, timeout=busy_s, isolation_level=None)
    try:
        _check(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        with transaction(connection):
            _migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection, path: str) -> int:
    """Return the version of the file. Raises StoreError when it is not ours to write to."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (application or version or tables):
        raise StoreError(f"the store {path} is another program's database: name another file")
    if version > len(MIGRATIONS):
        raise StoreError(
            f"the store {path} has version {version}, and this gateway knows {len(MIGRATIONS)}: "
            "start the later gateway that wrote it, or name another file"
        )
    return version


def _migrate(connection: sqlite3.Connection, path: str) -> None:
    # Looked at again, now that nobody else writes.
    version = _check(connection, path)
    if version == len(MIGRATIONS):
        return
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
