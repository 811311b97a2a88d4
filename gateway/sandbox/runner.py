# ruff: noqa: PTH108, PTH114, PTH118, PTH123, PTH208 - pathlib is slower to import than all else
"""What runs inside the sandbox, as its process 1: judges a program that it does not trust.

A script of its own, handed to `python -I -S -B -c`. It loads little of the standard library,
because each program waits for that. Reads on standard input how many cases there are, then the
source and each case in UTF-8 after its length; numbers have four bytes, big end first. Writes lines
on standard output: `ready`, `source WORDS`, and `case WORDS` for each case. What the words mean is
in `report.py`.

The source runs in a process of its own, and each case in a fork of that one. Such a process says
how its code ended along with a number that it is given only then: whoever leaves early, or writes
to every descriptor, has not passed. The cases are read one by one, so that the source cannot look
them up. Processes of the program cannot signal this one, since it is process 1, and can neither
trace it nor open its descriptors, since it is not dumpable.

A program that is written against this very script can look for the number in its own process and
pass for one that passed. It is contained all the same.
"""

from __future__ import annotations

import builtins
import os
import resource
import select
import sys
from _ctypes import call_function, dlopen, dlsym

# By name, because the program may put others in their place in the module.
from os import _exit, close, fork, getpid, read, waitpid, waitstatus_to_exitcode, write
from sys import exc_info, setprofile, settrace
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    # For the type checker alone: these take as long to import as all of the others.
    from collections.abc import Collection, Iterator
    from typing import Any, NoReturn

# A copy, for the same reason.
__builtins__ = vars(builtins).copy()

SOURCE, CASE = "<source>", "<case>"
PLACES = {SOURCE: b"source", CASE: b"case"}
KINDS = {
    kind: kind.__name__.encode()
    for kind in vars(builtins).values()
    if isinstance(kind, type) and issubclass(kind, BaseException)
}
PASSED = "passed"

PROGRAM_FD, RESULT_FD, OTHER_FDS = 3, 4, 5
MOST_FDS = 1 << 20
SIGKILL = 9
PR_SET_DUMPABLE = 4
FUTURES = 0x1FE0000
"""The `from __future__` flags of a code object (CPython's Include/cpython/code.h)."""

SCRATCH = ("/tmp", "/dev/shm")  # noqa: S108 - the sandbox's own
MEMORY = (b"RssAnon", b"RssShmem", b"VmSwap")
MAX_FILES = 10_000
MAX_HEARD = 4096
TICK_S = 0.02
UNBOUNDED = float("inf")


class Limits:
    """The arguments of the script."""

    def __init__(self, words: list[str]) -> None:
        self.case_s = float(words[0])
        self.memory = int(words[1])
        self.resources = [
            (int(getattr(resource, name)), (int(soft), int(hard)))
            for name, soft, hard in (word.split(":") for word in words[2].split(","))
        ]

    def confine(self) -> None:
        """Bind this process, and all that it will start, for good."""
        for number, pair in self.resources:
            resource.setrlimit(number, pair)


class Watch:
    """Says when a program has to be ended: it is late, or takes too much of the machine."""

    def __init__(self, limits: Limits, seconds: float, skipped: int) -> None:
        now = monotonic()
        self._deadline = now + seconds
        self._next = now + TICK_S
        self._memory = limits.memory
        # The process of a case counts what it shares with that of the source, which would count
        # twice otherwise.
        self._skipped = ("1", str(skipped))

    def due(self) -> str:
        """Return the words for what is too much; none while all is well."""
        now = monotonic()
        if now > self._deadline:
            return "timeout"
        if now < self._next:
            return ""
        self._next = now + TICK_S
        if sum(memory_of(pid) for pid in processes() if pid not in self._skipped) > self._memory:
            return "memory"
        if any(stat.f_files - stat.f_ffree > MAX_FILES for stat in map(os.statvfs, SCRATCH)):
            return "files"
        return ""


