"""Errors that nobody caught are logged by type and place: their words may quote a prompt."""

from __future__ import annotations

import logging
import traceback

MOST_FRAMES = 5


class Discretion(logging.Filter):
    """Keeps the words of foreign errors out of a handler's lines.

    asyncio writes the representation of an error into its message, after the first line, and
    libraries hand over the error itself.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Reduce the record; it is always logged."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            frames = traceback.extract_tb(error.__traceback__)[-MOST_FRAMES:]
            record.__dict__["error"] = type(error).__name__
            record.__dict__["at"] = [f"{one.filename}:{one.lineno} {one.name}" for one in frames]
        if error is not None or record.name == "asyncio":
            record.msg, record.args = record.getMessage().partition("\n")[0], ()
        record.exc_info = record.exc_text = None
        return True


def be_discreet() -> None:
    """Filter every line of the process; call it after the logs are set up."""
    # Otherwise a line that cannot be written is shown with all of its words.
    logging.raiseExceptions = False
    for handler in logging.getLogger().handlers:
        handler.addFilter(Discretion())
