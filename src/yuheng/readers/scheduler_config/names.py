"""The forms that names have in Kubernetes, as validators."""

from __future__ import annotations

import re
from typing import Final

from pydantic import AfterValidator

from yuheng.readers.scheduler_config.refusals import refused

__all__ = ["LABEL_KEY", "LABEL_VALUE", "PLAIN_LABEL_KEY", "one_of"]

LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
DNS_NAME: Final = r"(?=[^/]{1,253}(?:/|\Z))[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*"


def _shaped(pattern: str, expected: str) -> AfterValidator:
    shape = re.compile(pattern, re.ASCII)

    def check(text: str) -> str:
        if shape.fullmatch(text) is None:
            raise refused(text, expected)
        return text

    return AfterValidator(check)


LABEL_KEY: Final = _shaped(f"(?:{DNS_NAME}/)?{LABEL}", "a name such as example.com/name")
PLAIN_LABEL_KEY: Final = _shaped(LABEL, "a name without a slash, such as example.com")
LABEL_VALUE: Final = _shaped(f"(?:{LABEL})?", "a label's value: up to 63 letters, digits, dots, dashes and underscores")


def one_of(*names: str) -> AfterValidator:
    """A validator of text that has to be one of these names."""
    expected = f"{', '.join(names[:-1])} or {names[-1]}"

    def check(text: str) -> str:
        if text not in names:
            raise refused(text, expected)
        return text

    return AfterValidator(check)
