"""Where the templates of an Argo workflow are found: in itself, and in the WorkflowTemplates of the input."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from yuheng.errors import InputError
from yuheng.readers.decoding import misfit
from yuheng.readers.inventory import converted
from yuheng.readers.workflows.argo_fields import Template, WorkflowObject, WorkflowSpec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from yuheng.readers.sources.documents import Item
    from yuheng.readers.workflows.argo_fields import Call, Reference

__all__ = ["CLUSTER_WIDE", "Home", "Library", "read_object"]

CLUSTER_WIDE = "ClusterWorkflowTemplate"


class Home(NamedTuple):
    """An object with templates, which call each other by name.

    Attributes:
        name: of the object, for messages.
        namespace: where references to other objects are looked up.
        spec: of the object.
    """

    name: str
    namespace: str
    spec: WorkflowSpec

    def template(self, name: str) -> Template:
        """A template by its name, with the object's defaults.

        Raises:
            InputError: there is none.
        """
        found = next((one for one in self.spec.templates if one.name == name), None)
        if found is None:
            raise InputError(f"template {name!r}, which is not in {self.name}", "a template of it")
        return _with_defaults(found, self.spec.template_defaults)


class Library:
    """The WorkflowTemplates of the input.

    Args:
        items: the objects; cluster-wide ones are found from all namespaces.

    Raises:
        InputError: one is not what it should be.
    """

    def __init__(self, items: Iterable[Item]) -> None:
        self._homes: dict[tuple[str, str], Home] = {}
        for item in items:
            found = read_object(item)
            namespace = "" if item.kind == CLUSTER_WIDE else found.metadata.namespace
            subject = f"{item.kind} {found.metadata.name}"
            self._homes[namespace, found.metadata.name] = Home(subject, namespace, found.spec)

    def home(self, reference: Reference, namespace: str) -> Home:
        """The object of a reference.

        Raises:
            InputError: it is not in the input.
        """
        found = self._homes.get(("" if reference.cluster_scope else namespace, reference.name))
        if found is None:
            kind = CLUSTER_WIDE if reference.cluster_scope else "WorkflowTemplate"
            raise InputError(f"{kind} {reference.name!r}, which is not in the input", "one that is there")
        return found._replace(namespace=namespace)

    def called(self, call: Call, name: str, home: Home) -> tuple[Home, Template]:
        """The template of a call, and the object it is in.

        Args:
            call: what is called.
            name: of the template, its braces filled.
            home: the object that the call is in.

        Raises:
            InputError: there is no such template.
        """
        if call.inline is not None:
            return home, _with_defaults(call.inline, home.spec.template_defaults)
        if call.template_ref is not None:
            there = self.home(call.template_ref, home.namespace)
            return there, there.template(call.template_ref.template)
        return home, home.template(name)


def read_object(item: Item) -> WorkflowObject:
    """An object of Argo's.

    Raises:
        InputError: it is not what it should be; the message names file, object and field.
    """
    return converted(item, _decoded)


def _decoded(text: bytes | msgspec.Raw) -> WorkflowObject:
    try:
        found = msgspec.json.decode(text, type=WorkflowObject)
    except msgspec.ValidationError as error:
        raise misfit(error) from error
    found.metadata.namespace = found.metadata.namespace or "default"
    return found


def _with_defaults(template: Template, defaults: Template | None) -> Template:
    """A template with the defaults of its object where it says nothing itself; containers are merged."""
    if defaults is None:
        return template
    changed = {}
    for name in ("node_selector", "affinity", "tolerations", "active_deadline_seconds", "priority_class_name"):
        if not getattr(template, name) and getattr(defaults, name):
            changed[name] = getattr(defaults, name)
    for name in ("container", "script"):
        own, general = getattr(template, name), getattr(defaults, name)
        if own is not None and general is not None:
            changed[name] = {**general, **own}
    metadata = msgspec.structs.replace(
        template.metadata, annotations={**defaults.metadata.annotations, **template.metadata.annotations}
    )
    return msgspec.structs.replace(template, metadata=metadata, **changed)