class Life:
    """A process that runs the source, then forks a process for each case."""

    def __init__(self, limits: Limits) -> None:
        down, self._down = os.pipe()
        self._up, up = os.pipe()
        self._limits = limits
        self._skipped = 0
        self.pid = fork()
        if not self.pid:
            close(self._down)
            close(self._up)
            live(limits, down, up)
        close(down)
        close(up)
        os.set_blocking(self._down, False)
        self._ended = os.pidfd_open(self.pid)
        # False once it cannot be asked again.
        self.whole = True

    def ask(self, text: bytes, seconds: float) -> str:
        """Have the source, or a case, run and say how that ended."""
        number = os.urandom(16).hex().encode()
        watch = Watch(self._limits, seconds, self._skipped)
        self._skipped = self.pid
        words = self._exchange(len(text).to_bytes(4, "big") + text + number, number, watch)
        self.whole = words.startswith((PASSED, "failed"))
        return words

    def end(self) -> None:
        """End and reap all processes of the program."""
        try:
            os.kill(-1, SIGKILL)
            while True:
                waitpid(-1, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        for number in (self._down, self._up, self._ended):
            close(number)

    def _exchange(self, pending: bytes, number: bytes, watch: Watch) -> str:
        ears, heard, report = (self._up,), b"", ""
        while True:
            ready = wait((self._ended, *ears), (self._down,) if pending else ())
            if self._down in ready:
                pending = pending[self._hand(pending) :]
            if self._up in ready:
                piece = read(self._up, MAX_HEARD)
                ears = ears if piece else ()
                heard += piece
            while b"\n" in heard:
                line, _, heard = heard.partition(b"\n")
                if line.startswith(b"end "):
                    return ending(line[4:12], report)
                if report or not line.startswith(number + b" "):
                    return "forged"
                report = line[len(number) + 1 :].decode("ascii", "replace")
            if len(heard) > MAX_HEARD:
                return "forged"
            if self._ended in ready:
                return ending(b"%d" % waitstatus_to_exitcode(waitpid(self.pid, 0)[1]), "")
            words = watch.due()
            if words:
                return words

    def _hand(self, pending: bytes) -> int:
        try:
            return write(self._down, pending)
        except OSError:
            # Its end is closed, by it or by its death: that shows otherwise.
            return len(pending)


def live(limits: Limits, down: int, up: int) -> NoReturn:
    """Run the source, then a fork for each case that is asked for."""
    try:
        close(PROGRAM_FD)
        close(RESULT_FD)
        limits.confine()
        # As a program of its own, so that no test under `if __name__ == "__main__":` is left out.
        module: Any = type(sys)("__main__")
        names: dict[str, Any] = module.__dict__
        names["__builtins__"] = builtins
        sys.modules["__main__"] = module
        sys.argv[:] = ["program"]
        flags = perform(down, up, names, SOURCE, size_of_next(down), 0)
        write(up, b"end 0\n")
        while True:
            size = size_of_next(down)
            try:
                child = fork()
            except OSError:
                write(up, b"end full\n")
                continue
            if not child:
                perform(down, up, names, CASE, size, flags)
                _exit(0)
            try:
                code = waitstatus_to_exitcode(waitpid(child, 0)[1])
            except ChildProcessError:
                # The source has children reaped otherwise; a case that passed says so itself.
                code = 0
            write(up, b"end %d\n" % code)
    finally:
        _exit(70)


def perform(down: int, up: int, names: dict[str, Any], place: str, size: int, flags: int) -> int:
    """Run a text of the pipe, report how it ended, and return its `from __future__` flags."""
    me = getpid()
    try:
        text = receive(down, size).decode("utf-8", "surrogatepass")
        code = compile(text, place, "exec", flags, dont_inherit=True)
        flags = code.co_flags & FUTURES
        exec(code, names)  # noqa: S102 - what the sandbox is for
        report = b"passed"
    except BaseException as error:  # noqa: BLE001 - whatever it is, it ends the text
        report = described(error, place)
    if getpid() != me:
        # A child that the text has forked, and that came back here as well.
        _exit(0)
    settrace(None)
    setprofile(None)
    write(up, receive(down, 32) + b" " + report + b"\n")
    return flags


def described(error: BaseException, place: str) -> bytes:
    """Name a built-in exception and the last line of the program that it went through."""
    line = 0
    try:
        if isinstance(error, SyntaxError) and error.filename == place:
            line = error.lineno or 0
        trace = exc_info()[2]
        while trace is not None:
            name = trace.tb_frame.f_code.co_filename
            if name in PLACES:
                place, line = name, trace.tb_lineno
            trace = trace.tb_next
        return b"failed %b %b %d" % (KINDS.get(type(error), b"-"), PLACES[place], line)
    except BaseException:  # noqa: BLE001 - its class may do anything when it is looked at
        return b"failed - %b 0" % PLACES[place]


def ending(code: bytes, report: str) -> str:
    """Put in words how a process ended; only one that ended well may have a report.

    The code is what `waitstatus_to_exitcode` returns, or `full` when no process could be made.
    """
    if code == b"0" and report:
        return report
    if code == b"full":
        return "full"
    number = code.decode("ascii", "replace")
    return f"signal {number[1:]}" if number.startswith("-") else f"exited {number}"


def judged(limits: Limits, source: bytes, count: int) -> Iterator[str]:
    """Run the source, then each case from where the source ended."""
    life: Life | None = Life(limits)
    yield life.ask(source, UNBOUNDED)
    cleared = True
    for _ in range(count):
        words = ""
        if life is None and cleared:
            life = Life(limits)
            words = "" if life.ask(source, UNBOUNDED) == PASSED else "unrepeatable"
        # Not before there is a process for it, whose memory begins as a copy of this one's.
        case = receive(PROGRAM_FD, size_of_next(PROGRAM_FD))
        if life is None:
            yield "uncleared"
            continue
        yield words or life.ask(case, limits.case_s)
        # What a case leaves behind, the next one must not see; the source is run anew then.
        if words or not (life.whole and tidy(life.pid)):
            life.end()
            life, case = None, b""
            cleared = clear()


def processes() -> list[str]:
    """List the processes of the sandbox."""
    return [name for name in os.listdir("/proc") if name.isdecimal()]


def memory_of(pid: str) -> int:
    """Return the bytes that nothing but a process, and those it shares them with, takes."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            lines = dict(line.split(b":", 1) for line in file)
    except OSError:
        return 0
    # A process that has just ended has none of these lines.
    kilobytes = [int(lines[key].split()[0]) for key in MEMORY if key in lines]
    return sum(kilobytes) * 1024


def tidy(pid: int) -> bool:
    """Say whether nothing is left but the process of the source."""
    try:
        while waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return len(processes()) == len((1, pid)) and not any(map(os.listdir, SCRATCH))


def clear() -> bool:
    """Remove all files of the program; False when it has made that impossible."""
    try:
        for place in SCRATCH:
            for folder, folders, files in os.walk(place, topdown=False):
                for name in files:
                    os.unlink(os.path.join(folder, name))
                for name in folders:
                    path = os.path.join(folder, name)
                    (os.unlink if os.path.islink(path) else os.rmdir)(path)
    except (OSError, RecursionError):
        return False
    return True


def size_of_next(number: int) -> int:
    """Read the size of the next text."""
    return int.from_bytes(receive(number, 4), "big")


def receive(number: int, size: int) -> bytes:
    """Read so many bytes; when there are no more to come this process has no more to do."""
    pieces: list[bytes] = []
    while size:
        piece = read(number, size)
        if not piece:
            _exit(0)
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def wait(readers: Collection[int], writers: Collection[int]) -> set[int]:
    """Wait a little for descriptors; return those about which there is news."""
    poll = select.poll()
    poll.register(RESULT_FD, 0)
    for number in readers:
        poll.register(number, select.POLLIN)
    for number in writers:
        poll.register(number, select.POLLOUT)
    ready = {number for number, _ in poll.poll(TICK_S * 1000)}
    if RESULT_FD in ready:
        # Nobody reads the results any more; with this process all others end.
        _exit(0)
    return ready


def say(words: str) -> None:
    """Write a line of the results."""
    write(RESULT_FD, words.encode() + b"\n")


def shut_in() -> None:
    """Keep the program away from this process and its descriptors."""
    os.dup2(0, PROGRAM_FD, inheritable=False)
    os.dup2(1, RESULT_FD, inheritable=False)
    null = os.open("/dev/null", os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.closerange(OTHER_FDS, MOST_FDS)
    # What is under the module `ctypes`, which takes too long to import; "" is this program.
    if call_function(dlsym(dlopen("", 0), "prctl"), (PR_SET_DUMPABLE, 0, 0, 0, 0)):
        _exit(1)


def main() -> None:
    """Judge one program."""
    if sys.version_info < (3, 11):  # noqa: UP036 - it need not be the Python of the gateway
        raise SystemExit("Python 3.11 or newer is needed in the sandbox")
    limits = Limits(sys.argv[1:])
    shut_in()
    say("ready")
    count, source = size_of_next(PROGRAM_FD), receive(PROGRAM_FD, size_of_next(PROGRAM_FD))
    ends = judged(limits, source, count)
    words = next(ends)
    say(f"source {words}")
    if words == PASSED:
        for words in ends:
            say(f"case {words}")


if __name__ == "__main__":
    main()
