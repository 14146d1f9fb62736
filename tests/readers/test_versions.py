"""Versions of manifests: what Helm and Kustomize print is read, what they print it from is told in one line."""

from __future__ import annotations

import io
import os
import sys

import pytest

from yuheng.errors import InputError, NotFoundError
from yuheng.readers import read
from yuheng.readers.versions import hooks_text, read_version

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{containers: [{{name: main, image: web, resources: {{requests: {{cpu: 500m}}}}}}]}}
"""
WEB = DEPLOYMENT.format(name="web", replicas=2)
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: LoadBalancer}\n"
HOOK = "apiVersion: v1\nkind: Pod\nmetadata: {name: t, annotations: {helm.sh/hook: test}}\nspec: {containers: []}\n"


def folder_of(tmp_path, files):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


READ = {
    "a folder of files": {"a.yaml": WEB, "b/c.yaml": SERVICE},
    "one stream with empty documents": {"all.yaml": f"---\n---\n# Source: web\n{WEB}---\n\n---\n{SERVICE}---\n"},
    "a list": {
        "list.yaml": "apiVersion: v1\nkind: List\nitems:\n- "
        + WEB.rstrip().replace("\n", "\n  ")
        + "\n- "
        + SERVICE.rstrip().replace("\n", "\n  ")
    },
    "text with a template's marks that mean something else": {
        "a.yaml": WEB,
        "b.yaml": SERVICE,
        "rule.yaml": "kind: ConfigMap\nmetadata: {name: r}\ndata: {text: 'on {{ $labels.pod }}'}\n",
    },
    "a hook beside them": {"a.yaml": f"{WEB}---\n{SERVICE}---\n{HOOK}"},
}


@pytest.mark.parametrize("files", READ.values(), ids=READ)
def test_manifests_are_read_however_they_are_printed(tmp_path, files):
    estate = read_version(folder_of(tmp_path, files)).estate()
    assert [(item.key, item.replicas) for item in estate.workloads] == [("Deployment default/web", 2)]
    assert [item.name for item in estate.balancers] == ["web"]


def test_hooks_are_left_out_and_told(tmp_path):
    found = read_version(folder_of(tmp_path, {"a.yaml": f"{WEB}---\n{HOOK}"}))
    assert found.hooks == ("Pod default/t",)
    [sentence] = hooks_text([found, found])
    assert sentence.endswith("are left out: Pod default/t")
    assert list(hooks_text([found._replace(hooks=())])) == []


def test_objects_without_a_namespace_go_where_they_are_told_to(tmp_path):
    files = {"a.yaml": f"{WEB}---\n{SERVICE.replace('name: web', 'name: web, namespace: other')}"}
    estate = read_version(folder_of(tmp_path, files), "shop").estate()
    assert [item.namespace for item in estate.workloads] == ["shop"]
    assert [item.namespace for item in estate.balancers] == ["other"]


def test_an_empty_folder_and_dev_null_are_a_version_with_nothing_in_it(tmp_path):
    assert read_version(tmp_path).estate().workloads == ()
    assert read_version(os.devnull).estate().workloads == ()


def test_a_version_may_come_from_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(WEB.encode())))
    assert len(read_version("-").estate().workloads) == 1


def test_daemon_sets_have_a_pod_for_each_node_that_takes_them(tmp_path):
    daemons = WEB.replace("kind: Deployment", "kind: DaemonSet").replace("  replicas: 2\n", "")
    nodes = "\n---\n".join(
        f"kind: Node\nmetadata: {{name: {name}}}\nspec: {{taints: {taints}}}\nstatus: {{allocatable: {{cpu: 1}}}}"
        for name, taints in (("a", "[]"), ("b", "[]"), ("c", "[{key: team, value: data, effect: NoSchedule}]"))
    )
    (tmp_path / "nodes").mkdir()
    snapshot = read(folder_of(tmp_path / "nodes", {"nodes.yaml": nodes}))
    version = read_version(folder_of(tmp_path / "app", {"a.yaml": daemons}))
    assert len(version.estate(snapshot.nodes).snapshot.pods) == 2
    assert version.estate().snapshot.pods == ()


CHART = "apiVersion: v2\nname: web\nversion: 1.0.0\n"
RENDERED = "expected manifests, as `helm template` prints them"
BUILT = "expected manifests, as `kustomize build` prints them"
NONE_ITSELF = "found what manifests are made of, and none itself"
CPU = "a.yaml: Deployment default/web: spec.template.spec.containers[0].resources.requests.cpu: found 'lots'"
KUSTOMIZATION = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
REFUSED = {
    "the same object twice": (
        {"a.yaml": WEB, "b.yaml": WEB},
        ("b.yaml: Deployment default/web: found a second Deployment of this name", "a.yaml), expected one object of a"),
    ),
    "a template in a place that YAML has no words for": (
        {"a.yaml": DEPLOYMENT.format(name="web", replicas="{{ .Values.n }}")},
        ("a.yaml: found a template that is not rendered ({{ at line 5)", RENDERED),
    ),
    "a template in a number": (
        {"a.yaml": DEPLOYMENT.format(name="web", replicas="'{{ .Values.n }}'")},
        (
            "a.yaml: Deployment default/web: spec.replicas: found a template that is not rendered ({{ at line 5)",
            RENDERED,
        ),
    ),
    "a template in a name": (
        {"a.yaml": DEPLOYMENT.format(name="'{{ .Release.Name }}-web'", replicas=1)},
        ("a.yaml: Deployment, item 1: metadata.name: found '{{ .Release.Name }}-web', a template that", RENDERED),
    ),
    "a template that is a line of its own": (
        {"a.yaml": "{{- if .Values.on }}\n" + WEB + "{{- end }}\n"},
        ("a.yaml: found a template that is not rendered ({{ at line 1)", RENDERED),
    ),
    "a chart": ({"Chart.yaml": CHART, "templates/a.yaml": WEB}, (f"Chart.yaml: {NONE_ITSELF}", RENDERED)),
    "values of a chart": ({"values.yaml": "replicas: 2\n"}, (f"values.yaml: {NONE_ITSELF}", RENDERED)),
    "an overlay": (
        {"kustomization.yaml": "resources: [a.yaml]\n", "a.yaml": WEB},
        (f"kustomization.yaml: {NONE_ITSELF}", BUILT),
    ),
    "an overlay that says what it is": (
        {"kustomization.yaml": KUSTOMIZATION, "a.yaml": WEB},
        ("kustomization.yaml: found a Kustomization that is not built", BUILT),
    ),
    "text that is no YAML": ({"a.yaml": "kind: [Pod\n"}, ("a.yaml: malformed YAML at line 2, column 1",)),
    "an amount that is none": ({"a.yaml": WEB.replace("500m", "lots")}, (CPU,)),
    "an amount that is none, beside marks that mean something else": (
        {"a.yaml": WEB.replace("500m", "lots").replace("image: web", "image: 'web {{ $x }}'")},
        (CPU,),
    ),
    "a folder without manifests": ({"notes.txt": "hello"}, (": found no manifest in this folder",)),
    "an empty file": ({"a.yaml": "\n"}, ("a.yaml: found an empty file",)),
    "an object without a kind": ({"a.yaml": "metadata: {name: web}\n"}, ("a.yaml: item 1: kind: found nothing",)),
}


@pytest.mark.parametrize(("files", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_manifest_is_told_in_one_line(tmp_path, files, words):
    with pytest.raises(InputError) as told:
        read_version(folder_of(tmp_path, files)).estate()
    assert all(part in str(told.value) for part in words)
    assert "\n" not in str(told.value)


def test_a_path_that_is_not_there_is_told(tmp_path):
    with pytest.raises(NotFoundError, match="no such file or folder"):
        read_version(tmp_path / "gone")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(WEB, encoding="utf-8")
    path.chmod(0)
    with pytest.raises(InputError, match="cannot be read"):
        read_version(path)
