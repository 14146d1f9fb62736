"""What the annotations of jobs and pod groups say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from yuheng.errors import InputError
from yuheng.model.duration import parse_duration
from yuheng.model.job import TaskTopology
from yuheng.readers.batch.wire import Budget

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = [
    "BUDGET_LEAST",
    "BUDGET_MOST",
    "PREEMPTABLE",
    "REVOCABLE_ZONE",
    "annotation_path",
    "disruption_budget",
    "parsed_truth",
    "task_topology",
    "truth",
    "waiting_time",
    "wishes",
]

PREEMPTABLE: Final = "volcano.sh/preemptable"
REVOCABLE_ZONE: Final = "volcano.sh/revocable-zone"
WAITING_TIMES: Final = ("volcano.sh/sla-waiting-time", "sla-waiting-time")
BUDGET_LEAST: Final = "volcano.sh/jdb-min-available"
BUDGET_MOST: Final = "volcano.sh/jdb-max-unavailable"
TOGETHER: Final = "volcano.sh/task-topology-affinity"
APART: Final = "volcano.sh/task-topology-anti-affinity"
ORDER: Final = "volcano.sh/task-topology-task-order"
_TRUE: Final = frozenset(("1", "t", "T", "true", "TRUE", "True"))


def annotation_path(name: str) -> str:
    """The path of an annotation, for error messages."""
    return f"metadata.annotations[{name}]"


def parsed_truth(text: str) -> bool:
    """Whether a text means yes; what is neither yes nor no is no, as Volcano has it."""
    return text in _TRUE


def truth(words: Mapping[str, str], name: str) -> bool | None:
    """What an annotation or a label says; None where it is absent."""
    return parsed_truth(words[name]) if name in words else None


def waiting_time(annotations: Mapping[str, str]) -> float | None:
    """How long a job may wait, in seconds.

    Raises:
        InputError: it is not a duration above 0.
    """
    name = next((name for name in WAITING_TIMES if name in annotations), None)
    if name is None:
        return None
    try:
        seconds = parse_duration(annotations[name])
    except InputError as error:
        raise error.at(field=annotation_path(name)) from None
    if seconds <= 0:
        raise InputError(repr(annotations[name]), "a duration above 0", field=annotation_path(name))
    return seconds


def disruption_budget(annotations: Mapping[str, str]) -> Budget:
    """How many pods may be evicted; of the two annotations the first one counts, as in Volcano.

    Raises:
        InputError: it is neither a count nor a percentage.
    """
    for name in (BUDGET_LEAST, BUDGET_MOST):
        text = annotations.get(name, "")
        if not text:
            continue
        digits = text.removesuffix("%")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
            raise InputError(repr(text), "a count or a percentage, such as 2 or 50%", field=annotation_path(name))
        return Budget(min_available=text) if name == BUDGET_LEAST else Budget(max_unavailable=text)
    return Budget()


def task_topology(annotations: Mapping[str, str], tasks: Collection[str] | None = None) -> TaskTopology | None:
    """Which tasks run together, and which apart: sets separated by ``;``, names by ``,``.

    Args:
        annotations: of the job.
        tasks: the names of its tasks, where they are known.

    Returns:
        The topology; None when it names a task that is not there, or one twice: Volcano then ignores all of it.
    """
    together, apart = _sets(annotations.get(TOGETHER, "")), _sets(annotations.get(APART, ""))
    order = _names(annotations.get(ORDER, ""))
    for names in (*together, *apart, order):
        if len(set(names)) < len(names) or (tasks is not None and not set(names) <= set(tasks)):
            return None
    return TaskTopology(together, apart, order)


def wishes(annotations: Mapping[str, str], labels: Mapping[str, str]) -> dict[str, Any]:
    """What a job's annotations say of waiting and of eviction: values by the name of the job's field.

    Raises:
        InputError: one of them is not what it should be.
    """
    budget = disruption_budget(annotations)
    return {
        "waiting_time": waiting_time(annotations),
        "preemptable": truth({**labels, **annotations}, PREEMPTABLE),
        "disruption_min_available": budget.min_available,
        "disruption_max_unavailable": budget.max_unavailable,
    }


def _sets(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(names for part in text.split(";") if (names := _names(part)))


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name)
