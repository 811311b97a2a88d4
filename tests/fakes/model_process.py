"""A scripted model server in a process of its own: `python -m tests.fakes.model_process`.

Prints `listening on HOST:PORT`, then a line `EVENT REQUEST_ID TIME` for each call that starts and
each whose caller leaves; TIME is the monotonic clock, which all processes of a machine share.
Options are the fields of a Script as JSON, in the variable MODEL_SCRIPT.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.fakes.model_server import FakeModelServer
from tests.fakes.script import Script


class ReportingServer(FakeModelServer):
    @contextmanager
    def _witnessed(self) -> Iterator[None]:
        request_id = self.witness.asked.pop().body.request_id
        report("started", request_id)
        try:
            with super()._witnessed():
                yield
        except asyncio.CancelledError:
            report("left", request_id)
            raise


def report(event: str, request_id: str) -> None:
    now = time.monotonic()
    sys.stdout.write(f"{event} {request_id} {now}\n")
    sys.stdout.flush()


async def main() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    script = Script(**json.loads(os.environ.get("MODEL_SCRIPT", "{}")))
    async with ReportingServer(script) as server:
        sys.stdout.write(f"listening on {server.url.removeprefix('grpc://')}\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
