"""What holds for every experience and every request."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.experience import Observation
from gateway.core.features import Features
from gateway.learning.experience import learn
from gateway.learning.settings import LearningSettings
from gateway.routing.gain import estimate
from tests.fakes.past import asked

WORDS = ("alpha", "beta", "gamma", "delta", "x", "")
ENDPOINTS = ("one", "two", "three")

texts = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)
features = st.builds(lambda text, task: asked(text, task=task), texts, st.sampled_from(["", "t"]))
scores = st.dictionaries(st.sampled_from(ENDPOINTS), st.floats(0, 1), max_size=3)
observations = st.builds(
    lambda seen, scored, at: Observation(seen, tuple(scored.items()), at),
    features,
    scores,
    st.floats(0, 1e9),
)
some = st.lists(st.sampled_from((*ENDPOINTS, "stranger")), min_size=1, unique=True)


@given(st.lists(observations, max_size=30), features, some)
@settings(max_examples=60, deadline=None)
def test_every_number_stays_within_0_and_1(
    rows: list[Observation], request: Features, endpoints: list[str]
) -> None:
    found = estimate(learn(rows, version=1), request, endpoints)
    for named in (found.quality, found.expected, *(one.quality for one in found.layers)):
        assert [name for name, _ in named] == endpoints
        assert all(0.0 <= quality <= 1.0 for _, quality in named)
    assert 0.0 <= found.support <= 1.0
    assert found.effective_n >= 0.0
    assert -1e-6 <= found.similarity <= 1.0 + 1e-6
    for one in found.layers:
        assert 0.0 <= one.support <= 1.0
        assert 0.0 <= one.confidence <= 1.0


@given(st.lists(observations, min_size=1, max_size=20), features, st.integers(0, 20))
@settings(max_examples=40, deadline=None)
def test_the_order_of_observations_of_one_age_does_not_matter(
    rows: list[Observation], request: Features, by: int
) -> None:
    aged = [Observation(one.features, one.scores, 5.0) for one in rows]
    turned = aged[by % len(aged) :] + aged[: by % len(aged)]
    wide = LearningSettings(neighbours=100)
    first, second = (
        estimate(learn(one, wide, version=1), request, ENDPOINTS) for one in (aged, turned)
    )
    for (_, left), (_, right) in zip(first.expected, second.expected, strict=True):
        assert abs(left - right) < 1e-4


@given(features)
@settings(max_examples=100, deadline=None)
def test_features_come_back_from_their_bytes(request: Features) -> None:
    back = Features.from_bytes(request.to_bytes())
    assert back.buckets.tolist() == request.buckets.tolist()
    assert back.counts.tolist() == request.counts.tolist()
    assert (back.length, back.task, back.language) == (
        request.length,
        request.task,
        request.language,
    )
