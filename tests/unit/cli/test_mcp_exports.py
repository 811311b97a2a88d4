"""Exports of `ensemble mcp` go to one directory, whatever is put in their way."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.cli.mcp_server.exports import ExportDirectory
from gateway.cli.mcp_server.refusals import Refusal

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NONCE = "0a1b2c3d"
NAME = f"traces-20260102-030405-{NONCE}.jsonl"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "exports"
    made.mkdir()
    return made


@pytest.fixture
def exports(folder: Path) -> Iterator[ExportDirectory]:
    with ExportDirectory(folder, most_files=2) as directory:
        yield directory


def refusal(exports: ExportDirectory, nonce: str = NONCE) -> str:
    with pytest.raises(Refusal) as caught:
        exports.write("text", "json", NOW, nonce)
    return f"{caught.value.failure.reason}: {caught.value.failure.message}"


def test_a_file_has_a_name_made_here_and_belongs_to_its_owner_alone(
    folder: Path, exports: ExportDirectory
) -> None:
    assert exports.write("sn\N{SNOWMAN}w\r\n", "json", NOW, NONCE) == (NAME, 8)
    assert (folder / NAME).read_bytes() == "sn\N{SNOWMAN}w\r\n".encode()
    assert (folder / NAME).stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_there_is_never_touched(folder: Path, exports: ExportDirectory) -> None:
    (folder / NAME).write_text("before")
    assert refusal(exports).startswith("EXPORT_FAILED: the export cannot be written (File exists)")
    assert (folder / NAME).read_text() == "before"


@pytest.mark.parametrize("there", [True, False])
def test_a_link_at_the_name_is_not_followed(
    tmp_path: Path, folder: Path, exports: ExportDirectory, *, there: bool
) -> None:
    """K-02: neither to a file that is there, nor to one that would be made."""
    outside = tmp_path / "outside"
    if there:
        outside.write_text("before")
    (folder / NAME).symlink_to(outside)
    assert refusal(exports).startswith("EXPORT_FAILED")
    assert (outside.read_text() if there else outside.exists()) == ("before" if there else False)


def test_a_path_that_comes_to_lead_elsewhere_changes_nothing(
    tmp_path: Path, folder: Path, exports: ExportDirectory
) -> None:
    """K-02: the directory is the one that was given at the start."""
    elsewhere, moved = tmp_path / "elsewhere", tmp_path / "moved"
    elsewhere.mkdir()
    folder.rename(moved)
    folder.symlink_to(elsewhere)
    exports.write("text", "json", NOW, NONCE)
    assert (moved / NAME).read_text() == "text"
    assert list(elsewhere.iterdir()) == []


def test_a_directory_that_is_gone_is_said_to_be_so(folder: Path, exports: ExportDirectory) -> None:
    folder.rmdir()
    assert "No such file or directory" in refusal(exports)


def test_a_directory_with_enough_exports_takes_no_more(
    folder: Path, exports: ExportDirectory
) -> None:
    (folder / "notes.txt").write_text("counts for nothing")
    for nonce in ("00000000", "00000001"):
        exports.write("text", "csv", NOW, nonce)
    assert refusal(exports).startswith("EXPORT_FULL: the export directory holds 2 exports")
    (folder / "traces-20260102-030405-00000000.csv").unlink()
    exports.write("text", "csv", NOW, "00000002")


def test_a_disk_that_is_full_leaves_nothing_behind(
    folder: Path, exports: ExportDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, _: str) -> object:
        os.close(descriptor)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("gateway.cli.mcp_server.exports.os.fdopen", full)
    assert "No space left on device" in refusal(exports)
    assert list(folder.iterdir()) == []


def test_one_export_is_under_way_at_a_time(exports: ExportDirectory) -> None:
    with exports.alone(), pytest.raises(Refusal, match="EXPORT_RUNNING"), exports.alone():
        pass
    with exports.alone():
        pass


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_what_is_no_directory_is_refused_at_the_start(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    if kind == "file":
        path.write_text("")
    with pytest.raises(OSError, match=r"No such file|Not a directory"):
        ExportDirectory(path)
