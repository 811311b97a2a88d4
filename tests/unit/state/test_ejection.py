from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.outcome import Outcome
from gateway.state.ejection import EjectionSettings, Ejector, FailurePercentage, SuccessRate

RATE_ONLY = EjectionSettings(failure_percentage=None)
PERCENTAGE_ONLY = EjectionSettings(success_rate=None)
NEITHER = EjectionSettings(success_rate=None, failure_percentage=None)


class Group:
    """An ejector of replicas r0, r1, ... with its time, and what its listener was told."""

    def __init__(self, size: int, settings: EjectionSettings, draw=lambda: 0.0) -> None:
        self.now = 1000.0
        self.names = [f"r{number}" for number in range(size)]
        self.changes: list[tuple[str, str, str]] = []
        self.ejector = Ejector(
            self.names,
            settings,
            lambda: self.now,
            draw,
            lambda *change: self.changes.append(change),
        )

    def calls(self, name: str, successes: int, failures: int = 0) -> None:
        for _ in range(successes):
            self.ejector.record(name, Outcome.SUCCESS)
        for _ in range(failures):
            self.ejector.record(name, Outcome.FAILURE)

    def interval(self, failures: dict[str, int] | None = None, volume: int = 100) -> list[str]:
        """Have `volume` calls of each replica end, so many failing, and let the interval end."""
        for name in self.names:
            failed = (failures or {}).get(name, 0)
            self.calls(name, volume - failed, failed)
        return self.wait(10)

    def wait(self, seconds: float) -> list[str]:
        self.now += seconds
        return self.out

    @property
    def out(self) -> list[str]:
        return [name for name in self.names if self.ejector.ejected(name, self.now)]


def test_a50_the_defaults() -> None:
    settings = EjectionSettings()
    assert (settings.interval_s, settings.base_s, settings.max_s) == (10, 30, 300)
    assert settings.max_percent == 10
    assert settings.success_rate == SuccessRate(1900, 100, 5, 100)
    assert settings.failure_percentage == FailurePercentage(85, 100, 5, 50)


def test_a50_a_success_rate_below_the_mean_less_1_9_deviations_is_ejected() -> None:
    # Rates 1, 1, 1, 1 and 0.5: mean 0.9, deviation 0.2 of the population, threshold 0.52.
    group = Group(5, RATE_ONLY)
    assert group.interval({"r3": 50}) == ["r3"]
    assert group.changes == [("r3", "in_service", "ejected")]


def test_a50_a_success_rate_at_the_threshold_stays() -> None:
    # Four equals and one other are 2 deviations apart, so at a factor of 2 it is not below.
    equal = replace(RATE_ONLY, success_rate=SuccessRate(stdev_factor=2000))
    assert Group(5, equal).interval({"r3": 50}) == []
    assert Group(5, RATE_ONLY).interval() == []


def test_a50_success_rate_needs_five_hosts_with_a_hundred_requests() -> None:
    for volume, out in ((99, []), (100, ["r0"])):
        group = Group(6, RATE_ONLY)
        group.calls("r0", 0, 100)
        for name in group.names[1:4]:
            group.calls(name, 100)
        group.calls("r4", volume)
        group.calls("r5", 99)
        assert group.wait(10) == out


def test_a50_a_replica_below_the_request_volume_is_not_judged_by_its_success_rate() -> None:
    group = Group(6, RATE_ONLY)
    for name in group.names[1:]:
        group.calls(name, 100)
    group.calls("r0", 0, 99)
    assert group.wait(10) == []


def test_a50_the_failure_percentage_must_be_strictly_greater_than_85() -> None:
    assert Group(5, PERCENTAGE_ONLY).interval({"r2": 85}) == []
    assert Group(5, PERCENTAGE_ONLY).interval({"r2": 86}) == ["r2"]


def test_a50_failure_percentage_needs_five_hosts_whatever_their_volume() -> None:
    group = Group(4, PERCENTAGE_ONLY)
    assert group.interval({"r0": 100}) == []
    group = Group(5, PERCENTAGE_ONLY)
    group.calls("r0", 0, 50)
    assert group.wait(10) == ["r0"]


def test_a50_failure_percentage_needs_fifty_requests() -> None:
    for volume, out in ((49, []), (50, ["r1"])):
        group = Group(5, PERCENTAGE_ONLY)
        group.calls("r1", 0, volume)
        assert group.wait(10) == out


