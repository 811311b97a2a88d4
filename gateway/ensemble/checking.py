"""All checks of one text, each where it belongs: here, in a worker thread, or by a tool."""

from __future__ import annotations

import asyncio

from gateway.core.deadline import Deadline
from gateway.core.ports import Clock
from gateway.validation.checks import Checks, Found


async def check_text(checks: Checks, text: str, deadline: Deadline, clock: Clock) -> Found:
    """Make all checks of a text, the late ones in the time left."""
    if checks.costly(text):
        verdicts = await asyncio.to_thread(checks.run, text)
    else:
        verdicts = checks.run(text)
    if checks.late:
        return await checks.finish(text, verdicts, deadline.left(clock()))
    return Found(verdicts)
