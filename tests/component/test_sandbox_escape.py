"""Programs that try to get out of the sandbox, or to take more of the machine than they may."""

from __future__ import annotations

import asyncio
import os
import select
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.core.running import RunStatus
from gateway.sandbox import bubblewrap
from gateway.sandbox.report import PASSED as PASS
from tests.fakes.sandboxes import LONG_S, Sandbox, needs_sandbox, programs, statuses

pytestmark = needs_sandbox()

ROOT = Path(__file__).resolve().parents[2]
PASSED, FAILED, NOT_RUN = RunStatus.PASSED, RunStatus.FAILED, RunStatus.NOT_RUN
CRASHED, TIMEOUT = RunStatus.CRASHED, RunStatus.TIMEOUT

REFUSES = """
def refuses(action, *arguments):
    try:
        action(*arguments)
    except OSError:
        return True
    return False
def libc(name, *arguments):
    import ctypes
    if ctypes.CDLL(None, use_errno=True).syscall(SYSCALLS[name], *arguments) == -1:
        raise OSError(ctypes.get_errno(), name)
import platform
SYSCALLS = dict(zip(
    ("ptrace", "memfd_create", "shmget", "unshare", "mount", "keyctl", "io_uring_setup"),
    (101, 319, 29, 272, 165, 250, 425) if platform.machine() == "x86_64"
    else (117, 279, 194, 97, 40, 219, 425),
))
"""


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def hasty() -> Sandbox:
    return Sandbox(case_s=0.7)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.setblocking(False)
        yield server


async def test_no_listener_of_the_host_and_no_name_server_is_in_reach(
    sandbox: Sandbox, listener: socket.socket
) -> None:
    name = f"\0ensemble-{os.getpid()}"
    with closing(socket.socket(socket.AF_UNIX)) as abstract:
        abstract.bind(name)
        abstract.listen()
        report = await sandbox.run(
            f"import socket\n{REFUSES}",
            f"assert refuses(socket.create_connection, {listener.getsockname()!r}, 1)",
            f"assert refuses(socket.socket(socket.AF_UNIX).connect, {name!r})",
            "assert refuses(socket.getaddrinfo, 'example.com', 80)",
            "udp = socket.socket(type=socket.SOCK_DGRAM)\n"
            "assert refuses(udp.sendto, b'', ('192.0.2.1', 53))",
            "assert [name for _, name in socket.if_nameindex()] == ['lo']",
        )
    assert statuses(report) == [PASSED] * 6
    with pytest.raises(BlockingIOError):
        listener.accept()


