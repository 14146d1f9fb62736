"""GPUs in the words of NVIDIA, AMD, Volcano and Alibaba."""

from __future__ import annotations

from typing import Any

import pytest
from made_objects import asking, node, pod, read_one

from yuheng.errors import InputError
from yuheng.model.node import DeviceInventory
from yuheng.model.pod import DeviceRequest
from yuheng.readers import read

MI = 1024 * 1024
ALIBABA = "alibabacloud.com/gpu-"
VGPU = "volcano.sh/vgpu-"


def asked(
    limits: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
) -> DeviceRequest:
    manifest = pod(
        containers=[asking(limits=limits or {})],
        metadata={"annotations": annotations or {}, "labels": labels or {}},
    )
    return read_one(manifest).spec.devices


@pytest.mark.parametrize(
    ("limits", "annotations", "expected"),
    [
        pytest.param({}, {}, DeviceRequest(), id="none"),
        pytest.param({"nvidia.com/gpu": "2"}, {}, DeviceRequest(count=2), id="nvidia"),
        pytest.param({"amd.com/gpu": "1"}, {}, DeviceRequest(count=1), id="amd"),
        pytest.param({"nvidia.com/gpu": "0"}, {}, DeviceRequest(), id="zero"),
        pytest.param({f"{ALIBABA}milli": "460"}, {}, DeviceRequest(count=1, milli=460), id="alibaba share"),
        pytest.param({}, {f"{ALIBABA}milli": "460"}, DeviceRequest(count=1, milli=460), id="alibaba annotation"),
        pytest.param(
            {},
            {f"{ALIBABA}milli": "1000", f"{ALIBABA}count": "4"},
            DeviceRequest(count=4),
            id="alibaba whole",
        ),
        pytest.param({}, {f"{ALIBABA}count": "2"}, DeviceRequest(count=2), id="alibaba count alone"),
        pytest.param(
            {f"{ALIBABA}milli": "1000", f"{ALIBABA}count": "3"}, {}, DeviceRequest(count=3), id="alibaba resources"
        ),
        pytest.param({f"{VGPU}number": "1"}, {}, DeviceRequest(count=1), id="a vgpu without a part"),
        pytest.param({f"{VGPU}number": "3"}, {}, DeviceRequest(count=3), id="several vgpus"),
        pytest.param(
            {f"{VGPU}number": "1", f"{VGPU}memory": "3000"},
            {},
            DeviceRequest(count=1, milli=0, memory=3000 * MI),
            id="memory of a vgpu",
        ),
        pytest.param(
            {f"{VGPU}number": "1", f"{VGPU}cores": "30"},
            {},
            DeviceRequest(count=1, milli=300),
            id="cores of a vgpu",
        ),
        pytest.param(
            {
                f"{VGPU}number": "1",
                f"{VGPU}cores": "30",
                f"{VGPU}memory-percentage": "50",
                f"{VGPU}memory": "10",
            },
            {},
            DeviceRequest(count=1, milli=500, memory=10 * MI),
            id="the larger part of a vgpu",
        ),
        pytest.param(
            {f"{VGPU}number": "1", f"{VGPU}cores": "100", f"{VGPU}memory": "10"},
            {},
            DeviceRequest(count=1),
            id="a whole vgpu",
        ),
        pytest.param(
            {"nvidia.com/gpu": "1"},
            {f"{ALIBABA}card-model": "A10|T4"},
            DeviceRequest(count=1, models=("A10", "T4")),
            id="models",
        ),
    ],
)
def test_what_a_pod_asks_for(limits: dict[str, str], annotations: dict[str, str], expected: DeviceRequest) -> None:
    assert asked(limits, annotations) == expected


def test_models_may_be_a_label_and_the_annotation_overrules_it() -> None:
    label = {f"{ALIBABA}card-model": "T4"}
    assert asked({"nvidia.com/gpu": "1"}, labels=label).models == ("T4",)
    assert asked({"nvidia.com/gpu": "1"}, {f"{ALIBABA}card-model": "A10"}, label).models == ("A10",)


def test_devices_of_a_pod_follow_the_rule_of_init_containers() -> None:
    manifest = pod(
        containers=[asking({"nvidia.com/gpu": "1"}), asking({"nvidia.com/gpu": "2"})],
        initContainers=[asking({"nvidia.com/gpu": "2"})],
    )
    assert read_one(manifest).spec.devices.count == 3


def test_only_whole_devices_are_amounts_that_add_up() -> None:
    limits = {
        "nvidia.com/gpu": "1",
        f"{VGPU}number": "1",
        f"{VGPU}memory": "5",
        f"{ALIBABA}milli": "5",
        f"{ALIBABA}count": "1",
    }
    assert read_one(pod(containers=[asking(limits=limits)])).spec.requests == {"nvidia.com/gpu": 1}
    assert read(node(status={"allocatable": limits})).nodes[0].allocatable == {"nvidia.com/gpu": 1}


def test_parts_of_several_devices_count_as_whole_ones_and_are_told_of() -> None:
    snapshot = read(pod(containers=[asking(limits={f"{VGPU}number": "2", f"{VGPU}memory": "3000"})]))
    assert snapshot.pods[0].spec.devices == DeviceRequest(count=2)
    assert snapshot.warnings == (
        "default/p: volcano.sh/vgpu-number above 1 with a part of each: counted as whole devices",
    )


