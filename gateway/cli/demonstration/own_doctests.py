"""Runs a module's own doctests on a changed text of it: a script for a process of its own.

Arguments: the module's name, the file it comes from. Standard input: the text to run in its place.
Standard output: one JSON object with `attempted` and `failed` examples and `lines`, the lines of
the module that the examples ran (1-based; functions that ran while it was imported do not count).
No object at all: the text could not be imported, or it ended the process.

The text may be anything a model wrote, so the process limits itself first and then refuses
everything that reaches out: writing files, processes, sockets, other people's memory.
"""

from __future__ import annotations

import contextlib
import doctest
import importlib
import importlib.util
import io
import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

Trace = Callable[[FrameType, str, Any], Any]
"""What `sys.settrace` takes."""

CPU_SECONDS = 10
MEMORY_BYTES = 1 << 30
REFUSED = (
    "ctypes.", "os.exec", "os.fork", "os.kill", "os.link", "os.mkdir", "os.posix_spawn",
    "os.putenv", "os.remove", "os.rename", "os.rmdir", "os.spawn", "os.symlink", "os.system",
    "os.truncate", "shutil.", "signal.", "socket.", "subprocess.", "tempfile.",
)  # fmt: skip


def limit() -> None:
    """Set hard limits for this process."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """Audit hook: refuse what reaches out of the process."""
    writes = event == "open" and bool((arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    if writes or event.startswith(REFUSED):
        raise PermissionError(f"{event} is refused while doctests of a filled module run")


def place(name: str, path: str, code: CodeType) -> ModuleType:
    """Import the code as the module of that name."""
    parent, _, child = name.rpartition(".")
    folder = [str(Path(path).parent)] if Path(path).name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=folder)
    if spec is None:
        raise ImportError(name)
    module = importlib.util.module_from_spec(spec)
    if parent:
        setattr(importlib.import_module(parent), child, module)
    sys.modules[name] = module
    exec(code, module.__dict__)  # noqa: S102 - running the filled module is what this is for
    return module


def main() -> None:
    """Run the doctests and print what came of them."""
    name, path = sys.argv[1:]
    code = compile(sys.stdin.read(), path, "exec", dont_inherit=True)
    limit()
    sys.addaudithook(refuse)
    lines: set[int] = set()

    def trace(frame: FrameType, event: str, _: object) -> Trace | None:
        if frame.f_code.co_filename != path:
            return None
        if event == "line":
            lines.add(frame.f_lineno)
        return trace

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        module = place(name, path, code)
        sys.settrace(trace)
        try:
            failed, attempted = doctest.testmod(module)
        finally:
            sys.settrace(None)
    print(json.dumps({"attempted": attempted, "failed": failed, "lines": sorted(lines)}))


if __name__ == "__main__":
    main()
