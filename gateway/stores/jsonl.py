"""An event log for other programs: a JSON line for each decision, and one for each report."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from gateway.core.feedback import OutcomeReport, Reviewed, RoutingEvent
from gateway.core.stores import StoreError, merge
from gateway.core.value import value
from gateway.stores.complaints import Complaints
from gateway.stores.lines import EVENTS, REPORTS, Form, Record
from gateway.stores.segments import Segments, SegmentSettings, segments
from gateway.stores.worker import Worker

EVENT = '{"type":"event",'
OUTCOME = '{"type":"outcome",'

TIMEOUT_S = 2.0
MAX_APPENDS = 1
"""Appends that wait for one that runs. So a disk that hangs holds up nobody for long."""

log = logging.getLogger(__name__)


class JsonlLog:
    """Appends to the log in a thread of its own; it never raises, as no decision may fail by it.

    Features are left out of it. A decision has one line; each report has a line of its own, joined
    to the decision by `decision_id`, and of several about one endpoint the later ones are believed
    where they say something. `write_errors` counts appends that failed, were not over in time or
    were not begun, as an earlier one hangs; `lost` the lines that may be missing by that. `now`
    tells unix seconds.
    """

    def __init__(self, settings: SegmentSettings, now: Callable[[], float] = time.time) -> None:
        self.write_errors = 0
        self.lost = 0
        self._segments = Segments(settings, now)
        self._worker = Worker(f"the event log {settings.folder}", MAX_APPENDS)
        self._complaints = Complaints(log, "the event log could not be written", now)

    async def append(
        self, events: Sequence[RoutingEvent], reports: Sequence[OutcomeReport] = ()
    ) -> None:
        """Append a line for each, within `TIMEOUT_S` seconds."""
        if not (events or reports):
            return
        try:
            self.lost += await self._worker.run(partial(self._append, events, reports), TIMEOUT_S)
        except (OSError, StoreError) as error:
            self.write_errors += 1
            self.lost += len(events) + len(reports)
            self._complaints.add(error)

    async def close(self) -> None:
        """Write what waits, force it to the disk and close the log, within `TIMEOUT_S` seconds."""
        try:
            await self._worker.close(self._segments.close, TIMEOUT_S)
        except OSError as error:
            self.write_errors += 1
            self._complaints.add(error)

    def _append(self, events: Sequence[RoutingEvent], reports: Sequence[OutcomeReport]) -> int:
        """Return how many could not be written as JSON."""
        lines = [*_lines(EVENT, EVENTS, events), *_lines(OUTCOME, REPORTS, reports)]
        if lines:
            self._segments.append(b"".join(lines))
        return len(events) + len(reports) - len(lines)


@value
class LogContents:
    """What was read back: decisions, newest first, and how many lines could not be read."""

    decisions: tuple[Reviewed, ...]
    unreadable: int


def read_back(folder: Path, limit: int) -> LogContents:
    """Read the newest `limit` decisions of a log, with what was reported about them.

    A line that is cut, or none of ours, is counted and left out. Raises OSError.
    """
    decisions: OrderedDict[str, tuple[RoutingEvent, dict[str, OutcomeReport]]] = OrderedDict()
    unreadable = 0
    for line in _all_lines(folder):
        try:
            record = _record(line)
        except ValueError:
            unreadable += 1
            continue
        if isinstance(record, RoutingEvent):
            decisions.setdefault(record.decision_id, (record, {}))
            if len(decisions) > limit:
                decisions.popitem(last=False)
        elif record.decision_id in decisions:
            reports = decisions[record.decision_id][1]
            earlier = reports.get(record.endpoint)
            reports[record.endpoint] = record if earlier is None else merge(earlier, record)
    return LogContents(tuple(Reviewed(*one) for one in reversed(decisions.values())), unreadable)


def _lines(opening: str, form: Form[Record], records: Iterable[Record]) -> Iterator[bytes]:
    """Write records as lines, without those that are no JSON."""
    for record in records:
        try:
            line = f"{opening}{form.write(record)[1:]}\n".encode()
        except ValueError:
            continue
        yield line


def _all_lines(folder: Path) -> Iterator[bytes]:
    for path in segments(folder):
        with path.open("rb") as file:
            yield from (line for line in file if line.strip())


def _record(line: bytes) -> RoutingEvent | OutcomeReport:
    """Read a line. Raises ValueError when it is cut, or none of ours."""
    if line.startswith(EVENT.encode()):
        return EVENTS.read(line)
    if line.startswith(OUTCOME.encode()):
        return REPORTS.read(line)
    raise ValueError("neither an event nor an outcome")
