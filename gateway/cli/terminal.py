"""A terminal that shows one changing picture and reads single keys."""

from __future__ import annotations

import select
import sys
import termios
import tty
from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.live import Live

ReadKey = Callable[[float], str]
"""Waits so many seconds for a key; empty when none was pressed."""

Show = Callable[[RenderableType], None]


@contextmanager
def terminal() -> Generator[tuple[ReadKey, Show]]:
    """Take the terminal over; what was on it comes back at the end, however that comes."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    console = Console(markup=False, emoji=False, highlight=False)

    def read_key(within_s: float) -> str:
        ready, _, _ = select.select([sys.stdin], [], [], within_s)
        return sys.stdin.read(1) if ready else ""

    try:
        tty.setcbreak(descriptor)
        with Live(console=console, screen=True, auto_refresh=False) as picture:
            yield read_key, lambda what: picture.update(what, refresh=True)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
