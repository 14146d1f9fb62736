"""Volcano's scheduler configuration, as a file of its own or in the ConfigMap that holds it in a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from yuheng.errors import ConfigError, InputError, YuhengError
from yuheng.model.policy import Policy
from yuheng.readers.decoding import without_nulls
from yuheng.readers.scheduler_config.volcano_policy import policy_of
from yuheng.readers.sources.yaml_documents import yaml_documents

__all__ = ["in_config_map", "is_volcano", "parse_volcano_config"]

KEYS: Final = ("actions", "tiers")
# In every installation of Volcano the key in the ConfigMap is volcano-scheduler.conf, or has a suffix before the dot.
VOLCANO_KEY: Final = "volcano-scheduler"


def is_volcano(document: Mapping[str, Any]) -> bool:
    """Whether a decoded document is, or is meant as, such a configuration."""
    return "kind" not in document and any(key in document for key in KEYS)


def parse_volcano_config(document: Mapping[str, Any], source: str = "<object>") -> Policy:
    """The policy of a configuration that is decoded already.

    Args:
        document: the configuration.
        source: where it comes from, for the errors.

    Raises:
        ConfigError: it is not what Volcano defines, or names what nobody has.
    """
    try:
        return policy_of(without_nulls(dict(document)))
    except InputError as error:
        raise ConfigError(str(error.at(source=source))) from error


def in_config_map(document: Mapping[str, Any], source: str) -> tuple[Mapping[str, Any], str] | None:
    """The configuration in a ConfigMap and where it stands; None when there is none.

    Raises:
        InputError: there are two, or one that is named as Volcano's is no configuration.
    """
    data, metadata = document.get("data"), document.get("metadata")
    name = metadata.get("name", "") if isinstance(metadata, dict) else ""
    place = f"{source}: ConfigMap {name}"
    found = []
    for key, value in data.items() if isinstance(data, dict) else ():
        decoded = _decoded(value)
        if decoded is not None:
            found.append((decoded, key))
        elif VOLCANO_KEY in key:
            raise _broken(value, place, key)
    if not found:
        return None
    if len(found) > 1:
        keys = ", ".join(key for _, key in found)
        raise InputError(f"{len(found)} scheduler configurations ({keys})", "one", source=place, field="data")
    return found[0][0], f"{place}: data[{found[0][1]}]"


def _broken(value: object, place: str, key: str) -> InputError:
    """Why what should be a configuration is none."""
    expected = f"a document with {' and '.join(KEYS)}"
    try:
        if isinstance(value, str):
            list(yaml_documents(value.encode(), key))
    except YuhengError as error:
        return InputError(str(error), expected, source=place, field=f"data[{key}]")
    return InputError("something else", expected, source=place, field=f"data[{key}]")


def _decoded(value: object) -> Mapping[str, Any] | None:
    """A value of a ConfigMap, where it is a configuration; whatever else there may be is none of ours."""
    if not isinstance(value, str) or not all(key in value for key in KEYS):
        return None
    try:
        documents = list(yaml_documents(value.encode(), "data"))
        decoded = msgspec.json.decode(documents[0]) if len(documents) == 1 else None
    except (YuhengError, msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) and all(key in decoded for key in KEYS) else None
