"""Who asks, and how: the server's address, and credentials that come from the environment or from files.

Nothing secret is taken from the command line, where every user of the machine can read it, nor from the address.
Files are read anew for each request: tokens of service accounts are replaced every hour.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit, urlunsplit

from yuheng.errors import InputError

__all__ = ["VARIABLES", "Access", "access_of", "without_secrets"]

PREFIX: Final = "YUHENG_PROMETHEUS_"
# What each variable is for; a test holds the guide to this table.
VARIABLES: Final = {
    f"{PREFIX}TOKEN": "a bearer token",
    f"{PREFIX}TOKEN_FILE": "a file with a bearer token",
    f"{PREFIX}USER": "the user of basic authentication",
    f"{PREFIX}PASSWORD": "its password",
    f"{PREFIX}PASSWORD_FILE": "a file with its password",
    f"{PREFIX}TENANT": "the tenant, sent as X-Scope-OrgID (Mimir, Cortex, Thanos)",
    f"{PREFIX}CA_FILE": "certificates of the authorities that the server's certificate is checked against",
}
_ADDRESS: Final = "an address such as http://localhost:9090"


class Access(NamedTuple):
    """A server, and what is known about how to ask it.

    Attributes:
        url: without a slash at the end.
        settings: of the variables in `VARIABLES` those that are set.
    """

    url: str
    settings: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"Access({self.url!r})"

    @property
    def identity(self) -> str:
        """What tells one source of series from another: the address, and the tenant."""
        return "\n".join((self.url, self._setting("TENANT")))

    @property
    def certificates(self) -> str | None:
        """The file of authorities; None for those of the system."""
        return self._setting("CA_FILE") or None

    @property
    def is_secret_in_clear(self) -> bool:
        """Whether credentials travel unencrypted to another machine."""
        host = urlsplit(self.url).hostname or ""
        is_here = host == "localhost" or host.startswith("127.") or host == "::1"
        return self.url.startswith("http:") and not is_here and "Authorization" in self.headers()

    def headers(self) -> dict[str, str]:
        """The headers that say who asks.

        Raises:
            InputError: a file cannot be read, or holds what no header can.
        """
        found = {}
        if token := self._secret("TOKEN"):
            found["Authorization"] = f"Bearer {token}"
        elif user := self._setting("USER"):
            pair = f"{user}:{self._secret('PASSWORD')}".encode()
            found["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        if tenant := self._setting("TENANT"):
            found["X-Scope-OrgID"] = _printable(tenant, f"{PREFIX}TENANT")
        return found

    def _setting(self, name: str) -> str:
        return self.settings.get(PREFIX + name, "")

    def _secret(self, name: str) -> str:
        path = self._setting(f"{name}_FILE")
        if not path:
            return _printable(self._setting(name), PREFIX + name)
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not text"
            raise InputError(
                f"what cannot be read: {reason}", "a file with a secret", source=path, field=f"{PREFIX}{name}_FILE"
            ) from error
        return _printable(text.strip(), f"{PREFIX}{name}_FILE")


def access_of(url: str, environment: Mapping[str, str] = os.environ) -> Access:
    """What there is to know before a server is asked.

    Args:
        url: its address, with the path that its API stands behind, if any.
        environment: where credentials come from.

    Raises:
        InputError: it is no address of HTTP, or one with a user, a query or a fragment in it; or several credentials
            are set that exclude each other.
    """
    parts = _split(url)
    if parts.username is not None or parts.password is not None:
        raise InputError(
            "a user in the address", f"credentials in {PREFIX}USER and {PREFIX}PASSWORD_FILE", field="--prometheus"
        )
    if parts.query or parts.fragment:
        raise InputError("a query or fragment in the address", _ADDRESS, field="--prometheus")
    settings = {name: environment[name] for name in VARIABLES if environment.get(name)}
    both = [name for name in ("TOKEN", "USER") if {PREFIX + name, f"{PREFIX}{name}_FILE"} & settings.keys()]
    if len(both) > 1:
        raise InputError(f"{PREFIX}TOKEN and {PREFIX}USER", "one of them", field="--prometheus")
    path = parts.path.rstrip("/").removesuffix("/api/v1")
    return Access(urlunsplit((parts.scheme.lower(), parts.netloc, path, "", "")), settings)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        is_good = parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or not url.isprintable() or not url.isascii() or " " in url:
        # A password may hold any of ? # / as well: of what is no address nothing before an @ is shown.
        raise InputError(repr(without_secrets(url.rpartition("@")[2])), _ADDRESS, field="--prometheus")
    return parts


def without_secrets(url: str) -> str:
    """What may be shown of an address, even if it is none: no user, no password, no query, no fragment."""
    scheme, slashes, rest = re.split(r"[?#]", url, maxsplit=1)[0].rpartition("://")
    host, slash, path = rest.partition("/")
    return scheme + slashes + host.rpartition("@")[2] + slash + path


def _printable(text: str, name: str) -> str:
    if not (text.isascii() and text.isprintable()):
        raise InputError("characters that no header can hold", "one line of ASCII", field=name)
    return text
