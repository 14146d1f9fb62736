"""Which kinds speak of a fleet, and in which API groups: ours, Karmada's and Argo's.

``Cluster``, ``Region`` or ``Workflow`` are names that others use too, in groups of their own, and those are none of
ours. But one without a group is nobody's, and one in a group that is spelt nearly like ours is meant to be ours: to
pass such an object over would leave a cluster or a region out of the fleet without a word.
"""

from __future__ import annotations

from collections import Counter
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from yuheng.errors import InputError
from yuheng.readers.inventory import key_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from yuheng.readers.sources.documents import Item

__all__ = ["KARMADA_CLUSTER", "OURS", "VERSION", "checked", "group_of", "is_karmada", "passed_over", "subject_of_fleet"]

OURS: Final = "yuheng.io"
VERSION: Final = f"{OURS}/v1alpha1"
KARMADA: Final = "karmada.io"
KARMADA_CLUSTER: Final = f"cluster.{KARMADA}"
ARGO: Final = "argoproj.io"
KINDS: Final = ("Cluster", "Fleet", "PlacementPolicy", "Region", "Workflow")
_POLICY: Final = f"policy.{KARMADA}/v1alpha1"
_WORK: Final = f"work.{KARMADA}/v1alpha2"
KARMADA_KINDS: Final[Mapping[str, str]] = {
    "Cluster": f"{KARMADA_CLUSTER}/v1alpha1",
    "ClusterOverridePolicy": _POLICY,
    "ClusterPropagationPolicy": _POLICY,
    "ClusterResourceBinding": _WORK,
    "OverridePolicy": _POLICY,
    "PropagationPolicy": _POLICY,
    "ResourceBinding": _WORK,
    "WorkloadRebalancer": f"apps.{KARMADA}/v1alpha1",
}
ARGO_KINDS: Final = ("ClusterWorkflowTemplate", "Workflow", "WorkflowTemplate")
# By kind, the versions in which it is read.
VERSIONS: Final[Mapping[str, tuple[str, ...]]] = {
    kind: (
        *((VERSION,) if kind in KINDS else ()),
        *((KARMADA_KINDS[kind],) if kind in KARMADA_KINDS else ()),
        *((f"{ARGO}/v1alpha1",) if kind in ARGO_KINDS else ()),
    )
    for kind in sorted({*KINDS, *KARMADA_KINDS, *ARGO_KINDS})
}
# Of our kinds, those that have a namespace.
_NAMESPACED: Final = ("PlacementPolicy", "Workflow")
# How much alike two names are when one of them is the other one misspelt: CronWorkflow is no slip for Workflow.
_ALIKE: Final = 0.82


def group_of(item: Item) -> str:
    """The API group of an object; empty for the core."""
    return item.api_version.rpartition("/")[0]


def is_karmada(item: Item) -> bool:
    """Whether an object is of a kind of Karmada's that is used."""
    return item.kind in KARMADA_KINDS and group_of(item).endswith(f".{KARMADA}")


def checked(item: Item) -> Item:
    """An object whose kind and version are what they should be, as far as they concern a fleet.

    Raises:
        InputError: it is in our group and its kind or its version is none of ours; or its kind is one that is read, and
            it has no group, or one that is misspelt.
    """
    group, versions = group_of(item), VERSIONS.get(item.kind, ())
    if group == OURS:
        _check_ours(item)
    elif versions and _is_slip(group, [version.partition("/")[0] for version in versions]):
        raise InputError(
            repr(item.api_version) if item.api_version else "nothing",
            " or ".join(versions),
            source=item.source,
            subject=subject_of_fleet(item),
            field="apiVersion",
        )
    return item


def passed_over(items: Iterable[Item]) -> list[str]:
    """One sentence for each kind of Karmada's and Argo's that is not read."""
    found = Counter((item.kind, group) for item in items if _is_known(group := group_of(item)) and not _is_read(item))
    return [_passed_over(kind, group, count) for (kind, group), count in sorted(found.items())]


def subject_of_fleet(item: Item) -> str:
    """An object in words: ``Region eu-west-1``, ``PropagationPolicy shop/web``, ``Cluster, item 3`` without a name."""
    key, place = key_of(item), f"{item.kind}, item {item.position}"
    return f"{item.kind} {key.partition('/')[2] if _is_wide(item) else key}" if key else place


def _is_wide(item: Item) -> bool:
    """Whether an object is in no namespace."""
    if group_of(item) == OURS or item.kind in ("Fleet", "Region"):
        return item.kind not in _NAMESPACED
    return item.kind.startswith("Cluster") or item.kind == "WorkloadRebalancer"


def _check_ours(item: Item) -> None:
    subject = subject_of_fleet(item)
    if item.api_version != VERSION:
        raise InputError(repr(item.api_version), VERSION, source=item.source, subject=subject, field="apiVersion")
    if item.kind not in KINDS:
        found, expected = repr(item.kind) + _hint(item.kind, KINDS), f"one of {', '.join(KINDS)}"
        raise InputError(found, expected, source=item.source, subject=subject, field="kind")


def _is_slip(group: str, proper: list[str]) -> bool:
    """Whether a group is none, or looks like one of those where the kind is read."""
    if group in proper or group.endswith(f".{KARMADA}"):
        return False
    return group in ("", KARMADA) or bool(get_close_matches(group, proper, 1, _ALIKE))


def _is_known(group: str) -> bool:
    return group == ARGO or group.endswith(f".{KARMADA}")


def _is_read(item: Item) -> bool:
    return item.kind in ARGO_KINDS if group_of(item) == ARGO else item.kind in KARMADA_KINDS


def _passed_over(kind: str, group: str, count: int) -> str:
    what = "1 object" if count == 1 else f"{count} objects"
    read = ARGO_KINDS if group == ARGO else tuple(KARMADA_KINDS)
    is_ = "is" if count == 1 else "are"
    return f"{what} of kind {kind} ({group}) {is_} passed over: it is not read{_hint(kind, read)}"


def _hint(kind: str, known: Iterable[str]) -> str:
    near = get_close_matches(kind, list(known), 1, _ALIKE)
    return f" (did you mean {near[0]}?)" if near else ""
