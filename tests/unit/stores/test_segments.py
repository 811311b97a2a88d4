from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.stores.segments import Segments, SegmentSettings, segments
from tests.fakes.ticks import Ticks


def begun(folder: Path, **settings: float) -> tuple[Segments, Ticks]:
    ticks = Ticks(1_764_200_000.0)
    return Segments(SegmentSettings(str(folder), **settings), ticks), ticks


def texts(folder: Path) -> list[str]:
    return [path.read_text(encoding="utf-8") for path in segments(folder)]


def test_lines_are_appended_to_one_segment_that_only_its_owner_reads(tmp_path: Path) -> None:
    log, _ = begun(tmp_path / "deep" / "er")
    log.append(b"a\n")
    log.append(b"b\nc\n")
    log.close()
    (path,) = segments(tmp_path / "deep" / "er")
    assert path.name == "routing-20251126T233320000000Z.jsonl"
    assert path.read_bytes() == b"a\nb\nc\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_there_is_never_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-05, X-21: the whole file used to be rewritten for each entry."""
    written: list[int] = []
    write = os.write
    monkeypatch.setattr(
        os, "write", lambda file, data: written.append(len(data)) or write(file, data)
    )
    log, _ = begun(tmp_path)
    for number in range(50):
        log.append(b"%08d\n" % number)
    log.close()
    assert written == [9] * 50


def test_a_segment_that_would_be_too_long_is_followed_by_another(tmp_path: Path) -> None:
    log, ticks = begun(tmp_path, max_bytes=10)
    for text in (b"1234\n", b"5678\n", b"9\n"):
        log.append(text)
        ticks.move(1.0)
    log.close()
    assert texts(tmp_path) == ["1234\n5678\n", "9\n"]


def test_an_append_that_is_longer_than_a_segment_is_not_split(tmp_path: Path) -> None:
    log, _ = begun(tmp_path, max_bytes=4)
    log.append(b"123456\n")
    log.append(b"1\n")
    log.close()
    assert texts(tmp_path) == ["123456\n", "1\n"]


def test_a_segment_that_is_too_old_is_followed_by_another(tmp_path: Path) -> None:
    log, ticks = begun(tmp_path, max_age_s=60.0)
    log.append(b"a\n")
    ticks.move(60.0)
    log.append(b"b\n")
    ticks.move(1.0)
    log.append(b"c\n")
    log.close()
    assert texts(tmp_path) == ["a\nb\n", "c\n"]


def test_only_the_newest_segments_are_kept_and_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "routing-notes.jsonl").write_text("mine", encoding="utf-8")
    log, ticks = begun(tmp_path, max_bytes=1, keep=3)
    for number in range(6):
        log.append(b"%d\n" % number)
        ticks.move(1.0)
    log.close()
    assert texts(tmp_path) == ["3\n", "4\n", "5\n"]
    assert (tmp_path / "routing-notes.jsonl").read_text(encoding="utf-8") == "mine"


def test_segments_of_one_moment_have_names_of_their_own_in_their_order(tmp_path: Path) -> None:
    """A-05: ids used to collide within a second."""
    log, ticks = begun(tmp_path, max_bytes=1, keep=100)
    for number in range(20):
        log.append(b"%d\n" % number)
        ticks.move(-1.0 if number == 10 else 0.0)
    log.close()
    assert texts(tmp_path) == [f"{number}\n" for number in range(20)]


def test_a_name_that_another_process_took_meanwhile_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, _ = begun(tmp_path)
    other.append(b"other\n")
    log, _ = begun(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr("gateway.stores.segments.segments", lambda _: [])
        log.append(b"mine\n")
    assert texts(tmp_path) == ["other\n", "mine\n"]
    log.close()
    other.close()


def test_a_new_process_goes_on_with_the_newest_segment(tmp_path: Path) -> None:
    for text in (b"a\n", b"b\n"):
        log, _ = begun(tmp_path)
        log.append(text)
        log.close()
        log.close()
    assert texts(tmp_path) == ["a\nb\n"]


def test_a_line_that_was_cut_stays_a_line_of_its_own(tmp_path: Path) -> None:
    log, _ = begun(tmp_path)
    log.append(b"whole\n")
    log.close()
    (path,) = segments(tmp_path)
    path.write_bytes(b"whole\n{cut")
    log, _ = begun(tmp_path)
    log.append(b"next\n")
    log.append(b"more\n")
    log.close()
    assert texts(tmp_path) == ["whole\n{cut\nnext\nmore\n"]


def test_after_a_full_disk_the_rest_of_the_line_is_not_taken_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, _ = begun(tmp_path)
    log.append(b"first\n")
    write = os.write

    def full(file: int, data: bytes) -> int:
        if len(data) < 5:
            raise OSError(28, "No space left on device")
        return write(file, data[:4])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            log.append(b"second\n")
    log.append(b"third\n")
    log.close()
    assert texts(tmp_path) == ["first\nseco\nthird\n"]


def test_a_segment_that_somebody_removed_is_begun_anew(tmp_path: Path) -> None:
    log, ticks = begun(tmp_path)
    log.append(b"a\n")
    segments(tmp_path)[0].unlink()
    ticks.move(1.0)
    log.append(b"b\n")
    log.close()
    assert texts(tmp_path) == ["b\n"]


def test_an_end_is_forced_to_the_disk_and_the_file_is_closed_even_if_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, _ = begun(tmp_path)
    log.append(b"a\n")

    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    closed: list[int] = []
    close = os.close
    monkeypatch.setattr(os, "fsync", fail)
    monkeypatch.setattr(os, "close", lambda file: closed.append(file) or close(file))
    with pytest.raises(OSError, match="Input/output"):
        log.close()
    assert len(closed) == 1
    log.close()
    assert len(closed) == 1


def test_there_are_no_segments_without_a_folder(tmp_path: Path) -> None:
    assert segments(tmp_path / "nowhere") == []


@pytest.mark.parametrize("name", ["max_bytes", "max_age_s", "keep"])
def test_bounds_that_cannot_be_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        SegmentSettings("folder", **{name: 0})


def test_a_folder_must_be_named() -> None:
    with pytest.raises(ValueError, match="folder"):
        SegmentSettings("")
