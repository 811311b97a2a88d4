"""The hand-written Python files of the repository, found once for every house rule."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("gateway", "clients")
EVERYTHING = (*PRODUCT, "tests", "protos")


def python_files(*folders: str) -> list[Path]:
    """Return the files of the folders, in order, without the generated stubs."""
    found = (path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))
    return [path for path in found if not path.stem.endswith(("_pb2", "_pb2_grpc"))]


@cache
def tree(path: Path) -> ast.Module:
    """Parse one file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def lines(path: Path) -> int:
    """Count the lines of one file."""
    return len(path.read_text(encoding="utf-8").splitlines())


def shown(path: Path) -> str:
    """Return the path as a reader of a failing test knows it."""
    return str(path.relative_to(ROOT))
