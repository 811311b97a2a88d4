"""The command line of a sandbox: everything that contains a program is said here."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from gateway.core.value import value
from gateway.sandbox.options import MIB, SandboxOptions
from gateway.sandbox.view import View

RUNNER: Final = Path(__file__).with_name("runner.py").read_text(encoding="utf-8")

OVERHEAD: Final = 3
"""Processes of ours among those of a program: process 1, that of the source and of the case."""

MAX_FILES: Final = 64
"""Open files of a process. Few, because what is in flight in sockets counts as nobody's memory."""

STACK: Final = 8 * MIB
SHARED_MEMORY: Final = MIB
ENVIRONMENT: Final = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/tmp",  # noqa: S108 - the sandbox's own
    "TMPDIR": "/tmp",  # noqa: S108 - the same
    "LANG": "C.UTF-8",
}


@value
class Descriptors:
    """The numbers of the descriptors that bwrap is given; `rules` is None without a filter."""

    info: int
    rules: int | None


def resource_limits(options: SandboxOptions, *, python: bool) -> dict[str, tuple[int, int]]:
    """Soft and hard limit of each process, by the names of the module `resource`.

    The sum of the memory of a program's processes is watched over by the runner, since the kernel
    has no limit for it. Other languages reserve far more addresses than they use: there only what
    can be written to counts.
    """
    memory = options.memory_mib * MIB
    limits = {
        "RLIMIT_AS" if python else "RLIMIT_DATA": memory,
        "RLIMIT_NPROC": options.processes + OVERHEAD,
        "RLIMIT_FSIZE": options.disk_mib * MIB,
        "RLIMIT_NOFILE": MAX_FILES,
        "RLIMIT_STACK": STACK,
        "RLIMIT_CORE": 0,
        "RLIMIT_MSGQUEUE": 0,
        "RLIMIT_MEMLOCK": 0,
    }
    # At the soft limit comes a signal that says what happened; at the hard one, SIGKILL.
    cpu = {"RLIMIT_CPU": (options.cpu_s, options.cpu_s + 1)}
    return cpu | {name: (limit, limit) for name, limit in limits.items()}


def runner_arguments(options: SandboxOptions, *, python: bool) -> tuple[str, str, str]:
    """Arguments of the runner, in its order."""
    limits = resource_limits(options, python=python).items()
    resources = ",".join(f"{name}:{soft}:{hard}" for name, (soft, hard) in limits)
    return str(options.case_s), str(options.memory_mib * MIB), resources


def sandbox_command(
    options: SandboxOptions, view: View, descriptors: Descriptors, *, python: bool, strict: bool
) -> tuple[str, ...]:
    """Compose the whole command. `strict`: forbid further user namespaces by `--disable-userns`."""
    environment = dict(ENVIRONMENT)
    if view.libraries:
        environment["LD_LIBRARY_PATH"] = view.libraries
    return (
        *view.launcher,
        *("--unshare-all", "--unshare-user"),
        *(("--disable-userns",) if strict else ()),
        *("--uid", "1000", "--gid", "1000", "--hostname", "sandbox", "--cap-drop", "ALL"),
        *("--new-session", "--die-with-parent", "--as-pid-1"),
        *("--info-fd", str(descriptors.info)),
        *(("--seccomp", str(descriptors.rules)) if descriptors.rules is not None else ()),
        "--clearenv",
        *(part for pair in environment.items() for part in ("--setenv", *pair)),
        *(part for pair in view.binds for part in ("--ro-bind", *pair)),
        *(part for pair in view.links for part in ("--symlink", *pair)),
        *("--proc", "/proc", "--dev", "/dev"),
        *("--size", str(SHARED_MEMORY), "--tmpfs", "/dev/shm"),  # noqa: S108 - as above
        *("--size", str(options.disk_mib * MIB), "--tmpfs", "/tmp"),  # noqa: S108 - as above
        # The sandbox's own root and /dev have no size: nothing may be written there.
        *("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"),  # noqa: S108 - as above
        *("--", view.python, "-I", "-S", "-B", "-X", "utf8", "-c", RUNNER),
        *runner_arguments(options, python=python),
    )
