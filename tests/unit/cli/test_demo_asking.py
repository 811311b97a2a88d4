"""Holes are dealt out so that every cut meets every mode and every rule of the router."""

from __future__ import annotations

import tomllib
from collections import Counter

import pytest
from ensemble_client.requests import request_of

from gateway.app import snapshot_of
from gateway.cli.demonstration.asking import MODES, REQUIREMENTS, Mode, Question
from gateway.cli.demonstration.endpoints import CONFIG, FAST, PROFILES
from gateway.cli.demonstration.holes import Cut, CutHole
from gateway.config.load import build
from gateway.core.decision import RoutingDecision
from gateway.core.hole import Strategy
from gateway.routing.router import ModelRouter
from gateway.wire.request import request_from_wire

SOURCE = "def f():\n    return 1\n"
CUTS = tuple(Cut)


def question(number: int) -> Question:
    cut = CUTS[number % len(CUTS)]
    return Question.of(number, CutHole("sample", "f", cut, SOURCE, 13, 21, 0, len(SOURCE), (2,)))


@pytest.fixture(scope="module")
def router() -> ModelRouter:
    document = tomllib.loads(CONFIG.format(sandbox="none", **dict.fromkeys(PROFILES, 1)))
    return ModelRouter(snapshot_of(build(document, "demo")))


def routed(router: ModelRouter, number: int) -> RoutingDecision:
    asked = question(number)
    message = request_of(asked.hole.prompt, asked.fields())
    return router.route(request_from_wire(message, request_id="r"))


def test_the_rules_of_the_router_are_all_met(router: ModelRouter) -> None:
    decisions = [routed(router, number) for number in range(len(REQUIREMENTS))]
    assert [(one.reason.value, one.primary) for one in decisions] == [
        ("fast_match", "fast"),
        ("medium_default", "quality"),
        ("fast_match", "fast"),
        ("quality_match", "quality"),
        ("fast_match", "fast"),
        ("constrained_match", "constrained"),
        ("security_match", "quality"),
    ]


def test_cuts_modes_and_requirements_mix() -> None:
    dealt = [question(number) for number in range(len(CUTS) * len(MODES) * len(REQUIREMENTS))]
    mixed = Counter((one.hole.cut, one.mode, one.requirement) for one in dealt)
    assert len(mixed) == len(CUTS) * len(Mode) * len(set(REQUIREMENTS))


def test_after_the_kill_simple_holes_of_every_mode_still_come(router: ModelRouter) -> None:
    second_half = range(24, 48)
    modes = {question(n).mode for n in second_half if routed(router, n).primary == FAST}
    assert modes == set(Mode)


def test_the_request_says_what_a_gateway_needs() -> None:
    fields = {question(number).mode: question(number) for number in range(48)}
    sequential = request_of("x", fields[Mode.SEQUENTIAL].fields())
    assert sequential.hole.language == "python"
    assert sequential.sampling.HasField("temperature")
    assert sequential.sampling.temperature == 0.0
    several = request_from_wire(request_of("x", fields[Mode.BEST_OF_N].fields()), request_id="r")
    assert (several.strategy, several.n) == (Strategy.BEST_OF_N, 3)
    assert several.sampling.temperature is None
