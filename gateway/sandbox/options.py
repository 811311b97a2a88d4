"""How programs are contained: the limits, and what of the machine they may see."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.core.value import value

MIB = 1024 * 1024


@value
class SandboxOptions:
    """Limits of one program, and how many of them are run.

    `readable`: folders of the host that programs may read, besides /usr. `languages`: the command
    that runs a file, for each language other than Python; its `{file}` stands for the path.
    `python`: the interpreter, or nothing to have one found.
    """

    wall_s: float
    cpu_s: int
    case_s: float
    memory_mib: int
    processes: int
    disk_mib: int
    max_running: int
    max_waiting: int
    max_kept: int
    bwrap: str
    python: str
    readable: tuple[str, ...]
    languages: Mapping[str, tuple[str, ...]]
