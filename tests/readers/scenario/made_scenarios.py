"""Scenario files made for tests."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from yuheng.errors import NotFoundError
from yuheng.model.policy import Policy
from yuheng.model.scenario import Scenario
from yuheng.readers.scenario import read_scenario

NODES = """
apiVersion: v1
kind: Node
metadata: {name: n-1, labels: {zone: a}}
status: {allocatable: {cpu: 4, memory: 8Gi, pods: 10}}
---
apiVersion: v1
kind: Pod
metadata: {name: waiting, namespace: default}
spec: {containers: [{name: c, image: i, resources: {requests: {cpu: 1}}}]}
"""
POOL: dict[str, Any] = {"name": "gpu", "max": 3, "node": {"cpu": 8, "memory": "32Gi", "gpu": 2}}
CLASS: dict[str, Any] = {"name": "train", "duration": "1h", "cpu": 1}
GENERATE: dict[str, Any] = {"arrivals": {"rate": "60/h"}, "jobs": 10, "classes": [CLASS]}
LEAST: dict[str, Any] = {"pools": [POOL], "workload": {"generate": GENERATE}, "policies": ["fgd"]}
TRACE = "id,t,d,team\na,0,5,red\nb,10,5,blue\n"
COLUMNS = {"name": "id", "submit": "t", "duration": "d"}


def preset(name: str) -> Policy:
    if name not in ("fgd", "bestfit"):
        raise NotFoundError(f"policy: found {name!r}, expected one of fgd, bestfit")
    return Policy(name=name)


def least(**changed: Any) -> dict[str, Any]:
    """A scenario that says as little as possible, and these keys."""
    return copy.deepcopy({**LEAST, **changed})


def pool(**changed: Any) -> dict[str, Any]:
    return {**POOL, **changed}


def job_class(**changed: Any) -> dict[str, Any]:
    """A workload of one class."""
    return {"generate": {**GENERATE, "classes": [{**CLASS, **changed}]}}


def scenario(folder: Path, document: Mapping[str, Any] | str) -> Scenario:
    """The scenario of a document, beside a cluster (n.yaml) and a trace (t.csv)."""
    (folder / "n.yaml").write_text(NODES)
    (folder / "t.csv").write_text(TRACE)
    path = folder / "s.yaml"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return read_scenario(path, preset)
