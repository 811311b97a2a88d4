from __future__ import annotations

from itertools import pairwise

import pytest

from gateway.sandbox.arguments import (
    RUNNER,
    Descriptors,
    resource_limits,
    runner_arguments,
    sandbox_command,
)
from gateway.sandbox.view import View
from tests.fakes.sandboxes import options

MIB = 1024 * 1024
VIEW = View(
    ("/usr/bin/setpriv", "--", "/usr/bin/bwrap"),
    "/python/bin/python3",
    (("/usr", "/usr"), ("/opt/python/lib", "/python/lib")),
    (("usr/lib", "/lib"),),
    "/python/lib",
)


def command(*, python: bool = True, strict: bool = True, rules: int | None = 8) -> tuple[str, ...]:
    return sandbox_command(
        options(disk_mib=3), VIEW, Descriptors(7, rules), python=python, strict=strict
    )


def test_each_process_is_limited_in_all_that_the_kernel_can_count() -> None:
    limits = resource_limits(options(cpu_s=3, memory_mib=100, processes=5, disk_mib=2), python=True)
    assert limits == {
        "RLIMIT_CPU": (3, 4),
        "RLIMIT_AS": (100 * MIB, 100 * MIB),
        "RLIMIT_NPROC": (8, 8),
        "RLIMIT_FSIZE": (2 * MIB, 2 * MIB),
        "RLIMIT_NOFILE": (64, 64),
        "RLIMIT_STACK": (8 * MIB, 8 * MIB),
        "RLIMIT_CORE": (0, 0),
        "RLIMIT_MSGQUEUE": (0, 0),
        "RLIMIT_MEMLOCK": (0, 0),
    }


def test_other_languages_may_reserve_addresses_but_not_fill_them() -> None:
    limits = resource_limits(options(memory_mib=100), python=False)
    assert "RLIMIT_AS" not in limits
    assert limits["RLIMIT_DATA"] == (100 * MIB, 100 * MIB)


def test_the_runner_is_told_its_limits_in_order() -> None:
    case_s, memory, resources = runner_arguments(options(case_s=0.5, memory_mib=64), python=True)
    assert (case_s, memory) == ("0.5", str(64 * MIB))
    assert "RLIMIT_CPU:5:6" in resources.split(",")


@pytest.mark.parametrize(
    "flags",
    [
        ("--unshare-all", "--unshare-user", "--disable-userns"),
        ("--cap-drop", "ALL"),
        ("--new-session", "--die-with-parent", "--as-pid-1"),
        ("--hostname", "sandbox"),
        ("--info-fd", "7"),
        ("--seccomp", "8"),
        ("--ro-bind", "/opt/python/lib", "/python/lib"),
        ("--symlink", "usr/lib", "/lib"),
        ("--size", str(3 * MIB), "--tmpfs", "/tmp"),
        ("--size", str(MIB), "--tmpfs", "/dev/shm"),
        ("--remount-ro", "/dev", "--remount-ro", "/"),
        ("--setenv", "LD_LIBRARY_PATH", "/python/lib"),
        ("--", "/python/bin/python3", "-I", "-S", "-B"),
        ("-c", RUNNER),
    ],
)
def test_the_command_says(flags: tuple[str, ...]) -> None:
    words = command()
    assert any(words[at : at + len(flags)] == flags for at in range(len(words)))


def test_the_command_starts_with_the_launcher_and_shares_nothing() -> None:
    words = command()
    assert words[:3] == VIEW.launcher
    assert not {"--share-net", "--bind", "--dev-bind", "--cap-add", "--file"} & set(words)


def test_the_environment_is_cleared_before_it_is_set() -> None:
    words = command()
    names = {name for flag, name in pairwise(words) if flag == "--setenv"}
    assert names == {"PATH", "HOME", "TMPDIR", "LANG", "LD_LIBRARY_PATH"}
    assert words.index("--clearenv") < words.index("--setenv")


def test_what_bwrap_cannot_do_is_left_out() -> None:
    words = command(strict=False, rules=None)
    assert "--disable-userns" not in words
    assert "--seccomp" not in words
