"""What a sandbox needs of the machine: which programs start it, and what can be seen inside."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from pathlib import Path
from typing import Final

from gateway.core.value import value
from gateway.sandbox.options import SandboxOptions
from gateway.sandbox.trouble import (
    NO_BWRAP,
    NO_PYTHON,
    NO_SETPRIV,
    UNREADABLE_PYTHON,
    UnavailableError,
)

NOBODY: Final = "65534"
INSIDE: Final = "/python"
"""Where an interpreter from outside /usr is seen."""

ROOTS: Final = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
"""Where programs and the dynamic linker look; on most systems links into /usr."""


@value
class View:
    """What to start, and what can be seen: `binds` are (outside, inside), `links` (target, path).

    `libraries` is where the dynamic linker has to look besides, if anywhere.
    """

    launcher: tuple[str, ...]
    python: str
    binds: tuple[tuple[str, str], ...]
    links: tuple[tuple[str, str], ...]
    libraries: str = ""


def look(options: SandboxOptions) -> View:
    """Find what a sandbox needs. Raises UnavailableError naming what is missing."""
    root = os.geteuid() == 0
    launcher = _launcher(options, root=root)
    python, binds = _python(options.python, root=root)
    links: list[tuple[str, str]] = []
    seen: list[tuple[str, str]] = [("/usr", "/usr")]
    for path in (Path("/", name) for name in ROOTS):
        if path.is_symlink():
            links.append((str(path.readlink()), str(path)))
        elif path.is_dir():
            seen.append((str(path), str(path)))
    seen += [(path, path) for path in options.readable]
    libraries = f"{INSIDE}/lib" if binds else ""
    return View(launcher, python, (*seen, *binds), tuple(links), libraries)


def _launcher(options: SandboxOptions, *, root: bool) -> tuple[str, ...]:
    bwrap = shutil.which(options.bwrap)
    if bwrap is None:
        raise UnavailableError(NO_BWRAP)
    if not root:
        return (bwrap,)
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise UnavailableError(NO_SETPRIV)
    # The kernel does not count the processes of its root user, not even in a user namespace
    # (`copy_process` in kernel/fork.c), so that the one who starts them must be another.
    user = (f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    return (setpriv, *user, "--", bwrap)


def _python(wanted: str, *, root: bool) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Choose the interpreter; return its path inside and what has to be bound for it."""
    own = f"bin/python{sys.version_info.major}.{sys.version_info.minor}"
    paths = (wanted,) if wanted else (f"{sys.base_prefix}/{own}", "/usr/bin/python3")
    for path in (Path(path).resolve() for path in paths):
        if readable(path, root=root):
            prefix = path.parent.parent
            if prefix == Path("/") or prefix.is_relative_to("/usr"):
                return str(path), ()
            inside = f"{INSIDE}/bin/{path.name}"
            return inside, ((str(path), inside), (str(prefix / "lib"), f"{INSIDE}/lib"))
    raise UnavailableError(UNREADABLE_PYTHON if wanted else NO_PYTHON)


def readable(path: Path, *, root: bool) -> bool:
    """Say whether the user of the sandbox may execute a file: us, unless we are root."""
    if not root:
        return path.is_file() and os.access(path, os.R_OK | os.X_OK)
    try:
        modes = [part.stat().st_mode for part in (path, *path.parents)]
    except OSError:
        return False
    return stat.S_ISREG(modes[0]) and all(mode & stat.S_IXOTH for mode in modes)
