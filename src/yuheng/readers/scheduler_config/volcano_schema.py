"""The fields of Volcano's scheduler configuration.

Volcano reads its file leniently, so fields it does not know are no error here either; they are told by name.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from yuheng.model.batch import EXTENSION_POINTS

__all__ = ["OTHER_SWITCHES", "SWITCHES", "PluginEntry", "SchedulerConfiguration", "Tier"]

# Volcano writes some of its switches with a d; both are understood of each.
SWITCHES: Final = {
    spelling: point
    for point, key in EXTENSION_POINTS.items()
    for spelling in (key, key.replace("enable", "enabled", 1))
}
# Switches of points that the engine does not have.
OTHER_SWITCHES: Final = frozenset(
    spelling
    for name in (
        "BestNode",
        "ClusterOrder",
        "HyperNodeGradient",
        "ReservedNodes",
        "SubJobOrder",
        "SubJobPipelined",
        "SubJobReady",
        "TargetJob",
    )
    for spelling in (f"enable{name}", f"enabled{name}")
)


class Lenient(BaseModel):
    """The base of all: unknown fields are kept, no type is turned into another."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    def others(self) -> dict[str, Any]:
        """The fields that have no name of their own here."""
        return self.model_extra or {}


class PluginEntry(Lenient):
    """A plugin of a tier; its switches are among the other fields."""

    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class Tier(Lenient):
    """Plugins that decide together."""

    plugins: list[PluginEntry] = Field(default_factory=list)


class ActionEntry(Lenient):
    """The arguments of an action."""

    name: str = ""
    arguments: dict[str, Any] = Field(default_factory=dict)


class SchedulerConfiguration(Lenient):
    """The whole file."""

    actions: str
    tiers: list[Tier]
    configurations: list[ActionEntry] = Field(default_factory=list)
    metrics: dict[str, Any] = Field(default_factory=dict)
