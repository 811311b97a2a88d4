"""The environments of the peers: nothing of theirs is ever installed beside the product."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path

from tests.interop.processes import last_line, peers_environment
from tests.interop.rows import CannotRunError

INSTALL_S = 3600.0
"""A peer may be compiled: llama.cpp takes twenty minutes of one processor."""


def say(words: str) -> None:
    """Tell how far it is, apart from the result."""
    print(words, file=sys.stderr, flush=True)  # noqa: T201 - a command


def python_of(work: Path, *requirements: str, build: Mapping[str, str] | None = None) -> Path:
    """Return the Python of the peer's environment, which has the requirements.

    It is made at the first call and kept as long as the requirements stay the same. `build` is
    added to the environment of what is compiled. Raises CannotRunError.
    """
    place = work.absolute() / "venv"
    python, done = place / "bin" / "python", place / "installed.txt"
    wanted = "\n".join(requirements)
    if done.is_file() and done.read_text(encoding="utf-8") == wanted:
        return python
    say(f"  installing {', '.join(requirements)}")
    venv.create(place, clear=True, with_pip=True)
    command = [str(python), "-m", "pip", "install", "--quiet", *requirements]
    try:
        subprocess.run(
            command,
            env=peers_environment(build),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALL_S,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise CannotRunError(f"pip was not done after {INSTALL_S:.0f} s") from None
    except subprocess.CalledProcessError as error:
        raise CannotRunError(f"pip: {last_line(str(error.stderr))}") from None
    done.write_text(wanted, encoding="utf-8")
    return python
