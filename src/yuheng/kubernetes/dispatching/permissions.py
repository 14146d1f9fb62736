"""What a dispatcher must be allowed to do, and why: the tables that its roles are written from.

In a member cluster it reads what a plan is made of, and carries what folders usually hold. Secrets, roles, definitions
and custom resources are left out, since each of them gives more away than it seems: who needs them adds a rule. What it
may not list it does not prune, and says so. In Karmada's API server it decides on bindings, and touches nothing else.

A test compares both with what a dispatcher at work was seen to ask for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from yuheng.kubernetes.api import KINDS
from yuheng.kubernetes.capture import CAPTURED
from yuheng.kubernetes.dispatching.health import WATCHED

__all__ = ["KARMADA", "MEMBER", "Right"]


class Right(NamedTuple):
    """What a role has to allow.

    Attributes:
        group: of the API; empty for the core.
        resource: as roles call it: ``resourcebindings/status``.
        verbs: in the order of the alphabet.
        why: what they are needed for.
    """

    group: str
    resource: str
    verbs: tuple[str, ...]
    why: str


_CARRY: Final = ("create", "get", "list", "patch")
# What stays when it is not wanted any more, and so needs no rule to delete.
_LASTING: Final = ("namespaces", "persistentvolumeclaims")
_CARRIED: Final = (
    *_LASTING,
    "configmaps",
    "serviceaccounts",
    "services",
    "daemonsets.apps",
    "deployments.apps",
    "statefulsets.apps",
    "cronjobs.batch",
    "jobs.batch",
    "horizontalpodautoscalers.autoscaling",
    "poddisruptionbudgets.policy",
    "ingresses.networking.k8s.io",
    "networkpolicies.networking.k8s.io",
)
_WHY_READ: Final = "what a plan is made of"
_WHY_CARRIED: Final = "what a folder holds"
_WHY_FOLLOWED: Final = "to see whether the cluster works"


def _member() -> Iterator[Right]:
    for name in sorted({*CAPTURED, *_CARRIED, *WATCHED, "nodes"}, key=lambda name: name.partition(".")[::-1]):
        verbs, why = {"list"} if name in CAPTURED else set(), _WHY_READ
        if name in _CARRIED:
            verbs |= {*_CARRY} if name in _LASTING else {*_CARRY, "delete"}
            why = _WHY_CARRIED
        if name in WATCHED:
            verbs |= {"list", "watch"}
        if name == "nodes":
            verbs |= {"get", "watch"}
            why = f"{_WHY_READ}, and {_WHY_FOLLOWED}"
        resource, _, group = name.partition(".")
        yield Right(group, resource, tuple(sorted(verbs)), why)


def _karmada() -> Iterator[Right]:
    clusters = KINDS["clusters.cluster.karmada.io"]
    yield Right(clusters.group, clusters.plural, ("list", "watch"), "what there is to choose from, and its room")
    for name in ("clusterresourcebindings.work.karmada.io", "resourcebindings.work.karmada.io"):
        kind = KINDS[name]
        yield Right(kind.group, kind.plural, ("list", "patch", "watch"), "what is to be decided, and the decision")
        yield Right(kind.group, f"{kind.plural}/status", ("patch",), "to say that it is decided, or why not")


MEMBER: Final = tuple(_member())
KARMADA: Final = tuple(_karmada())
