"""Logs: one event a line on standard error, with anything secret struck out."""

from __future__ import annotations

from typing import Any

import structlog

# A key that contains one of these words never shows its value.
SECRET_WORDS = ("pin", "password", "passwd", "secret", "cookie", "token", "authorization", "vault", "csrf")
# Keys of ours that contain such a word and hold no secret.
HARMLESS = {"pin_grant", "authorization_stage"}


def strike_out_secrets(
    _logger: Any, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Replace the value of every key that names a secret, however deep it lies."""
    for key, value in event.items():
        event[key] = _struck(key, value)
    return event


def _struck(key: str, value: Any) -> Any:
    if key not in HARMLESS and any(word in key.lower() for word in SECRET_WORDS):
        return "***"
    if isinstance(value, dict):
        return {inner: _struck(str(inner), one) for inner, one in value.items()}
    if isinstance(value, list | tuple):
        return [_struck("", one) for one in value]
    return value


_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    strike_out_secrets,
]


def settings(*, level: str) -> dict[str, Any]:
    """Django's LOGGING: everything, ours and the libraries', as JSON lines."""
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "events": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    structlog.processors.JSONRenderer(ensure_ascii=False),
                ],
                "foreign_pre_chain": _SHARED,
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "events"}},
        # A line for each request is noise.
        "loggers": {"httpx": {"level": "WARNING"}},
        "root": {"handlers": ["stderr"], "level": level},
    }
