"""HTTP/2 without I/O: RFC 9113 and RFC 7541 for one connection, as values in and bytes out.

No socket, no clock, no event loop, and nothing of the gateway's other packages: bytes that arrived
go into `Connection.receive`, which returns what they mean; actions write into a buffer that
`Connection.to_send` empties. Time is an argument.
"""

from __future__ import annotations
