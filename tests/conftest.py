"""What every test may count on."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Let interrupts through to the processes that tests start.

    A shell starts what it puts into the background with interrupts ignored, and children inherit
    that. A handler they do not inherit, but the default in its place.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