def test_a50_at_ten_percent_one_of_ten_may_be_out_and_no_second_one() -> None:
    group = Group(10, PERCENTAGE_ONLY)
    assert group.interval({"r4": 100, "r7": 100}) == ["r4"]
    assert group.interval({"r7": 100}) == ["r4"]


def test_a50_at_least_one_host_may_be_ejected_whatever_the_percentage() -> None:
    group = Group(5, replace(PERCENTAGE_ONLY, max_percent=0))
    assert group.interval({"r1": 100, "r2": 100}) == ["r1"]


def test_a50_the_percentage_is_looked_at_before_each_ejection() -> None:
    group = Group(5, replace(PERCENTAGE_ONLY, max_percent=40))
    assert group.interval(dict.fromkeys(group.names, 100)) == ["r0", "r1"]
    group = Group(5, replace(PERCENTAGE_ONLY, max_percent=100))
    assert group.interval(dict.fromkeys(group.names, 100)) == group.names


def test_a50_both_algorithms_share_the_limit_and_eject_a_replica_once() -> None:
    group = Group(5, replace(EjectionSettings(), max_percent=100))
    assert group.interval({"r0": 100}) == ["r0"]
    assert group.changes == [("r0", "in_service", "ejected")]
    assert group.wait(20) == ["r0"]
    assert group.wait(10) == []  # one ejection: 30 s


def test_a50_an_ejection_lasts_the_base_time_and_ends_with_an_interval() -> None:
    group = Group(5, replace(PERCENTAGE_ONLY, base_s=25.0))
    assert group.interval({"r0": 100}) == ["r0"]
    assert group.wait(29.9) == ["r0"]  # 25 s are over, the interval is not
    assert group.wait(0.1) == []
    assert group.changes[1:] == [("r0", "ejected", "in_service")]


def ejection_s(group: Group) -> float:
    """Eject r0 and measure for how long."""
    assert group.interval({"r0": 100}) == ["r0"]
    began = group.now
    while group.out:
        group.now += 10
    return group.now - began


def test_a50_each_ejection_in_a_row_is_longer_by_the_base_time() -> None:
    group = Group(5, PERCENTAGE_ONLY)
    assert [ejection_s(group) for _ in range(3)] == [30, 60, 90]


def test_a50_the_time_is_capped_at_300_seconds() -> None:
    group = Group(5, PERCENTAGE_ONLY)
    assert [ejection_s(group) for _ in range(12)][8:] == [270, 300, 300, 300]


def test_a50_a_base_time_above_the_cap_is_the_cap() -> None:
    group = Group(5, replace(PERCENTAGE_ONLY, base_s=400.0))
    assert [ejection_s(group) for _ in range(2)] == [400, 400]


def test_a50_each_healthy_interval_takes_one_from_the_multiplier() -> None:
    group = Group(5, PERCENTAGE_ONLY)
    assert [ejection_s(group) for _ in range(3)] == [30, 60, 90]
    group.interval()
    group.interval()
    assert ejection_s(group) == 60
    for _ in range(9):
        group.interval()
    assert ejection_s(group) == 30


def test_a50_intervals_that_nobody_noticed_count_as_healthy() -> None:
    group = Group(5, PERCENTAGE_ONLY)
    assert [ejection_s(group) for _ in range(3)] == [30, 60, 90]
    group.wait(20)
    assert ejection_s(group) == 60
    group.interval({"r0": 100})
    group.wait(90 + 20)  # out for 90 s, and then two intervals more, in one step
    assert ejection_s(group) == 60


def test_a_multiplier_that_reached_the_cap_is_forgotten_in_as_many_intervals() -> None:
    group = Group(5, PERCENTAGE_ONLY)
    for _ in range(30):
        ejection_s(group)
    group.wait(100)
    assert ejection_s(group) == 30


def test_a50_only_the_last_interval_counts() -> None:
    group = Group(5, PERCENTAGE_ONLY)
    group.calls("r0", 0, 49)
    assert group.wait(10) == []
    group.calls("r0", 0, 49)
    assert group.wait(10) == []
    group.calls("r0", 0, 49)
    group.now += 10
    group.calls("r0", 0, 49)  # in the next interval, though nobody had asked in between
    assert group.out == []
    group.calls("r0", 0, 1)
    assert group.wait(10) == ["r0"]


def test_a50_nothing_is_ejected_within_an_interval() -> None:
    group = Group(5, PERCENTAGE_ONLY)
    group.calls("r0", 0, 1000)
    assert group.wait(9.9) == []
    assert group.wait(0.1) == ["r0"]


