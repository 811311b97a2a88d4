"""Run assembled programs, each in a process of its own with limits and without a network.

A script of its own, started with `python -I`: it loads nothing but the standard library, so that
forking it is cheap and safe. Reads one JSON string (a program) a line, writes `1` or `0` a line.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
from typing import NoReturn

SECONDS = 10
MEMORY = 1 << 30
CLONE_NEWNET = 0x40000000


def confine() -> None:
    """Limit this process for good; a fresh network namespace has no way out."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Needs privileges; without them the program still runs under the limits above.
    ctypes.CDLL(None).unshare(CLONE_NEWNET)
    # Wall time too: the alarm's default action ends the process.
    signal.alarm(SECONDS)


def run(program: str) -> NoReturn:
    """Run a program and leave with exit code 0 only when it ended by itself."""
    code = 1
    try:
        confine()
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        exec(compile(program, "program", "exec"), {"__name__": "__main__"})
        code = 0
    finally:
        os._exit(code)


def main() -> None:
    """Judge the programs on standard input."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            run(json.loads(line))
        _, status = os.waitpid(child, 0)
        print(int(status == 0), flush=True)


if __name__ == "__main__":
    main()
