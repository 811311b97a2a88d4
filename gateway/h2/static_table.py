"""The static table of RFC 7541, appendix A, in the two directions that are needed."""

from __future__ import annotations

from hpack.table import HeaderTable

STATIC: tuple[tuple[bytes, bytes], ...] = (
    (b"", b""),
    *((bytes(name), bytes(value)) for name, value in HeaderTable.STATIC_TABLE),
)
"""By index; the first is 1."""

LAST = len(STATIC) - 1

BY_FIELD = {field: index for index, field in enumerate(STATIC) if index}
BY_NAME: dict[bytes, int] = {}
for _index, (_name, _) in enumerate(STATIC):
    if _index:
        BY_NAME.setdefault(_name, _index)
