"""What the doctor finds in a configuration, and on the disk it names."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import doctor_config
from gateway.cli.doctor_config import config_findings
from gateway.cli.finding import Finding, State
from gateway.config.load import build
from gateway.core.feedback import OutcomeReport
from gateway.stores.jsonl import JsonlLog
from gateway.stores.segments import SegmentSettings, segments
from gateway.stores.sqlite import SqliteSettings, SqliteStore
from tests.fakes.logged import event


def found(**tables: Any) -> dict[str, Finding]:
    settings = build({"endpoint": [{"name": "a", "url": "127.0.0.1:1"}], **tables}, "test")
    return {one.check: one for one in config_findings(settings)}


async def stored(path: Path, *, labelled: bool) -> None:
    store = await SqliteStore.open(SqliteSettings(str(path)))
    await store.record([event()])
    if labelled:
        await store.report(OutcomeReport("d", accepted=True))
    await store.close()


def test_a_bare_configuration_needs_nothing():
    states = {name: one.state for name, one in found().items()}
    assert states == {
        "extras": State.OK,
        "outcomes store": State.WARN,
        "event log": State.OK,
        "sandbox": State.OK,
    }


def test_an_extra_that_is_missing_is_named_with_its_command(monkeypatch):
    monkeypatch.setattr(doctor_config, "find_spec", lambda name: None)
    checks = found(admin={"port": 1}, checks={"type_checker": "pyright"})
    assert checks["extra http"].state is checks["extra types"].state is State.FAIL
    assert checks["extra http"].do == "run `pip install 'ensemble-gateway[http]'`"


def test_an_extra_that_is_there_is_good_and_one_inside_a_missing_package_is_not(monkeypatch):
    def find(name: str) -> object:
        if name.startswith("opentelemetry"):
            raise ModuleNotFoundError
        return object()

    monkeypatch.setattr(doctor_config, "find_spec", find)
    checks = found(admin={"port": 1}, telemetry={"traces": "otlp"})
    assert (checks["extra http"].state, checks["extra otlp"].state) == (State.OK, State.FAIL)


def test_a_store_that_is_off_or_in_memory_is_a_warning():
    assert found(outcomes={"enabled": False})["outcomes store"].state is State.WARN
    assert "forgotten" in found()["outcomes store"].found


async def test_a_store_is_looked_into_without_changing_it(tmp_path: Path):
    """D-06: no data is told from no outcomes."""
    path = tmp_path / "store.db"
    assert found(outcomes={"path": str(path)})["outcomes store"].state is State.OK
    assert not path.exists()
    empty = await SqliteStore.open(SqliteSettings(str(path)))
    await empty.close()
    assert "no decision" in found(outcomes={"path": str(path)})["outcomes store"].found
    await stored(path, labelled=False)
    assert found(outcomes={"path": str(path)})["outcomes store"].state is State.WARN
    await stored(path, labelled=True)
    good = found(outcomes={"path": str(path)})["outcomes store"]
    assert (good.state, "1 decisions, 1 with an outcome" in good.found) == (State.OK, True)


def test_a_file_that_is_no_store_is_broken(tmp_path: Path):
    path = tmp_path / "store.db"
    path.write_text("no database at all", "utf-8")
    assert found(outcomes={"path": str(path)})["outcomes store"].state is State.FAIL
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE other (x)")
    connection.close()
    assert found(outcomes={"path": str(path)})["outcomes store"].state is State.FAIL


def test_a_folder_that_cannot_be_written_is_broken(tmp_path: Path, monkeypatch):
    """D-06: the directory and its permission are checked."""
    # Root may write anywhere, so that the permission itself proves nothing here.
    monkeypatch.setattr(doctor_config.os, "access", lambda *_: False)
    checks = found(outcomes={"path": str(tmp_path / "x" / "s.db"), "log_path": str(tmp_path / "l")})
    assert checks["outcomes store"].state is checks["event log"].state is State.FAIL


def log_check(folder: Path) -> Finding:
    return found(outcomes={"log_path": str(folder)})["event log"]


async def test_the_event_log_is_read_from_its_end(tmp_path: Path, monkeypatch):
    """D-06: no log, no data and lines that are no JSON are three findings."""
    folder = tmp_path / "log"
    assert log_check(folder).state is State.WARN
    log = JsonlLog(SegmentSettings(str(folder)), lambda: 1e9)
    await log.append([event(decision_id=f"d{number}") for number in range(9)])
    await log.close()
    assert log_check(folder).state is State.OK
    assert "of the last 9 lines 0" in log_check(folder).found
    monkeypatch.setattr(doctor_config, "TAIL_BYTES", 500)
    assert "of the last 9 lines" not in log_check(folder).found
    (path,) = segments(folder)
    with path.open("ab") as file:
        file.write(b'{"cut\n')
    assert (log_check(folder).state, "1 are no JSON" in log_check(folder).found) == (
        State.WARN,
        True,
    )


async def test_a_log_that_others_may_read_is_a_warning(tmp_path: Path):
    log = JsonlLog(SegmentSettings(str(tmp_path)), lambda: 1e9)
    await log.append([event()])
    await log.close()
    segments(tmp_path)[0].chmod(0o644)
    assert "chmod 600" in log_check(tmp_path).do


def test_a_log_path_that_is_a_file_is_broken(tmp_path: Path):
    path = tmp_path / "log"
    path.write_text("", "utf-8")
    assert log_check(path).state is State.FAIL


@pytest.mark.parametrize(("why", "state"), [("", State.OK), ("no bwrap", State.FAIL)])
def test_a_sandbox_is_tried(why: str, state: State, monkeypatch):
    class Sandbox:
        async def probe(self) -> str:
            return why

    monkeypatch.setattr(doctor_config, "sandbox_of", lambda *_: Sandbox())
    assert found(sandbox={"kind": "bubblewrap"})["sandbox"].state is state
