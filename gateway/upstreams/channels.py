"""gRPC channels to endpoints."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit

import grpc

DEFAULT_PORT = 443
"""gRPC's own."""

OPTIONS: tuple[tuple[str, int], ...] = (
    # Exactly one layer retries, and it is not the channel.
    ("grpc.enable_retries", 0),
    # A service config out of DNS could bring retries and timeouts of somebody else.
    ("grpc.service_config_disable_resolution", 1),
    # A restarted server is found again within seconds, without a storm of connections.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    # Despite its name the longest time of one connection attempt.
    ("grpc.min_reconnect_backoff_ms", 5_000),
    # A dead peer is noticed during long generations. Servers allow a ping in five minutes by
    # default and answer more with GOAWAY, which is why it is not shorter.
    ("grpc.keepalive_time_ms", 300_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 0),
    # Two endpoints at the same address must not share a connection, or one's failure is both's.
    ("grpc.use_local_subchannel_pool", 1),
)


def target_of(url: str) -> tuple[str, bool]:
    """Split an endpoint's URL into gRPC's target and whether TLS is used.

    `grpc://host:port` and a bare `host:port` are plain, `grpcs://host:port` is TLS. Raises
    ValueError for anything else: the configuration must be mended.
    """
    scheme, found, rest = url.partition("://")
    target = (rest if found else url).rstrip("/")
    if (found and scheme not in {"grpc", "grpcs"}) or not target or "/" in target:
        raise ValueError("a gRPC endpoint's URL is grpc://host:port or grpcs://host:port")
    return target, bool(found) and scheme == "grpcs"


def host_of(url: str) -> tuple[str, int, ssl.SSLContext | None]:
    """Split an endpoint's URL into host, port and, where TLS is used, its context for HTTP/2.

    The port is 443 where none is stated. Raises ValueError like `target_of`.
    """
    target, tls = target_of(url)
    parts = urlsplit(f"//{target}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host:
        raise ValueError("a gRPC endpoint's URL is grpc://host:port or grpcs://host:port")
    context = None
    if tls:
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["h2"])
    return host, port or DEFAULT_PORT, context


def open_channel(url: str, max_message_bytes: int) -> grpc.aio.Channel:
    """Make a channel to an endpoint; it connects with the first call. Needs a running loop."""
    target, tls = target_of(url)
    options = (
        *OPTIONS,
        ("grpc.max_send_message_length", max_message_bytes),
        ("grpc.max_receive_message_length", max_message_bytes),
    )
    if tls:
        return grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(), options=options)
    return grpc.aio.insecure_channel(target, options=options)