def test_a50_what_counts_neither_way_is_no_volume() -> None:
    group = Group(5, PERCENTAGE_ONLY)
    group.calls("r0", 0, 49)
    for _ in range(100):
        group.ejector.record("r0", Outcome.NOT_COUNTED)
    assert group.wait(10) == []


@pytest.mark.parametrize(("drawn", "out"), [(0.29, ["r0"]), (0.30, [])])
@pytest.mark.parametrize("algorithm", ["success_rate", "failure_percentage"])
def test_a50_an_outlier_is_ejected_with_the_chance_of_the_enforcement_percentage(
    algorithm: str, drawn: float, out: list[str]
) -> None:
    rules = {
        "success_rate": SuccessRate(enforcement_percentage=30),
        "failure_percentage": FailurePercentage(enforcement_percentage=30),
    }
    group = Group(5, replace(NEITHER, **{algorithm: rules[algorithm]}), lambda: drawn)
    assert group.interval({"r0": 100}) == out


def test_a50_disabling_returns_all_to_service_and_forgets_the_multipliers() -> None:
    group = Group(5, replace(PERCENTAGE_ONLY, max_percent=100))
    assert group.interval({"r0": 100, "r1": 100}) == ["r0", "r1"]
    group.ejector.follow(NEITHER)
    assert group.out == []
    assert group.changes[2:] == [("r0", "ejected", "in_service"), ("r1", "ejected", "in_service")]
    assert group.interval({"r0": 100}) == []
    group = Group(5, PERCENTAGE_ONLY)
    assert [ejection_s(group) for _ in range(3)] == [30, 60, 90]
    group.ejector.follow(NEITHER)
    group.ejector.follow(PERCENTAGE_ONLY)
    assert ejection_s(group) == 30


def test_a50_enabling_starts_a_fresh_interval() -> None:
    group = Group(5, NEITHER)
    group.wait(7)
    group.calls("r0", 0, 100)
    group.ejector.follow(PERCENTAGE_ONLY)
    assert group.wait(10) == []  # what ended before was not counted
    group.calls("r0", 0, 100)
    assert group.wait(9.9) == []
    assert group.wait(0.1) == ["r0"]


def test_a50_new_settings_keep_the_start_of_the_running_interval() -> None:
    group = Group(5, PERCENTAGE_ONLY)
    group.calls("r0", 0, 100)
    group.wait(6)
    group.ejector.follow(replace(PERCENTAGE_ONLY, interval_s=8.0))
    assert group.wait(1.9) == []
    assert group.wait(0.1) == ["r0"]
    group = Group(5, PERCENTAGE_ONLY)
    group.calls("r0", 0, 100)
    group.wait(6)
    group.ejector.follow(replace(PERCENTAGE_ONLY, interval_s=5.0))  # over already
    assert group.out == ["r0"]


def test_without_a_minimum_a_replica_without_calls_is_still_not_judged() -> None:
    settings = EjectionSettings(
        success_rate=SuccessRate(minimum_hosts=0, request_volume=0),
        failure_percentage=FailurePercentage(minimum_hosts=0, request_volume=0),
    )
    group = Group(2, settings)
    assert group.wait(10) == []
    group.calls("r1", 0, 1)
    assert group.wait(10) == ["r1"]


def test_an_ejector_needs_no_listener_and_knows_its_replicas_only() -> None:
    now = 0.0
    ejector = Ejector(["a"], PERCENTAGE_ONLY, lambda: now, lambda: 0.0)
    ejector.record("a", Outcome.SUCCESS)
    assert not ejector.ejected("a", 10)
    with pytest.raises(KeyError):
        ejector.record("b", Outcome.SUCCESS)


@pytest.mark.parametrize(
    ("values", "field", "wrong"),
    [
        (EjectionSettings, "interval_s", 0),
        (EjectionSettings, "base_s", 0),
        (EjectionSettings, "max_s", -1),
        (EjectionSettings, "max_percent", 101),
        (SuccessRate, "stdev_factor", -1),
        (SuccessRate, "enforcement_percentage", 101),
        (SuccessRate, "minimum_hosts", -1),
        (SuccessRate, "request_volume", -1),
        (FailurePercentage, "threshold", -1),
        (FailurePercentage, "enforcement_percentage", -1),
        (FailurePercentage, "minimum_hosts", -1),
        (FailurePercentage, "request_volume", -1),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(values, field: str, wrong: float) -> None:
    with pytest.raises(ValueError, match=f"^{field}: must be "):
        values(**{field: wrong})
