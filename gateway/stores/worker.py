"""One thread that does what blocks, such as writing to a disk, for a store of one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from queue import Queue
from threading import Thread
from typing import TypeVar

from gateway.core.stores import StoreError

Result = TypeVar("Result")


class Worker:
    """Does one piece of work after the other, in the order asked for; at most `limit` wait.

    `name` is that of the thread, and of what is busy in errors. Work that has begun cannot be
    stopped: whoever does not wait for it any longer learns nothing of its end. The thread does not
    keep the process alive.
    """

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._limit = limit
        # Unbounded by itself, so that `close` always has room; `run` looks at the limit.
        self._jobs: Queue[Callable[[], None] | None] = Queue()
        self._closed = False
        self._thread = Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    async def run(self, work: Callable[[], Result], timeout_s: float) -> Result:
        """Return what the work returns, or raise what it raises.

        Raises StoreError when it did not end in time, when too much is waiting, and once closed.
        Work that had not begun by then is not done.
        """
        if self._closed:
            raise StoreError(f"{self._name} is closed")
        if self._jobs.qsize() >= self._limit:
            raise StoreError(f"{self._name} has too much to do", retryable=True)
        future = self._put(work)
        try:
            async with asyncio.timeout(timeout_s):
                return await future
        except TimeoutError:
            message = f"{self._name} did not answer within {timeout_s:g} s"
            raise StoreError(message, retryable=True) from None

    async def close(self, last: Callable[[], None], timeout_s: float) -> None:
        """Finish what waits, do `last`, and end the thread; raises what `last` raises.

        Waits for that no longer than the time: a disk that hangs holds the thread until it answers.
        """
        if self._closed:
            return
        self._closed = True
        future = self._put(last)
        self._jobs.put(None)
        done, _ = await asyncio.wait((future,), timeout=timeout_s)
        if done:
            self._thread.join()
            future.result()

    def _put(self, work: Callable[[], Result]) -> asyncio.Future[Result]:
        future: Future[Result] = Future()
        self._jobs.put(lambda: _do(work, future))
        return asyncio.wrap_future(future)

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


def _do(work: Callable[[], Result], future: Future[Result]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except Exception as error:  # noqa: BLE001 - it belongs to whoever asked for the work
        future.set_exception(error)
    else:
        future.set_result(result)
