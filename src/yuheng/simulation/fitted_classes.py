"""The classes of jobs of a trace: what its jobs ask for, how many pods they have, and how long they work.

Jobs whose pods look alike are a class; names, owners and times of pods do not count. The classes that matter most
stay, until they have nearly everything; the jobs of the others join the class that is nearest. A class matters by the
mean of its shares of the jobs and of the cpu, memory and GPUs they ask for: chosen by the number of jobs alone, the
few that ask for eight GPUs would be lost, and with them a large part of what the cluster is asked for. Near is what
asks for similar amounts (a doubling of one resource is one step) and is of the same kind (each of queue, namespace,
priority, labels, GPU models and other rules that differs is several steps).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuheng.model.pod import Pod
from yuheng.model.scenario import Distribution, JobClass
from yuheng.model.workload import Workload
from yuheng.simulation.distributions import Numbers
from yuheng.simulation.fitted_distributions import fit_counts, fit_distribution, rounded

__all__ = ["MOST_CLASSES", "FittedClasses", "fit_classes"]

MOST_CLASSES: Final = 40
NEARLY_ALL: Final = 0.95
ANOTHER_KIND: Final = 4.0
# What is a pod's own, not its template's.
_OWN: Final[dict[str, Any]] = {
    "name": "",
    "created": float("inf"),
    "owner": None,
    "node": None,
    "terminating": False,
    "device_indices": (),
    "job": "",
    "started": None,
    "estimate": None,
}
_Index = NDArray[np.intp]


class FittedClasses(NamedTuple):
    """Classes, those that matter most first, and what was assumed, one sentence each."""

    classes: tuple[JobClass, ...]
    warnings: tuple[str, ...]


class _Groups(NamedTuple):
    """Templates that look alike, as one: what they look like, and the group of each job."""

    templates: list[Pod]
    of_job: _Index


def fit_classes(workload: Workload) -> FittedClasses:
    """The classes of a trace of one job at least.

    Jobs that never end are classes of their own beside those that end: a generator draws as many.
    """
    groups = _grouped(workload)
    amounts = np.array([_amounts(template) for template in groups.templates], dtype=np.float64)
    kept = _kept(groups, amounts, workload.pods)
    of_job = _joined(groups, amounts, kept)[groups.of_job]
    joined = int(np.count_nonzero(~np.isin(groups.of_job, kept)))
    warnings = [_joined_sentence(joined, len(workload), len(kept))] if joined else []
    classes: list[JobClass] = []
    for number, group in enumerate(kept):
        jobs = np.flatnonzero(of_job == number)
        classes += _classes(f"class-{number + 1:02d}", groups.templates[group], jobs, workload)
    return FittedClasses(tuple(classes), (*warnings, *_gang_sentences(workload), *_endless_sentences(workload)))


def _grouped(workload: Workload) -> _Groups:
    used, which = np.unique(workload.template, return_inverse=True)
    encode = msgspec.json.Encoder(order="deterministic").encode
    numbers: dict[bytes, int] = {}
    templates: list[Pod] = []
    group = np.empty(len(used), dtype=np.intp)
    for place, index in enumerate(used.tolist()):
        template = msgspec.structs.replace(workload.templates[index], **_OWN)
        number = group[place] = numbers.setdefault(encode(template), len(numbers))
        if number == len(templates):
            templates.append(template)
    return _Groups(templates, group[which])


def _kept(groups: _Groups, amounts: Numbers, pods: NDArray[np.int32]) -> _Index:
    """The groups that become classes: those that matter most first."""
    jobs = np.bincount(groups.of_job)
    asked = np.bincount(groups.of_job, weights=pods)[:, None] * amounts
    columns = np.column_stack((jobs, asked))
    columns = columns[:, columns.sum(axis=0) > 0.0]
    matters = (columns / columns.sum(axis=0)).mean(axis=1)
    order = np.argsort(-matters, kind="stable")
    enough = int(np.searchsorted(np.cumsum(matters[order]), NEARLY_ALL)) + 1
    kept: _Index = order[: min(enough, MOST_CLASSES)]
    return kept


def _joined(groups: _Groups, amounts: Numbers, kept: _Index) -> _Index:
    """The class of each group: its own, or the nearest; of those equally near the one that matters most."""
    steps = np.log2(1.0 + amounts)
    kinds = np.array([_numbered(groups.templates, kind) for kind in _KINDS]).T
    apart = np.empty((len(groups.templates), len(kept)))
    for number, group in enumerate(kept):
        apart[:, number] = np.abs(steps - steps[group]).sum(axis=1)
        apart[:, number] += ANOTHER_KIND * (kinds != kinds[group]).sum(axis=1)
    nearest: _Index = np.argmin(apart, axis=1)
    nearest[kept] = np.arange(len(kept))
    return nearest


def _amounts(template: Pod) -> tuple[float, float, float]:
    """What a pod asks for: milli-cores, MiB, thousandths of GPUs."""
    requests, devices = template.spec.requests, template.spec.devices
    return requests.get("cpu", 0), requests.get("memory", 0) / 2**20, devices.count * devices.milli


def _numbered(templates: list[Pod], kind: Callable[[Pod], Hashable]) -> list[int]:
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(kind(template), len(numbers)) for template in templates]


def _rules(template: Pod) -> Hashable:
    """Everything about where a pod may run but the amounts it asks for."""
    requests = tuple(sorted(name for name in template.spec.requests if name not in ("cpu", "memory")))
    spec = msgspec.structs.replace(template.spec, requests={}, scoring_requests=(0, 0), held_requests=None)
    devices = msgspec.structs.replace(spec.devices, count=0, milli=0)
    return requests, msgspec.json.encode(msgspec.structs.replace(spec, devices=devices), order="deterministic")


_KINDS: Final[tuple[Callable[[Pod], Hashable], ...]] = (
    lambda template: template.queue,
    lambda template: template.namespace,
    lambda template: template.priority,
    lambda template: tuple(sorted(template.labels.items())),
    _rules,
)


def _classes(name: str, template: Pod, jobs: _Index, workload: Workload) -> list[JobClass]:
    """The jobs of a class that end, and those that do not."""
    ends = np.isfinite(workload.duration[jobs])
    parts = ((name, jobs[ends]), (f"{name}-endless", jobs[~ends]))
    return [_class(name, template, part, workload) for name, part in parts if len(part)]


def _class(name: str, template: Pod, jobs: _Index, workload: Workload) -> JobClass:
    pods: Numbers = workload.pods[jobs].astype(np.float64)
    duration = workload.duration[jobs]
    gangs, several = _gangs(workload, jobs)
    return JobClass(
        name=name,
        share=rounded(len(jobs) / len(workload)),
        template=msgspec.structs.replace(template, name=name),
        duration=fit_distribution(duration) if np.isfinite(duration[0]) else _ENDLESS,
        pods=fit_counts(pods),
        gang=2 * gangs >= several,
    )


_ENDLESS: Final = Distribution(kind="constant", a=float("inf"))


def _gangs(workload: Workload, jobs: _Index) -> tuple[int, int]:
    """How many jobs have several pods that start together, and how many have several pods."""
    several = workload.pods[jobs] > 1
    return int(np.count_nonzero(several & (workload.minimum[jobs] > 1))), int(np.count_nonzero(several))


def _joined_sentence(joined: int, jobs: int, classes: int) -> str:
    return (
        f"{joined:,} of {jobs:,} jobs look like none of the {classes} classes and are counted in the nearest: "
        "what they ask for is told as that of the class"
    )


def _gang_sentences(workload: Workload) -> list[str]:
    partly = int(np.count_nonzero((workload.minimum > 1) & (workload.minimum < workload.pods)))
    if not partly:
        return []
    return [f"{partly:,} jobs need only some of their pods to start: they are told as gangs of all their pods"]


def _endless_sentences(workload: Workload) -> list[str]:
    endless = int(np.count_nonzero(np.isinf(workload.duration)))
    if not endless:
        return []
    return [f"{endless:,} of {len(workload):,} jobs never end in the trace: as many are drawn that never end"]
