"""The engine on asyncio: thin protocols for a server and a client of gRPC."""

from __future__ import annotations
