"""Waits for something that no event tells of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

PATIENCE_S = 30.0
LOOK_AGAIN_S = 0.005


async def until(true: Callable[[], object]) -> None:
    """Look again and again; raises TimeoutError when it never becomes true."""
    async with asyncio.timeout(PATIENCE_S):
        # What is waited for is done by code that knows no event: the product's, or a process.
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(LOOK_AGAIN_S)
