"""Records the stages of one request while it runs.

There is one path of code: a stage's work is made ready, then awaited as it is, or by `around` where
somebody asked for a trace. `exchange.trace is None` is all that is looked at. Recording never
raises.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TypeVar

from gateway.core.faults import Fault
from gateway.core.sanitise import Json, sanitised_within, weight
from gateway.core.trace import Stage, StageStatus, covered

MAX_STAGES = 100
MAX_STAGE_BYTES = 100_000
"""About; a hundred stages of them are ten megabytes, the most that a trace may take."""

OMITTED: tuple[tuple[str, Json], ...] = (("omitted", "more than a stage may tell"),)
FIXED_BYTES = 200
"""About what a stage takes beside its attributes."""

Result = TypeVar("Result")


class OpenStage:
    """A stage that runs, as a context manager: leaving it closes it, however that comes about."""

    __slots__ = (
        "_recorder",
        "_token",
        "attributes",
        "began",
        "ended",
        "id",
        "name",
        "parent",
        "status",
    )

    def __init__(
        self, recorder: TraceRecorder, number: int, parent: int, name: str, began: float
    ) -> None:
        self._recorder = recorder
        self.id = number
        self.parent = parent
        self.name = name
        self.began = began
        self.ended: float | None = None
        self.status = StageStatus.OK
        self.attributes: dict[str, object] = {}

    def __enter__(self) -> OpenStage:
        self._token: Token[tuple[TraceRecorder, int] | None] = _INSIDE.set(
            (self._recorder, self.id)
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.ended = self._recorder.clock()
        _INSIDE.reset(self._token)
        if error is not None:
            self._failed(error)

    def tell(self, **attributes: object) -> None:
        """Say more about the stage; values are sanitised when the trace is closed."""
        self.attributes.update(attributes)

    def _failed(self, error: BaseException) -> None:
        if isinstance(error, Fault):
            self.status = StageStatus.FAILED
            self.tell(error=error.reason, error_kind=error.kind, message=error.message)
        else:
            # The class by its name: the core knows of no event loop.
            cancelled = type(error).__name__ == "CancelledError"
            self.status = StageStatus.CANCELLED if cancelled else StageStatus.FAILED
            self.tell(error=type(error).__name__)


_INSIDE: ContextVar[tuple[TraceRecorder, int] | None] = ContextVar("stage", default=None)
"""The stage that runs: a task begun inside of it belongs to it."""


class TraceRecorder:
    """The stages of one request. `clock`: monotonic seconds; `began`: when the request did.

    At most `MAX_STAGES` are kept; more are counted in `dropped`.
    """

    __slots__ = ("_attempts", "_stages", "began", "clock", "dropped", "trace_id")

    def __init__(self, trace_id: str, clock: Callable[[], float]) -> None:
        self.trace_id = trace_id
        self.clock = clock
        self.began = clock()
        self.dropped = 0
        self._stages: list[OpenStage] = []
        self._attempts = 0

    def stage(self, name: str) -> OpenStage:
        """Begin a stage inside of the one that runs now; one that is too many is not kept."""
        inside = _INSIDE.get()
        parent = inside[1] if inside is not None and inside[0] is self else 0
        opened = OpenStage(self, len(self._stages) + 1, parent, name, self.clock())
        if len(self._stages) < MAX_STAGES:
            self._stages.append(opened)
        else:
            self.dropped += 1
        return opened

    async def around(
        self,
        name: str,
        work: Awaitable[Result],
        about: Callable[[Result], Mapping[str, object]] | None = None,
        *,
        told: Mapping[str, object] | None = None,
    ) -> Result:
        """Await the work of a stage inside of it, however it ends.

        `told` is known of it at once; `about` says what its result tells.
        """
        with self.stage(name) as stage:
            if told is not None:
                stage.tell(**told)
            result = await work
            if about is not None:
                stage.tell(**about(result))
            return result

    def next_attempt(self) -> str:
        """Name the stage of the next attempt; they are numbered from 0."""
        self._attempts += 1
        return f"attempt[{self._attempts - 1}]"

    def record(
        self,
        name: str,
        began: float,
        elapsed_s: float,
        status: StageStatus = StageStatus.OK,
        **attributes: object,
    ) -> None:
        """Add a stage that has ended already; `began` is a reading of the clock."""
        stage = self.stage(name)
        stage.began, stage.ended, stage.status = began, began + elapsed_s, status
        stage.attributes = attributes

    def close(self, ended: float) -> tuple[tuple[Stage, ...], int]:
        """Return all stages, sanitised, and about how many bytes they take.

        The attributes of a stage that is too large are left out; those of later ones are kept.
        """
        inside: dict[int, list[tuple[float, float]]] = {}
        for one in self._stages:
            until = ended if one.ended is None else one.ended
            inside.setdefault(one.parent, []).append((one.began, until))
        size = 0
        stages: list[Stage] = []
        for one in self._stages:
            attributes, bytes_ = _bounded(one.attributes)
            size += bytes_ + FIXED_BYTES
            stages.append(_closed(one, inside.get(one.id, []), attributes, self.began, ended))
        return tuple(stages), size


def _bounded(attributes: dict[str, object]) -> tuple[tuple[tuple[str, Json], ...], int]:
    kept = sanitised_within(attributes, MAX_STAGE_BYTES)
    if not isinstance(kept, dict):
        return OMITTED, 0
    return tuple(kept.items()), weight(kept)


def _closed(
    one: OpenStage,
    parts: list[tuple[float, float]],
    attributes: tuple[tuple[str, Json], ...],
    origin: float,
    now: float,
) -> Stage:
    ended, status = one.ended, one.status
    if ended is None:
        ended, status = now, StageStatus.UNFINISHED
    elapsed = max(ended - one.began, 0.0)
    within = covered((max(began, one.began), min(until, ended)) for began, until in parts)
    own = max(elapsed - within, 0.0)
    return Stage(one.id, one.parent, one.name, status, one.began - origin, elapsed, own, attributes)
