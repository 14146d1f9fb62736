"""What our own kinds have in common, and reading one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from yuheng.errors import InputError
from yuheng.readers.decoding import without_nulls
from yuheng.readers.fleet.inputs import OURS
from yuheng.readers.scenario.refusals import Fields
from yuheng.readers.scenario.values import Name
from yuheng.readers.scheduler_config.refusals import refusal

if TYPE_CHECKING:
    from yuheng.readers.sources.documents import Item

__all__ = ["VERSION", "MetadataFields", "Object", "parsed"]

VERSION: Final = f"{OURS}/v1alpha1"


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
        raise refusal(error).at(source=item.source, subject=subject) from None
    except InputError as error:
        raise error.at(source=item.source, subject=subject) from error.__cause__


def _name(document: dict[str, Any]) -> str:
    metadata = document.get("metadata")
    return str(metadata.get("name") or "") if isinstance(metadata, dict) else ""
