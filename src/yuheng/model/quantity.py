"""Resource quantities, parsed and printed exactly as Kubernetes does.

The grammar and the canonical form are those of ``k8s.io/apimachinery/pkg/api/resource``: a decimal number with a
decimal suffix (``n u m k M G T P E``), a binary suffix (``Ki Mi Gi Ti Pi Ei``) or an exponent (``e3``, ``E3``).
Inside, an amount is a whole number of nanos in a Python integer, so that nothing is ever rounded by accident:
Kubernetes itself rounds everything finer than a nano up, away from zero, and clips what leaves 64 bits.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import msgspec

from yuheng.errors import QuantityError

__all__ = ["Quantity", "format_amount", "parse_quantity"]

NANO: Final = 10**9
_LARGEST: Final = (2**63 - 1) * NANO
_SYNTAX: Final = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d{1,9})?", re.ASCII)
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY: Final = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_SUFFIX: Final = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
# No amount needs more; numbers of thousands of digits are somebody's joke.
_LONGEST: Final = 256
_EXPECTED: Final = "a quantity such as 100m, 1.5Gi, 1e3 or 2k"

DECIMAL_SI: Final = "DecimalSI"
BINARY_SI: Final = "BinarySI"
DECIMAL_EXPONENT: Final = "DecimalExponent"


class Quantity(msgspec.Struct, frozen=True, order=True):
    """An exact amount of a resource.

    Attributes:
        nano: the amount in nanos (1e-9 of the resource's unit).
        notation: the family its text is printed in: ``DecimalSI``, ``BinarySI`` or ``DecimalExponent``.
    """

    nano: int
    notation: str = DECIMAL_SI

    def milli(self) -> int:
        """The amount in thousandths, rounded up (Kubernetes' ``MilliValue``)."""
        return -(-self.nano // 10**6)

    def value(self) -> int:
        """The amount in units, rounded up (Kubernetes' ``Value``)."""
        return -(-self.nano // NANO)

    def __str__(self) -> str:
        if self.nano == 0:
            return "0"
        binary = self.notation == BINARY_SI and self.nano % NANO == 0 and abs(self.nano) >= 1024 * NANO
        if binary:
            return _binary_text(self.nano // NANO)
        return _decimal_text(self.nano, self.notation)


@lru_cache(maxsize=65536)
def parse_quantity(text: str) -> Quantity:
    """Parse a quantity as Kubernetes does.

    Args:
        text: for example ``100m``, ``1.5Gi``, ``1e3``.

    Returns:
        The exact amount, with the notation it was written in.

    Raises:
        QuantityError: the text is not a quantity that the Kubernetes API accepts.
    """
    match = _SYNTAX.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None or not (match[2] or match[3]):
        raise QuantityError(repr(text) if len(text) <= _LONGEST else f"{len(text)} characters", _EXPECTED)
    sign, whole, fraction, suffix = match[1], match[2], match[3] or "", match[4] or ""
    digits = int(whole + fraction or "0")
    scale = 9 - len(fraction)
    if suffix in _BINARY:
        nano = _scaled(digits << _BINARY[suffix], scale)
        notation = BINARY_SI
    elif suffix in _DECIMAL:
        nano = _scaled(digits, scale + _DECIMAL[suffix])
        notation = DECIMAL_SI
    else:
        nano = _scaled(digits, scale + int(suffix[1:]))
        notation = DECIMAL_EXPONENT
    nano = min(nano, _LARGEST)
    return Quantity(-nano if sign == "-" else nano, notation)


def _scaled(digits: int, exponent: int) -> int:
    """``digits * 10**exponent``, fractions rounded up; what is beyond 64 bits either way needs no exact sum."""
    if digits == 0:
        return 0
    if exponent >= 0:
        return digits * 10**exponent if exponent <= 40 else _LARGEST
    return -(-digits // 10**-exponent) if exponent > -400 else 1


def _binary_text(units: int) -> str:
    suffix = ""
    for name, bits in _BINARY.items():
        if units % (1 << bits) == 0:
            suffix = name
    return f"{units >> _BINARY[suffix]}{suffix}" if suffix else str(units)


def _decimal_text(nano: int, notation: str) -> str:
    exponent = -9
    mantissa = nano
    while mantissa % 1000 == 0 and exponent < 18:
        mantissa //= 1000
        exponent += 3
    if notation == DECIMAL_EXPONENT:
        return f"{mantissa}e{exponent}" if exponent else str(mantissa)
    return f"{mantissa}{_DECIMAL_SUFFIX[exponent]}"


def format_amount(resource: str, amount: int) -> str:
    """An amount of a resource in the engine's units, as Kubernetes prints it.

    Args:
        resource: the resource's name; ``cpu`` is in milli-cores, everything else in units (bytes, counts).
        amount: the whole number of those units.

    Returns:
        For example ``1500m``, ``2Gi``, ``3``.
    """
    if resource == "cpu":
        return str(Quantity(amount * 10**6))
    binary = resource in ("memory", "ephemeral-storage") or resource.startswith("hugepages-")
    return str(Quantity(amount * NANO, BINARY_SI if binary else DECIMAL_SI))
