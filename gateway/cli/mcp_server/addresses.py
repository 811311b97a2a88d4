"""Where the HTTP server may listen, and under which names it may be asked."""

from __future__ import annotations

import socket
from ipaddress import ip_address

from gateway.core.value import value

MOST_PORT = 65_535
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
REMOTE = (
    "is not loopback, and whoever reaches it may ask the gateway with the credentials of this "
    "process: put a proxy that authenticates in front, or say --allow-remote"
)


@value
class Address:
    """Where to listen; `port` 0 takes a free one. `allowed` are more names of this host."""

    host: str
    port: int
    allowed: tuple[str, ...] = ()

    @property
    def shown_host(self) -> str:
        """The host as URLs have it."""
        return f"[{self.host}]" if ":" in self.host else self.host

    def names(self) -> tuple[str, ...]:
        """List the hosts under which it may be asked; others are refused (DNS rebinding)."""
        own = () if self.is_loopback else (self.shown_host, socket.gethostname())
        return tuple(dict.fromkeys((*LOOPBACK, *own, *self.allowed)))

    @property
    def is_loopback(self) -> bool:
        """True when nobody else can reach it; a name that is not `localhost` may lead anywhere."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Say whether an address, or `localhost`, stays on this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def address_of(text: str | None, *, remote: bool, allowed: tuple[str, ...] = ()) -> Address | None:
    """Read HOST:PORT; None where none is given.

    Raises ValueError that says what is wrong and how to mend it.
    """
    if text is None:
        if remote or allowed:
            raise ValueError("--allow-remote and --allowed-host are for --http; give that too")
        return None
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdecimal() or int(port) > MOST_PORT:
        raise ValueError(f"--http is HOST:PORT, such as 127.0.0.1:8765, not {text!r}")
    address = Address(host, int(port), allowed)
    if not remote and not address.is_loopback:
        raise ValueError(f"--http {text} {REMOTE}")
    return address
