"""What is kept of one request that was traced: where its time went, what was decided, and why.

Durations are seconds of a monotonic clock; wall time only says when. A trace holds no secret, and
of the prompt and the answer no more than its `TextPolicy` lets it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from hashlib import sha256

from gateway.core.sanitise import Json, cut, without_secrets
from gateway.core.value import value

TRACE_VERSION = 1
"""Version of the format. Fields may be added within one; what changes its meaning raises it."""

FIRST_CHARS = 100

TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})"
)
"""A `traceparent` (W3C Trace Context, version 00): the groups are the trace id and the flags."""
SAMPLED = 1
"""The bit of the flags that says that the caller records the trace."""


class StageStatus(StrEnum):
    """How a stage ended. UNFINISHED: the trace was closed before it was."""

    OK = "ok"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    UNFINISHED = "unfinished"


class TextPolicy(StrEnum):
    """What a trace keeps of texts: nothing, a digest, also the first characters, or all.

    Secrets are redacted under each.
    """

    NONE = "none"
    HASH = "hash"
    FIRST = "first"
    FULL = "full"


@value
class TextRecord:
    """What is kept of a text: SHA-256 in hex, its length, and as much of it as the policy lets."""

    policy: TextPolicy = TextPolicy.NONE
    sha256: str = ""
    chars: int = 0
    text: str = ""


NO_TEXT = TextRecord()


def text_record(text: str, policy: TextPolicy, first: int = FIRST_CHARS) -> TextRecord:
    """Record a text by the policy; `first` is how many characters FIRST keeps."""
    if policy is TextPolicy.NONE:
        return NO_TEXT
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    kept = ""
    if policy is TextPolicy.FIRST:
        kept = cut(text, first)
    elif policy is TextPolicy.FULL:
        kept = without_secrets(text)
    return TextRecord(policy, digest, len(text), kept)


@value
class Stage:
    """One stage. `parent` is the id of the stage it is part of, 0 for the request itself.

    `started_s`: since the request began. `self_s`: its time without that of the stages inside it,
    which may run at the same time; so self times add up to no more than the whole. `attributes`
    are sanitised, in the order in which they were told.
    """

    id: int
    parent: int
    name: str
    status: StageStatus
    started_s: float
    elapsed_s: float
    self_s: float
    attributes: tuple[tuple[str, Json], ...] = ()

    @property
    def kind(self) -> str:
        """The name without its number or matcher: `attempt[2]` is an `attempt`."""
        return self.name.partition("[")[0]

    def told(self, name: str) -> Json:
        """Return an attribute, None when it has no such one."""
        return next((item for key, item in self.attributes if key == name), None)


@value
class Change:
    """Something of the gateway's state that was not the same after the request; empty = absent."""

    name: str
    before: str
    after: str


@value
class TraceFailure:
    """Why there was no answer; the words of `core.faults`."""

    kind: str
    origin: str
    reason: str
    message: str


@value
class Trace:
    """One traced request. `at`: unix seconds of its beginning; `trace_id`: 32 hex digits.

    `status` is OK, FAILED or CANCELLED. `changes` is what differs between the state before and
    after, as read from the running gateway. `decided_by`, `rule`, `score` and `level` say how it
    was routed. `parallel`: several candidates were asked for at once. `dropped_stages` were more
    than a trace may have; `size` is about its bytes.
    """

    trace_id: str
    request_id: str
    at: float
    elapsed_s: float
    status: StageStatus
    stages: tuple[Stage, ...]
    decision_id: str = ""
    session_id: str = ""
    dry_run: bool = False
    prompt: TextRecord = NO_TEXT
    answer: TextRecord = NO_TEXT
    endpoint: str = ""
    model: str = ""
    decided_by: str = ""
    rule: str = ""
    score: float = 0.0
    level: str = ""
    parallel: bool = False
    snapshot_version: int = 0
    threshold_version: int = 0
    experience_version: int = 0
    changes: tuple[Change, ...] = ()
    failure: TraceFailure | None = None
    dropped_stages: int = 0
    size: int = 0
    version: int = TRACE_VERSION

    @property
    def matchers_longest_s(self) -> float:
        """Time of the slowest matcher: what they took when run at the same time."""
        return max((one.elapsed_s for one in self.stages if one.kind == "match"), default=0.0)

    @property
    def matchers_total_s(self) -> float:
        """Time of all matchers together: what they take one after the other."""
        return sum(one.elapsed_s for one in self.stages if one.kind == "match")


def changes_between(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Change, ...]:
    """Tell what differs between two readings of the state, by name."""
    names = sorted(before.keys() | after.keys())
    return tuple(
        Change(name, before.get(name, ""), after.get(name, ""))
        for name in names
        if before.get(name, "") != after.get(name, "")
    )


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """Measure the time in which at least one of the spans (begin, end) ran."""
    total, until = 0.0, float("-inf")
    for began, ended in sorted(spans):
        if ended > until:
            total += ended - max(began, until)
            until = ended
    return total
