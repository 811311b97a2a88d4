"""One piece of work that several callers wait for: done once, told to each at its own pace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.core.answer import Answer
from gateway.core.candidate import Attempt
from gateway.core.events import Delta, Event, Started, events_of
from gateway.core.exchange import Exchange, Handle
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.state.event_log import EventLog


class Place:
    """One caller's place at the work. Await `answer`, then `leave`, however that ended."""

    __slots__ = ("_begun", "_cursor", "_log", "_news", "_work", "exchange", "result", "told")

    def __init__(self, work: SharedWork, exchange: Exchange, log: EventLog, *, live: bool) -> None:
        self.exchange = exchange
        self.result: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        # True once text was handed to the caller: it cannot be taken back.
        self.told = False
        self._begun = False
        self._work = work
        self._log = log
        self._cursor = log.open() if live and exchange.emit is not None else None
        self._news = asyncio.Event()

    @property
    def reads(self) -> bool:
        """True when the caller is told of the work while it runs."""
        return self._cursor is not None

    async def answer(self) -> Answer:
        """Wait for the answer; a caller that reads gets all events first, from the first one.

        Raises what the work raised, and what the exchange's own `emit` raises.
        """
        if self._cursor is not None:
            await self._follow()
        return await self.result

    async def leave(self) -> None:
        """Give the place up; whoever leaves last ends the work and waits until it has ended."""
        if self._cursor is not None:
            self._log.close(self._cursor)
        if not await self._work.left(self) and not self.result.cancelled():
            # Looked at, so that asyncio does not complain of a fault that nobody saw.
            self.result.exception()

    def wake(self) -> None:
        """Tell the caller that there is something new to read."""
        self._news.set()

    def begin_again(self, log: EventLog) -> None:
        """Read another log from its start: the work has a new leader."""
        self._log = log
        if self._cursor is not None:
            self._cursor = log.open()

    def end(self, outcome: Answer | BaseException) -> None:
        """Set what `answer` returns or raises."""
        # The caller may have been cancelled in this very turn, and its future with it.
        if not self.result.done():
            if isinstance(outcome, Answer):
                self.result.set_result(outcome)
            elif isinstance(outcome, asyncio.CancelledError):
                self.result.cancel()
            else:
                self.result.set_exception(outcome)
        self._news.set()

    async def _follow(self) -> None:
        while True:
            self._news.clear()
            while (event := self._take()) is not None:
                await self._hand_over(event)
            if self.result.done():
                break
            await self._news.wait()
        if not self._log.streamed and not self.result.cancelled() and not self.result.exception():
            for event in events_of(self.result.result()):
                await self._hand_over(event)

    def _take(self) -> Event | None:
        event = self._log.take(self._cursor) if self._cursor is not None else None
        if event is not None:
            self._work.make_room()
        return event

    async def _hand_over(self, event: Event) -> None:
        emit = self.exchange.emit
        if emit is None or (self._begun and isinstance(event, Started)):
            return
        self._begun = True
        if isinstance(event, Delta):
            self.told = True
            self.exchange.streamed.append(event.text)
        await emit(event)


