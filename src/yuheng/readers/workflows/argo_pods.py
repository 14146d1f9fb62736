"""The pod of an Argo template, and what is known of how long it runs and of what it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from yuheng.errors import InputError
from yuheng.model.duration import parse_duration
from yuheng.model.requirements import Requirements, RunTime
from yuheng.readers.decoding import below
from yuheng.readers.fleet.annotations import annotated
from yuheng.readers.fleet.values import parse_gigabytes
from yuheng.readers.manifests import read_pod
from yuheng.readers.sources.yaml_documents import yaml_documents
from yuheng.readers.workflows.argo_values import filled
from yuheng.readers.workflows.needs import ANY_MACHINE, named, timed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yuheng.model.pod import Pod
    from yuheng.readers.workflows.argo_fields import Metadata, Template, WorkflowSpec
    from yuheng.readers.workflows.argo_values import Scope
    from yuheng.readers.workloads.template import MakePod

__all__ = ["Needs", "PodMaker", "said_of", "sizes_of"]

# How much an artifact of a template is: yuheng.io/artifact.NAME: 20GB
ARTIFACT: Final = "yuheng.io/artifact."
# More pods of one object than this are a slip of the finger.
MOST_PODS: Final = 100_000
# What Argo runs for a template that says no container itself.
EXECUTOR: Final[Mapping[str, Any]] = {"name": "main"}


class Needs(NamedTuple):
    """What a task needs: its pods, and everything else."""

    pods: tuple[Pod, ...]
    requirements: Requirements


class PodMaker:
    """Makes the pods of a workflow.

    Args:
        spec: of the workflow.
        metadata: of the workflow.
        shared: fields of `Requirements` that hold for all tasks that do not say them.
        make_pod: from a complete v1 Pod to a pod of the model.
    """

    def __init__(self, spec: WorkflowSpec, metadata: Metadata, shared: Mapping[str, Any], make_pod: MakePod) -> None:
        self._spec = spec
        self._metadata = metadata
        self._shared = shared
        self._make_pod = make_pod
        self.created: list[str] = []

    def needs(self, template: Template, task: str, scope: Scope) -> Needs:
        """What a task of a template needs.

        Raises:
            InputError: the template is not what it should be.
        """
        requirements = Requirements(**{**self._shared, **said_of(template.metadata)})
        if template.suspend is not None:
            seconds = _seconds(filled(str(template.suspend.duration), scope))
            return Needs((), msgspec.structs.replace(requirements, run_time={ANY_MACHINE: RunTime(seconds)}))
        if template.resource is not None:
            pods = self._of_manifest(filled(template.resource.manifest, scope), task)
        elif template.http is not None or template.plugin is not None:
            pods = ()
        else:
            pods = (self._pod(template, task, scope),)
        return Needs(pods, timed(requirements, pods[0]) if pods else requirements)

    def _pod(self, template: Template, task: str, scope: Scope) -> Pod:
        spec, shared = template, self._spec
        deadline = filled(template.active_deadline_seconds, scope)
        fields: dict[str, Any] = {
            "containers": [*_containers(template), *template.sidecars],
            "initContainers": template.init_containers,
            "nodeSelector": spec.node_selector or shared.node_selector,
            "affinity": spec.affinity or shared.affinity,
            "tolerations": spec.tolerations or shared.tolerations,
            "volumes": [*shared.volumes, *spec.volumes],
            "priorityClassName": spec.priority_class_name or shared.pod_priority_class_name,
            "priority": spec.priority,
            "hostNetwork": shared.host_network,
            "activeDeadlineSeconds": int(deadline) if str(deadline).isdecimal() else None,
        }
        metadata = {
            "name": named(self._name, task),
            "namespace": self._metadata.namespace,
            "labels": {**self._spec.pod_metadata.labels, **template.metadata.labels},
        }
        manifest = {"metadata": metadata, "spec": {key: value for key, value in fields.items() if value}}
        return self._make_pod({"apiVersion": "v1", "kind": "Pod", **filled(manifest, scope)})

    def _of_manifest(self, text: str, task: str) -> tuple[Pod, ...]:
        """The pods of an object that a task creates; none where it is no workload, or is known only when it runs."""
        try:
            document = {} if "{{" in text else _first(text)
            pod = read_pod(document)
        except InputError:
            self.created.append(task)
            return ()
        spec = document.get("spec") or {}
        count = spec.get("parallelism") or spec.get("replicas") or 1
        names = [named(self._name, task)]
        if isinstance(count, int) and count > 1:
            names = [f"{names[0]}-{number}" for number in range(min(count, MOST_PODS))]
        return tuple(msgspec.structs.replace(pod, name=name, namespace=self._metadata.namespace) for name in names)

    @property
    def _name(self) -> str:
        return self._metadata.name or self._metadata.generate_name.rstrip("-")


def _first(text: str) -> dict[str, Any]:
    """The object of a manifest."""
    document = next(iter(yaml_documents(text.encode(), "")), b"{}")
    found = msgspec.json.decode(document)
    return found if isinstance(found, dict) else {}


def said_of(metadata: Metadata) -> dict[str, Any]:
    """What annotations say, as fields of `Requirements`.

    Raises:
        InputError: one of ours is unknown, or not what it should be.
    """
    return annotated({key: text for key, text in metadata.annotations.items() if not key.startswith(ARTIFACT)})


def sizes_of(metadata: Metadata) -> dict[str, float]:
    """Gigabytes of the artifacts of a template, by name, as its annotations say.

    Raises:
        InputError: one is no amount of data.
    """
    found = {}
    for key, text in metadata.annotations.items():
        if key.startswith(ARTIFACT):
            try:
                found[key.removeprefix(ARTIFACT)] = parse_gigabytes(text)
            except InputError as error:
                raise below(f"metadata.annotations[{key}]", error) from None
    return found


def _containers(template: Template) -> list[dict[str, Any]]:
    """The containers of a template's pod; scripts are containers with a text of their own.

    Raises:
        InputError: nothing says what the template does.
    """
    if template.container_set is not None:
        return template.container_set.containers
    for own in (template.container, template.script, template.data):
        if own is not None:
            wanted = {key: value for key, value in own.items() if key not in ("source", "transformation")}
            return [{**EXECUTOR, **({} if own is template.data else wanted)}]
    raise InputError("nothing that it does", "one of container, script, resource, dag, steps, suspend and the like")


def _seconds(text: str) -> float:
    """Seconds of a suspension; none where it waits for somebody, or for what only the run tells."""
    if not text or "{{" in text:
        return 0.0
    try:
        return float(text) if text.isdecimal() else max(parse_duration(text), 0.0)
    except InputError as error:
        raise error.at(field="suspend.duration") from None
