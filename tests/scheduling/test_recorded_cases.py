"""What the real kube-scheduler v1.36.2 decided, recorded pod by pod: the engine and the oracle decide the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests import oracle
from yuheng.model.cluster import Snapshot
from yuheng.model.policy import Policy
from yuheng.readers import read
from yuheng.scheduling.planner import explain, plan

pytestmark = pytest.mark.shared_data


class Probe(NamedTuple):
    """A pod tried alone on a cluster, and what became of it."""

    cluster: Snapshot
    pod: str
    fits: bool
    chosen: set[str]
    message: str | None


@pytest.fixture(scope="module", params=["case11", "case12"])
def probes(shared: Path, request: pytest.FixtureRequest) -> list[Probe]:
    file = shared / "cases" / "kube-scheduler" / f"{request.param}.json"
    return list(_probes(json.loads(file.read_text())))


def _probes(case: dict[str, Any]) -> Iterator[Probe]:
    for recorded in case["probes"]:
        pod = recorded["pod"]
        cluster = read(case["snapshot"], pod)
        key = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        yield Probe(cluster, key, recorded["fits"], set(recorded["nodes_chosen"]), recorded["message"])


def test_the_engine_gives_kube_schedulers_verdicts_and_words(probes: list[Probe]):
    for probe in probes:
        found = plan(probe.cluster)
        if probe.fits:
            assert [placement.pod for placement in found.placements] == [probe.pod]
        else:
            assert [(refusal.pod, refusal.message) for refusal in found.unschedulable] == [(probe.pod, probe.message)]


def test_every_node_that_kube_scheduler_chose_has_the_engines_highest_score(probes: list[Probe]):
    for probe in probes:
        scores = explain(probe.cluster, probe.pod).scores
        best = {candidate.node for candidate in scores if candidate.total == scores[0].total}
        assert probe.chosen <= best, probe.pod


def test_the_oracle_agrees_with_kube_scheduler_too(probes: list[Probe]):
    for probe in probes:
        (decision,) = oracle.plan(probe.cluster, Policy())
        assert bool(decision.node) == probe.fits
        assert decision.message == (probe.message or "")
        totals = {name: sum(plugins.values()) for name, plugins in decision.scores.items()}
        assert {totals[name] for name in probe.chosen} <= {max(totals.values(), default=0)}, probe.pod
