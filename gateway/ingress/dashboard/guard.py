"""What keeps the pages to themselves: headers that let nothing else in, and a look at the host."""

from __future__ import annotations

from ipaddress import ip_address

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Nothing from elsewhere and nothing inline: a text that slipped through as markup does nothing."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def is_local(host: str) -> bool:
    """Say whether a host, as in the Host header, is this machine by its address or `localhost`."""
    name = host.partition("]")[0][1:] if host.startswith("[") else host.partition(":")[0]
    return name.lower() == "localhost" or _is_loopback(name) or _is_loopback(host)


def is_stranger(host: str, listening_on: str) -> bool:
    """Say whether a request names a host that a listener on the loopback cannot have.

    A page of somebody else may point its own name at this machine and then read our pages as if
    they were its own; it cannot do so under an address or `localhost`. A listener that others
    reach is guarded by whoever opened it.
    """
    return is_local(listening_on) and not is_local(host)


def _is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
