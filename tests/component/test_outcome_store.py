"""The stores on a real disk: shared, damaged, removed, held by others, and killed while writing."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.core.feedback import OutcomeReport
from gateway.core.stores import Document, DocumentEntry, StoreError
from gateway.state.intake import Intake
from gateway.stores.jsonl import JsonlLog, read_back
from gateway.stores.recorder import Recorder, RecorderSettings
from gateway.stores.segments import SegmentSettings
from gateway.stores.sqlite import SqliteSettings, SqliteStore
from tests.fakes.logged import event

PATIENCE_S = 50.0

WRITER = """
import asyncio, sys
from gateway.stores.jsonl import JsonlLog
from gateway.stores.segments import SegmentSettings
from gateway.stores.sqlite import SqliteSettings, SqliteStore
from tests.fakes.logged import event

async def main(path, folder, name):
    store = await SqliteStore.open(SqliteSettings(path))
    log = JsonlLog(SegmentSettings(folder))
    for batch in range(100_000):
        events = [event(decision_id=f"{name}-{batch:06}-{n}", at=float(batch)) for n in range(10)]
        await store.record(events)
        await log.append(events)
        print(batch, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    store = await SqliteStore.open(SqliteSettings(str(path), busy_s=0.0))
    yield store
    await store.close()


async def count(path: Path) -> int:
    store = await SqliteStore.open(SqliteSettings(str(path)))
    try:
        return (await store.counts()).events
    finally:
        await store.close()


async def writer(path: Path, name: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(path), str(path.parent / "log"), name,
        stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip


async def told(process: asyncio.subprocess.Process, batches: int) -> None:
    """Wait until so many batches were committed."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        for _ in range(batches):
            assert await process.stdout.readline()


async def killed(process: asyncio.subprocess.Process) -> int:
    """Kill it at once; return the last batch that it told of."""
    assert process.stdout is not None
    process.kill()
    rest = await asyncio.wait_for(process.stdout.read(), PATIENCE_S)
    await process.wait()
    whole, _, _ = rest.rpartition(b"\n")
    return int(whole.rpartition(b"\n")[2]) if whole else -1


async def test_everything_is_there_after_a_restart(path: Path) -> None:
    settings = SqliteSettings(str(path))
    store = await SqliteStore.open(settings)
    await store.record([event(decision_id="d")])
    await store.report(OutcomeReport("d", accepted=True))
    await store.put_document(Document(DocumentEntry("head", 1, 5.0), b"\x00\xff"))
    await store.close()
    store = await SqliteStore.open(settings)
    found = await store.event("d")
    assert found is not None
    assert found.reports["weak"].accepted
    document = await store.document("head")
    assert document is not None
    assert document.body == b"\x00\xff"
    await store.close()


async def test_what_was_committed_is_there_after_the_process_was_killed(path: Path) -> None:
    process = await writer(path, "a")
    await told(process, 5)
    last = max(4, await killed(process))
    store = await SqliteStore.open(SqliteSettings(str(path)))
    rows = await store.reviewed(0.0, 1e9, 10 * (last + 2), labelled=False)
    await store.close()
    ids = {row.event.decision_id for row in rows}
    committed = {f"a-{batch:06}-{n}" for batch in range(last + 1) for n in range(10)}
    assert committed <= ids
    assert len(ids) % 10 == 0, "a batch is whole or not there"
    contents = read_back(path.parent / "log", 10 * (last + 2))
    assert committed <= {row.event.decision_id for row in contents.decisions}
    assert contents.unreadable <= 1


async def test_two_processes_write_to_one_store_and_one_log(path: Path) -> None:
    processes = [await writer(path, name) for name in "ab"]
    await asyncio.gather(*(told(process, 5) for process in processes))
    lasts = [max(4, await killed(process)) for process in processes]
    store = await SqliteStore.open(SqliteSettings(str(path)))
    for name, last in zip("ab", lasts, strict=True):
        for batch in range(last + 1):
            assert await store.event(f"{name}-{batch:06}-0") is not None
    await store.close()
    contents = read_back(path.parent / "log", 1_000_000)
    ids = {row.event.decision_id for row in contents.decisions}
    assert {f"{name}-{4:06}-9" for name in "ab"} <= ids
    assert contents.unreadable <= 2


async def test_stores_of_one_process_may_share_a_file(path: Path) -> None:
    settings = SqliteSettings(str(path))
    stores = [await SqliteStore.open(settings) for _ in range(3)]
    await asyncio.gather(
        *(
            store.record([event(decision_id=f"{batch}-{n}") for n in range(5)])
            for batch in range(10)
            for store in stores
        )
    )
    assert (await stores[0].counts()).events == 50
    numbers = await asyncio.gather(
        *(store.put_document(Document(DocumentEntry("audit", 0, 1.0), b"")) for store in stores)
    )
    assert sorted(numbers) == [1, 2, 3]
    for store in stores:
        await store.close()


async def test_a_file_that_was_removed_is_noticed_before_anything_is_lost_in_it(
    store: SqliteStore, path: Path
) -> None:
    await store.record([event(decision_id="d1")])
    path.unlink()
    with pytest.raises(StoreError, match=r"store\.db was removed or replaced .* restart") as caught:
        await store.record([event(decision_id="d2")])
    assert not caught.value.retryable
    assert not path.exists()
    assert await count(path) == 0
    with pytest.raises(StoreError, match="replaced"):
        await store.counts()


async def test_a_recorder_goes_on_without_its_store(store: SqliteStore, path: Path) -> None:
    recorder = Recorder(store, Intake(100))
    recorder.start()
    path.unlink()
    for number in range(5):
        recorder.record(event(decision_id=str(number)))
    assert await recorder.flush()
    await recorder.close()
    reading = recorder.read()
    assert (reading.recorded, reading.dropped) == (0, 5)
    assert reading.write_errors >= 1


async def test_a_damaged_file_is_named_with_the_mending_and_left_as_it_is(path: Path) -> None:
    path.write_bytes(b"this is no database\n" * 500)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"store\.db is damaged, .* recover .*`sqlite3 FILE"):
        await SqliteStore.open(SqliteSettings(str(path)))
    assert path.read_bytes() == before


async def test_damage_that_shows_later_is_named_too(path: Path) -> None:
    store = await SqliteStore.open(SqliteSettings(str(path)))
    await store.record([event(decision_id=f"d{n}", task="t" * 500) for n in range(100)])
    await store.close()
    content = bytearray(path.read_bytes())
    content[4096 * 2 :] = b"\xff" * (len(content) - 4096 * 2)
    path.write_bytes(content)
    store = await SqliteStore.open(SqliteSettings(str(path)))
    with pytest.raises(StoreError, match=r"store\.db is damaged"):
        await store.reviewed(0.0, 1e9, 100, labelled=False)
    await store.close()
    assert path.read_bytes() == bytes(content)


async def test_the_database_of_another_program_is_left_as_it_is(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE songs (name)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        await SqliteStore.open(SqliteSettings(str(path)))
    assert (path.read_bytes(), [*path.parent.iterdir()]) == (before, [path])


async def test_a_file_that_another_program_holds_is_busy_and_free_again_later(
    store: SqliteStore, path: Path
) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="held by another program") as caught:
            await store.record([event(decision_id="d")])
        assert caught.value.retryable
        assert await store.event("d") is None, "reading goes on"
        other.execute("ROLLBACK")
    await store.record([event(decision_id="d")])
    assert await store.event("d") is not None


async def test_decisions_wait_while_another_program_holds_the_file(
    store: SqliteStore, path: Path, tmp_path: Path
) -> None:
    log = JsonlLog(SegmentSettings(str(tmp_path / "log")))
    settings = RecorderSettings(every_s=0.001, retry_s=0.001, flush_s=0.1)
    recorder = Recorder(store, Intake(100), log, settings)
    recorder.start()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        recorder.record(event(decision_id="d"))
        assert not await recorder.flush()
        async with asyncio.timeout(PATIENCE_S):
            while not recorder.read().write_errors:
                await recorder.flush()
        with pytest.raises(StoreError, match=r"held by another"):
            await recorder.report(OutcomeReport("d", accepted=True))
        other.execute("ROLLBACK")
    await recorder.close()
    await log.close()
    found = await store.event("d")
    assert found is not None
    assert len(read_back(tmp_path / "log", 10).decisions) == 1


async def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError, match=r"folder must be a file that the gateway may write"):
        await SqliteStore.open(SqliteSettings(str(tmp_path / "folder")))


async def test_a_store_that_cannot_be_closed_well_says_so(
    store: SqliteStore, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def close(self) -> None:
            raise sqlite3.OperationalError("disk I/O error")

    connection = store._opened.connection
    await store._worker.run(connection.close, PATIENCE_S)
    store._opened.connection = Broken()  # type: ignore[assignment]
    await store.close()
    assert "was not closed well" in caplog.text


async def test_no_thread_and_no_open_file_is_left_when_all_is_closed(path: Path) -> None:
    store = await SqliteStore.open(SqliteSettings(str(path)))
    log = JsonlLog(SegmentSettings(str(path.parent / "log")))
    await store.record([event()])
    await log.append([event()])
    await store.close()
    await log.close()
    assert not [one for one in threading.enumerate() if str(path.parent) in one.name]
    links = [*Path("/proc/self/fd").iterdir()] if Path("/proc/self/fd").exists() else []
    assert not [one for one in links if one.exists() and str(path.parent) in str(one.readlink())]
