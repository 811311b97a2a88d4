"""Every lock of the product lives in `gateway/state`."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.house.sources import ROOT, python_files, shown, tree

LOCKING = {"threading", "multiprocessing", "_thread", "fcntl"}
LOCKS = {"Lock", "RLock", "Condition", "Semaphore", "BoundedSemaphore", "Barrier", "allocate_lock"}


def locks_of(module: ast.Module) -> list[int]:
    """Return the lines that take a lock class out of a module that has them."""
    found: list[int] = []
    for node in ast.walk(module):
        match node:
            case ast.ImportFrom(module=str(name), names=names) if name in LOCKING:
                found += [node.lineno for alias in names if alias.name in LOCKS]
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in LOCKING:
                found += [node.lineno] if attribute in LOCKS else []
            case _:
                pass
    return found


def test_no_lock_outside_state():
    outside = [
        path for path in python_files("gateway") if ROOT / "gateway/state" not in path.parents
    ]
    found = [f"{shown(path)}:{line}" for path in outside for line in locks_of(tree(path))]
    assert found == []


def test_the_check_sees_both_ways_to_get_a_lock():
    source = "import threading\nfrom threading import RLock\nthreading.Lock()\nthreading.Thread()\n"
    assert locks_of(ast.parse(source)) == [2, 3]


def test_state_is_where_it_looks():
    assert any(locks_of(tree(path)) for path in python_files(str(Path("gateway", "state"))))
