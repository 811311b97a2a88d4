"""gRPC over HTTP/2 without I/O: messages, statuses, deadlines and metadata as fields."""

from __future__ import annotations
