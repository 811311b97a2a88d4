from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gateway.core.stores import StoreError
from gateway.stores import database
from gateway.stores.database import (
    APPLICATION_ID,
    MEMORY,
    MIGRATIONS,
    connect,
    transaction,
    trouble,
)


def pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_a_new_file_is_made_with_its_folder_and_marked_as_ours(tmp_path: Path) -> None:
    connection = connect(str(tmp_path / "deep" / "er" / "store.db"), 1.0)
    assert pragma(connection, "application_id") == APPLICATION_ID
    assert pragma(connection, "user_version") == len(MIGRATIONS)
    assert (pragma(connection, "journal_mode"), pragma(connection, "synchronous")) == ("wal", 1)
    connection.close()


def test_memory_needs_no_file() -> None:
    connection = connect(MEMORY, 1.0)
    assert pragma(connection, "user_version") == len(MIGRATIONS)
    connection.close()


def test_a_file_of_an_earlier_version_is_brought_up_to_date_and_keeps_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "store.db")
    earlier = connect(path, 1.0)
    earlier.execute("INSERT INTO events (decision_id, at, body) VALUES ('d', 1.0, '{}')")
    earlier.close()
    monkeypatch.setattr(
        database, "MIGRATIONS", (*MIGRATIONS, ("ALTER TABLE events ADD COLUMN more TEXT",))
    )
    later = connect(path, 1.0)
    assert pragma(later, "user_version") == len(MIGRATIONS) + 1
    assert later.execute("SELECT decision_id, more FROM events").fetchall() == [("d", None)]
    later.close()


def test_a_migration_that_fails_leaves_the_earlier_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "store.db")
    connect(path, 1.0).close()
    bad = ("ALTER TABLE events ADD COLUMN more TEXT", "ALTER TABLE nothing ADD COLUMN more TEXT")
    with monkeypatch.context() as patched:
        patched.setattr(database, "MIGRATIONS", (*MIGRATIONS, bad))
        with pytest.raises(sqlite3.OperationalError):
            connect(path, 1.0)
    connection = connect(path, 1.0)
    with pytest.raises(sqlite3.OperationalError, match="more"):
        connection.execute("SELECT more FROM events")
    connection.close()


def test_a_file_of_a_later_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    connection = connect(str(path), 1.0)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"store\.db has version 2, .* later gateway"):
        connect(str(path), 1.0)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    ["CREATE TABLE songs (name)", "PRAGMA user_version = 1", "PRAGMA application_id = 77"],
)
def test_the_database_of_another_program_is_refused_and_left_as_it_is(
    tmp_path: Path, statement: str
) -> None:
    path = tmp_path / "songs.db"
    other = sqlite3.connect(path)
    other.execute(statement)
    other.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"songs\.db is another program's .* name another file"):
        connect(str(path), 1.0)
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StoreError, match=r"file/store\.db must be a file .* may write"):
        connect(str(tmp_path / "file" / "store.db"), 1.0)


def test_a_transaction_is_whole_or_not_at_all() -> None:
    connection = connect(MEMORY, 1.0)

    def add(decision_id: str, then: str) -> None:
        with transaction(connection):
            connection.execute(
                "INSERT INTO events (decision_id, at, body) VALUES (?, 1.0, '')", (decision_id,)
            )
            connection.execute(then)

    with pytest.raises(sqlite3.OperationalError, match="nothing"):
        add("a", "SELECT * FROM nothing")
    # One that SQLite rolled back by itself is not rolled back again.
    with pytest.raises(sqlite3.OperationalError, match="no transaction is active"):
        add("b", "ROLLBACK")
    add("c", "SELECT 1")
    assert connection.execute("SELECT decision_id FROM events").fetchall() == [("c",)]
    connection.close()


@pytest.mark.parametrize(
    ("code", "words", "retryable"),
    [
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "held by another program", True),
        (sqlite3.SQLITE_FULL, "no room to grow", True),
        (sqlite3.SQLITE_IOERR_WRITE, "look at its disk", True),
        (sqlite3.SQLITE_CORRUPT_INDEX, "is damaged.*nothing was changed.*recover", False),
        (sqlite3.SQLITE_NOTADB, "no database of SQLite", False),
        (sqlite3.SQLITE_CANTOPEN, "may write", False),
        (sqlite3.SQLITE_READONLY, "may write", False),
        (sqlite3.SQLITE_ERROR, "failed: some words", False),
    ],
)
def test_each_error_names_the_path_and_the_mending(code, words, retryable) -> None:
    error = sqlite3.OperationalError("some words")
    error.sqlite_errorcode = code
    named = trouble("/data/store.db", error)
    assert str(named).startswith("the store /data/store.db ")
    assert named.retryable is retryable
    with pytest.raises(StoreError, match=words):
        raise named


def test_an_error_of_the_module_itself_has_no_code() -> None:
    assert str(trouble("s", sqlite3.ProgrammingError("closed"))) == "the store s failed: closed"