class SharedWork:
    """Work on one request, in a task of its own, for everybody who has a place at it.

    The first caller leads: the work has its deadline, and streams if it does. When that deadline
    ends the work, the next caller leads and the work begins again; so it does for up to `spare`
    other faults, each of which its leader alone gets. When nobody is left the work is cancelled.
    `ended` is called once: with the answer, or with None when there is none to keep.
    It belongs to one event loop; `leader` is the exchange of whoever takes the first place.
    """

    __slots__ = (
        "_ended",
        "_handle",
        "_places",
        "_record",
        "_room",
        "_spare",
        "answer",
        "log",
        "task",
    )

    def __init__(
        self,
        leader: Exchange,
        handle: Handle,
        ended: Callable[[Answer | None], None],
        *,
        spare: int = 0,
    ) -> None:
        self.answer: Answer | None = None
        self._handle = handle
        self._ended: Callable[[Answer | None], None] | None = ended
        self._places: dict[Place, None] = {}
        self._room = asyncio.Event()
        self._spare = spare
        self._begin(leader, [], streamed=leader.emit is not None)
        self.task = asyncio.create_task(self._run())

    def join(self, exchange: Exchange, *, live: bool = True) -> Place:
        """Take a place; at work that has ended it has the answer already.

        One that is not `live` is told of nothing but the answer, so that no failure of the work
        finds its caller with a part of a text.
        """
        place = Place(self, exchange, self.log, live=live)
        if self.answer is None:
            self._places[place] = None
            self.make_room()
        else:
            exchange.decision = self.answer.decision
            exchange.candidates = list(self.answer.candidates)
            exchange.replayed = True
            place.end(self.answer)
        return place

    async def left(self, place: Place) -> bool:
        """Take note that a caller has left; False when the work had ended for it before."""
        if place not in self._places:
            return False
        del self._places[place]
        record = self._record
        if self._places:
            _explain(place.exchange, record, accounts=False)
            self.make_room()
            return True
        self._finish(None)
        self.task.cancel()
        try:
            await asyncio.wait((self.task,))
        finally:
            _explain(place.exchange, record, accounts=True)
        return True

    def stop(self, fault: Fault) -> None:
        """End the work for everybody with a fault, and cancel its task."""
        self._finish(None)
        self._release(fault)
        self.task.cancel()

    def make_room(self) -> None:
        """Let the work look again whether it may write."""
        self._room.set()

    async def _run(self) -> None:
        try:
            answer = await self._lead()
        except asyncio.CancelledError as error:
            self._finish(None)
            self._release(error)
            raise
        except Exception as error:  # noqa: BLE001 - it is raised to every caller instead
            self._finish(None)
            self._release(error)
        else:
            self.answer = answer
            self.log.merge()
            self._finish(answer)
            self._release(answer)
            # The answer may be kept for long; the request, and its prompt with it, is not.
            del self._record, self._handle, self.task

    async def _lead(self) -> Answer:
        while True:
            leader = next(iter(self._places))
            try:
                return await self._handle(self._record)
            except Fault as fault:
                if not self._may_pass_on(fault) or not self._pass_on(leader, fault):
                    raise

    def _may_pass_on(self, fault: Fault) -> bool:
        if _for_lack_of_time(fault):
            return True
        self._spare -= 1
        return self._spare >= 0

    def _begin(self, leader: Exchange, attempts: list[Attempt], *, streamed: bool) -> None:
        self.log = EventLog(streamed=streamed)
        self._record = Exchange(
            leader.request,
            leader.deadline,
            self._tell if streamed else None,
            attempts=attempts,
            work=leader.work,
            trace=leader.trace,
            job=leader.job,
            detached=leader.detached,
        )

    def _pass_on(self, leader: Place, fault: Fault) -> bool:
        """Let go of the leader, whose time is over, and begin again for the others, if any.

        Who was told some of the text cannot be told another one, and is let go of too. Attempts
        for which nobody accounts yet stay in the record.
        """
        accounted = False
        for place in tuple(self._places):
            if place is leader or place.told:
                outcome = fault if place is leader else _broken_off()
                self._let_go(place, outcome, accounts=not accounted)
                accounted = True
        if not self._places:
            return False
        following = next(iter(self._places))
        left_over = [] if accounted else self._record.attempts
        self._begin(following.exchange, left_over, streamed=following.reads)
        for place in self._places:
            place.begin_again(self.log)
        return True

    async def _tell(self, event: Event) -> None:
        """Write an event down for all; wait while even the fastest reader is far behind."""
        self.log.append(event)
        for place in self._places:
            place.wake()
        while self.log.ahead and all(place.reads for place in self._places):
            self._room.clear()
            await self._room.wait()

    def _finish(self, answer: Answer | None) -> None:
        ended, self._ended = self._ended, None
        if ended is not None:
            ended(answer)

    def _release(self, outcome: Answer | BaseException) -> None:
        """Let go of everybody; who came first accounts for the work."""
        for number, place in enumerate(tuple(self._places)):
            self._let_go(place, outcome, accounts=number == 0)

    def _let_go(self, place: Place, outcome: Answer | BaseException, *, accounts: bool) -> None:
        del self._places[place]
        _explain(place.exchange, self._record, accounts=accounts)
        if not accounts and isinstance(outcome, Answer):
            place.exchange.attempts.clear()
        place.end(outcome)


def _explain(exchange: Exchange, record: Exchange, *, accounts: bool) -> None:
    """Copy the record of the work as it is now."""
    exchange.decision = record.decision
    exchange.attempts = list(record.attempts)
    exchange.candidates = list(record.candidates)
    exchange.exhausted = record.exhausted
    exchange.decision_id = record.decision_id if accounts else ""
    exchange.replayed = record.replayed or not accounts


def _for_lack_of_time(fault: Fault) -> bool:
    """Say whether the work ended because the time of its leader was over, or too short."""
    return fault.kind is Kind.DEADLINE and fault.origin is not Origin.UPSTREAM


def _broken_off() -> Fault:
    return Fault(
        Kind.TRUNCATED,
        Origin.US,
        Reason.STREAM_TRUNCATED,
        "the answer broke off after text was sent: it was shared with an earlier request of the "
        "same request_id, whose deadline was over; ask again",
    )
