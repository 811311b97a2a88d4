from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from gateway.core.feedback import OutcomeReport, RoutingEvent
from gateway.core.matching import LayerName, LayerRecord, LayerStatus
from gateway.stores.lines import EVENTS, REPORTS
from tests.fakes.logged import event

FULL = event(
    layers=(
        LayerRecord(LayerName.KEYWORD, LayerStatus.DECLINED, 0.1, 0.85, "weak", "sql", "below"),
        LayerRecord(LayerName.HEAD, LayerStatus.DECIDED, details=(("a", "1"),), shadow=True),
    ),
    estimates=(("weak", 0.1 + 0.2),),
    arms=(("trial", "b"),),
    shadows=(("trial", "c", "strong"),),
    clarification=True,
    threshold_version=3,
    elapsed_s=0.00125,
    costs=(("weak", 12),),
)


def same(one: RoutingEvent, other: RoutingEvent) -> bool:
    return all(
        getattr(one, field.name) == getattr(other, field.name) for field in dataclasses.fields(one)
    )


@pytest.mark.parametrize("given", [event(), FULL], ids=["bare", "full"])
def test_an_event_is_read_as_it_was_written(given) -> None:
    assert same(EVENTS.read(EVENTS.write(given)), given)


def test_an_unknown_of_a_report_stays_unknown_and_a_false_stays_false() -> None:
    """O-06: what is missing in the text does not read as true."""
    given = OutcomeReport("d", "a", 1.0, compiled=False, quality=0.0)
    assert "accepted" not in REPORTS.write(given)
    assert REPORTS.read(REPORTS.write(given)) == given


def test_every_field_but_the_features_is_written() -> None:
    names = {field.name for field in dataclasses.fields(RoutingEvent)} - {"features"}
    written = json.loads(EVENTS.write(dataclasses.replace(
        FULL, experience_version=1, snapshot_version=1)))  # fmt: skip
    assert set(written) == names


def test_numbers_of_numpy_and_numbers_that_json_lacks_are_written() -> None:
    given = event(estimates=(("weak", np.float32(0.5)), ("strong", float("nan"))))
    (_, half), (_, nan) = EVENTS.read(EVENTS.write(given)).estimates
    assert half == 0.5
    assert np.isnan(nan)


def test_a_field_of_a_later_version_is_passed_over() -> None:
    text = EVENTS.write(FULL)
    assert same(EVENTS.read('{"novelty":[1],' + text[1:]), FULL)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"decision_id":"d"}', "\x00"])
def test_anything_else_is_refused(text) -> None:
    with pytest.raises(ValueError, match="RoutingEvent"):
        EVENTS.read(text)


def test_half_a_surrogate_pair_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        EVENTS.write(event(request_id="\ud800"))
