"""The state of a live cluster, asked for with ``kubectl``: a client of our own is not needed for one question."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Final

from yuheng.errors import InputError
from yuheng.readers.assembly import Assembly
from yuheng.readers.inventory import Inventory
from yuheng.readers.sources.documents import objects_of

if TYPE_CHECKING:
    from pathlib import Path

    from yuheng.model.cluster import Snapshot

__all__ = ["read_context"]

# What a snapshot is made of, as `kubectl api-resources -o name` calls it; not every cluster knows all of them.
RESOURCES: Final = (
    "nodes",
    "pods",
    "namespaces",
    "persistentvolumeclaims",
    "persistentvolumes",
    "replicationcontrollers",
    "services",
    "daemonsets.apps",
    "deployments.apps",
    "replicasets.apps",
    "statefulsets.apps",
    "jobs.batch",
    "poddisruptionbudgets.policy",
    "priorityclasses.scheduling.k8s.io",
    "hypernodes.topology.volcano.sh",
    "jobs.batch.volcano.sh",
    "podgroups.scheduling.volcano.sh",
    "queues.scheduling.volcano.sh",
    "clusterqueues.kueue.x-k8s.io",
    "cohorts.kueue.x-k8s.io",
    "localqueues.kueue.x-k8s.io",
)
TIMEOUT: Final = 300.0
EXPECTED: Final = "a cluster that kubectl can ask"
_LONGEST: Final = 300


def read_context(context: str, kubeconfig: Path | None = None) -> Snapshot:
    """The state of the cluster behind a context.

    Args:
        context: its name; it must not begin with a dash.
        kubeconfig: the file it is in; None for the one that kubectl takes.

    Raises:
        InputError: there is no kubectl, or it fails, or does not answer in time.
    """
    options = [f"--context={context}", *([f"--kubeconfig={kubeconfig}"] if kubeconfig else [])]
    known = set(_asked([*options, "api-resources", "--verbs=list", "-o", "name"]).decode("utf-8", "replace").split())
    wanted = ",".join(name for name in RESOURCES if name in known)
    text = _asked([*options, "get", wanted or RESOURCES[0], "--all-namespaces", "-o", "json"])
    inventory = Inventory()
    inventory.add(objects_of(text, f"context {context}", captured=True))
    return Assembly(inventory).snapshot()


def _asked(arguments: list[str]) -> bytes:
    """What kubectl answers; arguments are a list and pass no shell."""
    try:
        found = subprocess.run(  # noqa: S603 -- our own arguments, and a context that was checked
            ["kubectl", *arguments],  # noqa: S607 -- whichever kubectl the user has
            capture_output=True,
            timeout=TIMEOUT,
            stdin=subprocess.DEVNULL,
            check=True,
        )
    except FileNotFoundError:
        raise InputError("no kubectl on the PATH", EXPECTED) from None
    except OSError as error:
        raise InputError(f"a kubectl that cannot be run: {error.strerror}", EXPECTED) from error
    except subprocess.TimeoutExpired:
        raise InputError(f"no answer of kubectl within {TIMEOUT:g} s", EXPECTED) from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip().splitlines()
        why = said[-1][:_LONGEST] if said else f"exit code {error.returncode}"
        raise InputError(f"that kubectl failed: {why}", EXPECTED) from None
    return found.stdout
