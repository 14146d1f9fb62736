"""What is logged, and what never is.

A line is a sentence and fields, named as Kubernetes' components name theirs (``pod``, ``node``, ``err``), as JSON or as
``key=value``. Two rules hold whoever logs and whatever is passed. Nothing but plain values is shown: of an object only
its type is, so a pod's spec, with the environment of its containers, cannot get into a log by being passed along. And
what looks like a credential is masked, wherever it stands in the text: messages of servers, proxies and plugins are
logged, and they quote what they were sent.
"""

from __future__ import annotations

import logging
import re
import sys
from enum import Enum
from numbers import Integral, Real
from pathlib import PurePath
from typing import IO, Any, Final

import msgspec
import structlog

from yuheng.errors import ConfigError

__all__ = ["FORMS", "LEVELS", "masked", "start_logs"]

LEVELS: Final = ("debug", "info", "warning", "error")
FORMS: Final = ("text", "json")
MASK: Final = "***"
_LONGEST: Final = 4000
# Fields that are masked whatever they hold.
_SECRET_NAME: Final = re.compile(
    r"(?i)(token|passw(or)?d|secret|authorization|credential|api[-_]?key|access[-_]?key|private[-_]?key|cookie)"
)
_SECRETS: Final = (
    # Certificates and keys, as text and in base64, whole or cut off.
    re.compile(r"-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|\Z)", re.DOTALL),
    re.compile(r"LS0tLS1CRUdJT[A-Za-z0-9+/=]*"),
    # Tokens by their form: JSON web tokens, and those of clouds and code forges.
    re.compile(r"\beyJ[\w-]{4,}\.[\w-]*\.?[\w-]*"),
    re.compile(r"(?:\bk8s-aws-v1\.|\bya29\.|\bsha256~|\bgh[opsu]_|\bglpat-|\bAKIA)[\w./+=-]+"),
)
_LABELLED: Final = (
    re.compile(r"(?i)\b(bearer\s+)[\w.~+/=:-]{5,}"),
    re.compile(r"(?i)\b(authorization[\"']?\s*[=:]\s*[\"']?(?:basic|bearer|negotiate)\s+)[^\s\"',;]+"),
    re.compile(
        r"(?i)((?:token|passwd|password|secret|api[-_]?key|access[-_]?key|client-key-data)[\w-]*"
        r"[\"']?\s*[=:]\s*[\"']?)(?!(?:bearer|basic)\s)[^\s\"',;&]+"
    ),
    re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/\s@]+(?=@)"),
)
# Text without any of these has nothing to mask; looking for them costs little.
_HINTS: Final = re.compile(
    r"(?i)-----begin|ls0tls1|eyj|k8s-aws|ya29|sha256~|gh[opsu]_|glpat|akia|bearer|authorization|token|passw|secret|key|@"
)


def masked(text: str) -> str:
    """Text with what looks like a credential masked."""
    if _HINTS.search(text) is None:
        return text
    for pattern in _SECRETS:
        text = pattern.sub(MASK, text)
    for pattern in _LABELLED:
        text = pattern.sub(rf"\1{MASK}", text)
    return text


def start_logs(level: str = "warning", form: str = "text", stream: IO[str] | None = None) -> None:
    """Say once how the whole process logs, libraries included.

    Args:
        level: the least that is told, one of `LEVELS`; of libraries never less than warnings.
        form: one of `FORMS`.
        stream: where to; by default what standard error is when a line is written. Standard output is for results.

    Raises:
        ConfigError: there is no such level or form.
    """
    for option, found, known in (("--log-level", level, LEVELS), ("--log-format", form, FORMS)):
        if found not in known:
            raise ConfigError(f"{option}: found {found!r}, expected one of {', '.join(known)}")
    structlog.configure(
        processors=[
            _named,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
            structlog.processors.EventRenamer("msg"),
            structlog.processors.format_exc_info,
            _harmless,
            _RENDERERS[form],
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *name: _Lines(name[0] if name else "yuheng", stream),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(
        level=max(logging.WARNING, logging.getLevelName(level.upper())), handlers=[_Foreign()], force=True
    )


class _Lines:
    """Writes lines; structlog calls it by the level's name."""

    def __init__(self, name: str, to: IO[str] | None) -> None:
        self.name = name
        self._to = to or sys.stderr

    def info(self, line: str) -> None:
        self._to.write(line + "\n")
        self._to.flush()

    debug = warning = error = critical = info


class _Foreign(logging.Handler):
    """Takes what libraries log into the same lines."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger(record.name).log(record.levelno, record.getMessage(), exc_info=record.exc_info)


def _named(logger: _Lines, _: str, fields: structlog.typing.EventDict) -> structlog.typing.EventDict:
    fields["logger"] = logger.name
    return fields


def _harmless(_: Any, __: str, fields: structlog.typing.EventDict) -> structlog.typing.EventDict:  # noqa: ANN401
    return {name: MASK if _SECRET_NAME.search(name) else _plain(value) for name, value in fields.items()}


def _plain(value: object) -> object:
    """A value as it may be shown."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, str | PurePath | BaseException):
        return _one(str(value))
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in value]
    return f"<{type(value).__name__}>"


def _one(text: str) -> str:
    """Text without credentials and without characters that a terminal obeys."""
    text = masked(text[:_LONGEST])
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\n" else repr(char)[1:-1] for char in text)


_FIRST: Final = ("ts", "level", "logger", "msg")


def _in_order(_: Any, __: str, fields: structlog.typing.EventDict) -> str:  # noqa: ANN401
    return msgspec.json.encode({name: fields.pop(name) for name in _FIRST} | dict(fields)).decode()


_RENDERERS: Final[dict[str, structlog.typing.Processor]] = {
    "json": _in_order,
    "text": structlog.processors.LogfmtRenderer(key_order=_FIRST, bool_as_flag=False),
}
