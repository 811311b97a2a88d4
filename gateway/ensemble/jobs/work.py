"""Tasks that a command may end: each of them then ends in the fault that the command means."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from gateway.core.faults import Fault


class Endable:
    """Something that the current task does, until `over`. Made where it begins.

    As `asyncio.timeout` does it: a cancellation of ours is told from one of somebody else by
    counting, and one that came too late is taken back. `why` is the fault that it is to end in.
    """

    __slots__ = ("_earlier", "_task", "why")

    def __init__(self) -> None:
        self._task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._earlier = self._task.cancelling()
        self.why: Fault | None = None

    def end(self, fault: Fault) -> None:
        """Cancel it, so that it ends in this fault; the first one counts."""
        if self.why is None:
            self.why = fault
            self._task.cancel()

    def fault(self) -> Fault | None:
        """Say what its cancellation stands for; None when somebody else cancelled it too."""
        why, self.why = self.why, None
        return why if why is not None and self._task.uncancel() <= self._earlier else None

    def over(self) -> None:
        """Take a cancellation back that came when it had ended in its own way."""
        if self.why is not None:
            self.why = None
            self._task.uncancel()
