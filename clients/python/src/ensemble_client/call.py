"""What goes with every call beside its message: deadline, identity and other metadata."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict

from ensemble_client.errors import invalid

DEFAULT_TIMEOUT_S = 60.0
# Above this gRPC shortens a deadline, and far above it takes the deadline for one in the past.
LONGEST_TIMEOUT_S = 90_000_000.0

Metadata = Mapping[str, str | bytes]

# https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Custom-Metadata".
KEY = re.compile(r"[0-9a-z_.-]+")
TEXT = re.compile(r"[ -~]*")
RESERVED = frozenset({"authorization", "x-request-id", "x-ensemble-tenant"})


class CallOptions(TypedDict, total=False):
    """The keyword arguments of every method of a client.

    `timeout` is the deadline in seconds and covers retries; without one the client's holds.
    `metadata` is sent with the call and wins over the client's.
    """

    timeout: float | None
    metadata: Metadata | None


class CallArguments(TypedDict):
    """Arguments that every stub method takes."""

    timeout: float
    metadata: tuple[tuple[str, str | bytes], ...]
    wait_for_ready: bool


@dataclass(frozen=True, slots=True)
class Call:
    """One call: the id that names it on both sides, and its arguments."""

    request_id: str
    arguments: CallArguments


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSettings:
    """What a client sends with each of its calls; `timeout` is in seconds.

    Raises InvalidRequest when a value cannot be sent. The token is never part of a message or of
    the representation.
    """

    timeout: float = DEFAULT_TIMEOUT_S
    token: str | None = field(default=None, repr=False)
    tenant: str | None = None
    metadata: Metadata = field(default_factory=dict[str, str | bytes], repr=False)
    wait_for_ready: bool = False

    def __post_init__(self) -> None:
        _check_timeout(self.timeout)
        _check_text("token", self.token or "")
        _check_text("tenant", self.tenant or "")
        _check_metadata(self.metadata)

    def call(
        self,
        *,
        timeout: float | None = None,
        metadata: Metadata | None = None,
        request_id: str = "",
    ) -> Call:
        """Make one call; without a request id it gets a new one, so that errors can be matched.

        Raises InvalidRequest when the timeout is not above 0 or when an entry of the metadata
        cannot be sent.
        """
        timeout = self.timeout if timeout is None else timeout
        _check_timeout(timeout)
        _check_text("request_id", request_id)
        _check_metadata(metadata or {})
        request_id = request_id or uuid.uuid4().hex
        sent: dict[str, str | bytes] = {**self.metadata, **(metadata or {})}
        sent["x-request-id"] = request_id
        if self.token is not None:
            sent["authorization"] = f"Bearer {self.token}"
        if self.tenant is not None:
            sent["x-ensemble-tenant"] = self.tenant
        return Call(
            request_id,
            CallArguments(
                timeout=timeout, metadata=tuple(sent.items()), wait_for_ready=self.wait_for_ready
            ),
        )


def _check_timeout(timeout: float) -> None:
    # A NaN compares false with everything.
    if not 0 < timeout <= LONGEST_TIMEOUT_S:
        raise invalid(
            "timeout", f"must be seconds above 0, at most {LONGEST_TIMEOUT_S:.0f}, not {timeout}"
        )


def _check_text(field_name: str, value: str) -> None:
    if not TEXT.fullmatch(value):
        raise invalid(field_name, "must be printable ASCII, because it is sent as a header")


def _check_metadata(metadata: Metadata) -> None:
    # gRPC refuses bad metadata too, but its message shows all of it, the token included.
    for key, value in metadata.items():
        place = f"metadata[{key!r}]"
        if not KEY.fullmatch(key) or key.startswith("grpc-"):
            raise invalid(place, "a key is lower-case letters, digits, `_.-`, and not `grpc-...`")
        if key in RESERVED:
            raise invalid(place, "is set by the client: use `token`, `tenant` or `request_id`")
        if key.endswith("-bin") != isinstance(value, bytes):
            raise invalid(place, "a key that ends in -bin takes bytes, any other one takes str")
        if isinstance(value, str):
            _check_text(place, value)