async def test_no_file_of_the_host_can_be_read(sandbox: Sandbox, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("planted", encoding="utf-8")
    paths = ["/etc/passwd", "/etc", "/root", "/home", "/var", "/sys", "/run", "/srv", "/opt"]
    paths += [str(ROOT), str(ROOT / "pyproject.toml"), str(secret)]
    report = await sandbox.run(
        f"import os\n{REFUSES}",
        f"assert all(refuses(os.stat, path) for path in {paths!r})",
        "os.symlink('/etc/passwd', '/tmp/link')\nassert refuses(open, '/tmp/link')",
        f"os.symlink('/proc/1/root{secret}', '/tmp/link')\nassert refuses(open, '/tmp/link')",
        "allowed = 'bin sbin lib lib32 lib64 libx32 usr python proc dev tmp'.split()\n"
        "assert set(os.listdir('/')) <= set(allowed), os.listdir('/')",
        "assert os.listdir('/proc/self/root') == os.listdir('/')",
        "assert os.path.realpath('/proc/self/root/../..') == '/'",
    )
    assert statuses(report) == [PASSED] * 7


async def test_nothing_but_its_own_scratch_can_be_written(sandbox: Sandbox) -> None:
    report = await sandbox.run(
        f"import os\n{REFUSES}",
        "places = '/ /usr /usr/bin /usr/lib /bin /lib /dev /proc /proc/sys/kernel'.split()\n"
        "assert all(refuses(open, f'{place}/x', 'w') for place in places)",
        "assert refuses(open, '/proc/sys/kernel/hostname', 'w')",
        "assert refuses(open, '/proc/self/uid_map', 'w')",
        "open('/tmp/x', 'w').write('x')\nopen('/dev/shm/x', 'w').write('x')",
    )
    assert statuses(report) == [PASSED] * 5


async def test_no_privilege_can_be_had(sandbox: Sandbox) -> None:
    report = await sandbox.run(
        f"import os\n{REFUSES}",
        "assert refuses(os.setuid, 0) and refuses(os.setgid, 0) and refuses(os.chroot, '/tmp')",
        "status = open('/proc/self/status').read()\n"
        "assert all(f'{kind}:\\t{0:016x}' in status for kind in ('CapEff', 'CapPrm', 'CapBnd'))\n"
        "assert 'NoNewPrivs:\\t1' in status",
        "assert all(refuses(libc, 'unshare', flag) for flag in (0x10000000, 0x20000, 0x40000000))",
        "assert refuses(libc, 'mount', 0, b'/tmp', b'tmpfs', 0, 0)",
        "assert refuses(libc, 'keyctl', 0, 0, 0) and refuses(libc, 'io_uring_setup', 1, 0)",
        "assert refuses(libc, 'memfd_create', b'x', 0) and refuses(libc, 'shmget', 0, 4096, 0o666)",
    )
    assert statuses(report) == [PASSED] * 7


async def test_the_runner_cannot_be_looked_into(sandbox: Sandbox) -> None:
    report = await sandbox.run(
        f"import os\n{REFUSES}",
        "for name in ('mem', 'environ', 'maps'):\n"
        "    assert refuses(lambda: open(f'/proc/1/{name}', 'rb').read(1))",
        "assert refuses(os.listdir, '/proc/1/fd') and refuses(os.listdir, '/proc/1/root')",
        "for number in range(64):\n"
        "    assert refuses(os.open, f'/proc/1/fd/{number}', os.O_WRONLY)",
        "assert refuses(libc, 'ptrace', 16, 1, 0, 0)",
        "assert refuses(os.readlink, '/proc/1/exe')",
    )
    assert statuses(report) == [PASSED] * 6


async def test_no_other_process_and_no_secret_of_the_gateway_can_be_seen(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENSEMBLE_PLANTED", "planted-in-the-gateway")
    report = await sandbox.run(
        "import os, glob\npids = [name for name in os.listdir('/proc') if name.isdigit()]",
        "assert len(pids) <= 2, pids",
        "assert set(os.environ) <= {'PATH', 'HOME', 'TMPDIR', 'LANG', 'PWD', 'LD_LIBRARY_PATH',"
        " 'LC_CTYPE'}, os.environ",
        "for path in glob.glob('/proc/*/environ') + glob.glob('/proc/*/cmdline'):\n"
        "    try:\n"
        "        assert b'planted' not in open(path, 'rb').read()\n"
        "    except OSError:\n"
        "        pass",
    )
    assert statuses(report) == [PASSED] * 4


async def test_no_descriptor_of_the_gateway_is_inherited(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "open").touch()
    number = os.open(tmp_path / "open", os.O_RDONLY)
    os.set_inheritable(number, True)
    try:
        report = await sandbox.run(
            "import os",
            "found = {}\n"
            "for number in range(1024):\n"
            "    try:\n"
            "        found[number] = os.readlink(f'/proc/self/fd/{number}')\n"
            "    except OSError:\n"
            "        pass\n"
            "assert [found.pop(number) for number in (0, 1, 2)] == ['/dev/null'] * 3\n"
            "assert len(found) == 2 and all(name.startswith('pipe:') for name in found.values())",
        )
    finally:
        os.close(number)
    assert statuses(report) == [PASSED] * 2


BOMBS = programs("""\
import os
while True: os.fork()
---
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
---
import threading
def spin():
    while True: pass
while True: threading.Thread(target=spin).start()
""")


@pytest.mark.parametrize("bomb", BOMBS)
async def test_a_fork_bomb_is_contained(hasty: Sandbox, bomb: str) -> None:
    report = await hasty.run("pass", bomb, "assert True")
    assert report.source == PASS
    assert report.cases[0].status in {FAILED, TIMEOUT}
    assert report.cases[1] == PASS


async def test_a_fork_bomb_in_the_source_is_a_timeout() -> None:
    sandbox = Sandbox(wall_s=1.0)
    assert statuses(await sandbox.run(BOMBS[1], "pass")) == [TIMEOUT, NOT_RUN]
    assert statuses(await sandbox.run("pass")) == [PASSED]


async def test_processes_left_behind_end_with_their_case() -> None:
    report = await Sandbox().run(
        "import os, time",
        "for _ in range(5):\n  if not os.fork():\n    os.setsid()\n    time.sleep(999)",
        "assert sum(name.isdigit() for name in os.listdir('/proc')) == 3",
    )
    assert statuses(report) == [PASSED] * 3


async def test_memory_is_bounded_for_one_process_and_for_all_together() -> None:
    report = await Sandbox(memory_mib=96).run(
        "import mmap, os, time",
        "kept = []\nwhile True: kept.append(bytearray(1 << 20))",
        "for _ in range(4):\n  if not os.fork(): break\n"
        "kept = bytearray(b'x') * (40 << 20)\ntime.sleep(9)",
        "if not os.fork(): time.sleep(0)\nkept = mmap.mmap(-1, 60 << 20)\n"
        "for at in range(0, len(kept), 4096): kept[at] = 1\ntime.sleep(9)",
        "assert True",
    )
    assert statuses(report) == [PASSED, FAILED, CRASHED, CRASHED, PASSED]
    assert report.cases[0].reason == "MemoryError in line 2 of the case"
    assert report.cases[1].reason == "its processes took more than 96 MiB of memory together"


async def test_disk_is_bounded_and_wiped() -> None:
    report = await Sandbox(disk_mib=2).run(
        "import os",
        "while True: open('/tmp/x', 'ab').write(bytes(1 << 16))",
        "for n in range(99): open(f'/tmp/{n}', 'wb').write(bytes(1 << 18))",
        "for n in range(99): open(f'/dev/shm/{n}', 'wb').write(bytes(1 << 18))",
        "for n in range(10**6): os.mkdir(f'/tmp/{n}'); os.symlink('/', f'/tmp/{n}/link')",
        "os.mkdir('/tmp/shut'); open('/tmp/shut/x', 'w'); os.symlink('/usr', '/tmp/link')",
        "assert not os.listdir('/tmp') and not os.listdir('/dev/shm')",
    )
    assert statuses(report) == [PASSED, FAILED, FAILED, FAILED, CRASHED, PASSED, PASSED]
    assert [case.reason.split()[0] for case in report.cases[:3]] == ["OSError"] * 3
    assert report.cases[3].reason == "it made too many files"


async def test_files_that_cannot_be_removed_keep_later_cases_from_running() -> None:
    report = await Sandbox().run(
        "import os",
        "os.makedirs('/tmp/a/b')\nos.chmod('/tmp/a', 0)",
        "assert True",
    )
    assert statuses(report) == [PASSED, PASSED, NOT_RUN]


LOOPS = programs("""\
while True: pass
---
import time
time.sleep(999)
---
import signal
for n in range(1, 65):
    try:
        signal.signal(n, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
while True: pass
---
while True:
    try:
        while True: pass
    except BaseException:
        pass
---
import threading
threading.Event().wait()
""")


@pytest.mark.parametrize("loop", LOOPS)
async def test_an_endless_source_is_a_timeout(loop: str) -> None:
    report = await Sandbox(wall_s=0.7).run(loop, "pass")
    assert statuses(report) == [TIMEOUT, NOT_RUN]
    assert report.source.reason == "it took longer than 0.7 s"


async def test_an_endless_case_is_a_timeout_and_the_next_one_runs() -> None:
    report = await Sandbox(case_s=0.5).run("x = 1", *LOOPS, "assert x == 1")
    assert statuses(report) == [PASSED, *[TIMEOUT] * 5, PASSED]


async def test_processor_time_is_bounded() -> None:
    report = await Sandbox(cpu_s=1).run("pass", "while True: pass")
    assert statuses(report) == [PASSED, TIMEOUT]
    assert report.cases[0].reason == "it used more than 1 s of processor time"


async def test_signals_reach_nobody_else(hasty: Sandbox) -> None:
    report = await hasty.run(
        "import os, signal, time",
        "os.kill(-1, signal.SIGKILL)\ntime.sleep(9)",
        "os.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(9)",
        "os.kill(os.getpid(), signal.SIGSEGV)",
        "for n in (9, 15, 19, 11): os.kill(1, n)",
        "os.kill(os.getppid(), signal.SIGSTOP)",
        "os.kill(os.getpid(), signal.SIGSTOP)",
        "assert True",
    )
    ends = [CRASHED, CRASHED, CRASHED, PASSED, TIMEOUT, TIMEOUT, PASSED]
    assert statuses(report) == [PASSED, *ends]
    assert report.cases[2].reason == "it was ended by SIGSEGV"


async def test_a_cancelled_run_leaves_no_process(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, follow = asyncio.Event(), bubblewrap._follow

    async def followed(*arguments):
        running.set()
        return await follow(*arguments)

    monkeypatch.setattr(bubblewrap, "_follow", followed)
    task = asyncio.create_task(sandbox.run("import os, time\nos.fork()\ntime.sleep(999)", "pass"))
    async with asyncio.timeout(LONG_S):
        await running.wait()
    assert sandbox.left() != []
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sandbox.left() == []


KILLED = """
import asyncio
from gateway.sandbox import bubblewrap
from tests.fakes.sandboxes import Sandbox

async def main():
    sandbox, follow = Sandbox(), bubblewrap._follow
    async def followed(*arguments):
        print(*sandbox.left(), flush=True)
        return await follow(*arguments)
    bubblewrap._follow = followed
    await sandbox.run("while True: pass")

asyncio.run(main())
"""


async def test_a_gateway_that_is_killed_takes_its_sandboxes_along() -> None:
    gateway = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert gateway.stdout is not None
    async with asyncio.timeout(LONG_S):
        inside = [os.pidfd_open(int(pid)) for pid in (await gateway.stdout.readline()).split()]
    assert inside
    gateway.kill()
    await gateway.communicate()
    for number in inside:
        ended, _, _ = select.select([number], [], [], LONG_S)
        os.close(number)
        assert ended
