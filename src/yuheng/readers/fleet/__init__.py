"""A folder of files -> the fleet that placement decides for.

    inputs ── every file is read once; what is no fleet is a `Snapshot` as ever
      │
      ├── kinds                                                            what speaks of a fleet, and slips of it
      ├── cluster_fields, region_fields, settings_fields, policy_fields    our own kinds, key by key
      ├── prices, egress, carbon, spot_traces                              the tables that they name
      │
    reader ── clusters ── their state: manifests, a kubeconfig's context (`kubectl`), pools
      │    ├─ regions ── what lies between them (`links`)
      │    ├─ workloads ── one for each controller, what they need (`requirements`), where they run (`previous`)
      │    └─ assumptions ── what nobody said
      └──> Fleet

Everything but the look at what the input is imports pydantic and numpy, and is imported when a fleet is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from yuheng.readers.fleet.inputs import Inputs

if TYPE_CHECKING:
    from yuheng.model.cluster import Snapshot
    from yuheng.model.fleet import Fleet
    from yuheng.readers.snapshot import Source

__all__ = ["is_fleet", "read_fleet", "read_state"]


def is_fleet(*sources: Source) -> bool:
    """Whether the input holds a Cluster, ours or Karmada's.

    Files are searched for the name before they are decoded. Standard input can be read only once, so that it does not
    count here: `read_state` looks at it and reads it.

    Raises:
        InputError: a source cannot be read.
        NotFoundError: a path does not exist.
    """
    return Inputs(*(source for source in sources if source != "-")).is_fleet()


def read_fleet(*sources: Source) -> Fleet:
    """Read a fleet.

    Args:
        sources: each a file, a folder, ``-`` for standard input, or objects in memory, as for `yuheng.readers.read`;
            price books and egress prices are CSV among them. Paths in a file are relative to its folder.

    Raises:
        InputError: something that was read is not what it should be; the message says where.
        NotFoundError: a path does not exist.
    """
    from yuheng.readers.fleet.reader import fleet_of  # noqa: PLC0415 -- pydantic takes 50 ms to import

    return fleet_of(Inputs(*sources))


def read_state(*sources: Source) -> Fleet | Snapshot:
    """Read a fleet where the input is one, and else the state of a cluster; standard input is read once.

    Args:
        sources: as for `read_fleet`.

    Raises:
        InputError: something that was read is not what it should be; the message says where.
        NotFoundError: a path does not exist.
    """
    inputs = Inputs(*sources)
    if not inputs.is_fleet():
        return inputs.snapshot()
    from yuheng.readers.fleet.reader import fleet_of  # noqa: PLC0415 -- the same

    return fleet_of(inputs)
