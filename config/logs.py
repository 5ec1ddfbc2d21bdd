"""What is logged, and what is not: lines for people or for programs, with the request's identifier and without persons.

Participants' tokens, query strings (recruiters put identifiers there), network addresses, e-mail addresses and the rows
that PostgreSQL quotes are cut out of every line, wherever it comes from: our own code, Django, gunicorn or a library.
"""

import logging
import re
from contextvars import ContextVar
from typing import Any

from pythonjsonlogger.json import JsonFormatter

current_request: ContextVar[str] = ContextVar("current_request", default="-")
"""Identifier of the request that this thread works on; a dash outside of requests."""

FIELDS = ("message", "exc_info", "request_id", "method", "route", "status", "status_code", "milliseconds")
"""What a line may hold besides time, level and logger; anything else that a library attaches is left out."""
_PERSONAL = (
    (re.compile(r"(/p/)[A-Za-z0-9_-]+"), r"\1[token]"),
    (re.compile(r"(/answer/)[A-Za-z0-9_-]+"), r"\1[nonce]"),
    (re.compile(r"\?[\w%.~\[\]-]+=[^\s\"'<>]*"), "?[query]"),
    (re.compile(r"\b(?!127\.0\.0\.1\b|0\.0\.0\.0\b)\d{1,3}(?:\.\d{1,3}){3}\b"), "[address]"),
    (re.compile(r"\b[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{0,4}){3,7}\b|\b[0-9A-Fa-f]{1,4}::[0-9A-Fa-f:]*"), "[address]"),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "[e-mail]"),
    (re.compile(r"(DETAIL:|CONTEXT:) .*"), r"\1 [row]"),
)


def without_persons(text: str) -> str:
    """Return the text without what could lead to a person."""
    for pattern, replacement in _PERSONAL:
        text = pattern.sub(replacement, text)
    return text


class ForPeople(logging.Formatter):
    """One readable line: time in UTC, level, request, logger, message; a traceback follows."""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {request_id} {name}: {message}", style="{")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without persons."""
        record.request_id = current_request.get()
        return without_persons(super().format(record))


class ForPrograms(JsonFormatter):
    """One JSON object per line, with the fields of `FIELDS` and no others. Line breaks are escaped, as JSON has it."""

    def __init__(self) -> None:
        super().__init__(
            "%(levelname)s %(name)s %(message)s",
            rename_fields={"levelname": "level", "name": "logger"},
            timestamp="time",
        )

    def format(self, record: logging.LogRecord) -> str:
        """Return the object as text."""
        record.request_id = current_request.get()
        return str(super().format(record))

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Keep the known fields, without persons."""
        kept = {name: value for name, value in log_data.items() if name in ("time", "level", "logger", *FIELDS)}
        return {name: without_persons(value) if isinstance(value, str) else value for name, value in kept.items()}


def logging_configuration(*, as_json: bool) -> dict[str, Any]:
    """Return what `logging.config.dictConfig` takes: everything goes to the standard error stream, in one form."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": f"config.logs.{'ForPrograms' if as_json else 'ForPeople'}"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": "WARNING"},
        "loggers": {
            "study": {"level": "INFO"},
            "django": {"handlers": [], "level": "WARNING"},  # and no mail to administrators, which would hold requests
            "axes": {"level": "WARNING"},
            "django_tasks_db": {"level": "INFO"},
            # gunicorn keeps its lines from the root, so it needs the handler itself.
            "gunicorn.error": {"level": "INFO", "handlers": ["console"], "propagate": False},
        },
    }
