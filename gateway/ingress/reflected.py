"""What reflection tells of: our own files and, from their own pool, those of foreign protocols."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn, Protocol, TypeVar

from google.protobuf.descriptor import Descriptor, FileDescriptor

Found = TypeVar("Found")


class Files(Protocol):
    """A descriptor pool, as far as it finds files. Raises KeyError for what it does not have."""

    def FindFileByName(self, file_name: str) -> FileDescriptor:  # noqa: N802 - protobuf's name
        """Find a file by its name."""
        ...

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptor:  # noqa: N802 - as above
        """Find the file that defines a message, a service or a method."""
        ...

    def FindMessageTypeByName(self, full_name: str) -> Descriptor:  # noqa: N802 - as above
        """Find a message."""
        ...


class Pools:
    """Several descriptor pools as one, for reflection: the first that has something tells it."""

    def __init__(self, pools: Iterable[Files]) -> None:
        self._pools = tuple(pools)

    def FindFileByName(self, file_name: str) -> FileDescriptor:  # noqa: N802 - protobuf's name
        """Find a file by its name."""
        return self._first(lambda pool: pool.FindFileByName(file_name))

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptor:  # noqa: N802 - as above
        """Find the file that defines a message, a service or a method."""
        return self._first(lambda pool: pool.FindFileContainingSymbol(symbol))

    def FindMessageTypeByName(self, full_name: str) -> Descriptor:  # noqa: N802 - as above
        """Find a message."""
        return self._first(lambda pool: pool.FindMessageTypeByName(full_name))

    def FindAllExtensions(self, message: Descriptor) -> Sequence[object]:  # noqa: N802 - as above
        """Say that a message has no extensions: none of these protocols has any."""
        del message
        return ()

    def FindExtensionByNumber(self, message: Descriptor, number: int) -> NoReturn:  # noqa: N802 - as above
        """Say that a message does not have this extension."""
        raise KeyError(message.full_name, number)

    def _first(self, find: Callable[[Files], Found]) -> Found:
        for pool in self._pools[:-1]:
            try:
                return find(pool)
            except KeyError:
                continue
        return find(self._pools[-1])
