"""The demonstration with its real processes: what it starts, it stops."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from gateway.cli.demonstration import fleet
from gateway.cli.demonstration.fleet import StartError, environment, running
from gateway.cli.exits import Exit

START_SECONDS = 240


def alive(folder: Path) -> list[str]:
    """Ids of the processes that were started for this folder and still run."""
    found: list[str] = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"TMPDIR={folder}".encode() in entry.read_bytes().split(b"\0"):
                found.append(entry.parent.name)
        except OSError:
            continue
    return found


def left(folder: Path) -> list[str]:
    """Names of what is in the folder."""
    return [path.name for path in folder.iterdir()]


async def ensemble(
    *arguments: str, folder: Path, stderr: int = asyncio.subprocess.PIPE
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
        env={**os.environ, "TMPDIR": str(folder), "ENSEMBLE_SERVER__PORT": "1"},
    )


@pytest.mark.timeout(START_SECONDS)
async def test_a_small_run_loses_nothing_and_stops_everything(tmp_path: Path) -> None:
    process = await ensemble("demo", "--holes", "21", "--json", folder=tmp_path)
    printed, said = await process.communicate()
    report = json.loads(printed)
    totals = report["totals"]
    ended = totals["all"]["answered"] + totals["all"]["typed_errors"]
    assert totals["all"]["sent"] == ended == len(report["holes"]) == 21
    assert totals["all"]["lost"] == 0
    assert totals["after"]["fallbacks_after_a_failed_call"] > 0
    assert {hole["mode"] for hole in report["holes"]} == {"sequential", "best-of-3", "stream"}
    assert {hole["cut"] for hole in report["holes"]} == {"line", "lines", "span"}
    assert report["constrained"] is None or report["constrained"]["verdicts"]
    assert len(report["refined"]["holes"]) == 3
    assert report["pipeline"]["steps"][0]["step"] == "draft"
    learning = report["learning"]
    assert learning["taught"] == learning["analysis"]["labelled"] == 160
    assert {one["task"] for one in learning["accepted"]} == {"name", "condition"}
    assert learning["proposal"]["set"]["head_observations"] == 160
    assert learning["evaluation"]["known_share"] == 1
    assert learning["evaluation"]["verdict"]
    assert learning["applied"]["after"]["in_force"]
    assert {move["before"]["decision"]["primary"] for move in learning["moves"]} == {"fast"}
    assert all("learned" in move["after"]["decision"] for move in learning["moves"])
    steps = report["steering"]["said"]
    assert [one["job"]["state"] for one in steps] == [
        "JOB_STATE_PAUSED", "JOB_STATE_RUNNING", "JOB_STATE_RUNNING", "JOB_STATE_STOPPED",
    ]  # fmt: skip
    assert report["steering"]["rested"]["progress"] == steps[0]["job"]["progress"]
    assert report["steering"]["stopped"] > 0
    assert report["repeating"]["at_once"]["calls"] == 1
    assert len(report["repeating"]["at_once"]["answers"]) == 10
    assert report["repeating"]["later"]["answers"][0]["cached"]
    # Too few holes for a demonstration is the only promise that a small run breaks.
    assert report["missing"] == ["21 holes were sent, fewer than 40"]
    assert process.returncode == Exit.FAILED
    assert b"21 holes were sent, fewer than 40; logs are in" in said
    assert alive(tmp_path) == []


def read_until(words: bytes, terminal: int) -> None:
    seen = b""
    while words not in seen:
        try:
            seen += os.read(terminal, 4096)
        except OSError:
            # So a terminal ends whose last writer is gone.
            pytest.fail(f"{words!r} is not in {seen.decode()!r}")


@pytest.mark.timeout(START_SECONDS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_an_interrupt_stops_everything(number: signal.Signals, tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    process = await ensemble("demo", folder=tmp_path, stderr=theirs)
    os.close(theirs)
    await asyncio.to_thread(read_until, b"starting quality", ours)
    process.send_signal(number)
    await asyncio.to_thread(read_until, b"ensemble: interrupted", ours)
    assert await process.wait() == Exit.INTERRUPTED
    os.close(ours)
    assert alive(tmp_path) == []
    assert left(tmp_path) == []


async def test_the_time_given_is_kept(tmp_path: Path) -> None:
    process = await ensemble("demo", "--timeout", "1", folder=tmp_path)
    _, said = await process.communicate()
    assert process.returncode == Exit.DEADLINE
    assert b"the time of 1 s is over; logs are in" in said
    assert alive(tmp_path) == []


async def test_a_server_that_does_not_start_is_named_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(fleet, "PROFILES", ("no-such-profile",))
    with pytest.raises(StartError, match=r"no-such-profile ended with exit code 2.*\.log"):
        async with running(tmp_path, told.append):
            pass
    assert told == ["no-such-profile"]
    assert "--profile must be one of" in (tmp_path / "no-such-profile.log").read_text()


def test_settings_of_another_gateway_do_not_reach_this_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ENSEMBLE_SERVER__PORT", "1")
    monkeypatch.setenv("HOME", "/home")
    assert "ENSEMBLE_SERVER__PORT" not in environment()
    assert environment()["HOME"] == "/home"
