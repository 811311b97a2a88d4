"""One sandbox: the process of bwrap, everything in it, and the pipes between it and us."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from typing import Final

from gateway.sandbox.arguments import Descriptors
from gateway.sandbox.trouble import SILENT, UnavailableError, explain

PIECE: Final = 8192
MAX_HEARD: Final = 64 * 1024
INFO_S: Final = 1.0
"""Time for bwrap to name the first process inside, which it does as soon as there is one."""

END_S: Final = 5.0
"""Time for processes that were killed to be gone."""

FIRST_INSIDE: Final = re.compile(rb'"child-pid":\s*(\d+)[\s,}]')

Compose = Callable[[Descriptors], tuple[str, ...]]


class Contained:
    """A sandbox that has been started. Raises UnavailableError when not even that is possible.

    It runs the command that `compose` makes of the descriptors, with `program` on its standard
    input and `rules`, if any, as the filter of system calls.
    """

    def __init__(self, compose: Compose, program: bytes, rules: bytes) -> None:
        self._loop = asyncio.get_running_loop()
        self._inside: int | None = None
        self._told, self._ended, self._news = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._said = self._heard = b""
        self._deaf = False
        with ExitStack() as ours, ExitStack() as theirs:
            self._results, results = _pipe(ours, theirs)
            self._errors, errors = _pipe(ours, theirs)
            self._info, info = _pipe(ours, theirs)
            passed = [info, *([_in_memory(theirs, rules)] if rules else [])]
            self._process = _start(
                compose(Descriptors(info, passed[1] if rules else None)),
                (_in_memory(theirs, program), results, errors),
                passed,
            )
            self._exit = os.pidfd_open(self._process.pid)
            ours.callback(os.close, self._exit)
            self._ours = ours.pop_all()
        self._readers = {
            self._results: self._hear,
            self._info: self._learn,
            self._exit: self._leave,
        }
        for number, read in self._readers.items():
            self._loop.add_reader(number, read)

    async def line(self) -> bytes:
        """Return the next line of the results, without its end; empty when there are no more."""
        while b"\n" not in self._heard:
            if self._deaf:
                return b""
            self._news.clear()
            await self._news.wait()
        line, _, self._heard = self._heard.partition(b"\n")
        return line

    async def failure(self) -> UnavailableError:
        """Say why the sandbox ended before a program ran in it."""
        if not await _within(self._ended, END_S):
            return UnavailableError(SILENT)
        try:
            words = os.read(self._errors, PIECE).decode("utf-8", "replace")
        except BlockingIOError:
            words = ""
        return UnavailableError(explain(words, self._process.wait()), words)

    async def end(self) -> None:
        """Kill everything inside, and return when it is gone."""
        try:
            # Killing bwrap alone would not tell when the others are gone. It ends by itself, after
            # the first process inside, which the kernel lets end after all others in there.
            await _within(self._told, INFO_S)
            if self._inside is None:
                self._process.kill()
            else:
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._inside, signal.SIGKILL)
            await _within(self._ended, END_S)
        finally:
            for number in self._readers:
                self._loop.remove_reader(number)
            self._ours.close()
            if self._process.poll() is None:
                # Cancelled while waiting, or a strange bwrap.
                self._process.kill()
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(END_S)

    def _hear(self) -> None:
        piece = os.read(self._results, PIECE)
        self._heard += piece
        if not piece or len(self._heard) > MAX_HEARD:
            self._loop.remove_reader(self._results)
            self._deaf = True
        self._news.set()

    def _learn(self) -> None:
        piece = os.read(self._info, PIECE)
        self._said += piece
        found = FIRST_INSIDE.search(self._said)
        if found is not None:
            with suppress(ProcessLookupError):
                self._inside = os.pidfd_open(int(found[1]))
                self._ours.callback(os.close, self._inside)
        if found is not None or not piece or len(self._said) > PIECE:
            self._loop.remove_reader(self._info)
            self._told.set()

    def _leave(self) -> None:
        self._loop.remove_reader(self._exit)
        self._told.set()
        self._ended.set()


@asynccontextmanager
async def contained(
    compose: Compose, program: bytes, rules: bytes
) -> AsyncGenerator[Contained, None]:
    """Start a sandbox; on leaving, whatever the reason, nothing of it is left."""
    box = Contained(compose, program, rules)
    try:
        yield box
    finally:
        await box.end()


async def _within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


def _start(
    command: tuple[str, ...], streams: tuple[int, int, int], passed: list[int]
) -> subprocess.Popen[bytes]:
    """Start a process here and now: a millisecond, for which no thread is worth its while.

    The kernel ends it when the thread that started it ends, which must not be some worker's.
    """
    stdin, stdout, stderr = streams
    try:
        return subprocess.Popen(  # noqa: S603 - the command is ours, the program only its input
            command,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            pass_fds=passed,
            cwd="/",
            env={"PATH": os.environ.get("PATH", os.defpath)},
        )
    except OSError as error:
        raise UnavailableError(f"{command[0]} could not be started: {error.strerror}") from error


def _pipe(ours: ExitStack, theirs: ExitStack) -> tuple[int, int]:
    """Open a pipe from them to us."""
    reading, writing = os.pipe()
    ours.callback(os.close, reading)
    theirs.callback(os.close, writing)
    os.set_blocking(reading, False)
    return reading, writing


def _in_memory(theirs: ExitStack, content: bytes) -> int:
    """Open a file without a name, at its beginning."""
    number = os.memfd_create("sandbox")
    theirs.callback(os.close, number)
    with open(number, "wb", closefd=False) as file:
        file.write(content)
    os.lseek(number, 0, os.SEEK_SET)
    return number
