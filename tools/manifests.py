"""The plain manifests, which are the Helm chart with its values as they are, and the roles of `yuheng dispatch`.

Those roles are the chart's too, where its values ask for them; their rules are written from the tables of the code.

python tools/manifests.py            write them
python tools/manifests.py --check    fail when they are stale
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from chart import Release, rendered

from yuheng.kubernetes.dispatching.permissions import KARMADA, MEMBER, Right

ROOT: Final = Path(__file__).resolve().parents[1]
CHART: Final = ROOT / "deploy" / "chart" / "yuheng"
MANIFESTS: Final = ROOT / "deploy" / "manifests" / "yuheng.yaml"
RELEASE: Final = Release("yuheng", "yuheng-system", "kubectl")
HEAD: Final = """\
# Written by tools/manifests.py from deploy/chart/yuheng with its values as they are; do not edit.
# The image is built with deploy/Containerfile: put the name under which your nodes pull it.
"""
NAMESPACE: Final = """\
apiVersion: v1
kind: Namespace
metadata:
  name: yuheng-system
  labels:
    pod-security.kubernetes.io/enforce: restricted
"""


class Account(NamedTuple):
    """Who dispatches: a service account and what it may do.

    Attributes:
        value: of the chart, below `roles`.
        rights: what it may do.
        where: in which API server, in words.
        warning: what it comes to, in lines; empty where it is what it looks like.
    """

    value: str
    rights: Sequence[Right]
    where: str
    warning: Sequence[str] = ()

    @property
    def template(self) -> Path:
        """The file of the chart."""
        return CHART / "templates" / f"{self.value}-role.yaml"

    @property
    def manifest(self) -> Path:
        """The plain file."""
        return MANIFESTS.with_name(f"{self.value}.yaml")


# Whoever makes workloads in all namespaces has what these may mount and whom they may run as.
POWERFUL: Final = (
    "Who may make workloads in every namespace may do all that any service account there may, and read every Secret,",
    "by a pod that runs as it or mounts it: keep its token, and the folder it carries out, like a cluster-admin's.",
)
ACCOUNTS: Final = (
    Account("dispatch", MEMBER, "each member cluster of a fleet that `yuheng dispatch` carries out", POWERFUL),
    Account("karmada", KARMADA, "the API server of a Karmada that `yuheng dispatch --karmada` decides for"),
)


def template(account: Account) -> str:
    """The chart's file of an account."""
    name = f'{{{{ include "yuheng.name" . }}}}-{account.value}'
    wide = f"{{{{ .Release.Namespace }}}}:{name}"
    common = '{{- include "yuheng.common" . | nindent 4 }}'
    labels = f"  labels:\n    {common}\n    app.kubernetes.io/component: {account.value}"
    return "\n".join(
        (
            "{{- /* Written by tools/manifests.py from src/yuheng/kubernetes/dispatching/permissions.py. */ -}}",
            f"{{{{- if .Values.roles.{account.value} }}}}",
            *_object("v1", "ServiceAccount", name, labels, "  namespace: {{ .Release.Namespace }}"),
            "---",
            *_object("rbac.authorization.k8s.io/v1", "ClusterRole", wide, labels),
            f"# For {account.where}.",
            *(f"# {line}" for line in account.warning),
            "rules:",
            *_rules(account.rights),
            "---",
            *_object("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", wide, labels),
            f"roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  name: {wide}",
            f"subjects:\n  - kind: ServiceAccount\n    name: {name}\n    namespace: {{{{ .Release.Namespace }}}}",
            "{{- end }}",
            "",
        )
    )


def _object(version: str, kind: str, name: str, *more: str) -> Iterator[str]:
    yield from (f"apiVersion: {version}", f"kind: {kind}", "metadata:", f"  name: {name}", *more)


def _rules(rights: Sequence[Right]) -> Iterator[str]:
    """The rules, one for all resources of a group that have the same verbs and the same reason."""
    together: dict[tuple[str, tuple[str, ...], str], list[str]] = {}
    for one in rights:
        together.setdefault((one.group, one.verbs, one.why), []).append(one.resource)
    for (group, verbs, why), resources in together.items():
        yield f"  # {why[:1].upper()}{why[1:]}."
        yield f'  - apiGroups: ["{group}"]'
        yield f"    resources: [{', '.join(resources)}]"
        yield f"    verbs: [{', '.join(verbs)}]"


def text() -> str:
    """The manifests."""
    files = rendered(CHART, RELEASE)
    parts = [part.strip("\n") for name, part in sorted(files.items()) if name.endswith(".yaml")]
    return "\n---\n".join([(HEAD + NAMESPACE).strip("\n"), *filter(None, parts)]) + "\n"


def account_text(account: Account) -> str:
    """The manifest of an account."""
    head = f"# Written by tools/manifests.py; do not edit. For {account.where}.\n"
    part = rendered(CHART, RELEASE, {"roles": {account.value: True}})[account.template.name]
    return "\n---\n".join([(head + NAMESPACE).strip("\n"), part.strip("\n")]) + "\n"


def main() -> int:
    """Write or check."""
    is_check, stale = "--check" in sys.argv[1:], []
    # The templates first: the manifests are made of them.
    wanted = [(one.template, template, one) for one in ACCOUNTS] + [
        (one.manifest, account_text, one) for one in ACCOUNTS
    ]
    for path, made, account in wanted:
        stale += _written(path, made(account), is_check=is_check)
    stale += _written(MANIFESTS, text(), is_check=is_check)
    for path in stale:
        print(f"{path.relative_to(ROOT)} is not what it is made of: run `make docs`")
    return 1 if stale else 0


def _written(path: Path, content: str, *, is_check: bool) -> list[Path]:
    """Write a file, or say that it is stale."""
    if not is_check:
        path.write_text(content, encoding="utf-8")
        return []
    return [] if path.is_file() and path.read_text(encoding="utf-8") == content else [path]


if __name__ == "__main__":
    sys.exit(main())
