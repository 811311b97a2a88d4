"""Alert rules and the Grafana dashboard load, and ask for nothing that docs/metrics.md lacks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from gateway.telemetry.catalogue import BY_NAME, PREFIX, Metric, MetricKind
from tests.house.sources import ROOT

yaml = import_module("yaml")

NAME = re.compile(r"\bgateway_\w+")
SELECTOR = re.compile(r"(gateway_\w+)\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"')
GROUPED = re.compile(r"\bby \(([^)]*)\)")
LEGEND = re.compile(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}")
UNITS = {"": "", "s": "_seconds"}


def exposed(metric: Metric) -> set[str]:
    """The names of a metric's series as Prometheus keeps them."""
    name = f"{PREFIX}_{metric.name.replace('.', '_')}{UNITS[metric.unit]}"
    if metric.kind is MetricKind.HISTOGRAM:
        return {f"{name}_{part}" for part in ("bucket", "sum", "count")}
    return {f"{name}_total"} if metric.kind is MetricKind.COUNTER else {name}


SERIES = {name: metric for metric in BY_NAME.values() for name in exposed(metric)}


def rules() -> Iterator[dict[str, Any]]:
    text = (ROOT / "deploy" / "prometheus" / "alerts.yaml").read_text(encoding="utf-8")
    for group in yaml.safe_load(text)["groups"]:
        assert set(group) == {"name", "rules"}
        yield from group["rules"]


def panels() -> Iterator[dict[str, Any]]:
    text = (ROOT / "deploy" / "grafana" / "dashboard.json").read_text(encoding="utf-8")
    for panel in json.loads(text)["panels"]:
        if panel["type"] != "row":
            yield panel


RULES = list(rules())
PANELS = list(panels())
EXPRESSIONS = [(rule["alert"], rule["expr"]) for rule in RULES] + [
    (panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]
]


def wrong_with(expression: str) -> list[str]:
    """Say what of an expression is none of ours."""
    names = NAME.findall(expression)
    found = [f"no metric {name}" for name in names if name not in SERIES]
    known = [SERIES[name] for name in names if name in SERIES]
    allowed = {label for metric in known for label in metric.labels} | {"le"}
    for name, matchers in SELECTOR.findall(expression):
        labels = SERIES[name].labels if name in SERIES else ()
        found += [
            f"no label {label}" for label, _ in MATCHER.findall(matchers) if label not in labels
        ]
    for grouped in GROUPED.findall(expression):
        found += [f"no label {label}" for label in grouped.split(", ") if label not in allowed]
    pairs = [expression.count(one) for one in "(){}[]"]
    if pairs[::2] != pairs[1::2]:
        found.append("brackets do not match")
    return found if names else ["asks for nothing of ours"]


@pytest.mark.parametrize(("title", "expression"), EXPRESSIONS)
def test_an_expression_asks_for_metrics_of_the_table_only(title: str, expression: str) -> None:
    assert wrong_with(expression) == [], title


@pytest.mark.parametrize(
    "expression",
    [
        "sum(gateway_nothing)",
        'gateway_breaker_state{colour="red"}',
        "sum by (colour) (gateway_breaker_state)",
        "sum(gateway_breaker_state",
        "sum(up)",
    ],
)
def test_the_check_sees_what_is_wrong(expression: str) -> None:
    assert len(wrong_with(expression)) == 1


def test_words_that_a_selector_asks_for_are_some_that_the_gateway_says() -> None:
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    text += (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    text += (ROOT / "docs" / "learning.md").read_text(encoding="utf-8")
    for _, expression in EXPRESSIONS:
        for _, matchers in SELECTOR.findall(expression):
            for label, words in MATCHER.findall(matchers):
                if label != "status_code":
                    assert [word for word in words.split("|") if f"`{word}`" not in text] == []


def test_a_rule_has_what_an_operator_needs() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(set(names)) == len(names)
    for rule in RULES:
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}
        assert rule["annotations"]["summary"]
        grouped = {label for one in GROUPED.findall(rule["expr"]) for label in one.split(", ")}
        assert set(LEGEND.findall(rule["annotations"]["summary"])) <= grouped


def test_panels_have_different_numbers_and_do_not_overlap() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        place = panel["gridPos"]
        cells = {
            (place["x"] + across, place["y"] + down)
            for across in range(place["w"])
            for down in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_the_panels_of_g_07_are_there() -> None:
    """G-07: decisions by layer, time to decision, load, active requests, errors, cache hit rate."""
    asked = " ".join(expression for _, expression in EXPRESSIONS)
    for name in (
        "gateway_routing_decisions_total", "gateway_routing_duration_seconds_bucket",
        "gateway_endpoint_in_flight", "gateway_requests_in_flight",
        "gateway_request_failures_total", "gateway_jobs_in_flight",
        'gateway_cache_requests_total{result="hit"}',
        'gateway_cache_requests_total{result="coalesced"}',
        "gateway_cache_removed_total", "gateway_cache_bytes",
    ):  # fmt: skip
        assert name in asked
