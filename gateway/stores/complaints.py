"""What goes wrong again and again, said once in a while."""

from __future__ import annotations

import logging
from collections.abc import Callable

from gateway.core.stores import StoreError

EVERY_S = 60.0


class Complaints:
    """Logs a warning at most once a minute, with how many there were since the last one.

    `now` tells unix seconds.
    """

    def __init__(self, log: logging.Logger, message: str, now: Callable[[], float]) -> None:
        self._log = log
        self._message = message
        self._now = now
        self._told_at = -float("inf")
        self._untold = 0

    def add(self, error: Exception) -> None:
        """Count one, and say it unless another was said within the minute."""
        self._untold += 1
        now = self._now()
        # A clock that was set back must not silence them until it has caught up.
        if abs(now - self._told_at) < EVERY_S:
            return
        # The words of other errors are not ours, and may quote what they stumbled over.
        words = f": {error}" if isinstance(error, StoreError | OSError) else ""
        extra = {"error": f"{type(error).__name__}{words}", "times": self._untold}
        self._log.warning(self._message, extra=extra)
        self._told_at, self._untold = now, 0
