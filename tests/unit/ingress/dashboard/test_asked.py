"""What the address of a page asks for."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.faults import Fault, Kind
from gateway.core.trace import StageStatus
from gateway.ingress.dashboard.asked import (
    ENDED,
    MAX_SKIP,
    PAGE,
    TraceQuery,
    name_of,
    traces_of,
    windows_with,
)
from gateway.state.traces import TraceFilter
from tests.fakes.dashboards import some_traces

TRACES = some_traces(64)
WINDOWS = windows_with(3600.0)


def test_a_window_is_one_of_those_that_can_be_picked() -> None:
    assert WINDOWS.picked({}) == WINDOWS.picked({"window": ""}) == 3600
    picked = [WINDOWS.picked({"window": text}) for text in ("300", "21600", "86400")]
    assert picked == [300, 21_600, 86_400]


def test_the_window_that_is_configured_can_be_picked_and_is_the_first() -> None:
    windows = windows_with(7200.0)
    assert windows.picked({}) == windows.picked({"window": "7200"}) == 7200
    assert [name for _, name in windows.names] == ["5 min", "1 h", "2 h", "6 h", "24 h"]


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("window", "301"),
        ("window", "1e3"),
        ("window", "-300"),
        ("window", "x" * 5000),
        ("status", "skipped"),
        ("status", "<b>"),
        ("slower_ms", "fast"),
        ("slower_ms", "-1"),
        ("slower_ms", "nan"),
        ("slower_ms", "inf"),
        ("slower_ms", "1" * 13),
        ("text", "x" * 201),
        ("endpoint", "x" * 201),
        ("skip", "-1"),
        ("skip", "1.5"),
        ("skip", "²"),
        ("skip", str(MAX_SKIP + 1)),
        ("skip", "9" * 5000),
    ],
)
def test_what_cannot_be_read_is_named(field: str, text: str) -> None:
    read = WINDOWS.picked if field == "window" else traces_of
    with pytest.raises(Fault, match=rf"^{field}: must ") as raised:
        read({field: text})
    assert raised.value.kind is Kind.INVALID


def test_an_id_must_be_given() -> None:
    assert name_of({"id": "../x"}) == "../x"
    with pytest.raises(Fault, match=r"^id: must be"):
        name_of({})


def test_empty_fields_of_a_form_leave_all() -> None:
    query = traces_of({"endpoint": "", "status": "", "slower_ms": "", "text": "  ", "skip": ""})
    assert query == TraceQuery()
    assert query.page(TRACES) == (tuple(TRACES[:-51:-1]), True)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({"status": "failed"}, lambda one: one.status is StageStatus.FAILED),
        ({"endpoint": "fast-8b"}, lambda one: one.endpoint == "fast-8b"),
        ({"slower_ms": "1500"}, lambda one: one.elapsed_s >= 1.5),
        ({"text": "REQ-00420"}, lambda one: one.request_id.startswith("req-00420")),
        ({"text": TRACES[3].trace_id[:7]}, lambda one: one is TRACES[3]),
        (
            {"status": "ok", "endpoint": "quality-70b", "slower_ms": "900"},
            lambda one: (one.status, one.endpoint) == ("ok", "quality-70b") and one.elapsed_s > 0.9,
        ),
    ],
)
def test_each_field_leaves_what_fits(query: dict[str, str], wanted: object) -> None:
    found, more = traces_of(query).page(TRACES)
    assert found == tuple(one for one in reversed(TRACES) if wanted(one))[:PAGE]  # type: ignore[operator]
    assert found
    assert not more or len(found) == PAGE


def test_pages_hold_each_trace_once() -> None:
    first, more = traces_of({}).page(TRACES)
    rest, no_more = traces_of({"skip": str(PAGE)}).page(TRACES)
    assert (first + rest, more, no_more) == (tuple(reversed(TRACES)), True, False)
    assert traces_of({"skip": "1000"}).page(TRACES) == ((), False)


QUERIES = st.builds(
    TraceQuery,
    st.builds(
        TraceFilter,
        st.sampled_from([None, *ENDED]),
        st.text(max_size=9),
        st.integers(0, 999_999).map(lambda one: one / 1000),
    ),
    st.text(max_size=9).map(str.strip),
    st.integers(0, MAX_SKIP),
)


@given(QUERIES)
def test_a_query_can_be_read_from_its_address(query: TraceQuery) -> None:
    fields = dict(parse_qsl(query.address(300)))
    assert WINDOWS.picked(fields) == 300
    assert traces_of(fields) == query
