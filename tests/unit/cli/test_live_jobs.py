"""What a watch of all jobs shows from one listing to the next, and when it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import typer
from ensemble.v1 import job_service_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.cli.exits import Exit
from gateway.cli.live_jobs import JobChanges, LiveJobs

RUNNING, PAUSED, ENDED = pb.JOB_STATE_RUNNING, pb.JOB_STATE_PAUSED, pb.JOB_STATE_SUCCEEDED


def job(name: str, state: pb.JobState = RUNNING, revision: int = 0, at: int = 0) -> pb.Job:
    return pb.Job(id=name, state=state, revision=revision, active_at=Timestamp(seconds=at))


def shown(*listings: Sequence[pb.Job]) -> list[list[str]]:
    changes = JobChanges()
    return [[one.id for one in changes.of(listing)] for listing in listings]


def test_the_first_listing_shows_what_runs_and_nothing_that_ended_before() -> None:
    assert shown([job("2"), job("1", PAUSED), job("0", ENDED)]) == [["1", "2"]]


def test_later_ones_show_what_changed_and_what_began_even_when_it_ended_meanwhile() -> None:
    first = [job("1"), job("0", ENDED)]
    assert shown(first, first, [job("3", ENDED, 1), job("2"), *first]) == [["1"], [], ["2", "3"]]
    assert shown(first, [job("1", PAUSED, 1)], [job("1", ENDED, 2)]) == [["1"]] * 3


def test_news_come_in_the_order_in_which_they_happened() -> None:
    assert shown([], [job("1", at=2), job("2", at=1), job("3", at=2)]) == [[], ["2", "1", "3"]]


def test_nothing_is_remembered_of_what_the_gateway_has_forgotten() -> None:
    assert shown([job("1")], [], [job("1")]) == [["1"], [], ["1"]]


class Rig:
    """A gateway that is looked at, in a time of its own; each look takes `took_s`."""

    def __init__(self, look: Callable[[int], Sequence[pb.Job]], took_s: float = 0.0) -> None:
        self.now = 0.0
        self.took_s = took_s
        self.slept: list[float] = []
        self.allowed: list[float] = []
        self.seen: list[str] = []
        self._look = look
        self.watch = LiveJobs(
            self.look,
            lambda one: self.seen.append(one.id),
            2.0,
            clock=lambda: self.now,
            sleep=self.sleep,
        )

    def look(self, left: float) -> Sequence[pb.Job]:
        self.allowed.append(left)
        self.now += self.took_s
        return self._look(len(self.allowed))

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_a_watch_goes_on_when_nothing_runs_and_ends_when_its_time_is_over(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rig = Rig(lambda look: [job(str(look), revision=look)])
    with pytest.raises(typer.Exit) as caught:
        rig.watch.run(5)
    assert caught.value.exit_code == Exit.DEADLINE
    assert rig.seen == ["1", "2", "3"]
    assert rig.allowed == [5, 3, 1]
    assert rig.slept == [2, 2, 1]
    assert capsys.readouterr().err == "ensemble: the time of 5 s is over\n"


def test_a_gateway_with_so_many_jobs_that_a_look_is_dear_is_looked_at_less_often() -> None:
    rig = Rig(lambda _: [], took_s=0.5)
    with pytest.raises(typer.Exit):
        rig.watch.run(11)
    assert rig.slept == [5, 5]
