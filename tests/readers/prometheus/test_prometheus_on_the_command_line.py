"""``--prometheus`` of a command, from a real server to a sum of money; and options that contradict each other."""

from __future__ import annotations

import json
import sys

import pytest
from made_prometheus import HOURS, cores, pods, real_prometheus

from yuheng.cli import main
from yuheng.cli.usage_options import UsageOptions, usage_paths
from yuheng.errors import YuhengError

NODE = """
apiVersion: v1
kind: Node
metadata: {name: n0}
status:
  allocatable: {cpu: "64", memory: 256Gi, pods: "110"}
  conditions: [{type: Ready, status: "True"}]
"""
POD = """---
apiVersion: v1
kind: Pod
metadata: {name: cart-2, namespace: shop, creationTimestamp: "2025-12-01T00:00:00Z"}
spec:
  nodeName: n0
  containers: [{name: app, image: app}]
status: {phase: Running}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with real_prometheus(tmp_path_factory.mktemp("prometheus")) as found:
        yield found


@pytest.fixture
def yuheng(capsys, monkeypatch):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["yuheng", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            main()
        captured = capsys.readouterr()
        return int(exit_.value.code or 0), captured.out, captured.err

    return run


def test_what_was_used_is_what_is_paid(yuheng, server, tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (tmp_path / "cluster.yaml").write_text(NODE + POD, encoding="utf-8")
    window = "2026-01-01T00:00Z,2026-01-01T12:00Z"
    arguments = ["cost", tmp_path / "cluster.yaml", "--prometheus", server.url, "--cache", tmp_path / "cache"]
    code, out, err = yuheng(*arguments, "--window", window, "--by", "pod", "-o", "json")
    assert (code, err) == (0, "")
    rows = {row["group"]["pod"]: row for row in json.loads(out)["rows"]}
    used = cores(pods().index(("shop", "cart-2"))) * HOURS
    nodes = json.loads(out)["nodes"]
    # A node without a price costs its resources at the default rates: so does a core of it.
    assert rows["cart-2"]["cpuCost"] == pytest.approx(used * 0.031611, rel=1e-4)
    assert nodes == pytest.approx(HOURS * (64 * 0.031611 + 256 * 0.004237), rel=1e-6)
    before = len(server.queries())
    assert yuheng(*arguments, "--window", window, "--by", "pod", "-o", "json")[1] == out
    assert len(server.queries()) == before + 1


def test_a_share_of_what_is_sent_is_paid_as_egress_and_nothing_else_changes(yuheng, server, tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    asks = POD.replace("cart-2", "cart-0").replace("image: app", "image: app, resources: {requests: {cpu: 200m}}")
    (tmp_path / "cluster.yaml").write_text(NODE + asks, encoding="utf-8")
    arguments = ["cost", tmp_path / "cluster.yaml", "--prometheus", server.url, "--cache", tmp_path / "cache"]
    arguments += ["--window", "2026-01-01T00:00Z,2026-01-01T12:00Z", "--by", "pod", "-o", "json"]
    plain, shared = (
        next(row for row in json.loads(yuheng(*arguments, *more)[1])["rows"] if row["group"]["pod"] == "cart-0")
        for more in ((), ("--egress-share", "0.25"))
    )
    assert shared["networkCost"] == pytest.approx(0.25 * 1000 * HOURS * 3600 / 2**30 * 0.12, rel=1e-4)
    assert plain["networkCost"] == 0.0
    # Traffic is told in a gap of the other samples, too: there the request counts, step by step.
    assert shared["cpuCost"] == pytest.approx(plain["cpuCost"], rel=0.01)


REFUSED = {
    "both": (UsageOptions(["usage.csv"], "http://localhost:9090"), "--usage usage.csv and --prometheus: found both"),
    "a step without a server": (UsageOptions(step="1m"), "--step: found it without --prometheus, expected both"),
    "a label without a server": (UsageOptions(match=["a=b"]), "--match: found it without --prometheus"),
    "a share without a server": (UsageOptions(egress_share=0.5), "--egress-share: found it without --prometheus"),
    "no step": (UsageOptions(prometheus="http://h", step="often"), "--step: found 'often', expected a duration"),
    "half a second": (
        UsageOptions(prometheus="http://h", step="500ms"),
        "--step: found '500ms', expected whole seconds",
    ),
    "no label": (UsageOptions(prometheus="http://h", match=["cluster"]), "--match: found 'cluster', expected a label"),
    "a label that is none": (UsageOptions(prometheus="http://h", match=["a}=b"]), "--match: found 'a}=b', expected"),
    "no address": (UsageOptions(prometheus="prometheus"), "--prometheus: found 'prometheus', expected an address"),
}


@pytest.mark.parametrize(("asked", "message"), REFUSED.values(), ids=REFUSED)
def test_options_that_cannot_be_used_are_one_clear_line(asked, message):
    with pytest.raises(YuhengError) as told:
        usage_paths(asked)
    assert message in str(told.value)


def test_files_are_taken_as_they_are():
    assert usage_paths(UsageOptions(["a.csv", "b.csv"])) == (("a.csv", "b.csv"), ())
