"""A gateway inside the process of a test: scripted answers, recorded requests, no models.

It is a real gRPC server on a free port of the loopback interface, so that clients, deadlines,
cancellation and errors are the real ones. Answers and records belong to one `FakeGateway`; many may
run at once.
"""

from ensemble_client.testing.answers import Answer, Failure, Hold, Reply
from ensemble_client.testing.gateway import FakeGateway
from ensemble_client.testing.recording import RecordedCall

__all__ = ["Answer", "Failure", "FakeGateway", "Hold", "RecordedCall", "Reply"]
