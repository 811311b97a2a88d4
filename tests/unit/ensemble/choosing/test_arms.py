"""Experiments and the adaptive policy: who is in which arm, and with which probability."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pytest
from numpy.random import default_rng

from gateway.core.decision import RoutingReason
from gateway.core.experiments import Arm, Experiment, UnitKey
from gateway.core.hole import Objective, RoutingMode
from gateway.core.matching import LayerName, LayerStatus
from gateway.core.topics import Keyword, Topic
from gateway.ensemble.choosing.setup import MOST_EXPOSED
from gateway.learning.bandit import AdaptiveSettings, BanditState, Evidence
from tests.fakes.choosing import Choosing, Says, asked, layer, lessons, prompt_about

CONTROL = Arm("control", control=True)
TO_DEAR = Arm("dear", endpoint="dear")
VAULT = Topic("vault", endpoint="dear", keywords=(Keyword("vault", 0.9),))
EVERYBODY = 1.0
MANY = 2000
NEAR = 0.04
"""More than three standard deviations of a share of so many."""


def experiment(
    *arms: Arm, name: str = "e", share: float = EVERYBODY, **fields: object
) -> Experiment:
    return Experiment(name, name, arms, UnitKey.SESSION, share=share, **fields)


def running(*experiments: Experiment, **setup: object) -> Choosing:
    choosing = Choosing(**setup)
    choosing.know(experiments=experiments)
    return choosing


async def outcomes(choosing: Choosing, number: int = MANY) -> Counter[str]:
    """Choose for so many sessions; every propensity that is logged must be the same."""
    for unit in range(number):
        await choosing.choose(asked(session_id=f"s{unit}", request_id=f"r{unit}"))
    assert len({event.propensities for event in choosing.events}) == 1
    return Counter(event.chosen for event in choosing.events)


async def test_a_session_stays_in_its_arm_whatever_it_asks() -> None:
    """B-01: split by a hash, never drawn."""
    choosing = running(experiment(CONTROL, TO_DEAR))
    arms: dict[str, set[str]] = {}
    for number in range(200):
        session = f"s{number % 20}"
        request = asked(f"ask {number}", session_id=session, request_id=f"r{number}")
        learned = await choosing.learned(request)
        ((_, arm),) = learned.arms
        arms.setdefault(session, set()).add(arm)
        assert choosing.events[-1].arms == learned.arms
        assert (choosing.events[-1].chosen == "dear") is (arm == "dear")
    assert all(len(found) == 1 for found in arms.values())
    assert {arm for found in arms.values() for arm in found} == {"control", "dear"}


async def test_an_arm_that_prefers_an_endpoint_says_so() -> None:
    choosing = running(experiment(TO_DEAR))
    found = await choosing.choose(asked(session_id="s"), explain=True)
    assert found.decision.reason is RoutingReason.EXPERIMENT
    assert found.decision.chain == ("dear", "cheap")
    assert "arm 'dear' prefers 'dear'" in found.decision.detail
    learned = found.decision.learned
    assert learned is not None
    assert learned.decided_by == "experiment"
    assert [one.endpoint for one in learned.scores] == ["cheap", "dear"]


async def test_who_is_in_no_arm_is_answered_as_ever_and_logged_with_the_same_propensity() -> None:
    choosing = running(experiment(CONTROL, TO_DEAR, share=0.0))
    learned = await choosing.learned(asked(session_id="s"))
    assert learned.arms == ()
    assert learned.decided_by == "rules"
    assert choosing.events[0].propensities == (("cheap", 1.0),)
    assert list(choosing.knowledge.exposed) == []


@pytest.mark.parametrize(
    ("experiments", "dear"),
    [
        ((experiment(CONTROL, replace(TO_DEAR, weight=3.0), share=0.6),), 0.45),
        # The second experiment gets what the first one leaves.
        (
            (
                experiment(CONTROL, replace(TO_DEAR, weight=3.0), share=0.4),
                experiment(CONTROL, TO_DEAR, name="f", share=0.5),
            ),
            0.4 * 0.75 + 0.6 * 0.5 * 0.5,
        ),
        # Who is in a shadow arm is answered as ever, and may be in the next experiment.
        (
            (
                experiment(CONTROL, TO_DEAR, Arm("dark", 2.0, shadow=True, endpoint="dear")),
                experiment(TO_DEAR, name="f", share=0.3),
            ),
            0.25 + 0.5 * 0.3,
        ),
    ],
)
async def test_first_choices_are_as_frequent_as_the_logged_propensities(
    experiments: Iterable[Experiment], dear: float
) -> None:
    choosing = running(*experiments)
    chosen = await outcomes(choosing)
    propensities = dict(choosing.events[0].propensities)
    assert propensities == {"cheap": pytest.approx(1 - dear), "dear": pytest.approx(dear)}
    assert chosen["dear"] / MANY == pytest.approx(dear, abs=NEAR)
    exposed = Counter(pair for event in choosing.knowledge.exposed for pair in event.arms)
    counted = Counter(pair for event in choosing.events for pair in event.arms)
    assert exposed == counted


async def test_a_shadow_arm_changes_nothing_but_is_recorded_with_its_choice() -> None:
    """B-02: it runs without any effect on the answer."""
    choosing = running(experiment(Arm("dark", shadow=True, endpoint="dear")))
    request = asked(session_id="s")
    found = await choosing.choose(request)
    assert replace(found.decision, learned=None) == choosing.router.route(request)
    learned = found.decision.learned
    assert learned is not None
    assert learned.arms == (("e", "dark"),)
    (event,) = choosing.events
    assert event.shadows == (("e", "dark", "dear"),)
    assert event.propensities == (("cheap", 1.0),)
    assert list(choosing.knowledge.exposed) == [event]


async def test_a_shadow_arm_asks_the_layers_no_second_time() -> None:
    keyword = Says(LayerName.KEYWORD, "dear", 0.9, "vault")
    arms = (Arm("dark", shadow=True, layers=frozenset({LayerName.KEYWORD})), CONTROL)
    choosing = running(experiment(*arms), topics=(VAULT,), layers=[keyword])
    await choosing.choose(asked(session_id="s"))
    assert keyword.calls == 1


async def test_an_arm_chooses_the_set_of_layers_and_their_thresholds() -> None:
    """L-07."""
    request = asked(intent="read the vault", session_id="s")
    arms = {
        "none": Arm("none", layers=frozenset()),
        "strict": Arm("strict", thresholds=((LayerName.KEYWORD, 0.95),)),
        "rules": Arm("rules", routing_mode=RoutingMode.RULES),
        "as it is": Arm("as it is"),
    }
    found = {}
    for name, arm in arms.items():
        choosing = running(experiment(arm), topics=(VAULT,))
        found[name] = await choosing.learned(request)
    assert {name: one.decided_by for name, one in found.items()} == {
        "none": "rules",
        "strict": "rules",
        "rules": "rules",
        "as it is": "keyword",
    }
    assert layer(found["none"], LayerName.KEYWORD).status is LayerStatus.SKIPPED
    assert layer(found["strict"], LayerName.KEYWORD).threshold == 0.95
    assert found["strict"].threshold_version == 1
    assert found["rules"].layers == ()


async def test_an_arm_may_have_an_objective_of_its_own() -> None:
    arm = Arm("accurate", objective=Objective.ACCURATE)
    choosing = running(experiment(arm))
    choosing.experienced(lessons("hard", cheap=0.1, dear=0.9))
    request = asked(prompt_about("hard", 2), task="hard", session_id="s")
    assert (await choosing.learned(request)).decided_by == "objective"


@pytest.mark.parametrize("mode", [RoutingMode.RULES, RoutingMode.LEARNED])
async def test_who_names_the_part_of_the_router_takes_no_part(mode: RoutingMode) -> None:
    choosing = running(experiment(TO_DEAR))
    found = await choosing.choose(asked(session_id="s", routing_mode=mode))
    assert found.decision.primary == "cheap"
    assert choosing.events[0].arms == ()


@pytest.mark.parametrize("objective", list(Objective))
async def test_no_experiment_runs_where_learning_is_off(objective: Objective) -> None:
    choosing = running(experiment(TO_DEAR), enabled=False)
    await choosing.choose(asked(session_id="s", objective=objective))
    (event,) = choosing.events
    assert event.arms == ()
    assert event.decided_by in {"rules", "objective"}


async def test_an_arm_does_not_take_a_request_to_where_it_may_not_go() -> None:
    choosing = running(experiment(Arm("gone", endpoint="gone")))
    assert (await choosing.learned(asked(session_id="s"))).decided_by == "rules"


async def test_decisions_that_wait_to_be_counted_are_bounded() -> None:
    assert Choosing().knowledge.exposed.maxlen == MOST_EXPOSED


KNOWN = BanditState(0.0, {"rule fast_match": {"cheap": Evidence(60, 40), "dear": Evidence(90, 10)}})
ADAPTIVE = AdaptiveSettings(draws=64, warm_up_share=0.3)


def adaptive(settings: AdaptiveSettings | None = ADAPTIVE, seed: int = 7) -> Choosing:
    choosing = Choosing(adaptive=settings)
    choosing.know(bandit=KNOWN)
    choosing.chooser._rng = default_rng(seed)
    return choosing


async def test_the_adaptive_policy_is_off_unless_it_is_switched_on() -> None:
    learned = await adaptive(None).learned(asked())
    assert learned.decided_by == "rules"
    assert learned.propensities == (("cheap", 1.0),)


async def test_draws_follow_the_logged_propensities() -> None:
    choosing = adaptive(AdaptiveSettings(draws=64, min_evidence=1e6, warm_up_share=0.3))
    for _ in range(MANY):
        learned = await choosing.learned(asked())
        assert sum(dict(learned.propensities).values()) == pytest.approx(1)
        assert learned.confidence == dict(learned.propensities)[choosing.events[-1].chosen]
    events = choosing.events
    expected = sum(dict(event.propensities)["dear"] for event in events) / MANY
    drawn = sum(event.chosen == "dear" for event in events) / MANY
    assert expected == pytest.approx(0.3, abs=0.01)
    assert drawn == pytest.approx(expected, abs=NEAR)
    assert {event.decided_by for event in events} == {"adaptive"}
    assert choosing.events[0].rule == "fast_match"


async def test_the_policy_keeps_quiet_about_what_it_does_not_know() -> None:
    learned = await adaptive().learned(asked(task="unheard of"))
    assert learned.decided_by == "rules"


async def test_a_drawn_choice_says_with_which_probability() -> None:
    found = await adaptive().choose(asked())
    assert found.decision.reason is RoutingReason.ADAPTIVE
    assert "was drawn with a probability of" in found.decision.detail
    assert "rule fast_match" in found.decision.detail
