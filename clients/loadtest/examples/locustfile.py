"""Programmers who ask a gateway for fills: `locust -f locustfile.py --host 127.0.0.1:50051`."""

from __future__ import annotations

from ensemble_loadtest.locust import EnsembleUser
from locust import between, task


class Programmer(EnsembleUser):
    """Asks for whole fills mostly, thinks, and watches one being written now and then."""

    wait_time = between(0.05, 0.2)

    @task(3)
    def fill(self) -> None:
        """Ask for a whole fill."""
        hole = self.next_prompt()
        self.generate(hole.prompt, suffix=hole.suffix, language=hole.language, max_tokens=32)

    @task(1)
    def watch(self) -> None:
        """Ask for a stream."""
        hole = self.next_prompt()
        self.stream(hole.prompt, suffix=hole.suffix, language=hole.language, max_tokens=32)
