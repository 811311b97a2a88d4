"""Values of the wire as plain ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Protocol, TypeVar, cast

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.cli.mcp_server.answers import Answer
from gateway.cli.mcp_server.bounds import first

Made = TypeVar("Made", bound=Answer)


class Numbers(Protocol):
    """An enum of the contract."""

    def Name(self, number: int) -> str:  # noqa: N802 - the name is protobuf's
        """Return the name of a number; raises ValueError for one of a newer gateway."""
        ...


def word(kind: Numbers, prefix: str, number: int) -> str:
    """Write a member of an enum in lower case; empty when not stated."""
    try:
        name = kind.Name(number).removeprefix(f"{prefix}_").lower()
    except ValueError:
        return f"number_{number}"
    return "" if name == "unspecified" else name


def ms(span: Duration) -> float:
    """Write a span of time in milliseconds."""
    return span.ToNanoseconds() / 1e6


def at(moment: Timestamp) -> str:
    """Write a moment as ISO 8601; empty when it is not set."""
    if not moment.seconds:
        return ""
    return moment.ToDatetime(UTC).isoformat(timespec="milliseconds")


def told(kind: type[Made], message: Message, /, **more: object) -> Made:
    """Make an answer of a message: fields of the same name are taken over, `more` before them.

    Lists and maps are bounded. Raises ValidationError for a field that neither has: our mistake.
    """
    known = message.DESCRIPTOR.fields_by_name
    taken = {
        name: _plain(getattr(message, name))
        for name in kind.model_fields
        if name in known and name not in more
    }
    return kind.model_validate({**taken, **more})


def _plain(field: object) -> object:
    if isinstance(field, str | int | float):
        return field
    if isinstance(field, Mapping):
        pairs = cast("Mapping[str, object]", field)
        return dict(first(sorted(pairs.items()))[0])
    return first(list(cast("Iterable[object]", field)))[0]
