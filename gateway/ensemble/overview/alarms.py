"""Says in the log which targets are past their alarm, while nobody looks at a dashboard (D-05)."""

from __future__ import annotations

import asyncio
import logging

from gateway.core.overview import MINUTE_S, Grade, OverviewSource

log = logging.getLogger(__name__)


class Alarms:
    """Looks once a minute, and tells when what is past its alarm is not what it was.

    It owns a task: `start` and `close`. A gateway whose targets are missed still takes requests.
    """

    def __init__(self, source: OverviewSource, window_s: float) -> None:
        self._source = source
        self._window_s = window_s
        self._told: tuple[str, ...] = ()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="alarms")

    async def close(self) -> None:
        """End the task."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))

    async def check(self) -> None:
        """Look once."""
        found = await self._source(self._window_s)
        past = {one.name: one.text for one in found.targets if one.grade is Grade.BAD}
        if tuple(past) == self._told:
            return
        self._told = tuple(past)
        if past:
            log.warning("targets of routing are past their alarm", extra={"targets": past})
        else:
            log.info("no target of routing is past its alarm any more")

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(MINUTE_S)
            try:
                await self.check()
            except Exception as error:
                log.exception(
                    "alarms could not be looked at", extra={"error": type(error).__name__}
                )
