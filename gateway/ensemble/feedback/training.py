"""Trains a head in a process of its own, so that no request waits for it.

Run as a module it is that process: observations come on its standard input, the head goes out.
"""

from __future__ import annotations

import asyncio
import pickle
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import cast

from gateway.core.experience import Head, Observation
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.learning.head import train_head
from gateway.learning.settings import LearningSettings

Lesson = tuple[Sequence[Observation], LearningSettings]


async def trained(observations: Sequence[Observation], settings: LearningSettings) -> Head | str:
    """Train a head, or say why there is none. Cancelling it ends the process.

    Raises Fault(INTERNAL) when the process fails; what it wrote is on our standard error.
    """
    if len(observations) < settings.head_least:
        more = settings.head_least - len(observations)
        return f"no head was trained: {more} more labelled decisions are needed"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        head, _ = await process.communicate(pickle.dumps((observations, settings)))
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if process.returncode or not head:
        raise Fault(
            Kind.INTERNAL,
            Origin.US,
            Reason.INTERNAL_ERROR,
            f"the process that trains the head ended with status {process.returncode}",
        )
    return Head.from_bytes(head)


def main() -> None:
    """Be the process."""
    # What comes was written by the parent, which is this very program.
    lesson = cast("Lesson", pickle.load(sys.stdin.buffer))  # noqa: S301 - see above
    sys.stdout.buffer.write(train_head(*lesson).to_bytes())


if __name__ == "__main__":
    main()
