"""Workloads as they are written, whether or not anything of them runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.errors import InputError
from yuheng.model.estate import Claim, Owner, WorkloadEstate
from yuheng.readers.decoding import below
from yuheng.readers.estate.volumes import claim_of_template
from yuheng.readers.estate.wire import Template, VolcanoJob, WorkloadObject
from yuheng.readers.inventory import converted
from yuheng.readers.objects.selecting import named
from yuheng.readers.wire import Annotations

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from yuheng.readers.estate.containers import ContainerReader
    from yuheng.readers.estate.wire import ClaimTemplate, OwnedMetadata, Specification
    from yuheng.readers.sources.documents import Item

__all__ = ["VOLCANO_JOB", "WORKLOADS", "WorkloadReader", "told"]

Text = bytes | msgspec.Raw
VOLCANO_JOB: Final = "Job.batch.volcano.sh"
WORKLOADS: Final = (
    "CronJob",
    "DaemonSet",
    "Deployment",
    "Job",
    "ReplicaSet",
    "ReplicationController",
    "StatefulSet",
)
# What kubectl keeps of a manifest: as long as the object, and nobody's business.
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"


def told(annotations: Mapping[str, str] | None) -> dict[str, str]:
    """Annotations without the copy of the object that kubectl keeps among them."""
    return {key: text for key, text in (annotations or {}).items() if key != LAST_APPLIED}


class WorkloadReader:
    """Makes workloads of the model.

    Args:
        containers: makes their containers.

    Attributes:
        above: the controller of each object that was read, by kind, namespace and name; None of one without.
    """

    def __init__(self, containers: ContainerReader) -> None:
        self._containers = containers
        self.above: dict[tuple[str, str, str], Owner | None] = {}

    def read(self, item: Item) -> list[WorkloadEstate]:
        """The workloads of an object: one, several of a Volcano Job of several tasks, or none of a controlled one.

        Raises:
            InputError: the object is not what Kubernetes defines.
        """
        if item.kind == VOLCANO_JOB:
            return converted(item, lambda text: self._volcano(item, text))
        return converted(item, lambda text: self._workload(item, text))

    def _workload(self, item: Item, text: Text) -> list[WorkloadEstate]:
        source = msgspec.json.decode(text, type=WorkloadObject)
        name, namespace = named(source.metadata)
        owner = _controller(source.metadata)
        self.above[item.kind, namespace, name] = owner
        if owner is not None and owner.kind in (*WORKLOADS, "Rollout"):
            return []
        spec, path = source.spec, "spec.template"
        job = spec.job_template.spec if item.kind == "CronJob" and spec.job_template else spec
        if item.kind == "CronJob":
            path = "spec.jobTemplate.spec.template"
        replicas: int | None = 1 if spec.replicas is None else spec.replicas
        if item.kind == "DaemonSet":
            replicas = None
        elif item.kind in ("Job", "CronJob"):
            at_once = 1 if job.parallelism is None else job.parallelism
            at_once = at_once if job.completions is None else min(at_once, job.completions)
            replicas = 0 if spec.suspend else at_once
        templates = spec.volume_claim_templates or ()
        made = self._made(item, (namespace, name, path), source.metadata, job.template, replicas)
        own = tuple(claim_of_template(one, namespace, one.metadata.name) for one in templates)
        return [msgspec.structs.replace(made, claims=(*own, *made.claims))]

    def _volcano(self, item: Item, text: Text) -> list[WorkloadEstate]:
        source = msgspec.json.decode(text, type=VolcanoJob)
        name, namespace = named(source.metadata)
        self.above["Job", namespace, name] = _controller(source.metadata)
        tasks = source.spec.tasks or ()
        found = []
        for index, task in enumerate(tasks):
            called = name if len(tasks) == 1 else f"{name}/{task.name or f'default{index}'}"
            place = (namespace, called, f"spec.tasks[{index}].template")
            found.append(
                self._made(item, place, source.metadata, task.template, 1 if task.replicas is None else task.replicas)
            )
        return found

    def _made(
        self,
        item: Item,
        place: tuple[str, str, str],
        metadata: OwnedMetadata,
        template: Template,
        replicas: int | None,
    ) -> WorkloadEstate:
        """A workload of a template.

        Args:
            item: its object.
            place: its namespace, its name, and the path of the template in the object.
            metadata: of the object.
            template: of its pods.
            replicas: how many are wanted.
        """
        namespace, name, path = place
        own = told(template.metadata.annotations)
        words = msgspec.convert(own, Annotations)
        try:
            parts = self._containers.read(template.spec, words)
            claims = tuple(_own_claims(template.spec, namespace))
        except InputError as error:
            raise below(path, error) from error
        return WorkloadEstate(
            kind=item.kind,
            namespace=namespace,
            name=name,
            replicas=replicas,
            labels={**(metadata.labels or {}), **(template.metadata.labels or {})},
            annotations={**told(metadata.annotations), **own},
            containers=parts.containers,
            least=parts.least,
            overhead=parts.overhead,
            claims=claims,
            uses=tuple(
                one.persistent_volume_claim.claim_name
                for one in template.spec.volumes or ()
                if one.persistent_volume_claim is not None
            ),
            source=item.source,
        )


def _own_claims(spec: Specification, namespace: str) -> Iterable[Claim]:
    """The claims that are made for each pod of a template alone."""
    templates: list[tuple[str, ClaimTemplate]] = [
        (volume.name, volume.ephemeral.volume_claim_template)
        for volume in spec.volumes or ()
        if volume.ephemeral is not None and volume.ephemeral.volume_claim_template is not None
    ]
    return (claim_of_template(template, namespace, name) for name, template in templates)


def _controller(metadata: OwnedMetadata) -> Owner | None:
    owner = next((one for one in metadata.owner_references or () if one.controller), None)
    return None if owner is None else Owner(owner.kind, owner.name)
