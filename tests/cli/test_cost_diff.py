"""``yuheng cost diff`` from end to end: two versions, a cluster, prices, a budget, every form, and what is refused."""

from __future__ import annotations

import json

import pytest
import yaml

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: REPLICAS
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: web, resources: {requests: {cpu: "1", memory: 2Gi}}}]}
"""
NODES = "\n---\n".join(
    f"""kind: Node
metadata:
  name: {name}
  labels: {{node.kubernetes.io/instance-type: m5.large, kubernetes.io/hostname: {name}}}
status: {{allocatable: {{cpu: 2, memory: 8Gi, pods: 20}}}}"""
    for name in ("a", "b")
)
RUNNING = """
---
kind: Pod
metadata:
  name: web-1a-x
  namespace: shop
  labels: {app: web, pod-template-hash: 1a}
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-1a, uid: u, controller: true}]
spec: {nodeName: a, containers: [{name: main, resources: {requests: {cpu: "1", memory: 2Gi}}}]}
"""
PRICES = "instance_type,price_per_hour,currency\nm5.large,0.1,USD\n"
# A month of a replica at the default rates, and at those of nodes of 2 cores and 8 GiB for $0.10 an hour.
REPLICA = 730 * (0.031611 + 2 * 0.004237)
PRICED = REPLICA * 0.1 / (2 * 0.031611 + 8 * 0.004237)


@pytest.fixture
def files(tmp_path):
    """A base of one replica, a head of six, a cluster that has room for four, and prices."""
    texts = {
        "base/web.yaml": WEB.replace("REPLICAS", "1"),
        "head/web.yaml": WEB.replace("REPLICAS", "6"),
        "cluster.yaml": NODES + RUNNING,
        "prices.csv": PRICES,
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_change_is_priced_at_the_default_rates(yuheng, files):
    done = yuheng("cost", "diff", files / "base", files / "head", "-o", "json")
    assert (done.code, done.err) == (0, "")
    document = json.loads(done.out)
    assert document["increase"]["high"] == pytest.approx(5 * REPLICA)
    assert (document["fits"], document["overBudget"]) == ([], False)


def test_a_cluster_and_prices_tell_what_its_nodes_cost_and_how_many_more_it_takes(yuheng, files):
    options = ("--fleet", files / "cluster.yaml", "--prices", files / "prices.csv", "-o", "json")
    document = json.loads(yuheng("cost", "diff", files / "base", files / "head", *options).out)
    assert document["increase"]["high"] == pytest.approx(5 * PRICED)
    [fit] = document["fits"]
    assert (fit["fits"], fit["kept"] + fit["pods"], fit["moreNodes"]) == (True, 6, 1)
    assert fit["more"] == [{"like": "m5.large", "nodes": 1, "perMonth": 73.0}]


def test_one_price_says_the_same_in_every_form(yuheng, files):
    arguments = ("cost", "diff", files / "base", files / "head", "-o")
    document = json.loads(yuheng(*arguments, "json").out)
    assert yaml.safe_load(yuheng(*arguments, "yaml").out) == document
    text = f"+${5 * REPLICA:.2f}"
    assert text in yuheng(*arguments, "table").out
    assert text in yuheng(*arguments, "wide").out
    assert yuheng(*arguments, "markdown").out.startswith(f"### Cost of this change: {text} a month\n")


def test_the_result_may_go_to_a_file(yuheng, files):
    out = files / "comment.md"
    done = yuheng("cost", "diff", files / "base", files / "head", "-o", "markdown", "--out", out)
    assert (done.code, done.out) == (0, "")
    assert out.read_text(encoding="utf-8").startswith("### Cost of this change")


BUDGETS = {"enough": ("200", 0), "not enough": ("100", 4), "none at all": ("0", 4), "a saving is asked for": ("-1", 4)}


@pytest.mark.parametrize(("budget", "code"), BUDGETS.values(), ids=BUDGETS)
def test_a_passed_budget_is_exit_code_4_and_the_price_is_printed_all_the_same(yuheng, files, budget, code):
    done = yuheng("cost", "diff", files / "base", files / "head", "--budget", budget)
    assert (done.code, done.err) == (code, "")
    assert "a month: " in done.out


def test_objects_without_a_namespace_are_compared_where_they_go(yuheng, files):
    bare = files / "bare.yaml"
    bare.write_text((files / "base/web.yaml").read_text().replace(", namespace: shop", ""), encoding="utf-8")
    found = yuheng("cost", "diff", files / "base", bare, "--namespace", "shop")
    assert "0 objects changed, 1 the same" in found.out
    assert "moved" in yuheng("cost", "diff", files / "base", bare).out


def test_a_version_may_come_from_a_pipe_or_be_nothing(yuheng, files):
    head = (files / "head/web.yaml").read_bytes()
    assert "+$" in yuheng("cost", "diff", files / "base", "-", stdin=head).out
    assert "added" in yuheng("cost", "diff", "/dev/null", files / "head").out


def test_prices_of_storage_and_load_balancers_may_be_given(yuheng, files):
    service = "kind: Service\nmetadata: {name: w}\nspec: {type: LoadBalancer}\n---\n"
    claim = "kind: PersistentVolumeClaim\nmetadata: {name: d}\nspec: {resources: {requests: {storage: 10Gi}}}\n"
    (files / "more.yaml").write_text(service + claim, encoding="utf-8")
    options = ("--storage-price", "1", "--load-balancer-price", "1", "-o", "json")
    document = json.loads(yuheng("cost", "diff", "/dev/null", files / "more.yaml", *options).out)
    assert document["increase"]["high"] == pytest.approx(730 + 10)


REFUSED = {
    "standard input twice": (["-", "-"], "BASE and HEAD: found standard input for both, expected "),
    "prices without nodes": (["{base}", "{head}", "--prices", "{prices}"], "--prices: found no --fleet, expected "),
    "a cluster without a fleet": (["{base}", "{head}", "--cluster", "a"], "--cluster: found no --fleet, expected "),
    "a cluster that is not there": (
        ["{base}", "{head}", "--fleet", "{cluster}", "--cluster", "east"],
        "--cluster: found 'east', expected none: --fleet is the state of one cluster",
    ),
    "a state without nodes": (
        ["{base}", "{head}", "--fleet", "{base}"],
        "--fleet: found no nodes in the input, expected the nodes that the change is to run on",
    ),
    "prices of other machines": (
        ["{base}", "{head}", "--fleet", "{cluster}", "--prices", "{other}"],
        "--prices: found no price of any of 2 nodes (node a: by rates: no price of m5.large on-demand), expected ",
    ),
    "nothing that costs money": (
        ["{empty}", "{config}"],
        "{empty} and {config}: found no workload, claim or load balancer in either, expected manifests",
    ),
    "a price that is none": (
        ["{base}", "{head}", "--storage-price", "much"],
        "--storage-price: found 'much', expected $ per GiB and month",
    ),
    "a path that is not there": (["{base}", "gone"], "gone: no such file or folder"),
}


@pytest.mark.parametrize(("arguments", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_answered_is_told_in_one_line(yuheng, files, arguments, words):
    (files / "empty").mkdir()
    (files / "config.yaml").write_text("kind: ConfigMap\nmetadata: {name: c}\n", encoding="utf-8")
    (files / "other.csv").write_text(PRICES.replace("m5.large", "c5.large"), encoding="utf-8")
    places = {
        "base": files / "base",
        "head": files / "head",
        "cluster": files / "cluster.yaml",
        "prices": files / "prices.csv",
        "other": files / "other.csv",
        "empty": files / "empty",
        "config": files / "config.yaml",
    }
    done = yuheng("cost", "diff", *(argument.format(**places) for argument in arguments))
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"yuheng: {words.format(**places)}")
    assert done.err.count("\n") == 1


def test_a_fleet_tells_the_cluster_that_runs_it_and_its_carbon(yuheng, files, fleet):
    document = json.loads(yuheng("cost", "diff", files / "base", files / "head", "--fleet", fleet, "-o", "json").out)
    assert {fit["cluster"] for fit in document["fits"]} == {"east-1"}
    assert document["rates"]["carbonPerKwh"] == 400
    assert document["carbonGrams"]["high"] > 0
    asked = ("--fleet", fleet, "--cluster", "west-1", "-o", "json")
    chosen = json.loads(yuheng("cost", "diff", files / "base", files / "head", *asked).out)
    assert {fit["cluster"] for fit in chosen["fits"]} == {"west-1"}
    assert chosen["rates"]["carbonPerKwh"] < 100


def test_the_two_words_have_a_help_of_their_own(yuheng):
    done = yuheng("cost", "diff", "--help")
    assert done.code == 0
    assert "--budget" in done.out
    assert "BASE" in done.out


def test_a_budget_that_is_no_number_is_one_line(yuheng, files):
    done = yuheng("cost", "diff", files / "base", files / "head", "--budget", "nan")
    assert (done.code, done.out) == (2, "")
    assert done.err == "yuheng: --budget: found 'nan', expected US dollars a month, from minus a billion to a billion\n"
