"""The Helm chart and the manifests: what they install is what the code needs, and nothing may be done beyond it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer.main
import yaml
from tools.chart import Release, TemplateError, merged, rendered

from yuheng.cli.app import app
from yuheng.cli.record_options import record_limits
from yuheng.kubernetes.logs import FORMS, LEVELS
from yuheng.kubernetes.running.permissions import PERMISSIONS
from yuheng.kubernetes.running.serving import Address
from yuheng.scheduling.presets import preset

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy" / "chart" / "yuheng"
CONTAINERFILE = (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8")
RELEASE = Release("yuheng", "yuheng-system")
SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
VALUES = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
EVERYTHING: dict[str, Any] = {
    "schedulerName": "batch",
    "replicas": 3,
    "image": {"repository": "registry.example/yuheng", "digest": "sha256:" + "a" * 64},
    "imagePullSecrets": [{"name": "pull"}],
    "configuration": {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration"},
    "leaderElection": {"durationSeconds": 2.5},
    "record": {"enabled": True},
    "metrics": {"port": 8080, "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}}},
    "nodeSelector": {"pool": "control"},
    "tolerations": [{"key": "control", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "podAnnotations": {"a": "b"},
    "podLabels": {"team": "platform"},
    "networkPolicy": {"apiServerPorts": [16443], "metricsFrom": [{"namespaceSelector": {}}]},
}
LITTLE: dict[str, Any] = {
    "policy": "binpack",
    "podDisruptionBudget": {"enabled": False},
    "networkPolicy": {"enabled": False},
    "priorityClassName": "",
}


def objects(values: Mapping[str, Any] = {}, release: Release = RELEASE) -> dict[str, dict[str, Any]]:
    """What is installed, by kind."""
    files = rendered(CHART, release, values)
    found = [one for name, text in files.items() if name.endswith(".yaml") for one in yaml.safe_load_all(text) if one]
    assert len({one["kind"] for one in found}) == len(found)
    return {one["kind"]: one for one in found}


def pod(values: Mapping[str, Any] = {}) -> dict[str, Any]:
    return objects(values)["Deployment"]["spec"]["template"]["spec"]


def rules(role: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]


@pytest.mark.parametrize("values", [{}, EVERYTHING, LITTLE])
def test_the_roles_of_dispatch_are_beside_the_rest_and_nobody_elses(values: dict[str, Any]):
    files = rendered(CHART, RELEASE, {**values, "roles": {"dispatch": True, "karmada": True}})
    found = [one for name, text in files.items() if name.endswith(".yaml") for one in yaml.safe_load_all(text) if one]
    names = [(one["kind"], one["metadata"]["name"]) for one in found]
    assert len(set(names)) == len(names)
    accounts = {one["metadata"]["name"]: one["metadata"]["labels"] for one in found if one["kind"] == "ServiceAccount"}
    components = {name: labels["app.kubernetes.io/component"] for name, labels in accounts.items()}
    assert components == {"yuheng": "scheduler", "yuheng-dispatch": "dispatch", "yuheng-karmada": "karmada"}
    bound = {one["subjects"][0]["name"]: one["roleRef"]["name"] for one in found if one["kind"] == "ClusterRoleBinding"}
    assert set(bound) == set(accounts)
    assert len(set(bound.values())) == 3
    # Without those two it is what it is without the switches.
    rest = [one for one in found if not one["metadata"]["name"].endswith(("-dispatch", "-karmada"))]
    assert {one["kind"]: one for one in rest} == objects(values)


def test_the_manifests_are_what_the_chart_says():
    tool = ROOT / "tools" / "manifests.py"
    done = subprocess.run([sys.executable, tool, "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("is_local", [False, True])
def test_roles_allow_what_the_table_says_and_no_more(is_local: bool):
    granted = rules(objects()["Role" if is_local else "ClusterRole"])
    wanted = [(one.group, one.resource, verb) for one in PERMISSIONS if one.is_local == is_local for verb in one.verbs]
    assert sorted(granted) == sorted(wanted)
    assert len(set(granted)) == len(granted)


def test_the_guide_names_every_permission_with_its_reason():
    guide = (ROOT / "docs" / "guides" / "install.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.+`) \| ([a-z, ]+) \| (.+) \|$", guide, re.MULTILINE)
    told = {
        (name, tuple(verbs.split(", ")), why) for names, verbs, why in rows for name in re.findall("`(.+?)`", names)
    }
    wanted = {(f"{one.resource}.{one.group}".removesuffix("."), one.verbs, one.why) for one in PERMISSIONS}
    assert told == wanted


def test_the_guide_says_what_memory_is_asked_for():
    guide = " ".join((ROOT / "docs" / "guides" / "install.md").read_text(encoding="utf-8").split())
    asked, allowed = (VALUES["resources"][name]["memory"] for name in ("requests", "limits"))
    told = re.search(r"The chart asks for (\d+) ([MG]i)B and allows (\d+) ([MG]i)B\.", guide)
    assert told is not None
    assert (told[1] + told[2], told[3] + told[4]) == (asked, allowed)


def test_a_lease_of_another_name_is_out_of_reach():
    role = objects(release=Release("other", "x"))["Role"]
    names = {verb: rule.get("resourceNames") for rule in role["rules"] for verb in rule["verbs"]}
    # A rule for `create` with a name would allow nothing: the name is not known when it is judged.
    assert names == {"create": None, "get": ["other-yuheng"], "update": ["other-yuheng"]}
    assert role["metadata"]["namespace"] == "x"


def test_no_role_reaches_for_secrets_or_for_everything():
    for kind in ("Role", "ClusterRole"):
        for group, resource, verb in rules(objects()[kind]):
            assert "*" not in (group, resource, verb)
            assert resource.partition("/")[0] not in ("secrets", "configmaps", "serviceaccounts", "roles")
            assert verb not in ("delete", "deletecollection", "impersonate", "escalate", "bind")


@pytest.mark.parametrize("values", [{}, EVERYTHING, LITTLE])
def test_pods_are_as_restricted_as_pod_security_asks_and_their_root_is_read_only(values: dict[str, Any]):
    spec = pod(values)
    security = spec["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] > 0
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in (*spec["initContainers"], *spec["containers"]):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]
    assert all(set(volume) <= {"name", "emptyDir", "configMap"} for volume in spec["volumes"])
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)


def options_of(name: str) -> set[str]:
    command = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    return {text for option in command.params for text in (*option.opts, *option.secondary_opts)}


@pytest.mark.parametrize("values", [{}, EVERYTHING, LITTLE])
def test_the_arguments_are_options_of_the_command(values: dict[str, Any]):
    command, *arguments = pod(values)["containers"][0]["args"]
    assert {argument.partition("=")[0] for argument in arguments} <= options_of(command)


def test_values_reach_the_command():
    arguments = pod(EVERYTHING)["containers"][0]["args"]
    for expected in (
        "--name=batch",
        "--lease=yuheng-system/yuheng",
        "--lease-duration=2.5",
        "--metrics=:8080",
        "--config=/etc/yuheng/scheduler.yaml",
        "--record=/var/lib/yuheng/record",
        "--record-size=64Mi",
    ):
        assert expected in arguments
    mounts = {mount["mountPath"] for mount in pod(EVERYTHING)["containers"][0]["volumeMounts"]}
    assert {"/etc/yuheng", "/var/lib/yuheng", "/var/cache/yuheng"} == mounts
    written = yaml.safe_load(objects(EVERYTHING)["ConfigMap"]["data"]["scheduler.yaml"])
    assert written == EVERYTHING["configuration"]


def test_a_configuration_goes_before_a_preset():
    both = {**EVERYTHING, **LITTLE}
    found = [
        [one for one in pod(values)["containers"][0]["args"] if one.startswith(("--policy", "--config"))]
        for values in ({}, LITTLE, EVERYTHING, both)
    ]
    configured = ["--config=/etc/yuheng/scheduler.yaml"]
    assert found == [[], ["--policy=binpack"], configured, configured]


@pytest.mark.parametrize("values", [{}, EVERYTHING, LITTLE])
def test_the_command_takes_the_values(values: dict[str, Any]):
    arguments = dict(one.removeprefix("--").split("=") for one in pod(values)["containers"][0]["args"] if "=" in one)
    assert Address(arguments["metrics"]).port == merged(VALUES, values)["metrics"]["port"]
    if "policy" in arguments:
        assert preset(arguments["policy"]).name == arguments["policy"]
    record = merged(VALUES, values)["record"]
    assert record_limits(record["fileSize"], record["totalSize"]).part == 64 << 20


def test_a_whole_number_is_printed_as_helm_prints_it():
    assert "--lease-duration=15" in pod({"leaderElection": {"durationSeconds": 15.0}})["containers"][0]["args"]


def test_the_image_is_named_by_digest_before_tag_before_version():
    version = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))["appVersion"]
    for image, expected in (
        ({}, f"yuheng:{version}"),
        ({"tag": "main"}, "yuheng:main"),
        ({"tag": "main", "digest": "sha256:" + "0" * 64}, "yuheng@sha256:" + "0" * 64),
    ):
        assert pod({"image": image})["containers"][0]["image"] == expected


def test_probes_ask_for_what_is_served():
    container = pod()["containers"][0]
    paths = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
    assert paths == {"startup": "/livez", "liveness": "/livez", "readiness": "/readyz"}
    assert container["ports"] == [{"name": "metrics", "containerPort": 9090}]


def test_two_instances_stay_apart_and_are_not_drained_together():
    found = objects()
    assert found["Deployment"]["spec"]["replicas"] == 2
    assert "--leader-elect" in pod()["containers"][0]["args"]
    labels = found["Deployment"]["spec"]["template"]["metadata"]["labels"]
    for selector in (
        found["Deployment"]["spec"]["selector"]["matchLabels"],
        found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        found["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
        found["Service"]["spec"]["selector"],
        *(one["labelSelector"]["matchLabels"] for one in pod()["topologySpreadConstraints"]),
    ):
        assert selector.items() <= labels.items()


def test_what_is_switched_off_is_not_installed():
    assert {"PodDisruptionBudget", "NetworkPolicy", "ConfigMap", "ServiceMonitor"}.isdisjoint(objects(LITTLE))
    assert {"PodDisruptionBudget", "NetworkPolicy", "ConfigMap", "ServiceMonitor"} <= set(objects(EVERYTHING))


def test_the_network_is_open_to_the_api_server_and_to_names_only():
    policy = objects()["NetworkPolicy"]["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert {port["port"] for rule in policy["egress"] for port in rule["ports"]} == {443, 6443, 53}
    assert [port["port"] for rule in policy["ingress"] for port in rule["ports"]] == ["metrics"]


@pytest.mark.parametrize("values", [{}, EVERYTHING, LITTLE])
def test_values_keep_to_their_schema(values: dict[str, Any]):
    jsonschema.validate(merged(VALUES, values), SCHEMA)


@pytest.mark.parametrize(
    "values",
    [
        {"replica": 2},
        {"replicas": "2"},
        {"image": {"name": "x"}},
        {"image": {"digest": "abc"}},
        {"logging": {"level": "loud"}},
        {"metrics": {"port": 0}},
        {"schedulerName": "No Such"},
        {"record": {"fileSize": "64 MB"}},
        {"record": {"fileSize": "512Ki"}},
        {"record": {"fileSize": "1000"}},
        {"record": {"totalSize": "0Mi"}},
        *({name: None} for name in ("image", "leaderElection", "logging", "record", "metrics", "networkPolicy")),
        {"podDisruptionBudget": None},
        {"image": {"pullPolicy": None}},
        {"leaderElection": {"durationSeconds": None}},
        {"logging": {"level": None}},
        {"record": {"enabled": None}},
        {"metrics": {"port": None}},
        {"metrics": {"serviceMonitor": None}},
        {"networkPolicy": {"apiServerPorts": None}},
    ],
)
def test_values_that_mean_nothing_are_refused(values: dict[str, Any]):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(without_nulls(merged(VALUES, values)), SCHEMA)


def without_nulls(values: dict[str, Any]) -> dict[str, Any]:
    """To Helm, null means that a value is not there."""
    kept = {name: value for name, value in values.items() if value is not None}
    return {name: without_nulls(value) if isinstance(value, dict) else value for name, value in kept.items()}


@pytest.mark.parametrize(
    "values",
    [
        {name: None}
        for name in ("imagePullSecrets", "policy", "configuration", "priorityClassName", "nodeSelector", "podLabels")
    ],
)
def test_what_may_be_empty_may_be_null(values: dict[str, Any]):
    jsonschema.validate(without_nulls(merged(VALUES, values)), SCHEMA)


def test_the_schema_knows_every_value_and_no_other():
    def names(schema: dict[str, Any], above: str = "") -> set[str]:
        found = set()
        for name, one in schema.get("properties", {}).items():
            found |= {above + name} | names(one, f"{above}{name}.")
        return found

    def keys(values: dict[str, Any], above: str = "") -> set[str]:
        found = set()
        for name, one in values.items():
            found |= {above + name} | (keys(one, f"{above}{name}.") if isinstance(one, dict) else set())
        return found

    # Helm passes `global` to every chart; resources are Kubernetes' own.
    known = {name for name in keys(VALUES) if not name.startswith("resources.")}
    assert names(SCHEMA) - {"global"} == known
    logging = SCHEMA["properties"]["logging"]["properties"]
    assert (tuple(logging["level"]["enum"]), sorted(logging["format"]["enum"])) == (LEVELS, sorted(FORMS))


def test_the_image_is_built_for_the_chart():
    user = pod()["securityContext"]["runAsUser"]
    assert f"USER {user}:{user}" in CONTAINERFILE
    assert "--frozen" in CONTAINERFILE
    copy = pod()["initContainers"][0]["command"]
    assert f"YUHENG_CACHE_DIR={copy[2].removesuffix('/.')}" in CONTAINERFILE
    [kernels] = [one for one in pod()["containers"][0]["env"] if one["name"] == "YUHENG_CACHE_DIR"]
    assert kernels["value"] == copy[3]
    assert not re.search(r"(?i)(token|password|secret)\s*=", CONTAINERFILE)


def test_kernels_are_compiled_at_the_level_of_the_command_line():
    warm = subprocess.run(
        [sys.executable, ROOT / "deploy" / "warm.py"],
        env={**os.environ, "NUMBA_OPT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (warm.returncode, warm.stderr) == (0, "")
    assert int(warm.stdout.split()[0]) > 50
    assert CONTAINERFILE.count("NUMBA_OPT=1") == CONTAINERFILE.count("NUMBA_CPU_NAME=generic") == 2


@pytest.mark.parametrize(
    "template",
    ["{{ lookup .Values.x }}", "{{ if .Values.image }}", "{{ end }}", "{{ .Values.nothing }}", "{{ tpl `x` . }}"],
)
def test_a_template_that_is_more_than_is_known_here_is_refused(template: str, tmp_path: Path):
    (tmp_path / "templates").mkdir()
    for name in ("Chart.yaml", "values.yaml"):
        (tmp_path / name).write_text((CHART / name).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "templates" / "a.yaml").write_text(template, encoding="utf-8")
    with pytest.raises((TemplateError, ValueError)):
        rendered(tmp_path, RELEASE)
