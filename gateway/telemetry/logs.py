"""Log lines on standard error: JSON for machines, text for terminals, never a prompt.

The parts of the gateway log through the standard library, so that a program that uses them
in-process decides itself what becomes of their lines; only the servers of the command line call
`set_up`.
"""

from __future__ import annotations

import logging
import sys
import traceback

import structlog

MOST_FRAMES = 5


class Discretion(logging.Filter):
    """Names an error that nobody caught by type and place: its words may quote a prompt.

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


def set_up(level: str, form: str) -> None:
    """Configure the process's logging once, at start; every line passes Discretion.

    `level` is debug, info, warning or error; `form` is json, text or auto (text on a terminal).
    """
    text = form == "text" or (form == "auto" and sys.stderr.isatty())
    last: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if text else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Discretion())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(),
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # Otherwise a line that cannot be written is shown with all of its words.
    logging.raiseExceptions = False
