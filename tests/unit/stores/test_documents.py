from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.core import stores
from gateway.core.stores import Document, DocumentEntry
from gateway.stores import sqlite
from gateway.stores.sqlite import SqliteSettings, SqliteStore


@pytest.fixture
async def store() -> AsyncIterator[SqliteStore]:
    store = await SqliteStore.open(SqliteSettings())
    yield store
    await store.close()


def document(version: int = 0, kind: str = "thresholds", body: bytes = b"{}") -> Document:
    return Document(DocumentEntry(kind, version, 7.0, "ada", "tighter"), body)


async def test_a_version_is_found_by_its_number_and_the_highest_without_one(
    store: SqliteStore,
) -> None:
    assert await store.document("thresholds") is None
    for version in (2, 5, 3):
        assert await store.put_document(document(version, body=b"\x00%d" % version)) == version
    assert await store.document("thresholds", 2) == document(2, body=b"\x002")
    assert await store.document("thresholds") == document(5, body=b"\x005")
    assert await store.document("thresholds", 4) is None
    assert await store.document("head") is None


async def test_the_next_number_is_given_for_each_kind_apart(store: SqliteStore) -> None:
    assert [await store.put_document(document()) for _ in range(3)] == [1, 2, 3]
    assert await store.put_document(document(kind="audit")) == 1


async def test_whoever_is_second_with_a_version_is_told_and_changes_nothing(
    store: SqliteStore,
) -> None:
    assert await store.put_document(document(4, body=b"first")) == 4
    assert await store.put_document(document(4, body=b"second")) == 0
    found = await store.document("thresholds", 4)
    assert found is not None
    assert found.body == b"first"


async def test_versions_are_listed_without_their_bodies_highest_first(store: SqliteStore) -> None:
    for version in (1, 3, 2):
        await store.put_document(document(version))
    await store.put_document(document(9, kind="head"))
    listed = await store.documents("thresholds", 2)
    assert listed == (document(3).entry, document(2).entry)
    assert len(await store.documents("thresholds")) == 3
    assert await store.documents("thresholds", -1) == ()


async def test_only_so_many_versions_of_a_kind_are_kept(store: SqliteStore) -> None:
    await store.put_document(document(1, kind="audit"))
    for version in range(1, 6):
        await store.put_document(document(version), keep=2)
    assert [entry.version for entry in await store.documents("thresholds")] == [5, 4]
    assert await store.document("audit", 1) is not None


async def test_a_body_is_bounded(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "MAX_DOCUMENT_BYTES", 4)
    await store.put_document(document(body=b"1234"))
    with pytest.raises(ValueError, match="4 bytes"):
        await store.put_document(document(body=b"12345"))
    assert stores.MAX_DOCUMENT_BYTES == 64 * 1024 * 1024
