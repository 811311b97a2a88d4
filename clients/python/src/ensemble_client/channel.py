"""How both clients set up their channel."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

ChannelOptions = Sequence[tuple[str, str | int]]

MAX_SEND_BYTES = 16 * 1024 * 1024
MAX_RECEIVE_BYTES = 64 * 1024 * 1024


def service_config() -> str:
    """Read the service config of the wheel: which failures gRPC retries, how often, how fast.

    Only UNAVAILABLE is retried, with at most three attempts inside the caller's deadline; a
    server's `grpc-retry-pushback-ms` replaces the backoff or forbids the retry. RollbackThresholds
    and commands to jobs are never retried: done twice, they go two steps. The format is that of
    https://github.com/grpc/proposal/blob/master/A6-client-retries.md.
    """
    return resources.files("ensemble_client").joinpath("service_config.json").read_text("utf-8")


def channel_options(more: ChannelOptions = ()) -> list[tuple[str, str | int]]:
    """Return the options of a channel; of two with one name, the caller's wins."""
    options: dict[str, str | int] = {
        "grpc.enable_retries": 1,
        "grpc.service_config": service_config(),
        # A service config out of DNS would retry by somebody else's rules.
        "grpc.service_config_disable_resolution": 1,
        # A request larger than this buffer is never retried; the default is 256 KiB.
        "grpc.per_rpc_retry_buffer_size": MAX_SEND_BYTES,
        "grpc.max_send_message_length": MAX_SEND_BYTES,
        "grpc.max_receive_message_length": MAX_RECEIVE_BYTES,
        # Failure details travel in trailers, whose default limit is 8 KiB.
        "grpc.max_metadata_size": 64 * 1024,
        # A dead connection is noticed during a long call. The gateway allows a ping every 10 s.
        "grpc.keepalive_time_ms": 30_000,
        "grpc.keepalive_timeout_ms": 10_000,
        "grpc.keepalive_permit_without_calls": 0,
        # A restarted gateway is found again within seconds.
        "grpc.initial_reconnect_backoff_ms": 100,
        "grpc.max_reconnect_backoff_ms": 5_000,
    }
    options.update(more)
    return list(options.items())