class TestWhichDevicesABoundPodHolds:
    @pytest.mark.parametrize(
        ("annotations", "indices"),
        [
            ({f"{ALIBABA}index": "0-1"}, (0, 1)),
            ({f"{ALIBABA}index": "3,1"}, (1, 3)),
            ({"volcano.sh/gpu-index": "2"}, (2,)),
            ({f"{ALIBABA}index": ""}, ()),
            ({}, ()),
        ],
    )
    def test_is_in_its_annotations(self, annotations: dict[str, str], indices: tuple[int, ...]) -> None:
        four = node(status={"allocatable": {"nvidia.com/gpu": "4"}})
        manifest = pod(nodeName="n", metadata={"annotations": annotations})
        assert read_one(manifest, four).device_indices == indices

    def test_is_not_asked_of_a_pending_pod(self) -> None:
        assert read_one(pod(metadata={"annotations": {f"{ALIBABA}index": "0"}})).device_indices == ()


@pytest.mark.parametrize(
    ("allocatable", "labels", "annotations", "expected"),
    [
        pytest.param({"cpu": "1"}, {}, {}, DeviceInventory(), id="none"),
        pytest.param({"nvidia.com/gpu": "8"}, {}, {}, DeviceInventory(8), id="nvidia"),
        pytest.param({"amd.com/gpu": "4"}, {}, {}, DeviceInventory(4), id="amd"),
        pytest.param({f"{ALIBABA}count": "2"}, {}, {}, DeviceInventory(2), id="alibaba"),
        pytest.param(
            {"nvidia.com/gpu": "1"},
            {"nvidia.com/gpu.memory": "24576", "nvidia.com/gpu.product": "A10"},
            {},
            DeviceInventory(1, 24576 * MI, "A10"),
            id="labels of the feature discovery",
        ),
        pytest.param(
            {"nvidia.com/gpu": "1"},
            {f"{ALIBABA}card-model": "V100"},
            {},
            DeviceInventory(1, 0, "V100"),
            id="alibaba's model",
        ),
        pytest.param(
            {f"{VGPU}number": "20", f"{VGPU}memory": "49152"},
            {},
            {"volcano.sh/node-vgpu-register": "GPU-1,10,24576,NVIDIA,true:GPU-2,10,24576,NVIDIA,true:"},
            DeviceInventory(2, 24576 * MI),
            id="volcano's register",
        ),
        pytest.param(
            {f"{VGPU}number": "20"},
            {"nvidia.com/gpu.count": "4", "nvidia.com/gpu.memory": "1000"},
            {},
            DeviceInventory(4, 1000 * MI),
            id="volcano without a register",
        ),
        pytest.param({"cpu": "1"}, {"nvidia.com/gpu.count": "4"}, {}, DeviceInventory(), id="a label alone"),
    ],
)
def test_what_a_node_has(
    allocatable: dict[str, str],
    labels: dict[str, str],
    annotations: dict[str, str],
    expected: DeviceInventory,
) -> None:
    metadata = {"labels": labels, "annotations": annotations}
    found = read(node(metadata=metadata, status={"allocatable": allocatable}))
    assert found.nodes[0].devices == expected


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (
            pod(metadata={"annotations": {f"{ALIBABA}milli": "500", f"{ALIBABA}count": "2"}}),
            (
                "Pod default/p: metadata.annotations[alibabacloud.com/gpu-milli]: found 500 thousandths of 2 GPUs, "
                "expected a share of one GPU or whole GPUs: a share fits one device only"
            ),
        ),
        (
            pod(metadata={"annotations": {f"{ALIBABA}milli": "half"}}),
            "Pod default/p: metadata.annotations[alibabacloud.com/gpu-milli]: found 'half', expected a whole number",
        ),
        (
            pod(nodeName="n", metadata={"annotations": {f"{ALIBABA}index": "0-x"}}),
            (
                "Pod default/p: metadata.annotations[alibabacloud.com/gpu-index]: found '0-x', "
                "expected device indices such as 0-1 or 0,1"
            ),
        ),
        (
            node(
                metadata={"labels": {"nvidia.com/gpu.memory": "24GB"}},
                status={"allocatable": {"nvidia.com/gpu": 1}},
            ),
            "Node n: metadata.labels[nvidia.com/gpu.memory]: found '24GB', expected a whole number",
        ),
        (
            node(metadata={"annotations": {"volcano.sh/node-vgpu-register": "GPU-1,10"}}),
            (
                "Node n: metadata.annotations[volcano.sh/node-vgpu-register]: found 'GPU-1,10', "
                "expected devices separated by ':', each 'id,split count,memory in MiB,...'"
            ),
        ),
    ],
)
def test_what_cannot_be_meant_is_an_error(manifest: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(manifest)
    assert str(caught.value) == f"<object>: {message}"


def test_a_device_beyond_the_nodes_is_an_error() -> None:
    held = pod(nodeName="n", metadata={"annotations": {f"{ALIBABA}index": "0-2"}})
    with pytest.raises(InputError, match="Pod default/p: found device 2 of node n, which has 2, expected a device"):
        read(node(status={"allocatable": {"nvidia.com/gpu": "2"}}), held)
