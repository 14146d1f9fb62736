"""Whose a table is, and how providers spell their regions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

__all__ = ["provider_in", "region_name"]

# As files are called that people download: aws_vms.csv, gcp-compute-2024.csv.
_KNOWN: Final = ("aws", "gcp", "azure", "lambda", "oci", "ibm", "scaleway", "runpod", "cudo", "fluidstack", "vast")
_WORD: Final = re.compile(r"[a-z]+")


def provider_in(file: str) -> str:
    """The provider that the name of a file names; empty when it names none."""
    words = _WORD.findall(Path(file).name.lower())
    return next((name for name in _KNOWN if name in words), "")


def region_name(provider: str, name: str) -> str:
    """A region's name as the provider's interfaces spell it: Azure's ``West Europe`` is ``westeurope``."""
    return name.replace(" ", "").lower() if provider == "azure" or " " in name else name
