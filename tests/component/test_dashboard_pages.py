"""The pages of the dashboard over the real admin listener, read like a stranger would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest

from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.overview import Handover, RecentDecision
from gateway.core.trace import Change, StageStatus, TextPolicy, TraceFailure, text_record
from gateway.ingress.dashboard import look
from gateway.ingress.dashboard.sources import DashboardSources
from gateway.ingress.dashboard.views import FILES, HERE
from tests.fakes.dashboard_reader import Site
from tests.fakes.dashboards import (
    EMPTY,
    HOSTILE,
    DemoGateway,
    busy,
    dashboard,
    some_traces,
    trace,
)
from tests.fakes.watched import get

VIEWS = ("/", "/routing", "/fallbacks", "/traces")


@pytest.fixture(scope="module")
async def running() -> AsyncIterator[Site]:
    """One listener for all tests of the module; it takes a moment to close."""
    gateway = DemoGateway()
    async with dashboard(gateway.sources(0.0)) as port, aiohttp.ClientSession() as session:
        yield Site(port, gateway, session)


@pytest.fixture
def site(running: Site) -> Site:
    running.gateway.shown, running.gateway.kept, running.gateway.asked = None, some_traces(), []
    return running


@pytest.mark.parametrize("path", [*VIEWS, "/trace?id=req-004204"])
async def test_a_page_holds_nothing_inline_and_nothing_from_elsewhere(
    site: Site, path: str
) -> None:
    page, response = await site.get(path)
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"
    assert all(one.get("src") for one in page.all("script"))
    assert page.all("style") == []
    for _, attributes in page.elements:
        assert "style" not in attributes
        assert [name for name in attributes if name.startswith(("on", "hx-on"))] == []
    assert {link for link in page.links() if not link.startswith(("/", "#"))} == set()
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


async def test_every_link_leads_somewhere(site: Site) -> None:
    links: set[str] = set()
    for path in (*VIEWS, "/trace?id=req-004204"):
        page, _ = await site.get(path)
        found = {link for link in page.links() if link.startswith("/")}
        traces = sorted(link for link in found if link.startswith("/trace?"))
        links |= found.difference(traces[2:])  # one is as good as another
    assert {link.partition("?")[0] for link in links} >= {*VIEWS, "/trace", "/events"}
    for link in links:
        assert await site.status(link) == 200, link


async def test_the_overview_tells_all_there_is(site: Site) -> None:
    words = await site.words("/")
    for told in ("13,736", "97.4%", "243 ms", "1.31 s", "$34.31", "357 failed"):
        assert told in words
    assert "replica-b ✕ ejected 640 66.9% 498 ms 1.90 s 5.00 s $0.5120 ✕ open" in words
    assert "constrained ✓ in use 1,127 98.3%" in words
    assert "▲ half open" in words
    assert "decisions by similarity 24.6% of 13,736 ✕ alarm at least 40%" in words
    assert "in flight 10 now" in words
    assert "hedges that won 118 since the start" in words


async def test_routing_tells_layers_decisions_and_experiments(site: Site) -> None:
    words = await site.words("/routing")
    assert "keyword 13,736 4,550 0.020 ms 33.1% ✓ good 98.1% ✓ good 1,204 97.0%" in words
    assert "head 4,206 759 0.36 ms 5.5% ✓ good 71.3% ✕ alarm 188 74.0%" in words
    assert "req-004207 14:13:20 fast-8b keyword 98.0% 0.060 ms" in words
    assert "hot-sampling ▲ stopped: quality fell below its guard rail" in words
    assert "small 6,367 1,288 88.4%" in words


async def test_only_decisions_with_a_trace_lead_to_one(site: Site) -> None:
    site.gateway.kept = site.gateway.kept[-2:]
    page, _ = await site.get("/routing")
    links = [link for link in page.links() if link.startswith("/trace?")]
    assert sorted(links) == [f"/trace?id=req-00420{number}&window=3600" for number in (6, 7)]


async def test_fallbacks_tell_who_handed_over_and_why(site: Site) -> None:
    page, _ = await site.get("/fallbacks")
    words = " ".join(page.text.split())
    assert "315 of 13,736 requests" in words
    assert "replica-b fast-8b upstream timeout 96" in words
    assert "replica-b to fast-8b: UPSTREAM_TIMEOUT 96, BREAKER_OPEN 45" in words
    assert len([one for one in page.all("path") if one.get("class") == "band"]) == 6


async def test_a_trace_tells_its_stages_the_failing_ones_opened(site: Site) -> None:
    page, _ = await site.get("/trace?id=req-004204")
    words = " ".join(page.text.split())
    assert "all candidates rejected every candidate failed a check" in words
    assert "attempt[0] replica-b, UPSTREAM_TIMEOUT, no answer within 200 ms ✕ failed" in words
    assert "own time 27 ms" in words
    assert "endpoint replica-b breaker closed open" in words
    assert "def mean(values: list[float]) -> float: return" in words
    opened = [one for one in page.all("details") if "open" in one]
    assert len(page.all("details")) == 12
    assert len(opened) == 2


async def test_a_trace_is_found_by_its_own_id_too(site: Site) -> None:
    wanted = site.gateway.kept[7]
    assert wanted.request_id in await site.words(f"/trace?id={wanted.trace_id}")


async def test_missed_targets_are_in_the_title_and_on_every_page(site: Site) -> None:
    for path in VIEWS:
        page, _ = await site.get(path)
        name = path.strip("/").capitalize() or "Overview"
        assert f"✕ decisions by similarity · {name} · ensemble-gateway" in page.text
        assert "✕ Alarm decisions by similarity 24.6%" in " ".join(page.text.split())
    missed = busy().targets[2]
    site.gateway.shown = replace(EMPTY, targets=(missed,) * 3)
    assert (await site.words("/")).startswith("✕ 3 targets · Overview · ensemble-gateway")
    site.gateway.shown = EMPTY
    assert (await site.words("/")).startswith("Overview · ensemble-gateway")


async def test_without_anything_each_page_says_what_to_do(site: Site) -> None:
    site.gateway.shown, site.gateway.kept = EMPTY, []
    words = await site.words("/")
    assert "No requests in this window yet: send one with ensemble generate" in words
    assert "No endpoints are configured" in words
    assert "No decisions in this window yet" in await site.words("/routing")
    assert "there were no requests in it" in await site.words("/fallbacks")
    assert "No request was traced yet" in await site.words("/traces")
    site.gateway.kept = some_traces(2)
    words = await site.words("/traces?text=nothing-like-it")
    assert "None of the 2 traces that are kept fits." in words


async def test_with_tracing_off_there_is_a_word_instead_of_traces() -> None:
    sources = DashboardSources(DemoGateway().overview)
    async with dashboard(sources) as port, aiohttp.ClientSession() as session:
        site = Site(port, DemoGateway(), session)
        assert "No traces are kept: set trace.enabled = true." in await site.words("/traces")
        assert "set trace.enabled" in await site.words("/trace?id=x", 404)
        assert "req-004207" in await site.words("/routing")


async def test_a_filter_leaves_what_fits_and_keeps_what_was_asked_for(site: Site) -> None:
    page, _ = await site.get("/traces?status=failed&slower_ms=900&endpoint=quality-70b&text=REQ-")
    rows = page.text.count("all candidates rejected")
    assert 0 < rows < 8
    assert page.text.count("✓ ok") == 0
    inputs = {one.get("name"): one.get("value") for one in page.all("input")}
    assert inputs == {"window": "3600", "slower_ms": "900", "text": "REQ-"}
    assert [one.get("value") for one in page.all("option") if "selected" in one] == [
        "quality-70b",
        "failed",
    ]
    (live,) = [one for one in page.all("div") if one.get("id") == "live"]
    assert live["data-events"] == (
        "/events?view=traces&window=3600&endpoint=quality-70b&status=failed&slower_ms=900&text=REQ-"
    )


async def test_older_traces_are_a_page_further(site: Site) -> None:
    page, _ = await site.get("/traces?status=ok")
    assert "/traces?window=3600&status=ok&skip=50" in page.links()
    page, _ = await site.get("/traces?status=ok&skip=50")
    assert "/traces?window=3600&status=ok" in page.links()
    assert not any("skip=100" in link for link in page.links())


@pytest.mark.parametrize("window", [300, 3600, 21_600, 86_400])
async def test_a_window_is_asked_for_and_kept_in_links(site: Site, window: int) -> None:
    page, _ = await site.get(f"/?window={window}")
    assert site.gateway.asked == [window]
    (chosen,) = [one for one in page.all("a") if one.get("aria-current") == "true"]
    assert chosen["href"] == f"/?window={window}"
    assert f"/traces?window={window}" in page.links()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/?window=7", "window: must be one of 300, 3600, 21600, 86400 (seconds)"),
        ("/events?window=7", "window: must be one of"),
        ("/events?view=traces&status=x", "status: must be one of ok, failed, cancelled"),
        ("/traces?slower_ms=much", "slower_ms: must be a number of milliseconds"),
        ("/traces?skip=-1", "skip: must be a whole number"),
        ("/trace", "id: must be the id of a trace"),
    ],
)
async def test_what_cannot_be_asked_for_is_named(site: Site, path: str, words: str) -> None:
    assert words in await site.words(path, 400)
    assert site.gateway.asked == []


async def test_an_unknown_trace_is_not_found(site: Site) -> None:
    assert "Of 'nobody' no trace is kept" in await site.words("/trace?id=nobody", 404)


async def test_numbers_that_cannot_be_had_are_a_page_that_says_so(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: float) -> None:
        raise Fault(Kind.INTERNAL, Origin.US, Reason.STORE_UNAVAILABLE, "the store is away")

    async def slow(_: float) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(look, "LOOK_S", 0.01)
    for source, words in ((broken, "the store is away"), (slow, "took too long")):
        sources = DashboardSources(source)  # type: ignore[arg-type]
        async with dashboard(sources) as port, aiohttp.ClientSession() as session:
            assert words in await Site(port, site.gateway, session).words("/", 503)


def hostile_gateway() -> DemoGateway:
    names = {
        "request_id": HOSTILE,
        "endpoint": HOSTILE,
        "model": HOSTILE,
        "decided_by": HOSTILE,
        "rule": HOSTILE,
        "session_id": HOSTILE,
        "decision_id": HOSTILE,
        "level": HOSTILE,
    }
    one = trace(
        4207,
        **names,
        status=StageStatus.FAILED,
        failure=TraceFailure(HOSTILE, HOSTILE, HOSTILE, HOSTILE),
        prompt=text_record(HOSTILE, TextPolicy.FULL),
        changes=(Change(HOSTILE, HOSTILE, HOSTILE),),
    )
    told = (("endpoint", HOSTILE), (HOSTILE, [HOSTILE, {HOSTILE: HOSTILE}]))
    stages = tuple(replace(stage, name=HOSTILE, attributes=told) for stage in one.stages)
    full = busy()
    overview = replace(
        full,
        endpoints=tuple(
            replace(row, name=HOSTILE, breaker=HOSTILE, health=HOSTILE) for row in full.endpoints
        ),
        handovers=(Handover(HOSTILE, HOSTILE, HOSTILE, 3),),
        layers=tuple(replace(row, name=HOSTILE) for row in full.layers),
        recent=(RecentDecision(0.0, HOSTILE, HOSTILE, HOSTILE, HOSTILE, 0.5, 0.1),),
        experiments=tuple(replace(row, name=HOSTILE, stopped=HOSTILE) for row in full.experiments),
        targets=tuple(
            replace(row, name=HOSTILE, text=HOSTILE, target=HOSTILE) for row in full.targets
        ),
        guards=tuple(replace(row, name=HOSTILE) for row in full.guards),
    )
    return DemoGateway(overview, [replace(one, stages=stages)])


async def test_names_that_are_markup_are_shown_as_what_they_are() -> None:
    gateway = hostile_gateway()
    sources = replace(gateway.sources(), title=HOSTILE)
    asked = quote(HOSTILE)
    paths = (*VIEWS, f"/trace?id={asked}", f"/traces?text={asked}&endpoint={asked}")
    async with dashboard(sources) as port, aiohttp.ClientSession() as session:
        site = Site(port, gateway, session)
        for path, status in (*((path, 200) for path in paths), (f"/trace?id={asked}x", 404)):
            page, _ = await site.get(path, status)
            assert all(one.get("src", "").startswith("/static/") for one in page.all("script"))  # type: ignore[union-attr]
            assert HOSTILE in page.text
        page, _ = await site.get("/traces")
        (link,) = {link for link in page.links() if link.startswith("/trace?")}
        assert HOSTILE in (await site.get(link))[0].text


async def test_what_cannot_be_written_does_not_break_a_page(site: Site) -> None:
    site.gateway.kept = [trace(1, request_id="half \ud83d of a pair")]
    assert "half ? of a pair" in await site.words("/traces")


@pytest.mark.parametrize("name", sorted(FILES))
async def test_a_file_is_sent_as_what_it_is_and_may_be_kept(site: Site, name: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{site.url}/static/{name}") as got:
        assert await got.read() == (HERE / "static" / name).read_bytes()
        assert got.headers["Content-Type"].startswith(FILES[name])
        assert "immutable" in got.headers["Cache-Control"]
        assert "Content-Security-Policy" in got.headers


@pytest.mark.parametrize(
    "path", ["/static/", "/static/../views.py", "/static/vendor/VENDORED.md", "/static/%2e%2e/x"]
)
async def test_no_other_file_is_sent(site: Site, path: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert (await reader.read()).startswith(b"HTTP/1.1 404 ")
    writer.close()
    await writer.wait_closed()


def test_what_is_vendored_is_what_its_page_says() -> None:
    folder = HERE / "static" / "vendor"
    page = (folder / "VENDORED.md").read_text(encoding="utf-8")
    for name in FILES:
        if name.startswith("vendor/"):
            file = folder / Path(name).name
            assert sha256(file.read_bytes()).hexdigest() in page
    assert {one.name for one in folder.glob("*.LICENSE")} == {"htmx.LICENSE", "uPlot.LICENSE"}


async def test_another_name_for_this_machine_gets_nothing(site: Site) -> None:
    """A page of somebody else must not read ours by pointing its name at this machine."""
    for path in (*VIEWS, "/events", "/trace?id=req-004207", "/static/dashboard.css"):
        status, words = await get(site.port, path)  # it says `Host: test`
        assert (status, words.count("\n")) == (403, 1)
    assert (await get(site.port, "/healthz")) == (200, "ok\n")


async def test_the_pages_can_only_be_read(site: Site) -> None:
    for path in (*VIEWS, "/events", "/trace"):
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            assert (await get(site.port, path, method))[0] == 405


async def test_without_a_dashboard_the_root_says_what_there_is() -> None:
    async with dashboard(None) as port:
        status, words = await get(port, "/")
        assert (status, words.count("\n")) == (404, 1)
        assert "/metrics" in words
        assert (await get(port, "/traces"))[0] == 404
