"""What a dispatcher asks for is exactly what its roles allow: run on servers that refuse all else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from aiohttp import web
from tests.kubernetes.made_api_server import FakeTime, access_to, places, serving, status, until
from tests.kubernetes.made_karmada import ControlPlane, is_done
from tests.kubernetes.made_member import Member, beside, deployment, write, write_fleet
from tests.kubernetes.test_dispatch import run, weighted
from tests.kubernetes.test_dispatch_watch import keeping
from tools.chart import Release, rendered

from yuheng.kubernetes.api import KINDS, Api, rule_of
from yuheng.kubernetes.dispatching.karmada.process import scheduled
from yuheng.kubernetes.dispatching.permissions import KARMADA, MEMBER, Right

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy" / "chart" / "yuheng"
Rights = set[tuple[str, str, str]]
TABLES = [("dispatch", MEMBER), ("karmada", KARMADA)]


def granted(name: str) -> Rights:
    """What the manifest allows."""
    text = (ROOT / "deploy" / "manifests" / f"{name}.yaml").read_text(encoding="utf-8")
    return {
        (group, resource, verb)
        for one in yaml.safe_load_all(text)
        for rule in one.get("rules", [])
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def tabled(rights: Iterable[Right]) -> Rights:
    return {(one.group, one.resource, verb) for one in rights for verb in one.verbs}


class Guard:
    """Sees to it that nothing is asked for that is not allowed.

    Attributes:
        seen: what was asked for and allowed.
        refused: what was not.
    """

    def __init__(self, allowed: Rights) -> None:
        self.allowed = allowed
        self.seen: Rights = set()
        self.refused: list[str] = []

    def lets(self, request: web.Request, *, is_there: bool) -> bool:
        rule = rule_of(request.method, request.path, list(request.query.items()))
        if not rule.resource:
            return True  # what everybody may ask who is somebody: which kinds there are, and /readyz
        asked = {(rule.group, rule.resource, rule.verb)}
        if request.method == "PATCH" and not is_there:
            # An apply that makes an object needs both.
            asked.add((rule.group, rule.resource, "create"))
        self.seen |= asked & self.allowed
        if asked <= self.allowed:
            return True
        self.refused.append(str(rule))
        return False


class GuardedMember(Member):
    """A member cluster that holds to the role for it."""

    def __init__(self) -> None:
        super().__init__()
        self.guard = Guard(granted("dispatch"))
        held = [one for one in KINDS.values() if not one.group.endswith("karmada.io")]
        self.resources = [(one.api_version, one.plural, one.kind, one.namespaced) for one in held]
        self.resources += [("v1", "serviceaccounts", "ServiceAccount", True)]
        for plural, kind in (("ingresses", "Ingress"), ("networkpolicies", "NetworkPolicy")):
            self.resources.append(("networking.k8s.io/v1", plural, kind, True))
            self.served.add(plural)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        namespace, collection, name = places(request.path)
        if not self.guard.lets(request, is_there=self.found(collection, name, namespace) is not None):
            return status(403, "Forbidden", "no role allows it")
        if request.path.startswith("/apis/batch.volcano.sh/") and collection == "jobs":
            # The double knows collections by their last name only.
            return web.json_response({"kind": "JobList", "metadata": {"resourceVersion": "1"}, "items": []})
        if request.path.startswith("/apis/") and request.path.count("/") == 2:
            version = next((one[0] for one in self.resources if one[0].startswith(f"{request.path[6:]}/")), "")
            found = {"groupVersion": version, "version": version.partition("/")[2]}
            return web.json_response({"kind": "APIGroup", "versions": [found], "preferredVersion": found})
        return await super().handle(request)


def carried() -> list[dict[str, Any]]:
    """One object of each kind that is carried; where a workload is, everything else of its namespace goes."""
    template = deployment()["spec"]["template"]
    once = {**template, "spec": {**template["spec"], "restartPolicy": "Never"}}
    selector = deployment()["spec"]["selector"]
    specs: dict[str, tuple[str, dict[str, Any]]] = {
        "StatefulSet": ("apps/v1", {"replicas": 1, "serviceName": "s", "selector": selector, "template": template}),
        "DaemonSet": ("apps/v1", {"selector": selector, "template": template}),
        "Job": ("batch/v1", {"parallelism": 1, "completions": 1, "template": once}),
        "CronJob": ("batch/v1", {"schedule": "0 0 * * *", "jobTemplate": {"spec": {"template": once}}}),
        "HorizontalPodAutoscaler": ("autoscaling/v2", {"maxReplicas": 2, "scaleTargetRef": {"name": "other"}}),
        "PodDisruptionBudget": ("policy/v1", {"minAvailable": 1, "selector": selector}),
        "Ingress": ("networking.k8s.io/v1", {"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}}),
        "NetworkPolicy": ("networking.k8s.io/v1", {"podSelector": {}}),
        "PersistentVolumeClaim": ("v1", {"accessModes": ["ReadWriteOnce"]}),
        "Service": ("v1", {"ports": [{"port": 80}]}),
    }
    made = [
        {"apiVersion": version, "kind": kind, "metadata": {"name": "x", "namespace": "shop"}, "spec": spec}
        for kind, (version, spec) in specs.items()
    ]
    made += [beside("ConfigMap", "x", "shop", data={}), beside("ServiceAccount", "x", "shop")]
    policy = weighted(a=1)
    policy["metadata"]["namespace"] = "shop"
    policy["spec"]["resourceSelectors"] = [{"apiVersion": "batch/v1", "kind": "CronJob"}]
    return [*made, deployment("x", namespace="shop"), policy]


async def test_a_dispatcher_asks_a_member_for_what_is_granted_and_for_nothing_else(tmp_path):
    made = GuardedMember()
    async with serving(made.handle) as url:
        made.url = url
        made.node("n", cpu="64")
        # Its node has come since the nodes were listed, or has gone.
        made.pod("homeless", nodeName="gone")
        folder = write_fleet(tmp_path / "fleet", {"a": url})
        kept = [beside("Namespace", "shop", ""), deployment("stays", namespace="shop")]
        write(folder, "web.json", *kept, *carried())
        async with keeping(folder):
            await made.watched(5)
            made.close_watches()
        write(folder, "web.json", *kept)
        report = await run(folder)
        made.close_watches()
    assert report.failures == {}
    # Kinds that nobody grants are not pruned, and that is told.
    assert {one for one in made.guard.refused if "list" not in one} == set()
    assert made.guard.seen == made.guard.allowed == tabled(MEMBER)


class GuardedPlane(ControlPlane):
    """A Karmada that holds to the role for it."""

    def __init__(self) -> None:
        super().__init__()
        self.guard = Guard(granted("karmada"))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if not self.guard.lets(request, is_there=True):
            return status(403, "Forbidden", "no role allows it")
        return await super().handle(request)


async def test_a_scheduler_of_karmada_asks_for_what_is_granted_and_for_nothing_else():
    plane = GuardedPlane()
    async with serving(plane.handle) as url:
        plane.url = url
        plane.member("m1")
        plane.binding("web", 1)
        plane.binding("role", 0, namespace="", placement={"clusterAffinity": {}})
        stop = asyncio.Event()
        async with Api(access_to(url), timing=FakeTime().timing) as api:
            running = asyncio.ensure_future(scheduled(api, "yuheng", lambda _: None, stop))
            await until(lambda: is_done(plane, "web") and is_done(plane, "role", ""))
            await plane.watched(3)
            stop.set()
            await running
        plane.close_watches()
    assert plane.guard.refused == []
    assert plane.guard.seen == plane.guard.allowed == tabled(KARMADA)


@pytest.mark.parametrize(("name", "rights"), TABLES)
def test_the_chart_has_the_roles_where_its_values_ask_for_them(name, rights):
    def files(values: dict[str, Any]) -> str:
        return rendered(CHART, Release("x", "y"), values)[f"{name}-role.yaml"]

    assert files({}).strip() == ""
    found = {one["kind"]: one for one in yaml.safe_load_all(files({"roles": {name: True}})) if one}
    assert set(found) == {"ServiceAccount", "ClusterRole", "ClusterRoleBinding"}
    assert found["ClusterRoleBinding"]["subjects"] == [
        {"kind": "ServiceAccount", "name": found["ServiceAccount"]["metadata"]["name"], "namespace": "y"}
    ]
    assert found["ClusterRoleBinding"]["roleRef"]["name"] == found["ClusterRole"]["metadata"]["name"]
    allowed = {(g, r, v) for rule in found["ClusterRole"]["rules"] for g in rule["apiGroups"] for r in rule["resources"]
               for v in rule["verbs"]}  # fmt: skip
    assert allowed == tabled(rights)


@pytest.mark.parametrize(("name", "rights"), TABLES)
def test_no_role_of_a_dispatcher_reaches_for_secrets_or_for_everything(name, rights):
    for group, resource, verb in granted(name):
        assert "*" not in (group, resource, verb)
        assert resource not in ("secrets", "clusterroles", "roles", "customresourcedefinitions")
        assert verb not in ("deletecollection", "impersonate", "escalate", "bind")
    assert granted(name) == tabled(rights)


def test_the_guide_names_every_right():
    guide = (ROOT / "docs" / "guides" / "dispatch.md").read_text(encoding="utf-8")
    for one in (*MEMBER, *KARMADA):
        resource = f"{one.resource}.{one.group}".removesuffix(".")
        row = next((line for line in guide.splitlines() if line.startswith("|") and f"`{resource}`" in line), "")
        assert f"| {', '.join(one.verbs)} |" in row, resource


def test_the_values_of_the_roles_are_switches():
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))["properties"]["roles"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"dispatch": "yes", "karmada": False}, schema)
