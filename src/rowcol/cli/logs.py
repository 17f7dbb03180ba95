"""Logs: one JSON line an event on stderr, for the processes that are ours. Ids, never payloads; no local variables."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from rowcol.core.secret import redacted

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def to_stderr(level: str) -> None:
    """Everything at `level` and above, ours and the libraries'."""
    before: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _hide,
    ]
    renderer = structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*before, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*before, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(LEVELS[level], logging.INFO))
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).setLevel(max(LEVELS[level], logging.WARNING))
    for name in ("httpx2", "httpcore2", "aiosqlite", "asyncio"):
        logging.getLogger(name).setLevel(max(LEVELS[level], logging.WARNING))


def _hide(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Credentials of addresses, also in a traceback."""
    for name, value in event.items():
        if isinstance(value, str) and "://" in value:
            event[name] = redacted(value)
    return event
