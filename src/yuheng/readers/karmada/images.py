"""The parts of an image's name, ``[registry/]repository[:tag|@digest]``, and how overriders change them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from yuheng.errors import InputError

if TYPE_CHECKING:
    from yuheng.model.propagation import ImageOverrider

__all__ = ["overridden_image"]

_TAG: Final = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")


class Image(NamedTuple):
    """An image's name in parts; it has a tag or a digest, not both."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        name = f"{self.registry}/{self.repository}" if self.registry else self.repository
        if self.tag:
            return f"{name}:{self.tag}"
        return f"{name}@{self.digest}" if self.digest else name

    @property
    def version(self) -> str:
        """The tag or the digest."""
        return self.tag or self.digest

    def with_version(self, version: str) -> Image:
        """The same image at another tag or digest; what is neither changes nothing, as in Karmada."""
        if not version or _TAG.fullmatch(version):
            return self._replace(tag=version, digest="")
        return self._replace(tag="", digest=version) if _DIGEST.fullmatch(version) else self


def overridden_image(image: str, overrider: ImageOverrider) -> str:
    """The name of an image after a change of one of its parts.

    Raises:
        InputError: there is no name.
    """
    parts = _parsed(image)
    if overrider.component == "Tag":
        return str(parts.with_version(_changed(parts.version, overrider)))
    if overrider.component == "Registry":
        return str(parts._replace(registry=_changed(parts.registry, overrider)))
    return str(parts._replace(repository=_changed(parts.repository, overrider)))


def _changed(part: str, overrider: ImageOverrider) -> str:
    if overrider.operator == "remove":
        return ""
    return part + overrider.value if overrider.operator == "add" else overrider.value


def _parsed(image: str) -> Image:
    if not image:
        raise InputError("a container without an image", "the name of an image")
    name, _, digest = image.partition("@")
    head, colon, tag = name.rpartition(":")
    # A colon before a slash is that of a registry's port.
    name, tag = (head, tag) if colon and "/" not in tag else (name, "")
    first, slash, rest = name.partition("/")
    is_registry = bool(slash) and (any(char in first for char in ".:") or first == "localhost")
    registry, repository = (first, rest) if is_registry else ("", name)
    return Image(registry, repository, tag, "" if tag else digest)
