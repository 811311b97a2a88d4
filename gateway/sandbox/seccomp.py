"""The system calls that no program in the sandbox gets: a filter in classic BPF for the kernel.

What is refused would take memory that no limit counts, look into other processes, or open parts of
the kernel that programs under test have no use for and that had most of its holes. The format is
`struct sock_filter` of linux/filter.h, the data it reads `struct seccomp_data` of linux/seccomp.h,
the numbers those of linux/audit.h and of the tables of system calls in the kernel's sources.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

from gateway.core.value import value

EPERM, ENOSYS = 1, 38
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16
X32: Final = 0x40000000
"""Added to the numbers of x86-64 for its 32-bit pointers: a second way to each call."""

NEW_NAMESPACE: Final = 0x7E020000
"""The flags CLONE_NEW* of clone."""

SAME_EVERYWHERE: Final = {
    "pidfd_getfd": 438,
    "process_madvise": 440,
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "mount_setattr": 442,
    "memfd_secret": 447,
}


@value
class Architecture:
    """How one processor is told apart, and the numbers of its system calls."""

    audit: int
    clone: int
    clone3: int
    refused: Mapping[str, int]


ARCHITECTURES: Final = {
    "x86_64": Architecture(
        audit=0xC000003E,
        clone=56,
        clone3=435,
        refused={
            "memfd_create": 319,
            "shmget": 29,
            "msgget": 68,
            "ptrace": 101,
            "process_vm_readv": 310,
            "process_vm_writev": 311,
            "kcmp": 312,
            "sched_setparam": 142,
            "sched_setscheduler": 144,
            "sched_setattr": 314,
            "setpriority": 141,
            "ioprio_set": 251,
            "add_key": 248,
            "request_key": 249,
            "keyctl": 250,
            "bpf": 321,
            "perf_event_open": 298,
            "userfaultfd": 323,
            "unshare": 272,
            "setns": 308,
            "mount": 165,
            "umount2": 166,
            "pivot_root": 155,
            "chroot": 161,
            **SAME_EVERYWHERE,
        },
    ),
    "aarch64": Architecture(
        audit=0xC00000B7,
        clone=220,
        clone3=435,
        refused={
            "memfd_create": 279,
            "shmget": 194,
            "msgget": 186,
            "ptrace": 117,
            "process_vm_readv": 270,
            "process_vm_writev": 271,
            "kcmp": 272,
            "sched_setparam": 118,
            "sched_setscheduler": 119,
            "sched_setattr": 274,
            "setpriority": 140,
            "ioprio_set": 30,
            "add_key": 217,
            "request_key": 218,
            "keyctl": 219,
            "bpf": 280,
            "perf_event_open": 241,
            "userfaultfd": 282,
            "unshare": 97,
            "setns": 268,
            "mount": 40,
            "umount2": 39,
            "pivot_root": 41,
            "chroot": 51,
            **SAME_EVERYWHERE,
        },
    ),
}


def filter_for(machine: str) -> bytes:
    """Assemble the filter for a machine as `platform.machine()` names it; empty for another one.

    There the limits and namespaces still hold; a program can take memory that nobody counts.
    """
    architecture = ARCHITECTURES.get(machine)
    return b"" if architecture is None else _assembled(architecture)


def _assembled(of: Architecture) -> bytes:
    refused = sorted(of.refused.values())
    # Jumps go forward from the next instruction, so the places after the list are counted back.
    end = len(refused)
    instructions = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 1, 0, of.audit),
        (RETURN, 0, 0, REFUSE | ENOSYS),
        (LOAD, 0, 0, NUMBER),
        (AT_LEAST, 0, 1, X32),
        (RETURN, 0, 0, REFUSE | ENOSYS),
        # Its flags are in memory, where no filter can look; the C library then takes clone.
        (EQUAL, 0, 1, of.clone3),
        (RETURN, 0, 0, REFUSE | ENOSYS),
        *((EQUAL, end - place + 3, 0, number) for place, number in enumerate(refused)),
        (EQUAL, 0, 2, of.clone),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (ANY_BIT, 1, 0, NEW_NAMESPACE),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, REFUSE | EPERM),
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)
