"""Why the sandbox cannot run, in words that say how to mend it."""

from __future__ import annotations

from typing import Final

NAMESPACES: Final = (
    "user namespaces are forbidden here: set the sysctls kernel.unprivileged_userns_clone=1 and "
    "user.max_user_namespaces=10000 where they exist; on Ubuntu give bwrap an AppArmor profile "
    "with `userns`, or set kernel.apparmor_restrict_unprivileged_userns=0; in a container allow "
    "them, with Docker by `--security-opt seccomp=unconfined --security-opt apparmor=unconfined "
    "--security-opt systempaths=unconfined`"
)
SILENT: Final = "bwrap does not end, and nothing that makes sense comes out of the sandbox"
NO_BWRAP: Final = (
    "bubblewrap was not found: install it (the package `bubblewrap`), or set sandbox.bwrap to the "
    "path of `bwrap`"
)
NO_SETPRIV: Final = (
    "`setpriv` was not found, by which a gateway that runs as root gives up its privileges before "
    "it starts a program: install it (the package `util-linux`), or run the gateway as another user"
)
NO_PYTHON: Final = (
    "there is no Python that the user of the sandbox may read: install python3 in /usr, or set "
    "sandbox.python to the path of an interpreter of version 3.11 or newer"
)
UNREADABLE_PYTHON: Final = (
    "sandbox.python names no interpreter that the user of the sandbox may read: give the path of a "
    "Python whose folders all may enter, or leave it empty"
)

MENDS: Final = (
    ("namespace", NAMESPACES),
    ("ermission", NAMESPACES),
    ("Operation not permitted", NAMESPACES),
    ("uid map", NAMESPACES),
    ("mount proc", NAMESPACES),
    ("Python 3.11", "sandbox.python is too old: name a Python of version 3.11 or newer"),
)

MAX_WORDS: Final = 200


class UnavailableError(Exception):
    """There is no sandbox; the message says why, and how to mend it. `said` is what bwrap said."""

    def __init__(self, reason: str, said: str = "") -> None:
        super().__init__(reason)
        self.said = said


def explain(words: str, code: int) -> str:
    """Say why a sandbox did not start, from what it wrote before any program ran."""
    # Last in what Python prints, and the only line of all others.
    line = (words.strip().splitlines() or [""])[-1][:MAX_WORDS]
    said = f"bwrap ended with exit status {code}"
    if line:
        said += f": {line}"
    mend = next((mend for part, mend in MENDS if part in line), "")
    return f"{said} ({mend})" if mend else said


def too_new(words: str) -> bool:
    """Say whether a sandbox did not start for want of `--disable-userns`.

    bubblewrap knows it since 0.8, and it needs a /proc/sys that can be written to, which many
    containers do not have. The filter of system calls refuses the same without it.
    """
    return "disable-userns" in words or "max_user_namespaces" in words
