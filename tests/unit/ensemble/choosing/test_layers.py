"""The real layers over the operator's topics: one after the other, and all together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.constraint import FillConstraint
from gateway.core.decision import Learned, RoutingReason
from gateway.core.endpoint import Capability
from gateway.core.hole import Hole, HoleSpec, Objective, Request
from gateway.core.matching import LayerName, LayerStatus, Level, ThresholdSet
from gateway.core.topics import Hint, Keyword, Topic
from gateway.ensemble.filler import _candidates
from gateway.ensemble.settings import EnsembleSettings
from gateway.routing.fuse import FusionSettings
from gateway.routing.matchers.similarity import SimilarityMatcher
from tests.fakes.choosing import Choosing, Says, asked, layer, lessons, prompt_about

KEYWORD, SIMILARITY, KNN, HEAD = (
    LayerName.KEYWORD,
    LayerName.SIMILARITY,
    LayerName.KNN,
    LayerName.HEAD,
)
VAULT = Topic(
    "vault",
    endpoint="dear",
    keywords=(Keyword("vault", 0.9),),
    samples=("rotate the master key of the safe",),
    hints=(Hint("sealed", "style", ("sealed box",)), Hint("open", "style", ("open box",))),
)
STUBS = Topic(
    "stubs",
    endpoint="cheap",
    keywords=(Keyword("stub", 0.9),),
    hints=(Hint("typed", "style", ("sealed box",)),),
)
TOPICS = (VAULT, STUBS)
STATUSES = ("keyword", "similarity", "knn", "head", "clarify")


async def test_a_keyword_decides_and_the_layers_after_it_are_skipped_with_the_reason() -> None:
    """L-02, L-06: each layer is in the record, with its own state."""
    choosing = Choosing(topics=TOPICS)
    found = await choosing.choose(asked(intent="read the vault"))
    assert found.decision.chain == ("dear", "cheap")
    assert found.decision.reason is RoutingReason.LEARNED
    learned = found.decision.learned
    assert learned is not None
    assert (learned.decided_by, learned.confidence) == ("keyword", pytest.approx(0.9))
    assert [record.layer for record in learned.layers] == list(STATUSES)
    first, *others = learned.layers
    assert (first.status, first.topic, first.endpoint) == (LayerStatus.DECIDED, "vault", "dear")
    assert {one.status for one in others} == {LayerStatus.SKIPPED}
    assert {one.reason for one in others} == {"keyword had decided"}
    assert choosing.events[0].layers == learned.layers


async def test_layers_that_are_not_trained_say_so_and_decide_nothing() -> None:
    """L-06: no placeholder answers for them."""
    learned = await Choosing(topics=TOPICS).learned(asked(intent="nothing of the kind"))
    assert learned.decided_by == "rules"
    assert layer(learned, KEYWORD).status is LayerStatus.DECLINED
    for name, words in ((KNN, "no outcome is known yet"), (HEAD, "no head is trained")):
        record = layer(learned, name)
        assert record.status is LayerStatus.UNAVAILABLE
        assert record.reason.startswith(words)
        assert (record.confidence, record.endpoint, record.attempted) == (0.0, "", False)
    assert layer(learned, LayerName.CLARIFY).confidence == 0.0


async def test_only_the_thresholds_in_force_say_what_is_sure_enough() -> None:
    """L-08: no number of the configuration or the layers is held against a confidence."""
    choosing = Choosing(topics=TOPICS)
    request = asked(intent="read the vault")
    choosing.know(thresholds=ThresholdSet(5, ((KEYWORD, 0.95),)))
    learned = await choosing.learned(request)
    assert learned.decided_by == "rules"
    assert layer(learned, KEYWORD).reason == "confidence 0.9 is below 0.95"
    assert layer(learned, SIMILARITY).reason == "version 5 of the thresholds has none for it"
    assert learned.threshold_version == 5
    choosing.know(thresholds=ThresholdSet(6, ((KEYWORD, 0.9),)))
    assert (await choosing.learned(request)).decided_by == "keyword"


async def test_the_surest_layer_is_followed_only_as_a_best_effort_and_is_flagged() -> None:
    """L-13: it never bypasses a threshold without a word."""
    unsure = ThresholdSet(5, ((KEYWORD, 0.95), (SIMILARITY, 0.99)))
    request = asked(intent="read the vault")
    choosing = Choosing(topics=TOPICS, best_effort=True)
    choosing.know(thresholds=unsure)
    found = await choosing.choose(request)
    learned = found.decision.learned
    assert learned is not None
    assert (found.decision.primary, learned.decided_by) == ("dear", "keyword")
    assert "less sure than its threshold" in found.decision.detail
    assert layer(learned, KEYWORD).status is LayerStatus.DECLINED
    assert layer(learned, LayerName.CLARIFY).reason == "best effort was asked for"
    strict = Choosing(topics=TOPICS)
    strict.know(thresholds=unsure)
    assert (await strict.learned(request)).decided_by == "rules"


async def test_a_layer_that_is_switched_off_is_recorded_as_such() -> None:
    """L-01."""
    choosing = Choosing(topics=TOPICS, layers_on=frozenset({SIMILARITY}))
    learned = await choosing.learned(asked(intent="read the vault"))
    for name in (KEYWORD, KNN, HEAD):
        record = layer(learned, name)
        assert (record.status, record.reason) == (LayerStatus.SKIPPED, "it is switched off")


async def test_a_sample_decides_where_no_keyword_does() -> None:
    learned = await Choosing(topics=TOPICS).learned(
        asked(intent="rotate the master key of the safe")
    )
    assert learned.decided_by == "similarity"
    assert layer(learned, KEYWORD).status is LayerStatus.DECLINED


async def test_layers_after_the_decision_run_as_shadows_and_change_nothing() -> None:
    """U-05: what they would have said is known, and is told apart."""
    choosing = Choosing(topics=TOPICS, shadow_share=1.0)
    learned = await choosing.learned(asked(intent="read the vault"))
    assert learned.decided_by == "keyword"
    assert not layer(learned, KEYWORD).shadow
    similar = layer(learned, SIMILARITY)
    assert similar.shadow
    assert similar.endpoint == "dear"
    assert similar.attempted


async def test_nobody_waits_for_a_shadow_that_is_more_than_a_computation() -> None:
    class Model:
        calls = 0

        def embed(self, texts: list[str]) -> list[list[float]]:
            self.calls += 1
            return [[1.0]] * len(texts)

    model = Model()
    similarity = SimilarityMatcher(TOPICS, model)
    keyword = Says(KEYWORD, "dear", 0.9, "vault")
    choosing = Choosing(topics=TOPICS, layers=[keyword, similarity], shadow_share=1.0)
    learned = await choosing.learned(asked(intent="read the vault"))
    assert model.calls == 1, "the topics' own vectors only"
    assert layer(learned, SIMILARITY).status is LayerStatus.SKIPPED


async def test_a_strict_rule_is_not_left_for_a_keyword() -> None:
    secure = Hole("x = ", spec=HoleSpec(fill_constraints=(FillConstraint("security", "no eval"),)))
    choosing = Choosing(topics=(replace(STUBS, keywords=(Keyword("x", 1.0),)),))
    for objective in Objective:
        request = Request(secure, "r", objective=objective)
        found = await choosing.choose(request)
        assert found.decision.chain == ("dear",)


async def test_a_topic_goes_to_the_first_endpoint_with_its_capability() -> None:
    topic = Topic("t", Capability.HIGH_QUALITY, keywords=(Keyword("prove", 1.0),))
    found = await Choosing(topics=(topic,)).choose(asked(intent="prove it"))
    assert found.decision.primary == "dear"


async def test_hints_are_those_of_the_topic_that_decided() -> None:
    learned = await Choosing(topics=TOPICS).learned(asked(intent="a vault in a sealed box"))
    assert learned.match.hints == (("style", "sealed"),)
    layers = [
        Says(KEYWORD, "cheap", 0.8, "stubs"),
        Says(SIMILARITY, "dear", 0.75, "vault"),
        Says(LayerName.SHAPE, "cheap", 1.0, "stubs"),
    ]
    choosing = Choosing(topics=TOPICS, layers=layers)
    learned = await choosing.learned(asked(intent="put it in a sealed box"))
    assert learned.decided_by == "similarity"
    assert learned.match.endpoint == "cheap", "all layers together would have chosen another"
    assert learned.match.hints == (("style", "sealed"),)


def candidates(choosing_settings: EnsembleSettings, request: Request, found: int | None) -> int:
    choosing = Choosing()
    decision = choosing.router.route(request)
    if found is not None:
        decision = replace(decision, learned=Learned("rules", candidates=found))
    return _candidates(request, choosing_settings, decision)


async def test_a_small_thing_gets_one_candidate_though_more_are_configured() -> None:
    choosing = Choosing(topics=TOPICS)
    learned = await choosing.learned(asked(intent="just a simple loop"))
    assert (learned.match.lite, learned.candidates) == (True, 1)
    five = EnsembleSettings(best_of_n=5)
    assert candidates(five, asked(), 1) == 1
    assert candidates(five, asked(), 0) == 5
    assert candidates(five, asked(), None) == 5
    assert candidates(five, asked(n=3, strategy=None), 1) == 3, "what the request says counts first"
    plain = await choosing.learned(asked(intent="read the vault"))
    assert (plain.match.lite, plain.candidates) == (False, 0)


@pytest.mark.parametrize(
    ("second", "set_up", "expected"),
    [(0.70, True, 2), (0.70, False, 0), (0.05, True, 0)],
)
async def test_two_candidates_are_worth_it_where_two_endpoints_score_alike(
    second: float, set_up: bool, expected: int
) -> None:
    """L-17."""
    layers = [Says(KEYWORD, "cheap", 0.8), Says(SIMILARITY, "dear", second)]
    choosing = Choosing(
        topics=TOPICS,
        layers=layers,
        two_when_close=set_up,
        fusion=FusionSettings(flag_ambiguity=set_up),
        fused=True,
    )
    learned = await choosing.learned(asked())
    assert learned.candidates == expected
    assert learned.match.ambiguous is (expected == 2)


async def test_all_layers_decide_together_where_they_agree() -> None:
    layers = [
        Says(KEYWORD, "dear", 0.8, "vault"),
        Says(SIMILARITY, "dear", 0.7, "vault"),
        Says(LayerName.SHAPE, "cheap", 0.9, "stubs"),
        Says(KNN),
    ]
    layers[2].weight = 0.15
    choosing = Choosing(topics=TOPICS, layers=layers, fused=True)
    found = await choosing.choose(asked())
    learned = found.decision.learned
    assert learned is not None
    assert (found.decision.primary, learned.decided_by) == ("dear", "fusion")
    assert learned.match.level is Level.HIGH
    assert learned.confidence == learned.match.evidence == pytest.approx(0.75)
    assert layer(learned, KEYWORD).status is LayerStatus.DECIDED
    assert layer(learned, LayerName.SHAPE).reason == "the layers chose another"
    assert layer(learned, KNN).status is LayerStatus.DECLINED
    assert layer(learned, HEAD).reason == "it is not configured"
    assert "evidence 0.75" in found.decision.detail


async def test_layers_that_are_not_sure_together_ask_or_leave_it_to_the_rules() -> None:
    layers = [Says(KEYWORD, "dear", 0.6), Says(SIMILARITY, "cheap", 0.6)]
    for clarify in (False, True):
        choosing = Choosing(topics=TOPICS, layers=layers, fused=True, clarify=clarify)
        learned = await choosing.learned(asked())
        assert learned.decided_by == "rules"
        assert layer(learned, KEYWORD).reason == "the layers together are not sure"
        assert layer(learned, KEYWORD).status is LayerStatus.DECLINED
        assert (learned.clarification is not None) is clarify
        if learned.clarification is not None:
            assert sorted(learned.clarification.candidates) == ["cheap", "dear"]


async def test_fusion_records_the_layers_that_are_switched_off() -> None:
    """L-02: what did not run is in the record with the reason."""
    layers = [Says(KEYWORD, "dear", 0.9), Says(SIMILARITY, "dear", 0.9)]
    choosing = Choosing(
        topics=TOPICS, layers=layers, fused=True, layers_on=frozenset({SIMILARITY, KNN})
    )
    learned = await choosing.learned(asked())
    assert layers[0].calls == 0
    assert layer(learned, KEYWORD).reason == "it is switched off"
    assert layer(learned, KEYWORD).status is LayerStatus.SKIPPED
    assert layer(learned, KNN).status is LayerStatus.UNAVAILABLE
    assert {one.layer for one in learned.layers} == set(LayerName) - {LayerName.CLARIFY}


async def test_topics_say_nothing_where_learning_is_off() -> None:
    choosing = Choosing(topics=TOPICS, enabled=False)
    learned = await choosing.learned(
        asked(intent="just a vault in a sealed box", objective=Objective.CHEAPEST)
    )
    assert learned.match.hints == ()
    assert (learned.match.lite, learned.candidates) == (False, 0)


async def test_outcomes_decide_where_no_topic_does() -> None:
    choosing = Choosing(topics=TOPICS)
    choosing.experienced(lessons("hard", cheap=0.1, dear=0.9))
    learned = await choosing.learned(asked(prompt_about("hard", 2), task="hard"))
    assert learned.decided_by == "knn"
    assert layer(learned, KEYWORD).status is LayerStatus.DECLINED
    assert "predicted" in dict(layer(learned, KNN).details)
