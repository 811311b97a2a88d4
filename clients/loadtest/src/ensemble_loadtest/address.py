"""Where a target is."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from ensemble_loadtest.faults import PlanError

SECURE = frozenset({"https", "grpcs"})
SCHEMES = frozenset({"http", "grpc"}) | SECURE


@dataclass(frozen=True, slots=True)
class Address:
    """Host, port, and the path before those of the API, such as `/v1`."""

    host: str
    port: int
    secure: bool = False
    path: str = ""

    @property
    def authority(self) -> str:
        """Host and port as HTTP writes them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def read_address(text: str) -> Address:
    """Read `host:port`, or an address with a scheme of http, https, grpc or grpcs.

    Raises PlanError.
    """
    whole = text if "://" in text else f"grpc://{text}"
    try:
        parts = urlsplit(whole)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise PlanError(f"--target: {text!r}: {error}") from None
    if parts.scheme not in SCHEMES or not host:
        raise PlanError(f"--target: {text!r} is no target; write host:port or http://host:port/v1")
    secure = parts.scheme in SECURE
    if port is None and parts.scheme in {"grpc", "grpcs"}:
        raise PlanError(f"--target: {text!r} has no port; write host:port")
    return Address(host, port or (443 if secure else 80), secure, parts.path.rstrip("/"))


def tls_context(address: Address, ca_file: str | None, *, http2: bool) -> ssl.SSLContext | None:
    """Return how to secure connections to an address; None where they are not secured.

    Raises PlanError when the file holds no certificates.
    """
    if not address.secure:
        return None
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise PlanError(f"--ca: {ca_file} holds no certificates: {error}") from None
    context.set_alpn_protocols(["h2"] if http2 else ["http/1.1"])
    return context
