"""With what the gateway is asked: the caller's token, tenant and trust."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import grpc
from ensemble_client import AsyncClient

from gateway.cli.mcp_server.addresses import is_loopback


def token_of(source: str) -> str:
    """Read a token from env:NAME or file:/path; raises ValueError without the token's words."""
    kind, _, name = source.partition(":")
    if kind == "env" and name.isidentifier():
        token = os.environ.get(name, "")
        if not token:
            raise ValueError(f"--token: the variable {name} is not set; set it, or name another")
        return token
    if kind == "file" and name.startswith("/"):
        try:
            return Path(name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"--token: {name} cannot be read ({type(error).__name__})") from None
    raise ValueError("--token is env:NAME or file:/path, never the token itself")


def connecting(
    target: str, *, token: str | None, tenant: str | None, ca: Path | None
) -> Callable[[], AsyncClient]:
    """Return what makes the client, in the loop that uses it.

    Raises ValueError for what cannot be read, and where a token would travel in plain text;
    the client, when it is made, InvalidRequest for a token or tenant that cannot be sent.
    """
    secret = None if token is None else token_of(token)
    host = target.rpartition(":")[0].removeprefix("[").removesuffix("]")
    if secret is not None and ca is None and not is_loopback(host):
        raise ValueError(f"the token would go to {target} in plain text; give --ca FILE for TLS")
    credentials = None if ca is None else grpc.ssl_channel_credentials(_roots(ca))
    return partial(AsyncClient, target, credentials=credentials, token=secret, tenant=tenant)


def _roots(ca: Path) -> bytes:
    try:
        return ca.read_bytes()
    except OSError as error:
        raise ValueError(f"--ca: {ca} cannot be read ({error.strerror})") from None
