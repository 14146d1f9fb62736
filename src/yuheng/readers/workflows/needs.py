"""What tasks need: what their workflow says for all of them, what they say, and how long their pods say they run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from yuheng.model.requirements import Requirements, RunTime

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yuheng.model.pod import Pod

__all__ = ["divided", "named", "timed"]

ANY_MACHINE: Final = "*"
_OTHER: Final = re.compile(r"[^a-z0-9]+")


# What is said of a workflow as a whole; the rest of what it says counts for each task that does not say it.
OF_ALL: Final = frozenset(("deadline", "within", "not_before", "objective"))


def divided(parts: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a workflow says, as fields of `Workflow`, and as fields of the `Requirements` of its tasks."""
    whole = {name: value for name, value in parts.items() if name in OF_ALL}
    return whole, {name: value for name, value in parts.items() if name not in OF_ALL}


def named(workflow: str, task: str) -> str:
    """The name of a task's pod: what a pod's name may not hold is a dash."""
    return f"{workflow}-{_OTHER.sub('-', task.lower()).strip('-')}"


def timed(requirements: Requirements, pod: Pod) -> Requirements:
    """Requirements whose run time is the pod's own estimate where they do not tell it."""
    if requirements.run_time or pod.estimate is None:
        return requirements
    return msgspec.structs.replace(requirements, run_time={ANY_MACHINE: RunTime(pod.estimate)})
