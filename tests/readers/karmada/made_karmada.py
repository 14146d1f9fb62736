"""Karmada's objects in a few words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import yaml

from yuheng.readers.inventory import converted
from yuheng.readers.sources.documents import Item

T = TypeVar("T")
SELECTORS = [{"apiVersion": "apps/v1", "kind": "Deployment"}]


def read_with(convert: Callable[[bytes | msgspec.Raw], T], written: str | dict[str, Any]) -> T:
    """Read an object the way files are read; errors name ``policy.yaml`` and the object."""
    data = yaml.safe_load(written) if isinstance(written, str) else written
    text = msgspec.Raw(msgspec.json.encode(data))
    return converted(Item("policy.yaml", 0, data["kind"], data.get("apiVersion", ""), text), convert)


def policy_object(placement: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    """A PropagationPolicy ``default/web`` for all Deployments."""
    return {
        "apiVersion": "policy.karmada.io/v1alpha1",
        "kind": "PropagationPolicy",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"resourceSelectors": SELECTORS, "placement": placement or {}, **spec},
    }


def override_object(*rules: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """An OverridePolicy ``default/web`` with these overriders, for all clusters."""
    return {
        "apiVersion": "policy.karmada.io/v1alpha1",
        "kind": "OverridePolicy",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"overrideRules": [{"overriders": rule} for rule in rules], **spec},
    }
