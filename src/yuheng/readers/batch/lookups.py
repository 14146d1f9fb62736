"""What jobs name that is defined elsewhere: priority classes, tiers of the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yuheng.errors import InputError
from yuheng.model.job import NetworkTopology, SubGroupPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yuheng.readers.batch.wire import NetworkTopologySpec, SubGroupSpec
    from yuheng.readers.objects.priorities import Priorities

__all__ = ["Lookups"]


class Lookups:
    """Names of priority classes and tiers, resolved.

    Args:
        priorities: the priority classes of the cluster.
        tiers: tiers of the network by their name.
    """

    def __init__(self, priorities: Priorities, tiers: Mapping[str, int]) -> None:
        self._priorities = priorities
        self._tiers = tiers
        self.warnings: dict[str, None] = {}

    def warn(self, sentence: str) -> None:
        """Keep a warning; the same one once."""
        self.warnings[sentence] = None

    def priority(self, subject: str, name: str) -> int | None:
        """The value of a priority class; None where none is named, or none is there."""
        value = self._priorities.value(name) if name else None
        if name and value is None:
            self.warn(f"{subject}: PriorityClass {name!r} is not in the input: the priority of its pods counts")
        return value

    def topology(self, source: NetworkTopologySpec | None, field: str) -> NetworkTopology | None:
        """How near pods run to each other.

        Raises:
            InputError: the highest tier is named twice, below 0, or nobody has that name.
        """
        if source is None:
            return None
        tier, name = source.highest_tier_allowed, source.highest_tier_name
        if name and tier is not None:
            expected = "either highestTierName or highestTierAllowed"
            raise InputError("both", expected, field=f"{field}.highestTierName")
        if name and name not in self._tiers:
            expected = "the tierName of a HyperNode in the input"
            raise InputError(repr(name), expected, field=f"{field}.highestTierName")
        if tier is not None and tier < 0:
            raise InputError(str(tier), "a tier of 0 or more", field=f"{field}.highestTierAllowed")
        return NetworkTopology(source.mode or "hard", self._tiers[name] if name else tier)

    def sub_group(self, source: SubGroupSpec, field: str) -> SubGroupPolicy:
        """A policy for groups within a job.

        Raises:
            InputError: a count is below what makes sense, or its topology is not what it should be.
        """
        size, minimum = source.sub_group_size, source.min_sub_groups
        if size is not None and size < 1:
            raise InputError(str(size), "a size of 1 or more", field=f"{field}.subGroupSize")
        if minimum is not None and minimum < 0:
            raise InputError(str(minimum), "a count of 0 or more", field=f"{field}.minSubGroups")
        return SubGroupPolicy(
            name=source.name,
            selector=source.label_selector,
            keys=source.match_label_keys,
            size=1 if size is None else size,
            minimum=minimum or 0,
            topology=self.topology(source.network_topology, f"{field}.networkTopology"),
        )
