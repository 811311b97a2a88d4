"""What a peer may ask of a connection before it is told to calm down.

Each way to make work without asking for any has a bucket of its own: so many at once, so many a
second. Buckets are filled by the time that is handed in and, where told, by useful work: a busy
connection may say more than an idle one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.h2.codes import ErrorCode, PeerError


class Rate(NamedTuple):
    """`burst` at once, `per_s` a second in the long run."""

    burst: float
    per_s: float


USUAL, RARE, UPDATES = Rate(1000, 100), Rate(100, 10), Rate(10_000, 2000)


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes. `max_concurrent` streams of the peer's may be open at once.

    `header_block`: most of one block as sent, its continuations together; `continuations`: most
    frames of one; `fields` and `field_count`: most of one block as read (RFC 9113 §6.5.2 says how
    it is counted). `unsent`: most frames that wait when more comes, because the peer does not
    read: answers to its frames, and to its requests.

    Rates. `resets`: streams that a client resets before they are answered (CVE-2023-44487), and
    streams that a peer's own mistakes make us reset; each stream that ends in peace allows one
    more. `pings`, of which each DATA frame of ours allows one more (they measure the line while
    data comes); `settings`, GOAWAY among them; `priorities`; `updates`: WINDOW_UPDATE frames, of
    which each DATA frame of ours allows two more; `empties`: frames without content that end
    nothing; `strangers`: frames of unknown types.
    """

    max_concurrent: int = 1000
    header_block: int = 64 * 1024
    continuations: int = 16
    fields: int = 32 * 1024
    field_count: int = 256
    unsent: int = 10_000
    resets: Rate = USUAL
    pings: Rate = USUAL
    settings: Rate = RARE
    priorities: Rate = USUAL
    updates: Rate = UPDATES
    empties: Rate = USUAL
    strangers: Rate = USUAL


@dataclass(slots=True)
class Bucket:
    """What is left of one rate. `name` is what the counter of a broken limit is called."""

    name: str
    rate: Rate
    left: float = field(init=False)
    at: float = field(default=0.0, init=False)
    work: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.left = self.rate.burst

    def take(self, now: float, work: int = 0) -> None:
        """Take one. `work`: all useful work so far, each unit of which has put one back.

        Raises LimitError when none is left.
        """
        burst, per_s = self.rate
        more = max(0.0, now - self.at) * per_s + (work - self.work)
        self.left = min(burst, self.left + more)
        self.at, self.work = now, work
        if self.left < 1:
            raise LimitError(self.name)
        self.left -= 1


class LimitError(PeerError):
    """The peer went past a limit, which `limit` names."""

    def __init__(self, limit: str) -> None:
        super().__init__(ErrorCode.ENHANCE_YOUR_CALM, f"too many or too much: {limit}")
        self.limit = limit
