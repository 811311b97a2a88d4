"""`ensemble route --json` over the example holes and fleets gives the answers that are promised."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
SET_HERE = ("ENSEMBLE_", "QUALITY_API_KEY")
ENVIRONMENT = {name: text for name, text in os.environ.items() if not name.startswith(SET_HERE)}


@dataclass(frozen=True, slots=True)
class Case:
    hole: str
    config: str
    primary: str
    fallbacks: Sequence[str]
    reason: str
    policy: str


FLEET, SINGLE = "r13.toml", "r13-single.toml"
CASES = (
    Case("simple", FLEET, "fast", ["quality", "constrained"], "FAST_MATCH", "PREFER"),
    Case("security", FLEET, "quality", [], "SECURITY_MATCH", "STRICT"),
    Case("constrained", FLEET, "constrained", ["fast", "quality"], "CONSTRAINED_MATCH", "PREFER"),
    Case("chain", FLEET, "fast", ["quality", "constrained"], "FAST_MATCH", "PREFER"),
    Case("no_capability", SINGLE, "plain", [], "SECURITY_NO_MATCH", "PREFER"),
)


def ensemble(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
        env={**ENVIRONMENT, **environment},
    )


def route(hole: str, config: str, **environment: str) -> subprocess.CompletedProcess[str]:
    request = str(EXAMPLES / "holes" / f"{hole}.json")
    config = str(EXAMPLES / config)
    return ensemble("route", "--json", "--config", config, "--request", request, **environment)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.hole)
def test_a_hole_goes_where_its_rule_says(case: Case) -> None:
    done = route(case.hole, case.config)
    assert (done.returncode, done.stderr) == (0, "")
    decision: dict[str, Any] = json.loads(done.stdout)
    assert decision["primary"] == case.primary
    assert decision["fallbacks"] == case.fallbacks
    assert decision["reason"] == f"ROUTING_REASON_{case.reason}"
    assert decision["chain_policy"] == f"CHAIN_POLICY_{case.policy}"


def test_the_reason_says_in_words_that_no_endpoint_is_security_aware() -> None:
    decision = json.loads(route("no_capability", SINGLE).stdout)
    assert "no eligible endpoint has security_aware" in decision["detail"]


def test_a_strict_chain_refuses_the_hole_that_no_endpoint_may_get() -> None:
    done = route("no_capability", SINGLE, ENSEMBLE_ROUTER__SECURITY_CHAIN="strict")
    assert (done.returncode, done.stdout) == (1, "")
    assert "NO_ELIGIBLE_ENDPOINT" in done.stderr


def test_the_example_configuration_is_good_once_its_key_is_set() -> None:
    config = str(EXAMPLES / "gateway.toml")
    missing = ensemble("config", "check", "--config", config)
    assert missing.returncode == 3
    assert "QUALITY_API_KEY is not set" in missing.stderr
    good = ensemble("config", "check", "--config", config, QUALITY_API_KEY="key")
    assert (good.returncode, good.stderr) == (0, "")


@pytest.mark.parametrize(
    ("hole", "chain"),
    [
        ("simple", ["fast", "quality", "constrained"]),
        ("security", ["quality"]),
        ("constrained", ["constrained", "fast", "quality"]),
    ],
)
def test_the_example_fleet_routes_by_capability(hole: str, chain: list[str]) -> None:
    decision = json.loads(route(hole, "gateway.toml", QUALITY_API_KEY="key").stdout)
    assert [decision["primary"], *decision["fallbacks"]] == chain
