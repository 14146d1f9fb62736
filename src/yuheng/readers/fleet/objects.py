"""What our own kinds have in common, and reading one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from yuheng.errors import InputError
from yuheng.readers.decoding import without_nulls
from yuheng.readers.fleet.values import DEFAULT
from yuheng.readers.scenario.refusals import Fields
from yuheng.readers.scenario.values import Name
from yuheng.readers.scheduler_config.refusals import refusal

if TYPE_CHECKING:
    from yuheng.readers.sources.documents import Item

__all__ = ["MetadataFields", "Object", "parsed"]


class MetadataFields(BaseModel):
    """Metadata as in Kubernetes; what is not named here is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    name: Name = Field(description="Unique among objects of the kind, and of the namespace where the kind has one.")
    namespace: str = Field(default="default", description="Of a `PlacementPolicy`.")
    labels: dict[str, str] = Field(default={}, description="Labels.")
    annotations: dict[str, str] = Field(default={}, description="Annotations.")


class Object(Fields):
    """The base of our own kinds."""

    api_version: Literal["yuheng.io/v1alpha1"] = Field(description="`yuheng.io/v1alpha1`.")
    metadata: MetadataFields = Field(description="As in Kubernetes.")


T = TypeVar("T", bound=Object)


def parsed(item: Item, kind: type[T], subject: str = "") -> T:
    """An object of one of our kinds.

    Args:
        item: the object.
        kind: its model.
        subject: what errors call it; without it kind and name.

    Raises:
        InputError: a key is unknown, missing, or not what it should be.
    """
    document = without_nulls(msgspec.json.decode(item.text))
    subject = subject or f"{item.kind} {_name(document)}".strip()
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        found = refusal(error)
        field = _as_written(found.field, document)
        raise InputError(found.found, found.expected, source=item.source, subject=subject, field=field) from None
    except InputError as error:
        raise error.at(source=item.source, subject=subject) from error.__cause__


def _as_written(field: str, document: object) -> str:
    """The path of a field without the key `default` where nobody wrote it: a value alone is that of all regions."""
    above, step, below = field.partition(f".{DEFAULT}")
    holder = document
    for key in above.split("."):
        holder = holder.get(key) if isinstance(holder, dict) else None
    if not step or isinstance(holder, dict) or holder is None:
        return field
    # Of a list the rest of the path is in it; a number has no parts.
    return above + (below if isinstance(holder, list) else "")


def _name(document: dict[str, Any]) -> str:
    metadata = document.get("metadata")
    return str(metadata.get("name") or "") if isinstance(metadata, dict) else ""
