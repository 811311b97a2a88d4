"""The transport below a connection of the load harness, and an exchange that notes everything."""

from __future__ import annotations


class Wire:
    """Keeps what was written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.aborted = False
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def abort(self) -> None:
        self.aborted = True

    def close(self) -> None:
        self.closed = True


class Heard:
    """Of HTTP/1.1 and of HTTP/2; `log` has what it was told, in order."""

    def __init__(self) -> None:
        self.stream = 0
        self.log: list[object] = []

    @property
    def body(self) -> bytes:
        return b"".join(part for part in self.log if isinstance(part, bytes))

    def sent(self, now_s: float) -> None:
        self.log.append("sent")

    def head(self, status: int, fields: dict[str, str]) -> None:
        self.log.append(status)

    def fields(self, fields: dict[str, str]) -> None:
        self.log.append(fields)

    def data(self, payload: bytes, now_s: float) -> None:
        self.log.append(payload)

    def end(self, now_s: float) -> None:
        self.log.append("end")

    def broken(self, reason: str, now_s: float) -> None:
        self.log.append(reason)
