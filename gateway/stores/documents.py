"""Versions of documents in the SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from gateway.core.stores import Document, DocumentEntry
from gateway.stores.database import transaction


def put(connection: sqlite3.Connection, document: Document, keep: int) -> int:
    """Keep a version, the next one for 0; return its number, 0 when it is taken."""
    entry = document.entry
    with transaction(connection):
        (last,) = connection.execute(
            "SELECT coalesce(max(version), 0) FROM documents WHERE kind = ?", (entry.kind,)
        ).fetchone()
        version = entry.version or last + 1
        added = connection.execute(
            "INSERT INTO documents (kind, version, at, actor, words, body)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (entry.kind, version, entry.at, entry.actor, entry.words, document.body),
        ).rowcount
        connection.execute(
            "DELETE FROM documents WHERE kind = ? AND version <="
            " (SELECT version FROM documents WHERE kind = ?"
            " ORDER BY version DESC LIMIT 1 OFFSET ?)",
            (entry.kind, entry.kind, keep),
        )
    return version if added else 0


def get(connection: sqlite3.Connection, kind: str, version: int | None) -> Document | None:
    """Return a version, the highest for None."""
    row = connection.execute(
        "SELECT kind, version, at, actor, words, body FROM documents"
        " WHERE kind = ? AND version = coalesce(?, version) ORDER BY version DESC LIMIT 1",
        (kind, version),
    ).fetchone()
    return None if row is None else Document(DocumentEntry(*row[:5]), row[5])


def entries(connection: sqlite3.Connection, kind: str, limit: int) -> Sequence[DocumentEntry]:
    """Return the highest versions, highest first."""
    rows = connection.execute(
        "SELECT kind, version, at, actor, words FROM documents"
        " WHERE kind = ? ORDER BY version DESC LIMIT ?",
        (kind, max(limit, 0)),
    )
    return tuple(DocumentEntry(*row) for row in rows)
