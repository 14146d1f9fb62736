"""What can be bought, what its name tells, and what it keeps for itself."""

from __future__ import annotations

import pytest

from yuheng.errors import ConfigError
from yuheng.finops.node_mix import Choice, offers_of
from yuheng.finops.node_mix.kinds import architecture, family, gpu_model, gpu_resource, is_burstable
from yuheng.finops.node_mix.reserve import allocatable
from yuheng.model.prices import Price, PriceBook

GIB = 2**30
MIB = 2**20
NAMES = {
    "m5.xlarge": ("amd64", "m5", False),
    "m7g.4xlarge": ("arm64", "m7g", False),
    "c7gn.large": ("arm64", "c7gn", False),
    "g4dn.xlarge": ("amd64", "g4dn", False),
    "g5g.xlarge": ("arm64", "g5g", False),
    "im4gn.large": ("arm64", "im4gn", False),
    "a1.large": ("arm64", "a1", False),
    "m7i-flex.large": ("amd64", "m7i-flex", False),
    "u-6tb1.112xlarge": ("amd64", "u-6tb1", False),
    "u7in-24tb.224xlarge": ("amd64", "u7in-24tb", False),
    "t3a.medium": ("amd64", "t3a", True),
    "n2-standard-8": ("amd64", "n2-standard", False),
    "t2a-standard-4": ("arm64", "t2a-standard", False),
    "e2-medium": ("amd64", "e2-medium", True),
    "Standard_D4s_v5": ("amd64", "Standard_Ds_v5", False),
    "Standard_D4ps_v5": ("arm64", "Standard_Dps_v5", False),
    "Standard_B2ms": ("amd64", "Standard_Bms", True),
}


@pytest.mark.parametrize(("name", "expected"), NAMES.items(), ids=NAMES)
def test_a_name_tells_architecture_family_and_whether_cores_are_lent(name, expected):
    assert (architecture(name), family(name), is_burstable(name)) == expected


def test_gpus_have_the_model_of_the_book_or_of_their_family():
    assert gpu_model("p4d.24xlarge", "") == "A100"
    assert gpu_model("p4d.24xlarge", "A100-SXM4") == "A100-SXM4"
    assert [gpu_resource(model) for model in ("T4", "", "Radeon-Pro-V520", "Gaudi HL-205")] == [
        "nvidia.com/gpu",
        "nvidia.com/gpu",
        "amd.com/gpu",
        "habana.ai/gaudi",
    ]


RESERVED = {
    # 4 cores: 60 + 10 + 2 x 5 milli-cores. EKS: 7.5% of 16 GiB, 255 + 11 x 58 MiB, 100 MiB.
    "eks": ("eks", 4000, 16 * GIB, 58, 3920, int(16 * GIB * 0.925) - (255 + 638 + 100) * MIB),
    # 25% of 4 GiB, 20% of 4, 10% of 8: 2.6 GiB.
    "gke": ("gke", 4000, 16 * GIB, 110, 3920, int(13.4 * GIB) - 100 * MIB),
    "gke, 8 cores": ("gke", 8000, 16 * GIB, 110, 7910, int(13.4 * GIB) - 100 * MIB),
    "gke, more than 110 pods": ("gke", 4000, 16 * GIB, 111, 3520, int(13.4 * GIB) - 100 * MIB),
    "aks, 64 cores": ("aks", 64000, 256 * GIB, 110, 63260, 256 * GIB - (20 * 110 + 50 + 100) * MIB),
    "aks": ("aks", 4000, 16 * GIB, 110, 3860, 16 * GIB - (20 * 110 + 50 + 100) * MIB),
    "aks, small": ("aks", 1000, 2 * GIB, 110, 940, int(1.5 * GIB) - 100 * MIB),
    "none": ("none", 4000, 16 * GIB, 110, 4000, 16 * GIB),
    "nothing left": ("eks", 100, 100 * MIB, 110, 94, 0),
}


@pytest.mark.parametrize(("rule", "cpu", "memory", "pods", "cores", "left"), RESERVED.values(), ids=RESERVED)
def test_a_machine_keeps_a_part_for_itself(rule, cpu, memory, pods, cores, left):
    assert allocatable(rule, cpu, memory, pods) == pytest.approx((cores, left), abs=1)


def row(name, price, **more):
    return Price(**{"instance_type": name, "per_hour": price, "cpu_milli": 4000, "memory": 16 * GIB, **more})


BOOK = PriceBook(
    [
        row("m5.xlarge", 0.2, provider="aws", region="r1"),
        row("m5.xlarge", 0.06, provider="aws", region="r1", market="spot"),
        row("m6g.xlarge", 0.15, provider="aws", region="r1"),
        row("t3.xlarge", 0.16, provider="aws", region="r1"),
        row("old.large", 0.1, provider="aws", region="r1", cpu_milli=0, memory=0),
        row("m5.xlarge", 0.3, provider="aws", region="r2"),
    ]
)
CHOICES = {
    "amd64 on-demand": (Choice(regions=("r1",)), ["m5.xlarge on-demand"]),
    "both markets": (
        Choice(regions=("r1",), markets=("on-demand", "spot")),
        ["m5.xlarge on-demand", "m5.xlarge spot"],
    ),
    "both architectures": (
        Choice(regions=("r1",), architectures=("amd64", "arm64")),
        ["m5.xlarge on-demand", "m6g.xlarge on-demand"],
    ),
    "burstable ones by name": (Choice(regions=("r1",), types=("t3.*",)), ["t3.xlarge on-demand"]),
}


@pytest.mark.parametrize(("choice", "expected"), CHOICES.values(), ids=CHOICES)
def test_offers_are_what_was_chosen_of_known_size(choice, expected):
    found = offers_of(BOOK, choice)
    assert [f"{offer.price.instance_type} {offer.price.market}" for offer in found] == expected


def test_offers_say_what_they_are_by_labels():
    (offer,) = offers_of(BOOK, Choice(regions=("r1",), markets=("spot",)))
    labels = offer.node.labels
    assert labels["node.kubernetes.io/instance-type"] == "m5.xlarge"
    assert labels["karpenter.sh/capacity-type"] == "spot"
    assert labels["topology.kubernetes.io/region"] == "r1"


REFUSED = {
    "which region": (Choice(), r"--region: found prices of 2 regions, expected one of r1, r2"),
    "no such region": (Choice(regions=("r9",)), r"--region r9: found no prices of it, expected one of r1, r2"),
    "nothing left": (
        Choice(regions=("r1",), types=("z*",)),
        r"found no machine of known size to buy in r1 of types z\*",
    ),
}


@pytest.mark.parametrize(("choice", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_chosen_from_is_told(choice, message):
    with pytest.raises(ConfigError, match=message):
        offers_of(BOOK, choice)
