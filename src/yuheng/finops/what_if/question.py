"""What is asked: changes, by name."""

from __future__ import annotations

from typing import Final, NamedTuple

from yuheng.errors import ConfigError

__all__ = ["NAMES", "Ask", "parse_ask"]

NAMES: Final = ("colocate", "share-gpus", "spot", "node-type", "resize")
_EXPECTED: Final = "colocate, share-gpus, spot=0.5, node-type=m7g.4xlarge or resize"


class Ask(NamedTuple):
    """One change.

    Attributes:
        name: one of `NAMES`.
        text: as it was written.
        share: of ``spot``.
        kind: of ``node-type``.
    """

    name: str
    text: str
    share: float = 0.0
    kind: str = ""


def parse_ask(text: str) -> Ask:
    """A change as it is written, such as ``spot=0.5``.

    Raises:
        ConfigError: there is no such change, or its value cannot be used.
    """
    name, mark, value = text.partition("=")
    if name not in NAMES or bool(mark) != (name in ("spot", "node-type")):
        raise ConfigError(f"--what-if: found {text!r}, expected {_EXPECTED}")
    if name == "node-type":
        if not value:
            raise ConfigError(f"--what-if: found {text!r}, expected an instance type, such as node-type=m7g.4xlarge")
        return Ask(name, text, kind=value)
    if name == "spot":
        return Ask(name, text, share=_share(text, value))
    return Ask(name, text)


def _share(text: str, value: str) -> float:
    try:
        found = float(value)
    except ValueError:
        found = -1.0
    if not 0 < found <= 1:
        raise ConfigError(f"--what-if: found {text!r}, expected a share above 0 and up to 1, such as spot=0.5")
    return found
