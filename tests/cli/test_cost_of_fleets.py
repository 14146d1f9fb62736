"""``yuheng cost`` of several clusters with usage: whose samples are whose, and sums to the cent of each."""

from __future__ import annotations

import json

import pytest

PRICES = "instance_type,currency,price_per_hour\nm5.xlarge,USD,0.192\n"
HEAD = "timestamp,namespace,pod,container,cpu,memory"
CLUSTERS = ("east", "west")


def state(cluster):
    labels = {"node.kubernetes.io/instance-type": "m5.xlarge"}
    amounts = {"cpu": "4", "memory": "16Gi", "pods": "110"}
    nodes = [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": labels},
            "status": {"allocatable": amounts},
        }
        for name in [f"{cluster}-{number}" for number in range(1 + (cluster == "west"))]
    ]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web-0", "namespace": "web"},
        "spec": {
            "nodeName": f"{cluster}-0",
            "containers": [{"name": "main", "resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}],
        },
        "status": {"phase": "Running"},
    }
    return {"apiVersion": "v1", "kind": "List", "items": [*nodes, pod]}


def samples(cores, cluster=None):
    """Two hours, a sample each minute, of a pod that both clusters have."""
    for minute in range(120):
        time = f"2026-01-01T{22 + minute // 60:02}:{minute % 60:02}:00Z"
        yield f"{time},web,web-0,main,{cores},1e9" + ("" if cluster is None else f",{cluster}")


@pytest.fixture
def fleet(tmp_path, monkeypatch):
    """Two clusters with one price book; in the east a pod uses 2 cores, the pod of its name in the west 3."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "fleet"
    folder.mkdir()
    for name in CLUSTERS:
        (folder / f"{name}-state.json").write_text(json.dumps(state(name)))
        cluster = {"apiVersion": "yuheng.io/v1alpha1", "kind": "Cluster", "metadata": {"name": name}}
        (folder / f"{name}.json").write_text(json.dumps({**cluster, "spec": {"manifests": [f"{name}-state.json"]}}))
    (tmp_path / "prices.csv").write_text(PRICES)
    both = [f"{HEAD},cluster", *samples(2, "east"), *samples(3, "west")]
    (tmp_path / "both.csv").write_text("\n".join(both) + "\n")
    for name, cores in zip(CLUSTERS, (2, 3), strict=True):
        (tmp_path / f"{name}.csv").write_text("\n".join([HEAD, *samples(cores)]) + "\n")
    return folder


@pytest.fixture
def cost(yuheng, fleet):
    def run(*options, code=0):
        done = yuheng("cost", fleet, "--prices", "prices.csv", *options)
        assert done.code == code, done.err
        return done

    return run


def rows_of(done):
    return {tuple(row["group"].values()): row for row in json.loads(done.out)["rows"]}


OWN = ("--usage", "east=east.csv", "--usage", "west=west.csv")


@pytest.mark.parametrize("usage", [("--usage", "both.csv"), OWN], ids=["column", "files"])
def test_each_cluster_has_its_own_usage(cost, usage):
    done = cost(*usage, "--by", "cluster,pod", "-o", "json")
    rows, whole = rows_of(done), json.loads(done.out)
    core = rows["east", "web-0"]["cpuCost"] / (2 * 2)
    assert rows["west", "web-0"]["cpuCost"] == pytest.approx(core * 2 * 3)
    by_cluster = {
        name: sum(row["totalCost"] for (cluster, _), row in rows.items() if cluster == name) for name in CLUSTERS
    }
    assert by_cluster == {"east": pytest.approx(2 * 0.192, abs=1e-9), "west": pytest.approx(4 * 0.192, abs=1e-9)}
    assert whole["total"] == pytest.approx(6 * 0.192, abs=1e-9)
    told = [text for text in whole["assumptions"] if text.startswith("usage of cluster")]
    assert [text[:30] for text in told] == ["usage of cluster east: 120 sam", "usage of cluster west: 120 sam"]


def test_counters_of_several_clusters_are_told_apart(cost, tmp_path):
    rows = [HEAD.replace(",cpu,", ",cpu_seconds_total,") + ",cluster"]
    for number, name in enumerate(CLUSTERS):
        for minute, line in enumerate(samples(0, name)):
            cells = line.split(",")
            rows.append(",".join([*cells[:4], str(minute * 60 * (number + 2)), *cells[5:]]))
    (tmp_path / "counted.csv").write_text("\n".join(rows) + "\n")
    found = rows_of(cost("--usage", "counted.csv", "--by", "cluster,pod", "-o", "json"))
    assert found["west", "web-0"]["cpuCost"] / found["east", "web-0"]["cpuCost"] == pytest.approx(1.5, rel=0.01)


def test_a_cluster_without_usage_pays_its_requests_and_strangers_are_left_out(cost, tmp_path):
    table = [f"{HEAD},cluster", *samples(2, "east"), *samples(9, "north")]
    (tmp_path / "some.csv").write_text("\n".join(table) + "\n")
    done = cost("--usage", "some.csv", "--by", "cluster,pod", "-o", "json")
    rows, told = rows_of(done), json.loads(done.out)["assumptions"]
    assert rows["east", "web-0"]["cpuCost"] == pytest.approx(2 * rows["west", "web-0"]["cpuCost"])
    assert "no usage is known of 1 cluster of 2 (west): containers there cost what they request" in told
    assert "120 samples of usage are of 'north', not in the input: they are left out" in told


REFUSED = {
    "whose": (
        ("--usage", "east.csv"),
        "east.csv: found samples of no cluster, expected some of east, west, in a column cluster, or --usage CLUSTER=",
    ),
    "some named": (("--usage", "east=east.csv", "--usage", "west.csv"), "--usage west.csv: found no cluster, expected"),
    "server": (
        ("--prometheus", "http://localhost:1"),
        "--prometheus http://localhost:1: found 2 clusters, expected one",
    ),
    "no such cluster": (
        ("--usage", "north=east.csv"),
        "--usage north=east.csv: found cluster 'north', expected one of ",
    ),
    "no such file": (("--usage", "east=none.csv"), "none.csv: no such file"),
    "another time": ((*OWN, "--window", "2027-01-01,2027-01-02"), "as --window says"),
    "another time, one file": (("--usage", "both.csv", "--window", "2027-01-01,2027-01-02"), "as --window says"),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED)
def test_usage_that_is_nobody_s_is_refused_in_one_line(cost, options, message):
    done = cost(*options, code=2)
    assert message in done.err
    assert done.err.count("\n") == 1


def test_one_cluster_takes_usage_of_one_cluster(yuheng, fleet):
    alone = fleet / "east-state.json"
    done = yuheng("cost", alone, "--prices", "prices.csv", "--usage", "both.csv")
    assert done.code == 2
    assert "both.csv: found samples of several clusters: 'east', 'west', expected those of one, or a Fleet" in done.err
    assert yuheng("cost", alone, "--prices", "prices.csv", "--usage", "west.csv").code == 0
