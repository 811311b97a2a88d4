"""The handle of a job: what its runs carry, and what commands to it take hold of."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import cast

from gateway.core.answer import Answer
from gateway.core.candidate import Attempt, Completion
from gateway.core.control import NO_DIALS, Command, Dial, Dials, Direction, Method, Wanted
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, Kind, Reason
from gateway.core.jobs import JobEvent, JobFailure, JobState, Progress
from gateway.core.policy import Call, Invocation
from gateway.core.ports import Clock
from gateway.ensemble.jobs.faults import GIVEN_UP, cancelled, left_for_next, stopped
from gateway.ensemble.jobs.kept import ranked
from gateway.ensemble.jobs.pause import Pause
from gateway.ensemble.jobs.work import Endable
from gateway.state.jobs import Job, JobRegistry

MOST_WORDS = 500
"""Characters of an error that are kept with its job."""

CANCELLING, SUCCEEDED, FINISH = JobState.CANCELLING, JobState.SUCCEEDED, JobEvent.FINISH
LEFT = frozenset({Reason.CALLER_CANCELLED, Reason.SHUTTING_DOWN})


class _Attempt(Endable):
    """One attempt that runs; `skippable` when another endpoint follows in its place."""

    __slots__ = ("invocation", "skippable")

    def __init__(self, invocation: Invocation, *, skippable: bool) -> None:
        # Not by `super`, which costs more than all of this.
        self._task = task = cast("asyncio.Task[object]", asyncio.current_task())
        self._earlier = task.cancelling()
        self.why = None
        self.invocation = invocation
        self.skippable = skippable

    def give_up(self, command: Command) -> None:
        """Have its record say which command ended it; the first one counts."""
        self.invocation.given_up = self.invocation.given_up or GIVEN_UP[command]


class JobHandle(Endable):
    """Steers the work of one job, in the task that does it. Holds no lock; of one event loop.

    `held` is what runs look at before each attempt, step and piece of text: it is True while the
    job is paused or is to stop. A job has one request, its `exchange`, or, of a batch, none of its
    own and many `parts`, one after another. It is made on every request's path: what a job needs
    that is steered or has parts is made when it is.
    """

    __slots__ = (
        "_attempts",
        "_clock",
        "_pause",
        "_registry",
        "_tally",
        "dials",
        "exchange",
        "held",
        "job",
        "parts",
        "steered",
        "stopping",
    )

    def __init__(
        self, registry: JobRegistry, job: Job, clock: Clock, exchange: Exchange | None
    ) -> None:
        self._task = task = cast("asyncio.Task[object]", asyncio.current_task())
        self._earlier = task.cancelling()
        self.why = None
        self.job = job
        self.exchange = exchange
        self.parts: list[Part] = NO_PARTS
        self.held = self.stopping = self.steered = False
        self.dials: Dials = NO_DIALS
        self._registry = registry
        self._clock = clock
        self._attempts: list[_Attempt] = []
        self._pause: Pause | None = None
        self._tally: _Tally | None = None
        job.live = self

    @property
    def id(self) -> str:
        """The job's id."""
        return self.job.id

    async def ready(self) -> None:
        """Wait while the job is paused. Raises Fault(CANCELLED) once it is to stop."""
        while self.held:
            if self.stopping or self._pause is None:
                raise stopped()
            await self._pause.over()

    async def attempt(self, call: Call, invocation: Invocation, *, skippable: bool) -> Completion:
        """Make a call that may start; see `core.jobs.Steering`."""
        attempt, attempts, job = _Attempt(invocation, skippable=skippable), self._attempts, self.job
        attempts.append(attempt)
        job.active_at = self._clock()
        job.changed()
        try:
            return await call(invocation)
        except asyncio.CancelledError:
            fault = attempt.fault()
            if fault is None:
                raise
            raise fault from None
        finally:
            if attempt.why is not None:
                attempt.over()
            attempts.remove(attempt)
            job.changed()

    def expect(self, total: int) -> None:
        """Take note of how many holes, steps or candidates there are; what was said first stays."""
        tally = self._tally or self._counted()
        tally.total = tally.total or total

    def advance(self, done: int, step: str = "") -> None:
        """Take note of how many are done and what comes now."""
        tally = self._tally or self._counted()
        tally.done, tally.step = done, step
        self._registry.touch(self.job)

    def asked(self) -> None:
        """Count one more hole of a batch."""
        (self._tally or self._counted()).total += 1

    def answered(self) -> None:
        """Count one hole of a batch as done."""
        tally = self._tally or self._counted()
        self.advance((tally.done or 0) + 1)

    def progress(self) -> Progress:
        """Tell how far the job is, now."""
        tally, exchanges = self._tally or _Tally(), list(self._exchanges())
        done, total = tally.done, tally.total
        made = [attempt for one in exchanges for attempt in one.attempts]
        if done is None:
            done = min(total, sum(len(one.candidates) for one in exchanges))
        return Progress(
            done,
            total,
            tuple(attempt.invocation.task.endpoint.name for attempt in self._attempts),
            tally.step,
            tally.made + len(made),
            tally.cost + _cost(made),
        )

    def stop(self) -> None:
        """Have the work finish with what there is: end the attempts, start none."""
        self.held = self.stopping = self.steered = True
        for attempt in self._attempts:
            attempt.give_up(Command.STOP)
            attempt.end(stopped())
        for work in (self, *self.parts):
            # It waits to be let in: there is no run that could finish.
            if work.exchange is not None and work.exchange.decision is None:
                work.end(stopped())
        self._go_on()

    def cancel(self) -> None:
        """Have the work end in nothing. A batch ends its parts itself."""
        self.held = self.stopping = self.steered = True
        for attempt in self._attempts:
            attempt.give_up(Command.CANCEL)
        self.end(cancelled())
        self._go_on()

    def pause(self, longest_s: float, *, clock_stops: bool) -> None:
        """Start nothing more, and take no more text, until `resume` or `longest_s` have passed.

        Where the clock stops, the deadline of what starts later moves by the time of the pause; a
        call that runs keeps its own.
        """
        self.held = True
        if self._pause is None:
            self._pause = Pause(self._clock)
        self._pause.begin(longest_s, self._expire)
        if clock_stops:
            self._pause.lend(longest_s, self.job, self._works())

    def resume(self) -> None:
        """Go on."""
        self.held = False
        if self._pause is not None:
            self._pause.take_back(self.job, self._works())
        self._go_on()

    def next(self) -> str:
        """Give running attempts up for the endpoints after them; say why not when none can be."""
        if not self._attempts:
            return "no attempt is running"
        skippable = [attempt for attempt in self._attempts if attempt.skippable]
        for attempt in skippable:
            attempt.give_up(Command.NEXT)
            attempt.end(left_for_next())
            self.steered = True
        return "" if skippable else "no other endpoint is left to take its place"

    def turn(self, dial: Dial, direction: Direction) -> bool:
        """Turn a dial for what starts later; False when it is at its end."""
        turned = self.dials.turned(dial, direction)
        if turned == self.dials:
            return False
        self.dials = self.job.dials = turned
        self.steered = True
        return True

    def note(self, wanted: Wanted, found_by: Method) -> None:
        """Write a command, and how its target was found, into the traces that it concerns."""
        turned = wanted.command is Command.VOLUME
        for exchange in self._exchanges():
            if exchange.trace is None:
                continue
            with exchange.trace.stage("control") as stage:
                stage.tell(command=wanted.command, found_by=found_by)
                if turned:
                    stage.tell(dial=wanted.dial, direction=wanted.direction)
                stage.tell(job=self.job.id, state=self.job.state)

    def finished(self, answer: Answer) -> None:
        """Keep what may be selected or come back for. Raises Fault when it was cancelled."""
        job = self.job
        if (job.detached or len(answer.candidates) > 1) and job.state is not CANCELLING:
            job.candidates = ranked(answer)
        self.ended()

    def ended(self) -> None:
        """End it with an answer. Raises Fault when it was cancelled."""
        if self.why is not None:
            self.over()
        gone = self.job.state is CANCELLING
        self._end(FINISH)
        if gone:
            raise cancelled()

    def left(self) -> Fault | None:
        """End what was cancelled; return the fault that stands for it when a command did it."""
        fault = self.fault()
        if fault is not None:
            self.failed(fault)
        elif self.exchange is not None and self.exchange.deadline.at <= self._clock():
            # Whoever keeps the deadline says so to the caller.
            self.job.failure = JobFailure(Reason.DEADLINE_EXCEEDED, "its time was over")
            self._end(JobEvent.FAIL)
        else:
            self._end(JobEvent.LEAVE)
        return fault

    def failed(self, error: Exception) -> None:
        """End it with an error."""
        self.over()
        event = JobEvent.FAIL
        if isinstance(error, Fault):
            self.job.failure = JobFailure(error.reason, error.message[:MOST_WORDS])
            if error.kind is Kind.CANCELLED and error.reason in LEFT:
                event = JobEvent.LEAVE
        else:
            # The words of an unknown error may quote a prompt.
            self.job.failure = JobFailure(Reason.INTERNAL_ERROR, type(error).__name__)
        self._end(event)

    def drop(self, part: Part) -> None:
        """End a request of a batch: what it cost stays the job's."""
        self.parts.remove(part)
        tally = self._tally or self._counted()
        tally.cost += _cost(part.exchange.attempts)
        tally.made += len(part.exchange.attempts)

    def _end(self, event: JobEvent) -> None:
        if self._pause is not None:
            self._pause.close()
        job, exchange, tally = self.job, self.exchange, self._tally
        if tally is not None or exchange is None:
            progress = self.progress()
            job.done, job.total, job.step = progress.done, progress.total, progress.step
            job.attempts, job.cost_micros = progress.attempts, progress.cost_micros
        else:
            job.attempts = len(exchange.attempts)
            job.cost_micros = _cost(exchange.attempts)
        # The exchange knows its job: a circle would wait for the collector, with all its texts.
        self.exchange = None
        self._registry.step(job, event)
        if job.state is SUCCEEDED:
            job.done = job.total = job.total or 1

    def _counted(self) -> _Tally:
        self._tally = _Tally()
        return self._tally

    def _works(self) -> list[tuple[Endable, Exchange]]:
        works: Iterable[JobHandle | Part] = (self, *self.parts)
        return [(work, work.exchange) for work in works if work.exchange is not None]

    def _exchanges(self) -> Iterator[Exchange]:
        return (exchange for _, exchange in self._works())

    def _expire(self) -> None:
        if self._registry.step(self.job, JobEvent.EXPIRE):
            self.resume()

    def _go_on(self) -> None:
        if self._pause is not None:
            self._pause.end()


