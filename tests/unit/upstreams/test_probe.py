from __future__ import annotations

import asyncio
import logging

import pytest

from gateway.core.endpoint import Endpoint
from gateway.upstreams.options import UpstreamOptions
from gateway.upstreams.probe import Backoff, Prober, ProbeSettings, Streak
from gateway.upstreams.probe_grpc import WatchProbe
from gateway.upstreams.probe_http import HttpProbe
from tests.fakes.virtual import VirtualClock, run_virtual


def url_of(endpoint_url: str, path: str) -> tuple[str, bool]:
    """Return the address that is asked, and whether it is given credentials."""
    probe = HttpProbe(
        Endpoint("a", url=endpoint_url), ProbeSettings(path=path), UpstreamOptions(secret="s")
    )
    return probe._url, "authorization" in probe._headers


class Scripted:
    """A probe that tells what it is given, each time it is asked to go on."""

    def __init__(self, *results: bool | Exception) -> None:
        self.results = results
        self.go_on = asyncio.Event()
        self.closed = False

    async def watch(self, tell) -> None:
        try:
            for result in self.results:
                if isinstance(result, Exception):
                    raise result
                tell(serving=result, because="it says so")
            await asyncio.Event().wait()
        finally:
            self.closed = True


async def reports_of(**probes: Scripted) -> list[tuple[str, bool | None]]:
    seen: list[tuple[str, bool | None]] = []
    prober = Prober(probes, lambda name, serving: seen.append((name, serving)))
    prober.start()
    for _ in range(5):
        await asyncio.sleep(0)
    await prober.close()
    assert all(probe.closed for probe in probes.values())
    return seen


def test_a17_the_backoff_grows_by_its_factor_to_its_longest_wait() -> None:
    waits = [Backoff().wait_s(failures, 0.5) for failures in range(12)]
    assert waits[:4] == pytest.approx([1, 1.6, 2.56, 4.096])
    assert waits[-1] == 120
    assert Backoff().wait_s(10**6, 0.5) == 120


def test_a17_the_backoff_has_a_fifth_of_jitter_both_ways() -> None:
    assert Backoff().wait_s(0, 0.0) == pytest.approx(0.8)
    assert Backoff().wait_s(0, 1.0) == pytest.approx(1.2)
    assert Backoff().wait_s(50, 0.0) == pytest.approx(96)


def test_a_result_is_believed_after_enough_in_a_row() -> None:
    streak = Streak(healthy_after=2, unhealthy_after=3)
    results = [False, False, True, True, False, False, False, False, True]
    believed = [streak.believes(good=good) for good in results]
    assert believed == [False, False, False, True, False, False, True, True, False]


def test_the_first_good_check_is_believed_by_default_and_the_second_bad_one() -> None:
    settings = ProbeSettings()
    streak = Streak(settings.healthy_after, settings.unhealthy_after)
    assert [streak.believes(good=good) for good in (False, True, False, False)] == [
        False,
        True,
        False,
        True,
    ]


@pytest.mark.parametrize("name", ["interval_s", "timeout_s", "healthy_after", "unhealthy_after"])
def test_settings_that_cannot_be_are_refused_by_name(name) -> None:
    with pytest.raises(ValueError, match=name):
        ProbeSettings(**{name: 0})


def test_changes_are_reported_and_only_changes() -> None:
    probes = Scripted(True, True, False, False, True), Scripted(False)

    async def main() -> list[tuple[str, bool | None]]:
        return await reports_of(alpha=probes[0], beta=probes[1])

    seen = run_virtual(VirtualClock(), main())
    assert [one for one in seen if one[0] == "alpha"] == [
        ("alpha", True),
        ("alpha", False),
        ("alpha", True),
    ]
    assert ("beta", False) in seen


def test_nothing_is_reported_before_the_first_result() -> None:
    async def main() -> list[tuple[str, bool | None]]:
        return await reports_of(alpha=Scripted())

    assert run_virtual(VirtualClock(), main()) == []


def test_a_probe_that_breaks_makes_its_endpoint_unknown_and_spares_the_others(caplog) -> None:
    async def main() -> list[tuple[str, bool | None]]:
        return await reports_of(alpha=Scripted(False, RuntimeError("bug")), beta=Scripted(True))

    with caplog.at_level(logging.ERROR):
        seen = run_virtual(VirtualClock(), main())
    assert seen == [("alpha", False), ("alpha", None), ("beta", True)]
    assert [record.endpoint for record in caplog.records] == ["alpha"]


def test_a_change_is_logged_with_what_it_was_concluded_from(caplog) -> None:
    async def main() -> None:
        await reports_of(alpha=Scripted(False, True))

    with caplog.at_level(logging.INFO):
        run_virtual(VirtualClock(), main())
    assert [(r.levelname, r.serving, r.because) for r in caplog.records] == [
        ("WARNING", False, "it says so"),
        ("INFO", True, "it says so"),
    ]


def test_a_prober_runs_once_at_a_time_and_can_be_closed_idle() -> None:
    async def main() -> None:
        probe = Scripted()
        prober = Prober({"alpha": probe}, lambda name, serving: None)
        await prober.close()
        prober.start()
        with pytest.raises(RuntimeError, match="already"):
            prober.start()
        await asyncio.sleep(0)
        await prober.close()
        assert probe.closed
        prober.start()
        await prober.close()

    run_virtual(VirtualClock(), main())


@pytest.mark.parametrize(
    ("endpoint_url", "path", "asked"),
    [
        ("http://host:1/v1", "/health", ("http://host:1/health", True)),
        ("https://host/v1", "/v1/models", ("https://host/v1/models", True)),
        ("grpc://host:1", "http://host:2/ready", ("http://host:2/ready", False)),
        ("http://host:1/v1", "http://other/health", ("http://other/health", False)),
    ],
)
def test_the_path_is_at_the_root_and_credentials_stay_at_home(endpoint_url, path, asked) -> None:
    assert url_of(endpoint_url, path) == asked


@pytest.mark.parametrize(
    ("endpoint_url", "path"),
    [("grpc://host:1", "/health"), ("http://host:1", ""), ("http://", "/")],
)
def test_what_makes_no_http_address_is_refused(endpoint_url, path) -> None:
    with pytest.raises(ValueError, match="health_path"):
        url_of(endpoint_url, path)


def test_a_watch_of_what_is_not_grpc_is_refused() -> None:
    with pytest.raises(ValueError, match="grpc://"):
        WatchProbe(
            Endpoint("a", url="http://host"), ProbeSettings(), UpstreamOptions(), lambda: 0.5
        )
