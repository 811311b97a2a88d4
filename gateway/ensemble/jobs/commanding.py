"""What each command does to one job, by the table of its states (Q-01)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.core.control import DESTRUCTIVE, Command, Direction, Method, Wanted
from gateway.core.jobs import TERMINAL, JobEvent, JobState
from gateway.core.value import value
from gateway.ensemble.jobs.handle import JobHandle
from gateway.state.jobs import Job, JobRegistry


@value
class Commanded:
    """Whether a command did something, and the words for why not.

    `refused` tells what can never be from what is so already.
    """

    did: bool
    words: str = ""
    refused: bool = False


DONE = Commanded(did=True)


@value
class PauseSettings:
    """`longest_s`: seconds after which a job goes on by itself; `clock_stops` where nobody says."""

    longest_s: float = 300.0
    clock_stops: bool = False


class Commander:
    """Gives commands to jobs, idempotently: one that is so already is left alone."""

    def __init__(self, registry: JobRegistry, pause: PauseSettings) -> None:
        self._registry = registry
        self._pause_settings = pause
        self._give: Mapping[Command, Callable[[Job, JobHandle, Wanted], Commanded]] = {
            Command.STOP: self._stop,
            Command.CANCEL: self._cancel,
            Command.PAUSE: self._pause,
            Command.RESUME: self._resume,
            Command.NEXT: self._next,
            Command.PREVIOUS: self._previous,
            Command.VOLUME: self._volume,
        }

    def give(self, job: Job, wanted: Wanted, found_by: Method) -> Commanded:
        """Give a command to a job, whatever its state; `found_by` says why to this one."""
        handle = job.live
        if isinstance(handle, JobHandle) and job.state not in TERMINAL:
            commanded = self._give[wanted.command](job, handle, wanted)
            if commanded.did:
                handle.note(wanted, found_by)
                self._registry.touch(job)
            return commanded
        return self._of_ended(job, wanted.command)

    def _of_ended(self, job: Job, command: Command) -> Commanded:
        """Move the candidate that stands; stop and cancel have what they want, others are late."""
        if command not in {Command.NEXT, Command.PREVIOUS}:
            words = f"it has ended already: {job.state}"
            return Commanded(did=False, words=words, refused=command not in DESTRUCTIVE)
        if job.choices < 2:  # noqa: PLR2004 - there must be another one
            words = "it has ended, and keeps no candidates to choose among"
            return Commanded(did=False, words=words, refused=True)
        place = job.selected + (1 if command is Command.NEXT else -1)
        if not 0 <= place < job.choices:
            which = "last" if command is Command.NEXT else "first"
            return Commanded(did=False, words=f"the {which} candidate stands already")
        job.selected = place
        self._registry.touch(job)
        return DONE

    def _stop(self, job: Job, handle: JobHandle, _: Wanted) -> Commanded:
        if not self._registry.step(job, JobEvent.STOP):
            return Commanded(did=False, words=f"it is {job.state} already")
        handle.stop()
        return DONE

    def _cancel(self, job: Job, handle: JobHandle, _: Wanted) -> Commanded:
        if not self._registry.step(job, JobEvent.CANCEL):
            return Commanded(did=False, words=f"it is {job.state} already")
        handle.cancel()
        return DONE

    def _pause(self, job: Job, handle: JobHandle, wanted: Wanted) -> Commanded:
        if not self._registry.step(job, JobEvent.PAUSE):
            return Commanded(
                did=False,
                words=f"it is {job.state} already",
                refused=job.state is not JobState.PAUSED,
            )
        settings = self._pause_settings
        clock_stops = wanted.pause_clock or settings.clock_stops
        handle.pause(settings.longest_s, clock_stops=clock_stops)
        return DONE

    def _resume(self, job: Job, handle: JobHandle, _: Wanted) -> Commanded:
        if not self._registry.step(job, JobEvent.RESUME):
            going = job.state is JobState.RUNNING
            words = "it is running already" if going else f"it is {job.state}"
            return Commanded(did=False, words=words, refused=not going)
        handle.resume()
        return DONE

    def _next(self, job: Job, handle: JobHandle, _: Wanted) -> Commanded:
        if job.state is not JobState.RUNNING:
            return Commanded(did=False, words=f"it is {job.state}", refused=True)
        words = handle.next()
        return Commanded(did=False, words=words, refused=True) if words else DONE

    def _previous(self, job: Job, _: JobHandle, __: Wanted) -> Commanded:
        words = f"it is {job.state}: an attempt that was given up cannot be taken up again"
        return Commanded(did=False, words=words, refused=True)

    def _volume(self, job: Job, handle: JobHandle, wanted: Wanted) -> Commanded:
        if job.state not in {JobState.RUNNING, JobState.PAUSED}:
            return Commanded(did=False, words=f"it is {job.state}", refused=True)
        if not handle.turn(wanted.dial, wanted.direction or Direction.UP):
            return Commanded(did=False, words=f"{wanted.dial} goes no further")
        return DONE
