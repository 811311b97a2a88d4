"""What is soaked: its endpoints and the settings that let every policy do something."""

from __future__ import annotations

from string import Template

from tests.conformance.processes import url_of
from tests.conformance.rig import HEADER, endpoint

DOORS = ("alpha", "beta", "gamma")
"""Served by one process: gRPC, native frames written by hand, OpenAI."""

REPLICAS = ("one", "two", "three")
"""The replicas of the group `trio`, in a process each."""

TAGS = ("trio-beta", "beta-gamma", "gamma-only", "trio-gamma")
"""With one of them a request goes to these endpoints only; without, to all, alpha first."""

SETTINGS = """
[server]
port = 0
default_deadline_s = 30.0
drain_grace_s = 30.0
[admission]
max_running = 20
max_queued = 64
max_wait_s = 5.0
[tenant_budget]
window_s = 10.0
max_attempts = 1000000
max_tokens = 1000000000
[idempotency]
window_s = 20.0
max_entries = 500
max_bytes = 4194304
[breaker]
minimum_calls = 10
window_size = 20
open_s = 1.0
[retry]
base_s = 0.02
[hedge]
enabled = true
[timeouts]
first_text_s = 0.4
between_texts_s = 0.4
[ejection]
interval_s = 2.0
base_s = 2.0
[metrics]
window_s = 20.0
"""


def config(ports: dict[str, dict[str, int]]) -> str:
    """Write the configuration; `ports` are those of every door and replica, by kind."""
    tables = [
        endpoint("alpha", timeout_s=5.0),
        *(
            endpoint(name, group="trio", priority=1, tags=[TAGS[0], TAGS[3]], timeout_s=5.0)
            for name in REPLICAS
        ),
        endpoint("beta", "frames", priority=2, tags=[TAGS[0], TAGS[1]], timeout_s=5.0),
        endpoint("gamma", "openai", priority=3, tags=list(TAGS[1:]), timeout_s=5.0),
    ]
    addresses = {
        f"{door}_{kind}": url_of(kind, port)
        for door, kinds in ports.items()
        for kind, port in kinds.items()
    }
    return HEADER + SETTINGS + Template("\n".join(tables)).substitute(addresses)
