"""Kubeconfig files: read, and laid over one another as ``kubectl`` does.

``KUBECONFIG`` may name several files. The first that has a cluster, a user, a context or ``current-context`` of a name
is the one that counts; the others' is not looked at. Paths in a file are relative to its folder. Values that may be
secret do not show when an entry is printed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import msgspec

from yuheng.errors import InputError, NotFoundError
from yuheng.kubernetes.access.sources import read_file
from yuheng.readers.decoding import misfit, without_nulls
from yuheng.readers.sources.yaml_documents import yaml_documents

__all__ = ["Chosen", "Cluster", "Context", "Kubeconfig", "Plugin", "User", "merged", "read_kubeconfig"]

_EXPECTED: Final = "a kubeconfig file"


class _Quiet(msgspec.Struct, rename="kebab"):
    """The base of what may hold secrets."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


class Cluster(_Quiet):
    """Where an API server is."""

    server: str = ""
    tls_server_name: str = ""
    insecure_skip_tls_verify: bool = False
    certificate_authority: str = ""
    certificate_authority_data: str = ""
    proxy_url: str = ""
    disable_compression: bool = False


class Variable(_Quiet):
    """An environment variable of a plugin."""

    name: str = ""
    value: str = ""


class Plugin(_Quiet, rename="camel"):
    """A program that gives credentials."""

    command: str = ""
    args: tuple[str, ...] = ()
    env: tuple[Variable, ...] = ()
    api_version: str = ""
    install_hint: str = ""
    provide_cluster_info: bool = False
    interactive_mode: str = ""


class Provider(_Quiet):
    """What plugins have replaced."""

    name: str = ""


class User(_Quiet):
    """Who asks."""

    client_certificate: str = ""
    client_certificate_data: str = ""
    client_key: str = ""
    client_key_data: str = ""
    token: str = ""
    token_file: str = msgspec.field(default="", name="tokenFile")
    impersonate: str = msgspec.field(default="", name="as")
    impersonate_uid: str = msgspec.field(default="", name="as-uid")
    impersonate_groups: tuple[str, ...] = msgspec.field(default=(), name="as-groups")
    impersonate_extra: dict[str, tuple[str, ...]] = msgspec.field(default={}, name="as-user-extra")
    username: str = ""
    password: str = ""
    auth_provider: Provider | None = None
    plugin: Plugin | None = msgspec.field(default=None, name="exec")


class Context(_Quiet):
    """A cluster, a user, and a namespace."""

    cluster: str = ""
    user: str = ""
    namespace: str = ""


class _NamedCluster(_Quiet):
    name: str
    cluster: Cluster = msgspec.field(default_factory=Cluster)


class _NamedUser(_Quiet):
    name: str
    user: User = msgspec.field(default_factory=User)


class _NamedContext(_Quiet):
    name: str
    context: Context = msgspec.field(default_factory=Context)


class _File(_Quiet):
    kind: str = "Config"
    clusters: tuple[_NamedCluster, ...] = ()
    users: tuple[_NamedUser, ...] = ()
    contexts: tuple[_NamedContext, ...] = ()
    current_context: str = ""


T = TypeVar("T")


class Chosen(NamedTuple):
    """A context with what it names.

    Attributes:
        name: of the context.
        context, cluster, user: the entries.
        cluster_file, user_file: the files they are from.
    """

    name: str
    context: Context
    cluster: Cluster
    cluster_file: Path
    user: User
    user_file: Path


class Kubeconfig(NamedTuple):
    """One or several files as one.

    Attributes:
        files: in the order in which they count.
        clusters, users, contexts: each entry by its name, with its file.
        current: the name of the context that is used where none is asked for; may be empty.
    """

    files: tuple[Path, ...]
    clusters: dict[str, tuple[Cluster, Path]]
    users: dict[str, tuple[User, Path]]
    contexts: dict[str, tuple[Context, Path]]
    current: str

    @property
    def place(self) -> str:
        """The files, for errors."""
        return ", ".join(str(file) for file in self.files)

    def chosen(self, name: str | None) -> Chosen:
        """A context with its cluster and its user.

        Args:
            name: of the context; None for the current one.

        Raises:
            InputError: there is no current context, or the context names a cluster or user that is not there.
            NotFoundError: there is no context of the name.
        """
        wanted = self.current if name is None else name
        if not wanted:
            raise InputError("nothing", "a context, or --context NAME", source=self.place, field="current-context")
        if wanted not in self.contexts:
            known = ", ".join(sorted(self.contexts)) or "none"
            raise NotFoundError(f"{self.place}: no context {wanted!r} (there are: {known})")
        context, file = self.contexts[wanted]
        subject = f"context {wanted}"
        cluster = _named(self.clusters, context.cluster, "cluster", file, subject)
        # Without a user it is asked without credentials.
        user = _named(self.users, context.user, "user", file, subject) if context.user else (User(), file)
        return Chosen(wanted, context, *cluster, *user)


def _named(entries: dict[str, tuple[T, Path]], name: str, kind: str, file: Path, subject: str) -> tuple[T, Path]:
    if name not in entries:
        found = f"{name!r}, which is not there" if name else "nothing"
        known = ", ".join(sorted(entries)) or "none is there"
        raise InputError(found, f"the name of a {kind} ({known})", source=str(file), subject=subject, field=kind)
    return entries[name]


def merged(paths: Sequence[Path]) -> Kubeconfig:
    """Kubeconfig files as one; what an earlier file has counts.

    Raises:
        InputError: a file cannot be read, or is no kubeconfig.
    """
    found = Kubeconfig(tuple(paths), {}, {}, {}, "")
    current = ""
    for path in paths:
        content = read_kubeconfig(path)
        _lay(found.clusters, ((one.name, one.cluster) for one in content.clusters), path)
        _lay(found.users, ((one.name, one.user) for one in content.users), path)
        _lay(found.contexts, ((one.name, one.context) for one in content.contexts), path)
        current = current or content.current_context
    return found._replace(current=current)


def _lay(below: dict[str, tuple[T, Path]], entries: Iterable[tuple[str, T]], path: Path) -> None:
    for name, entry in entries:
        below.setdefault(name, (entry, path))


def read_kubeconfig(path: Path) -> _File:
    """One file, as it is.

    Raises:
        InputError: it cannot be read, or is no kubeconfig.
    """
    documents = list(yaml_documents(read_file(path, "clusters, users and contexts"), str(path)))
    if len(documents) > 1:
        raise InputError("several documents", _EXPECTED, source=str(path))
    text = documents[0] if documents else b"{}"
    try:
        found = msgspec.convert(without_nulls(msgspec.json.decode(text)), _File)
    except msgspec.ValidationError as error:
        raise misfit(error).at(source=str(path)) from None
    if found.kind != "Config":
        raise InputError("another kind of object", _EXPECTED, source=str(path), field="kind")
    return found
