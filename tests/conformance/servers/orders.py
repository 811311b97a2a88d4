"""Orders to a process of the suite: a JSON object a line in, one a line out."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

Document = dict[str, Any]


async def obey(first: Document, follow: Callable[[Document], Document]) -> None:
    """Say `first`, then follow orders until standard input ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=64 * 1024 * 1024)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    _say(first)
    while line := await reader.readline():
        _say(follow(json.loads(line)))


def _say(document: Document) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()
