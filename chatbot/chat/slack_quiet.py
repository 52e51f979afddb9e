"""Bolt's log and the SDK's, which have in them what people send.

Law of the file: of what has failed in there our log has the kind and the place, and never a word.
"""

import logging

import structlog

log = structlog.get_logger(__name__)


def quiet() -> logging.Logger:
    """The logger for both: bolt hands its level and its filters down to those of its own."""
    found = logging.getLogger("chatbot.slack")
    found.setLevel(logging.ERROR)
    found.addFilter(_told)
    return found


def _told(record: logging.LogRecord) -> bool:
    kind = record.exc_info[0] if record.exc_info else None
    log.error("request not handled", error=kind.__name__ if kind else "", where=f"{record.module}:{record.lineno}")
    return False
