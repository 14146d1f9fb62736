"""What a pod draws from the grid, and the carbon of it.

A machine draws its idle power always, and the rest in proportion to how much of it is used:

    watts = idle + utilisation * (full - idle)

which is the model of Etsy's "Cloud Jewels" and of Cloud Carbon Footprint. A pod answers for its share of the machine,
idle part included, so that pods that fill a machine answer for all of it:

    share = watts in full use of what the pod asks for / the same of all the machine has

The watts in that share are those of the parts (`CORE`, `MEMORY`, `GPUS`), because a GPU weighs far more than a core.
Where no `PowerModel` speaks of the machine, or what the machine has is not known, the parts are summed up as they are.

The numbers are Cloud Carbon Footprint's (its Methodology, appendices I and III): per vCPU the mean of the processors in
AWS, one for all providers, since those differ by what was published of them more than by what they draw; memory from
two manufacturers' data; GPUs from the power of their boards, with the ratio of idle and full that Teads measured on
CPUs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

from yuheng.model.fleet import PowerModel
from yuheng.model.node import Node
from yuheng.model.series import Series

__all__ = ["CORE", "DEFAULT_GPU", "GPUS", "MEMORY", "UTILISATION", "Draw", "Shape", "grams", "power_of"]

GIGABYTE: Final = 1e9
JOULES_PER_KWH: Final = 3.6e6


class Draw(NamedTuple):
    """The electric power of a part of a machine, in watts: idle, and in full use."""

    idle: float
    full: float

    def at(self, utilisation: float) -> float:
        """Watts when so much of it is used, between 0 and 1."""
        return self.idle + utilisation * (self.full - self.idle)


class Shape(NamedTuple):
    """What a machine has, or a pod asks for.

    Attributes:
        cpu_milli: milli-cores.
        memory: bytes.
        gpus: how many GPUs; a pod may ask for a part of one.
        gpu_model: of the GPUs; empty when unknown.
    """

    cpu_milli: float
    memory: float
    gpus: float = 0.0
    gpu_model: str = ""

    @classmethod
    def of(cls, node: Node) -> Shape:
        """What a node has to offer."""
        offered = node.allocatable
        return cls(offered.get("cpu", 0), offered.get("memory", 0), node.devices.count, node.devices.model)


# Of servers in hyperscale data centres in 2020, for want of a measurement (2016 U.S. Data Center Energy Usage Report).
UTILISATION: Final = 0.5
CORE: Final = Draw(0.74, 3.5)
# Of a gigabyte (10^9 bytes), used or not.
MEMORY: Final = 0.392
# By the name of the model, where a name that begins another comes after it. What Cloud Carbon Footprint does not list
# has the ratios it uses, 0.115 and 1.02, times the power of the board in the manufacturer's data sheet.
GPUS: Final[tuple[tuple[str, Draw], ...]] = (
    ("B200", Draw(115.0, 1020.0)),
    ("H200", Draw(80.5, 714.0)),
    ("H100", Draw(80.5, 714.0)),
    ("MI300X", Draw(86.25, 765.0)),
    ("A100", Draw(46.0, 407.0)),
    ("A10", Draw(18.0, 153.0)),
    ("L40S", Draw(40.25, 357.0)),
    ("L40", Draw(34.5, 306.0)),
    ("L4", Draw(8.28, 73.4)),
    ("V100", Draw(35.0, 306.0)),
    ("P100", Draw(36.0, 306.0)),
    ("P40", Draw(30.0, 255.0)),
    ("P4", Draw(9.0, 76.5)),
    ("T4", Draw(8.0, 71.0)),
    ("M60", Draw(35.0, 306.0)),
    ("K80", Draw(35.0, 306.0)),
    ("K520", Draw(26.0, 229.0)),
    ("V520", Draw(26.0, 229.0)),
)
# Of a GPU nobody knows: a board of 300 W, as most of the older ones are.
DEFAULT_GPU: Final = Draw(35.0, 306.0)


def power_of(
    asked: Shape, *, instance_type: str = "", machine: Shape | None = None, models: Sequence[PowerModel] = ()
) -> float:
    """The electric power that a pod answers for, without the data centre's own (`grams` adds that).

    Args:
        asked: what the pod requests; the machine's whole shape for the power of the machine.
        instance_type: of the machine; empty when unknown.
        machine: what the machine has; None when unknown. GPUs without a model are taken to be the machine's.
        models: the first that speaks of the machine counts.

    Returns:
        Watts, 0 or more.
    """
    if machine is not None and asked.gpus and not asked.gpu_model:
        asked = asked._replace(gpu_model=machine.gpu_model)
    model = next((one for one in models if instance_type and fnmatchcase(instance_type, one.instance_type)), None)
    whole = _parts(machine).full if machine is not None else 0.0
    if model is None or whole <= 0:
        return _parts(asked).at(model.utilisation if model is not None else UTILISATION)
    return Draw(model.idle, model.full).at(model.utilisation) * _parts(asked).full / whole


def grams(watts: float, pue: float, carbon: Series, start: float, end: float) -> float:
    """Grams of CO2 equivalent of drawing power from one time to a later one.

    Args:
        watts: what the machines draw.
        pue: power usage effectiveness, the data centre's energy over its machines'; 1 or more.
        carbon: grams of CO2 equivalent per kWh.
        start: when the drawing begins, in seconds since the epoch.
        end: when it ends.
    """
    return watts * pue / JOULES_PER_KWH * carbon.integral(start, end)


def _parts(shape: Shape) -> Draw:
    """The power of so much of a machine: its cores, memory and GPUs."""
    cores, memory = shape.cpu_milli / 1000, shape.memory / GIGABYTE * MEMORY
    gpu = _gpu(shape.gpu_model)
    return Draw(
        cores * CORE.idle + memory + shape.gpus * gpu.idle,
        cores * CORE.full + memory + shape.gpus * gpu.full,
    )


def _gpu(model: str) -> Draw:
    """The power of one GPU, by a name such as ``NVIDIA-A100-SXM4-80GB`` or ``V100M16``."""
    for name, draw in GPUS:
        if re.search(rf"(?<![A-Z0-9]){name}(?![0-9])", model.upper()):
            return draw
    return DEFAULT_GPU
