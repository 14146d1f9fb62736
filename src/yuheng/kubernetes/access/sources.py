"""Where credentials come from when they are written down: in the kubeconfig itself, or in files beside it.

Files are read again every minute. Tokens of service accounts are replaced every hour, certificates of nodes every few
months, and nobody restarts what uses them. A file that cannot be read for a moment, or is empty while it is being
replaced, leaves what was read before in use.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from yuheng.errors import InputError
from yuheng.kubernetes.access.identity import Headers, Material, Source, bearer

if TYPE_CHECKING:
    from yuheng.kubernetes.timing import Timing

__all__ = ["Written", "basic", "checked_token", "read_file", "source_of"]

READ_AGAIN: Final = 60.0
_LARGEST: Final = 2**20


class Written(NamedTuple):
    """Credentials that are written down; what is a path is read when it is needed.

    Attributes:
        headers: that are known already: a token, a password, who is impersonated.
        token_file: a file with a token, None for none.
        certificate: of the client, in PEM, or the file with it.
        key: of the certificate, or the file with it.
    """

    headers: Headers = ()
    token_file: Path | None = None
    certificate: bytes | Path = b""
    key: bytes | Path = b""

    def __repr__(self) -> str:
        return f"Written(token_file={self.token_file})"

    @property
    def is_lasting(self) -> bool:
        """Whether nothing of it can change."""
        return not any(isinstance(part, Path) for part in self)

    def material(self) -> Material:
        """What is written there now.

        Raises:
            InputError: a file cannot be read, or a token is none.
        """
        headers = self.headers
        if self.token_file is not None:
            text = read_file(self.token_file, "a token").decode("utf-8", "replace")
            headers += bearer(checked_token(text.strip(), source=str(self.token_file)))
        certificate, key = (
            read_file(part, "a certificate or key in PEM") if isinstance(part, Path) else part
            for part in (self.certificate, self.key)
        )
        return Material(headers, certificate, key)


def source_of(written: Written, timing: Timing) -> Source:
    """A source that reads what is written down, and reads files anew every minute.

    Args:
        written: where what is written.
        timing: the clocks.
    """
    return _Reading(written.material, written.is_lasting, timing.wall).read


class _Reading:
    """What was read last."""

    def __init__(self, read: Callable[[], Material], is_lasting: bool, wall: Callable[[], float]) -> None:
        self._read = read
        self._is_lasting = is_lasting
        self._wall = wall
        self._last: Material | None = None

    async def read(self) -> Material:
        try:
            self._last = self._read()
        except InputError:
            if self._last is None:
                raise
        until = math.inf if self._is_lasting else self._wall() + READ_AGAIN
        return self._last._replace(until=until)


def basic(user: str, password: str) -> Headers:
    """The header of a user with a password."""
    return (("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()),)


def checked_token(text: str, *, source: str, subject: str = "", field: str = "") -> str:
    """A token, if a header can hold it.

    Raises:
        InputError: it is empty, or has characters that no header can hold. The text is not shown.
    """
    if not text or not (text.isascii() and text.isprintable()) or " " in text:
        found = "characters that no header can hold" if text else "nothing"
        raise InputError(found, "a token", source=source, subject=subject, field=field)
    return text


def read_file(path: Path, expected: str) -> bytes:
    """A small file.

    Raises:
        InputError: it cannot be read, or is not small.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise InputError(
            f"what cannot be read: {error.strerror}", f"a file with {expected}", source=str(path)
        ) from error
    if len(content) > _LARGEST:
        raise InputError("more than 1 MiB", f"a file with {expected}", source=str(path))
    return content
