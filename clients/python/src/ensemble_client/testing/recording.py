"""What a fake gateway was asked."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from google.protobuf.message import Message


@dataclass(slots=True)
class RecordedCall:
    """One RPC as it arrived.

    `method` is its name, such as `Generate`. `messages` holds what was sent, one message or those
    of a batch. `metadata` has the keys in lower case; `timeout` is the time that was left, in
    seconds. `ended` is set when the RPC is over, however it ended.
    """

    method: str
    metadata: Mapping[str, str | bytes]
    timeout: float | None
    messages: list[Message] = field(default_factory=list[Message])
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def request(self) -> Message:
        """The first message; raises IndexError for a batch of which none has come yet."""
        return self.messages[0]
