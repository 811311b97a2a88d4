"""A script says how each call is treated, and survives the way to the fault server."""

from __future__ import annotations

import json

import pytest

from tests.conformance.scenarios import ALL
from tests.conformance.servers.rules import HEALTHY, Act, Rule, Script, from_json, to_json

TWICE = Rule(Act.STATUS, times=2)
SILENT = Rule(Act.HANG, times=1)


@pytest.mark.parametrize(
    ("script", "acts"),
    [
        (Script(), [Act.ANSWER] * 3),
        (Script((Rule(Act.HANG),)), [Act.HANG] * 3),
        (Script((TWICE, Rule())), [Act.STATUS, Act.STATUS, Act.ANSWER, Act.ANSWER]),
        (Script((TWICE,)), [Act.STATUS, Act.STATUS, Act.ANSWER]),
        (Script((TWICE, SILENT), cycle=True), [Act.STATUS, Act.STATUS, Act.HANG] * 2),
        (Script(()), [Act.ANSWER]),
    ],
)
def test_each_call_has_its_rule(script: Script, acts: list[Act]) -> None:
    assert [script.rule(number).act for number in range(len(acts))] == acts


def test_delays_are_taken_in_turn() -> None:
    script = Script((HEALTHY,), delays_s=(0.1, 0.2))
    assert [script.delay_s(number) for number in range(3)] == [0.1, 0.2, 0.1]


def test_a_script_is_read_as_it_was_written() -> None:
    script = Script((TWICE, Rule(retry_after_s=1.5)), cycle=True, delays_s=(0.5,))
    assert from_json(json.loads(json.dumps(to_json(script)))) == script


def test_scenarios_have_names_of_their_own_and_say_what_they_are_for() -> None:
    names = [scenario.name for scenario in ALL]
    assert len(set(names)) == len(names)
    assert all(scenario.purpose for scenario in ALL)
