"""What is kept of Volcano's scheduler configuration: what the readers look at, and no more of it.

The same file says where the usage of nodes is measured, and with which password; an extender's address may hold one,
too. So it is cut like every other object: actions, plugins, their switches, and the arguments that are known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["kept_configuration"]


def kept_configuration(written: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration without what nobody looks at.

    Args:
        written: the configuration, decoded.
    """
    tiers = [{"plugins": [_plugin(entry) for entry in _maps(tier.get("plugins"))]} for tier in _maps(written["tiers"])]
    return {"actions": str(written["actions"]), "tiers": tiers}


def _plugin(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A plugin: its name, its switches, which are true or false, and the arguments that are known of it."""
    from yuheng.readers.scheduler_config.volcano_arguments import KNOWN  # noqa: PLC0415 -- pydantic, 50 ms

    name, arguments = str(entry.get("name", "")), entry.get("arguments")
    kept = {"name": name, **{key: value for key, value in entry.items() if isinstance(value, bool)}}
    if isinstance(arguments, Mapping):
        known = KNOWN.get(name, {})
        kept["arguments"] = {key: value for key, value in arguments.items() if _is_known(key, known)}
    return kept


def _is_known(key: str, known: Iterable[str]) -> bool:
    """Whether an argument is looked at; a name that ends in a dot stands for all that begin with it."""
    return any(key == one or (one.endswith(".") and key.startswith(one)) for one in known)


def _maps(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
