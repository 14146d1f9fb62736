"""Scenarios from a few options of the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from made_scenarios import preset

from yuheng.errors import InputError
from yuheng.model.scenario import ArrivalSequence
from yuheng.readers.scenario import read_scenario, short_scenario

NODES = "sn,cpu_milli,memory_mib,gpu,model\nn-1,32000,262144,2,T4\n"
PODS = (
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n"
    "a,1000,1024,1,500,,LS,Running,0,50,0\nb,1000,1024,1,1000,,LS,Running,10,20,11\n"
)


@pytest.fixture
def tables(tmp_path: Path) -> tuple[str, str]:
    (tmp_path / "nodes.csv").write_text(NODES)
    (tmp_path / "pods.csv").write_text(PODS)
    return str(tmp_path / "nodes.csv"), str(tmp_path / "pods.csv")


def test_inflated_pods_come_as_a_sequence(tables: tuple[str, str]) -> None:
    nodes, pods = tables
    found = short_scenario([nodes], [pods], ["fgd", "bestfit"], (42, 43), 1.3, preset)
    assert (found.name, found.seeds, found.sequence) == ("pods", (42, 43), ArrivalSequence(1.3))
    assert [policy.name for policy in found.policies] == ["fgd", "bestfit"]
    assert found.workload is not None
    assert np.isinf(found.workload.duration).all()
    assert len(found.snapshot.nodes) == 1


def test_otherwise_pods_keep_their_times(tables: tuple[str, str]) -> None:
    nodes, pods = tables
    found = short_scenario([nodes], [pods], ["fgd"], (42,), None, preset)
    assert found.sequence is None
    assert found.workload is not None
    assert found.workload.duration.tolist() == [50, 9]


def test_its_text_is_a_scenario_file(tables: tuple[str, str], tmp_path: Path) -> None:
    nodes, pods = tables
    short = short_scenario([nodes], [pods], ["fgd"], (42, 43), 1.3, preset)
    path = tmp_path / "s.yaml"
    path.write_text(short.text)
    read = read_scenario(path, preset)
    assert yaml.safe_load(read.text) == yaml.safe_load(short.text)
    assert (read.name, read.snapshot, read.policies, read.seeds) == (
        short.name,
        short.snapshot,
        short.policies,
        short.seeds,
    )


@pytest.mark.parametrize(
    ("pods", "policies", "seeds", "inflate", "message"),
    [
        (["a", "b"], ["fgd"], (42,), None, "pods: found 2 files, expected one trace of pods"),
        ([], ["fgd"], (42,), None, "pods: found 0 files, expected one trace of pods"),
        (["pods.csv"], [], (42,), None, "policies: found no policy, expected one or more"),
        (["pods.csv"], ["fdg"], (42,), None, "policies[0]: found 'fdg', expected one of fgd, bestfit"),
        (["pods.csv"], ["fgd"], (42, 42), None, "seeds: found seed 42 twice, expected each seed once"),
        (["pods.csv"], ["fgd"], (42,), 0.0, "workload.sequence.inflate: found 0.0, expected a number above 0"),
        (["nodes.csv"], ["fgd"], (42,), 1.3, "nodes.csv: columns: found a trace that is not openb's, and no columns"),
    ],
)
def test_what_is_wrong_is_said(
    tables: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
    pods: list[str],
    policies: list[str],
    seeds: tuple[int, ...],
    inflate: float | None,
    message: str,
) -> None:
    monkeypatch.chdir(Path(tables[0]).parent)
    with pytest.raises(InputError) as caught:
        short_scenario(["nodes.csv"], pods, policies, seeds, inflate, preset)
    assert str(caught.value).startswith(message)
