"""The batch side of a policy: actions in order, plugins in tiers, as in Volcano's scheduler configuration."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

__all__ = ["ACTIONS", "EXTENSION_POINTS", "VOLCANO_DEFAULT", "BatchPolicy", "PluginOption"]

Action = Literal["enqueue", "allocate", "backfill", "preempt", "reclaim"]
ACTIONS: Final[tuple[Action, ...]] = ("enqueue", "allocate", "backfill", "preempt", "reclaim")

# What a plugin can be kept out of, and the key of Volcano's configuration that does it (``enableJobOrder: false``).
EXTENSION_POINTS: Final = {
    "jobOrder": "enableJobOrder",
    "queueOrder": "enableQueueOrder",
    "taskOrder": "enableTaskOrder",
    "jobReady": "enableJobReady",
    "jobPipelined": "enableJobPipelined",
    "jobEnqueued": "enableJobEnqueued",
    "jobStarving": "enableJobStarving",
    "preemptable": "enablePreemptable",
    "reclaimable": "enableReclaimable",
    "preemptive": "enablePreemptive",
    "predicate": "enablePredicate",
    "nodeOrder": "enableNodeOrder",
    "overused": "enableOverused",
    "allocatable": "enableAllocatable",
    "victim": "enableVictim",
    "hyperNodeOrder": "enableHyperNodeOrder",
}


class PluginOption(msgspec.Struct, frozen=True):
    """A plugin of a tier.

    Attributes:
        name: as in Volcano's configuration.
        off: the extension points it is kept out of (keys of `EXTENSION_POINTS`).
        hierarchy: ``enableHierarchy``; None where it is not written.
        arguments: as written, scalars only.
    """

    name: str
    off: tuple[str, ...] = ()
    hierarchy: bool | None = None
    arguments: dict[str, str | int | float | bool] = {}


class BatchPolicy(msgspec.Struct, frozen=True):
    """Actions in the order they run, and plugins in tiers: the first tier that decides, decides."""

    actions: tuple[Action, ...]
    tiers: tuple[tuple[PluginOption, ...], ...]

    def plugin(self, name: str) -> PluginOption | None:
        """The first plugin of a name; None when it is not configured."""
        return next((plugin for tier in self.tiers for plugin in tier if plugin.name == name), None)

    def has(self, name: str, point: str = "") -> bool:
        """Whether a plugin is configured, and speaks at an extension point."""
        return any(plugin.name == name and point not in plugin.off for tier in self.tiers for plugin in tier)


# Volcano's own default (pkg/scheduler/util.go, DefaultSchedulerConf).
VOLCANO_DEFAULT: Final = BatchPolicy(
    actions=("enqueue", "allocate", "backfill"),
    tiers=(
        (PluginOption("priority"), PluginOption("gang"), PluginOption("conformance")),
        (
            PluginOption("overcommit"),
            PluginOption("drf"),
            PluginOption("predicates"),
            PluginOption("proportion"),
            PluginOption("nodeorder"),
        ),
    ),
)
