"""Which limits can bind: those that tasks which may run at the same time could exceed together.

A limit that cannot bind needs no looking at, and most cannot: the options then differ in less, and schedules are faster
to make.
"""

from __future__ import annotations

from collections.abc import Sequence

from yuheng.model.workflow import Limits, TaskOption

__all__ = ["BindingLimits", "Limit", "all_limits", "taken"]

# ("region", key), ("room", cluster, group) or ("workflow",).
Limit = tuple[str, ...]


class BindingLimits:
    """The limits of a workflow that can bind.

    Args:
        parallelism: pods of the workflow at a time; None for no limit.
        limits: of regions and machine groups.
        options: by task.
        related: by task, the tasks that never run beside it, as bits.
    """

    def __init__(
        self, parallelism: int | None, limits: Limits, options: Sequence[Sequence[TaskOption]], related: Sequence[int]
    ) -> None:
        known = all_limits(parallelism, limits)
        self._limits = [
            limit
            for limit in sorted(known)
            if _can_bind([max(taken(one, limit) for one in given) for given in options], known[limit], related)
        ]
        self.capacities = tuple(known[limit] for limit in self._limits)

    def uses(self, option: TaskOption) -> tuple[tuple[int, int], ...]:
        """(place of the limit, amount) pairs: what an option takes of them."""
        found = ((place, taken(option, limit)) for place, limit in enumerate(self._limits))
        return tuple((place, amount) for place, amount in found if amount)


def all_limits(parallelism: int | None, limits: Limits) -> dict[Limit, int]:
    """All limits under one kind of key."""
    found: dict[Limit, int] = {("region", region): most for region, most in limits.concurrency.items()}
    found |= {("room", *place): most for place, most in limits.room.items()}
    return found if parallelism is None else {**found, ("workflow",): parallelism}


def taken(option: TaskOption, limit: Limit) -> int:
    """What an option takes of a limit while it runs."""
    kind, *place = limit
    if kind == "workflow" or (kind == "region" and place == [option.region]):
        return option.slots
    return option.units if kind == "room" and place == [option.cluster, option.group] else 0


def _can_bind(most: Sequence[int], capacity: int, related: Sequence[int]) -> bool:
    """Whether a task and all that may run beside it could need more than there is."""
    if sum(most) <= capacity:
        return False
    takers = [(task, amount) for task, amount in enumerate(most) if amount]
    return any(
        sum(amount for other, amount in takers if not related[task] >> other & 1) > capacity for task, _ in takers
    )
