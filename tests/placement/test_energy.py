"""The power that a pod answers for, and its carbon."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuheng.model.fleet import PowerModel
from yuheng.model.node import DeviceInventory, Node
from yuheng.model.series import Series
from yuheng.placement.energy import CORE, DEFAULT_GPU, GPUS, MEMORY, Shape, grams, power_of

GB = 10**9
M5 = PowerModel(instance_type="m5.*", idle=100.0, full=300.0)
MACHINE = Shape(16_000, 64 * GB)


@pytest.mark.parametrize(
    ("asked", "watts"),
    [
        # Half of what a core can draw between 0.74 and 3.5 W.
        (Shape(1000, 0), 2.12),
        (Shape(0, 100 * GB), 39.2),
        (Shape(0, 0, 1, "NVIDIA-A100-SXM4-80GB"), (46 + 407) / 2),
        (Shape(4000, 16 * GB, 2, "T4"), 4 * 2.12 + 16 * 0.392 + 2 * 39.5),
        (Shape(0, 0, 0.5, "V100M16"), 170.5 / 2),
        (Shape(0, 0), 0.0),
    ],
)
def test_parts_are_summed_up_without_a_model(asked: Shape, watts: float) -> None:
    assert power_of(asked) == pytest.approx(watts)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("NVIDIA-A100-SXM4-80GB", "A100"),
        ("nvidia-a10g", "A10"),
        ("A10", "A10"),
        ("NVIDIA L4", "L4"),
        ("NVIDIA-L40S", "L40S"),
        ("NVIDIA-L40", "L40"),
        ("Tesla-P4", "P4"),
        ("Tesla P40", "P40"),
        ("nvidia-h100-80gb", "H100"),
        ("V100M32", "V100"),
    ],
)
def test_gpus_are_known_by_their_model(name: str, known: str) -> None:
    assert power_of(Shape(0, 0, 1, name)) == pytest.approx(dict(GPUS)[known].at(0.5))


@pytest.mark.parametrize("name", ["", "G2", "RTX-A1000", "XT4"])
def test_a_gpu_nobody_knows_counts_as_a_usual_one(name: str) -> None:
    assert power_of(Shape(0, 0, 1, name)) == pytest.approx(DEFAULT_GPU.at(0.5))


def test_a_gpu_without_a_model_is_the_machines() -> None:
    machine = Shape(96_000, 1000 * GB, 8, "H100")
    assert power_of(Shape(0, 0, 1), machine=machine) == pytest.approx(dict(GPUS)["H100"].at(0.5))


def test_a_whole_machine_draws_what_its_model_says() -> None:
    assert power_of(MACHINE, instance_type="m5.4xlarge", machine=MACHINE, models=(M5,)) == pytest.approx(200.0)


@pytest.mark.parametrize(("utilisation", "watts"), [(0.0, 100.0), (0.25, 150.0), (1.0, 300.0)])
def test_power_grows_with_use(utilisation: float, watts: float) -> None:
    model = PowerModel(instance_type="*", idle=100.0, full=300.0, utilisation=utilisation)
    assert power_of(MACHINE, instance_type="any", machine=MACHINE, models=(model,)) == pytest.approx(watts)


def test_the_first_model_that_speaks_of_the_machine_counts() -> None:
    other = PowerModel(instance_type="*", idle=0.0, full=10.0)
    arguments = {"machine": MACHINE, "models": (M5, other)}
    assert power_of(MACHINE, instance_type="m5.4xlarge", **arguments) == pytest.approx(200.0)
    assert power_of(MACHINE, instance_type="c5.4xlarge", **arguments) == pytest.approx(5.0)


@pytest.mark.parametrize("machine", [None, Shape(0, 0)])
def test_a_model_is_no_use_for_a_machine_of_unknown_size(machine: Shape | None) -> None:
    asked = Shape(1000, GB)
    assert power_of(asked, instance_type="m5.4xlarge", machine=machine, models=(M5,)) == power_of(asked)


@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 16)), min_size=1, max_size=4))
def test_pods_that_fill_a_machine_answer_for_all_of_it(pods: list[tuple[int, int]]) -> None:
    shapes = [Shape(cpu, memory * GB, 1) for cpu, memory in pods]
    used = Shape(sum(one.cpu_milli for one in shapes), sum(one.memory for one in shapes), len(shapes))
    rest = Shape(16_000 - used.cpu_milli, 64 * GB - used.memory, 8 - used.gpus)
    machine = Shape(16_000, 64 * GB, 8, "A100")
    powers = [power_of(one, instance_type="m5.x", machine=machine, models=(M5,)) for one in (*shapes, rest)]
    assert sum(powers) == pytest.approx(200.0)


def test_a_gpu_weighs_more_than_a_core() -> None:
    machine = Shape(96_000, 1000 * GB, 8, "A100")
    model = PowerModel(instance_type="p4d.24xlarge", idle=1000.0, full=5000.0)
    share = power_of(Shape(0, 0, 8), instance_type="p4d.24xlarge", machine=machine, models=(model,)) / 3000
    assert share == pytest.approx(8 * 407 / (8 * 407 + 96 * CORE.full + 1000 * MEMORY))


def test_the_shape_of_a_node() -> None:
    devices = DeviceInventory(count=4, model="T4")
    node = Node(name="a", allocatable={"cpu": 8000, "memory": 32 * GB, "pods": 110}, devices=devices)
    assert Shape.of(node) == Shape(8000, 32 * GB, 4, "T4")


def test_carbon_follows_the_grid() -> None:
    hours = Series(np.arange(3) * 3600.0, np.array([100.0, 300.0, 500.0]))
    # A kilowatt for an hour and a half: 100 g and half of 300 g, and a fifth more for the data centre.
    assert grams(1000.0, 1.2, hours, 0.0, 5400.0) == pytest.approx(1.2 * 250)
    assert grams(1000.0, 1.0, hours, 3600.0, 3600.0) == 0.0
