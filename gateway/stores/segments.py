"""A log in segments: files that are only ever appended to, the oldest of which go."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.core.value import value

_NAME = re.compile(r"routing-(\d{8}T\d{12})Z\.jsonl")
_TIME = "%Y%m%dT%H%M%S%f"
_STEP = timedelta(microseconds=1)


@value
class SegmentSettings:
    """Where the segments are and when a new one begins.

    It begins when the last one would be longer than `max_bytes`, or is older than `max_age_s`; then
    only the newest `keep` are kept. A single append is never split, so that one that is larger than
    `max_bytes` makes a larger segment. Raises ValueError for what cannot be.
    """

    folder: str
    max_bytes: int = 32 * 1024 * 1024
    max_age_s: float = 30 * 86_400.0
    keep: int = 12

    def __post_init__(self) -> None:
        if not self.folder:
            raise ValueError("folder must not be empty")
        for name in ("max_bytes", "max_age_s", "keep"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be more than 0")


class Segments:
    """Appends lines to the newest segment. For one thread; other processes may append too.

    A segment is named for the time at which it begins, in UTC, so that names sort by time and
    nothing is ever renamed. What was appended survives the end of the process; it is forced to the
    disk (fsync) when a segment ends and at `close`, so that a machine that loses its power may lose
    what its operating system had not written yet. `now` tells unix seconds.
    """

    def __init__(self, settings: SegmentSettings, now: Callable[[], float]) -> None:
        self._settings = settings
        self._folder = Path(settings.folder)
        self._now = now
        self._path: Path | None = None
        self._file = -1
        self._began = datetime.fromtimestamp(0, UTC)
        self._size = 0
        # True while the last line may be cut: by a full disk, or by the end of a process.
        self._torn = False

    def append(self, lines: bytes) -> None:
        """Append whole lines. Raises OSError; part of them may have been written then."""
        self._ready(len(lines))
        if self._torn:
            lines = b"\n" + lines
        self._torn = True
        view = memoryview(lines)
        while view:
            written = os.write(self._file, view)
            self._size += written
            view = view[written:]
        self._torn = False

    def close(self) -> None:
        """Force what was appended to the disk and close the segment. Raises OSError."""
        if self._file < 0:
            return
        file, self._file = self._file, -1
        try:
            os.fsync(file)
        finally:
            os.close(file)

    def _ready(self, more: int) -> None:
        """Have a segment open that may take so many bytes more."""
        if self._file < 0 or not self._is_there():
            self.close()
            self._resume()
        age = self._now() - self._began.timestamp()
        full = self._size and self._size + more > self._settings.max_bytes
        if self._file >= 0 and not full and age <= self._settings.max_age_s:
            return
        self.close()
        self._begin()
        for path in segments(self._folder)[: -self._settings.keep]:
            path.unlink(missing_ok=True)

    def _is_there(self) -> bool:
        """Say whether the open segment still has its name, or was removed by somebody."""
        try:
            return self._path is not None and os.path.samestat(
                self._path.stat(), os.fstat(self._file)
            )
        except OSError:
            return False

    def _resume(self) -> None:
        """Open the newest segment, if there is one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        found = segments(self._folder)
        if not found:
            return
        path = found[-1]
        self._open(path, 0)
        self._began = _began(path)
        self._size = os.fstat(self._file).st_size
        self._torn = self._size > 0 and os.pread(self._file, 1, self._size - 1) != b"\n"

    def _begin(self) -> None:
        """Make a new segment, after all others whatever the clock says."""
        began = datetime.fromtimestamp(self._now(), UTC)
        if segments(self._folder):
            began = max(began, _began(segments(self._folder)[-1]) + _STEP)
        while True:
            try:
                self._open(self._folder / f"routing-{began:{_TIME}}Z.jsonl", os.O_CREAT | os.O_EXCL)
            except FileExistsError:
                # Another process was faster.
                began += _STEP
            else:
                break
        self._began, self._size, self._torn = began, 0, False

    def _open(self, path: Path, flags: int) -> None:
        # Only the owner reads it, as it tells which requests there were.
        self._file = os.open(path, flags | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._path = path


def segments(folder: Path) -> list[Path]:
    """Return the segments of a folder, oldest first; none when there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def _began(path: Path) -> datetime:
    found = _NAME.fullmatch(path.name)
    return datetime.strptime(found[1] if found else "", _TIME).replace(tzinfo=UTC)