class Part(Endable):
    """One request of a batch, in the task that works on it; it ends without ending the job."""

    __slots__ = ("_handle", "exchange")

    def __init__(self, handle: JobHandle, exchange: Exchange) -> None:
        super().__init__()
        self._handle = handle
        self.exchange = exchange
        if handle.parts is NO_PARTS:
            handle.parts = []
        handle.parts.append(self)

    def finished(self, answer: Answer) -> None:
        """Keep nothing: the batch hands the answer out."""
        del answer
        self.over()
        self._handle.drop(self)

    def left(self) -> Fault | None:
        """End what was cancelled; return the fault that stands for it when a command did it."""
        self._handle.drop(self)
        return self.fault()

    def failed(self, error: Exception) -> None:
        """End it; the error is the answer to its hole."""
        del error
        self.over()
        self._handle.drop(self)


NO_PARTS: list[Part] = []
"""Of a job that has none so far; never appended to."""


class _Tally:
    """What of a job is counted as it goes. `cost` and `made` are of parts that ended."""

    __slots__ = ("cost", "done", "made", "step", "total")

    def __init__(self) -> None:
        self.done: int | None = None
        self.total = self.cost = self.made = 0
        self.step = ""


def _cost(attempts: Iterable[Attempt]) -> int:
    cost = 0
    for attempt in attempts:
        cost += attempt.cost_micros
    return cost
