"""The Python standard library of this machine, cut into what is learned and what is held out.

A module is held out when the hash of its name falls below `HELD_OUT`: the choice depends on
nothing but the name, so a demonstration can cut holes from code that no model of this server saw.
"""

from __future__ import annotations

import hashlib
import sysconfig
from collections.abc import Iterator
from pathlib import Path

SPLIT = "1"
HELD_OUT = 0.1
SKIPPED_FOLDERS = frozenset({
    "site-packages", "dist-packages", "__pycache__", "test", "tests", "idlelib", "lib2to3",
    "turtledemo", "idle_test", "ensurepip", "pydoc_data", "encodings",
})  # fmt: skip
LARGEST_FILE = 400_000
"""Bytes; larger files are tables of data."""


def library() -> Path:
    """The folder of the standard library."""
    return Path(sysconfig.get_paths()["stdlib"])


def module_name(path: Path) -> str:
    """The dotted name of a file of the library."""
    parts = path.relative_to(library()).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def place_in_split(name: str) -> float:
    """A number in 0..1 that depends on the module's name only."""
    digest = hashlib.sha256(f"split {SPLIT} {name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _files() -> list[Path]:
    """All files, in the order of their hashes, so that every part of the list is a fair sample."""
    root = library()
    found = [
        path
        for path in root.rglob("*.py")
        if not SKIPPED_FOLDERS.intersection(path.relative_to(root).parts)
        and path.stat().st_size <= LARGEST_FILE
    ]
    return sorted(found, key=lambda path: (place_in_split(module_name(path)), path))


def heldout_files() -> list[Path]:
    """The files that no model is trained on, always in the same order."""
    return [path for path in _files() if place_in_split(module_name(path)) < HELD_OUT]


def training_files() -> list[Path]:
    """The files that models are trained on, always in the same order."""
    return [path for path in _files() if place_in_split(module_name(path)) >= HELD_OUT]


def texts(files: list[Path]) -> Iterator[str]:
    """The text of each file; files that are not UTF-8 are left out."""
    for path in files:
        try:
            yield path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
