"""What money counts for a pod is what the scheduler sets aside for it, container by container and beyond them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_objects import asking, container, named, node, pod

from yuheng.model.estate import Requested
from yuheng.readers.estate import read_estate

MIB, GIB = 2**20, 2**30


def estate_of(folder, *objects):
    path = folder / "objects.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))
    return read_estate(path)


def template_of(spec):
    labels = {"app": "made"}
    pods = {"metadata": {"labels": labels}, "spec": spec}
    return named("Deployment", "made", "apps/v1", spec={"selector": {"matchLabels": labels}, "template": pods})


CPU = st.sampled_from(("0", "100m", "250m", "1", "1500m", "2.0001"))
MEMORY = st.sampled_from(("0", "500m", "64Mi", "1Gi", "1500M", "2Gi"))
GPUS = st.sampled_from(("0", "1", "2"))
AMOUNTS = st.fixed_dictionaries({}, optional={"cpu": CPU, "memory": MEMORY})
DEVICES = st.fixed_dictionaries({}, optional={"nvidia.com/gpu": GPUS})


@st.composite
def containers(draw, name):
    devices = draw(DEVICES)
    return asking({**draw(AMOUNTS), **devices}, name=name, limits={**draw(AMOUNTS), **devices})


@st.composite
def specifications(draw):
    """A pod that a person or a service mesh may write; pod-level requests may also be too small."""
    found = {"containers": [draw(containers(f"c{index}")) for index in range(draw(st.integers(1, 3)))]}
    init = [draw(containers(f"i{index}")) for index in range(draw(st.integers(0, 3)))]
    for part in init:
        if draw(st.booleans()):
            part["restartPolicy"] = "Always"
    found["initContainers"] = init
    if draw(st.booleans()):
        found["overhead"] = draw(AMOUNTS)
    if draw(st.integers(0, 2)) == 0:
        found["resources"] = {"requests": draw(AMOUNTS), "limits": draw(AMOUNTS)}
    return found


@settings(max_examples=300, deadline=None)
@given(spec=specifications())
def test_a_pod_holds_what_the_scheduler_sets_aside(tmp_path_factory, spec):
    folder = tmp_path_factory.mktemp("estate")
    running = {**pod("p"), "spec": {**spec, "nodeName": "n"}, "status": {"phase": "Running"}}
    found = estate_of(folder, node("n"), running, template_of(spec))
    counted = next(one for one in found.snapshot.pods if one.name == "p")
    expected = Requested(
        cpu=counted.spec.requests.get("cpu", 0),
        memory=counted.spec.requests.get("memory", 0),
        gpus=float(counted.spec.devices.count),
    )
    assert found.pods["default/p"].requested == expected
    assert next(one for one in found.workloads if one.kind == "Deployment").requested == expected
    assert {one.requested for one in found.pods.values()} == {expected}
    assert all(one.cpu >= 0 and one.memory >= 0 and one.gpus >= 0 for one in found.pods["default/p"].containers)


@pytest.mark.parametrize(
    ("spec", "parts", "least", "overhead"),
    [
        pytest.param(
            {"containers": [asking({"cpu": "1"})], "initContainers": [asking({"cpu": "3"}, name="first")]},
            [("c", 1000)],
            Requested(cpu=3000),
            Requested(),
            id="an init container that asks for more",
        ),
        pytest.param(
            {"containers": [asking({"cpu": "1"})], "initContainers": [asking({"cpu": "1"}, name="first")]},
            [("c", 1000)],
            Requested(),
            Requested(),
            id="an init container that asks for no more",
        ),
        pytest.param(
            {
                "containers": [asking({"cpu": "1"})],
                "initContainers": [
                    asking({"cpu": "500m"}, name="proxy", restartPolicy="Always"),
                    asking({"cpu": "3"}, name="first"),
                ],
                "overhead": {"cpu": "250m", "memory": "120Mi"},
            },
            [("proxy", 500), ("c", 1000)],
            Requested(cpu=3500),
            Requested(cpu=250, memory=120 * MIB),
            id="beside a sidecar, with the overhead of a runtime class",
        ),
        pytest.param(
            {"containers": [asking({"cpu": "1"})], "resources": {"limits": {"cpu": "2", "memory": "1Gi"}}},
            [("c", 1000)],
            Requested(),
            Requested(),
            id="a limit of the pod is no request where containers have some",
        ),
        pytest.param(
            {
                "containers": [asking({"cpu": "6"}, name="a"), asking({"cpu": "2"})],
                "resources": {"requests": {"cpu": "2"}},
            },
            [("a", 1500), ("c", 500)],
            Requested(),
            Requested(),
            id="what is requested for the pod counts, also where it is less",
        ),
    ],
)
def test_what_is_set_aside_beyond_containers_is_told_of_the_pod(tmp_path, spec, parts, least, overhead):
    found = estate_of(tmp_path, {**pod("p"), "spec": spec}).pods["default/p"]
    assert [(one.name, one.cpu) for one in found.containers] == parts
    assert (found.least, found.overhead) == (least, overhead)


def test_while_a_pod_is_resized_it_holds_what_the_kubelet_has_given(tmp_path):
    given_ = {"name": "c", "allocatedResources": {"cpu": "1"}, "resources": {"requests": {"cpu": "1"}}}
    refused = [{"type": "PodResizePending", "reason": "Infeasible", "status": "True"}]
    status = {"phase": "Running", "containerStatuses": [given_], "conditions": refused}
    wished = pod("p", status=status, containers=[asking({"cpu": "8"}), container("d")], nodeName="n")
    found = estate_of(tmp_path, node("n"), wished).pods["default/p"]
    assert found.requested == Requested(cpu=1000)
    assert [one.cpu for one in found.containers] == [1000, 0]
