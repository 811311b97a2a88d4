"""The one directory that exports go to: names are made here, and no link leads out of it."""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from gateway.cli.mcp_server.refusals import Refusal, refused

MOST_BYTES = 64 * 1024 * 1024
"""Of one file."""

MOST_FILES = 100
"""In the directory; a caller that asks again and again must not fill the disk."""

ENDINGS = {"json": "jsonl", "csv": "csv"}
OURS = re.compile(r"traces-\d{8}-\d{6}-[0-9a-f]{8}\.(?:jsonl|csv)")
SHARED_WITH_NOBODY = 0o600

NOT_CONFIGURED = "no directory for exports is configured; start `ensemble mcp` with --export-dir"


class ExportDirectory:
    """Holds the directory open, so that it stays the same one whatever its path leads to later.

    Raises OSError when it is no directory. Needs a system with `openat`, as Linux and macOS.
    """

    def __init__(self, path: Path, most_files: int = MOST_FILES) -> None:
        self._most = most_files
        self._at = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._busy = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._at)

    @contextmanager
    def alone(self) -> Generator[None]:
        """Hold the text of one export in memory at a time; raises Refusal for a second one."""
        if self._busy:
            words = "an export is running, no second one is begun; wait for it"
            raise refused("RESOURCE_EXHAUSTED", "EXPORT_RUNNING", words)
        self._busy = True
        try:
            yield
        finally:
            self._busy = False

    def write(self, text: str, form: str, now: datetime, nonce: str) -> tuple[str, int]:
        """Write a new file; return its name and size. A file that is there is never touched.

        `nonce` is 8 hex digits. Raises Refusal, and leaves nothing behind then.
        """
        name = f"traces-{now:%Y%m%d-%H%M%S}-{nonce}.{ENDINGS[form]}"
        data = text.encode()
        try:
            self._check_room()
            self._write(name, data)
        except OSError as error:
            raise _failed(error) from None
        return name, len(data)

    def _check_room(self) -> None:
        with os.scandir(self._at) as found:
            ours = sum(bool(OURS.fullmatch(one.name)) for one in found)
        if ours >= self._most:
            raise refused(
                "RESOURCE_EXHAUSTED",
                "EXPORT_FULL",
                f"the export directory holds {ours} exports, at most {self._most} are kept; "
                "ask its owner to remove some",
            )

    def _write(self, name: str, data: bytes) -> None:
        # O_EXCL follows no link at the name, not even one that leads nowhere.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        made = os.open(name, flags, SHARED_WITH_NOBODY, dir_fd=self._at)
        try:
            with os.fdopen(made, "wb") as file:
                file.write(data)
        except OSError:
            with suppress(OSError):
                os.unlink(name, dir_fd=self._at)
            raise


def _failed(error: OSError) -> Refusal:
    return refused(
        "FAILED_PRECONDITION",
        "EXPORT_FAILED",
        f"the export cannot be written ({error.strerror}); ask the owner of the directory",
    )


def too_large() -> Refusal:
    """Refuse an export that is not bounded."""
    return refused(
        "RESOURCE_EXHAUSTED",
        "EXPORT_TOO_LARGE",
        f"the traces take more than {MOST_BYTES // 2**20} MiB; ask for csv, or run "
        "`ensemble traces export`",
    )


def no_directory() -> Refusal:
    """Refuse an export that has no place to go to."""
    return refused("FAILED_PRECONDITION", "EXPORT_OFF", NOT_CONFIGURED)
