"""`ensemble cache`: what the result cache of a running gateway holds and did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from gateway.cli.exits import exits
from gateway.cli.options import DEFAULT_TARGET, DEFAULT_TIMEOUT, AsJson, Target, Timeout
from gateway.cli.output import print_document, print_facts, print_json

if TYPE_CHECKING:
    from ensemble.v1 import cache_service_pb2 as pb

app = typer.Typer(name="cache", help="Show and empty the cache of answers.", no_args_is_help=True)


@app.command()
def stats(
    target: Target = DEFAULT_TARGET, timeout: Timeout = DEFAULT_TIMEOUT, as_json: AsJson = False
) -> None:
    """Show what is kept, how often it helped, and why the rest went."""
    from ensemble_client import Client

    with exits(), Client(target) as client:
        found = client.cache_stats(timeout=timeout)
    if as_json:
        print_json(found)
        return
    print_facts(_facts(found))


@app.command()
def clear(
    target: Target = DEFAULT_TARGET, timeout: Timeout = DEFAULT_TIMEOUT, as_json: AsJson = False
) -> None:
    """Drop all kept answers."""
    from ensemble_client import Client

    with exits(), Client(target) as client:
        cleared = client.clear_cache(timeout=timeout)
    if as_json:
        print_document({"cleared": cleared})
    else:
        print(f"{cleared} answers dropped")


def _facts(found: pb.GetCacheStatsResponse) -> list[tuple[str, str]]:
    looked_up = found.hits + found.misses
    share = f" ({found.hits / looked_up:.1%} of {looked_up} lookups)" if looked_up else ""
    return [
        ("cache", "on" if found.enabled else "off: set cache.enabled = true"),
        ("kept", f"{found.entries} of {found.max_entries} answers"),
        ("memory", f"{found.bytes / 1e6:.1f} of {found.max_bytes / 1e6:.1f} MB"),
        ("longest age", ", ".join(f"{one.operation} {one.ttl.seconds} s" for one in found.ttls)),
        ("hits", f"{found.hits}{share}"),
        ("misses", f"{found.misses}, of which {found.coalesced} waited for the same request"),
        ("not cacheable", str(found.uncacheable)),
        ("running", str(found.in_flight)),
        ("stored", f"{found.stored}, and {found.refused} answers refused"),
        ("gone", f"{found.expired} expired, {found.evicted} evicted, {found.stale} stale"),
    ]
