"""Handovers as bands between two columns of names."""

from __future__ import annotations

from itertools import pairwise

import pytest

from gateway.core.overview import Handover
from gateway.ingress.dashboard.handover_flow import MOST_BANDS, handover_flow
from tests.fakes.dashboards import HANDOVERS


def test_a_pair_is_one_band_with_its_reasons() -> None:
    flow = handover_flow(HANDOVERS)
    first = flow.bands[0]
    assert (first.source, first.target, first.count) == ("replica-b", "fast-8b", 141)
    assert first.why == "UPSTREAM_TIMEOUT 96, BREAKER_OPEN 45"
    assert sum(band.count for band in flow.bands) == sum(one.count for one in HANDOVERS)
    assert flow.left_out == 0


def test_bands_are_as_wide_as_they_are_frequent_and_fill_their_names() -> None:
    flow = handover_flow(HANDOVERS)
    first, second = flow.bands[:2]
    assert first.width / second.width == pytest.approx(first.count / second.count, rel=0.01)
    for side, nodes in (("source", flow.sources), ("target", flow.targets)):
        for node in nodes:
            bands = [band for band in flow.bands if getattr(band, side) == node.name]
            assert node.height == pytest.approx(sum(band.width for band in bands), abs=0.05)
            assert node.count == sum(band.count for band in bands)
    for nodes in (flow.sources, flow.targets):
        assert all(one.top + one.height < other.top for one, other in pairwise(nodes))
        assert nodes[-1].top + nodes[-1].height <= flow.height


def test_nothing_is_drawn_of_nothing() -> None:
    assert handover_flow(()).bands == handover_flow((Handover("a", "b", "x", 0),)).bands == ()


def test_rare_pairs_are_left_to_the_table_and_long_names_are_cut() -> None:
    many = [Handover(f"a-rather-long-name-{number}", "b", "X", number) for number in range(1, 21)]
    flow = handover_flow(many)
    assert (len(flow.bands), flow.left_out) == (MOST_BANDS, 20 - MOST_BANDS)
    assert flow.bands[0].count == 20
    assert {one.shown for one in flow.sources} == {"a-rather-long-…"}
