"""Results as JSON and YAML, in the public format.

Everything outside ASCII is written as an escape of the format itself: the document survives any pipe and
any locale, and no name in it can steer a terminal that shows it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final, Protocol

import yaml

__all__ = ["Document", "block_text", "json_text", "yaml_text"]

_NUMBER_OF_YAML_1_2: Final = re.compile(r"[-+]?(?:\.\d+|\d+(?:\.\d*)?)[eE][-+]?\d+|0o[0-7]+", re.ASCII)


class Document(Protocol):
    """A result that has a public format: a plan, an explanation, a headroom."""

    def to_dict(self) -> dict[str, Any]:
        """The result as plain dictionaries, lists, strings and numbers."""
        ...


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Safe YAML whose strings stay strings for readers of YAML 1.1 (PyYAML) and of 1.2 (Go) alike."""


_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", _NUMBER_OF_YAML_1_2, list("-+.0123456789"))


def json_text(result: Document) -> str:
    """The result as indented JSON, ending in a newline."""
    return json.dumps(result.to_dict(), indent=2, allow_nan=False) + "\n"


def yaml_text(result: Document) -> str:
    """The result as YAML in block style, keys in the order of the format, one line a sentence."""
    return block_text(result.to_dict())


def block_text(fields: Mapping[str, Any], *, leaves_in_line: bool = False) -> str:
    """Plain data as YAML in block style, keys in their order.

    Args:
        fields: dictionaries, lists, strings and numbers.
        leaves_in_line: whether lists and maps that hold no others are one line each.
    """
    style = None if leaves_in_line else False
    text: str = yaml.dump(fields, Dumper=_Dumper, sort_keys=False, width=2**31 - 1, default_flow_style=style)
    return text
