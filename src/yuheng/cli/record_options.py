"""How large a record may get, from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.errors import ConfigError, QuantityError

if TYPE_CHECKING:
    from yuheng.kubernetes.recording.writer import Limits

__all__ = ["record_limits"]

# Smaller files would hold little but the state that each begins with.
LEAST: Final = 1 << 20


def record_limits(size: str, total: str) -> Limits:
    """The limits of a record.

    Args:
        size: of ``--record-size``.
        total: of ``--record-total``.

    Raises:
        ConfigError: one of them is no amount, or too small.
    """
    from yuheng.kubernetes.recording.writer import Limits

    limits = Limits(_bytes("--record-size", size), _bytes("--record-total", total))
    if limits.total < 2 * limits.part:
        raise ConfigError(f"--record-total: found {total}, expected at least twice --record-size, which is {size}")
    return limits


def _bytes(option: str, text: str) -> int:
    from yuheng.model.quantity import parse_quantity

    try:
        found = parse_quantity(text).value()
    except QuantityError:
        found = 0
    if found < LEAST:
        raise ConfigError(f"{option}: found {text!r}, expected bytes, such as 64Mi, 1Mi at least")
    return found
