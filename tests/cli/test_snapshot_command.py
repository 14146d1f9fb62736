"""`yuheng snapshot` and `yuheng plan --context`: a live cluster from the command line."""

from __future__ import annotations

import asyncio
import json
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.kubernetes.made_api_server import answering, kubeconfig, serving, status, unto
from tests.kubernetes.made_capture import Lists
from tests.kubernetes.made_live_objects import PLANTED, cluster, metadata, pod

TOKEN = f"{PLANTED}token"


@contextmanager
def in_a_thread(lists: Lists) -> Iterator[str]:
    """Serve beside a command that has an event loop of its own; gives the address."""
    loop = asyncio.new_event_loop()
    started, stop = threading.Event(), asyncio.Event()
    found: list[str] = []

    async def serve() -> None:
        async with serving(lists.handle) as url:
            found.append(url)
            started.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert started.wait(10)
    try:
        yield found[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@pytest.fixture
def live(tmp_path: Path) -> Iterator[tuple[Lists, Path]]:
    """A cluster, and a kubeconfig for it."""
    lists = Lists(cluster())
    with in_a_thread(lists) as url:
        yield lists, kubeconfig(tmp_path / "kubeconfig", url, user=f"token: {TOKEN}")


def test_a_cluster_is_written_down_and_planned(yuheng: Callable, live: tuple[Lists, Path], tmp_path: Path) -> None:
    out = tmp_path / "cluster.json.gz"
    done = yuheng("snapshot", "--kubeconfig", live[1], "--context", "here", "-o", out)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{out}: 3 pods, 2 nodes, ")
    assert "1 jobs.batch.volcano.sh" in done.out
    planned = yuheng("plan", out)
    assert planned.code == 0
    assert "pending pods placed" in planned.out
    assert yuheng("explain", "shop/web-1-b", out).code == 0
    assert "shop" in yuheng("cost", out).out


def test_a_plan_captures_and_plans_in_one_go(yuheng: Callable, live: tuple[Lists, Path], tmp_path: Path) -> None:
    out, before = tmp_path / "cluster.json", set(Path(tempfile.gettempdir()).glob("yuheng-*"))
    yuheng("snapshot", "--kubeconfig", live[1], "-o", out)
    direct = yuheng("plan", "--kubeconfig", live[1], "--context", "here", "-o", "json")
    assert (direct.code, direct.err) == (0, "")
    again = json.loads(yuheng("plan", out, "-o", "json").out)
    assert json.loads(direct.out)["placements"] == again["placements"]
    assert set(Path(tempfile.gettempdir()).glob("yuheng-*")) == before


def test_files_may_come_beside_the_live_cluster(yuheng: Callable, live: tuple[Lists, Path], tmp_path: Path) -> None:
    more = tmp_path / "more.yaml"
    more.write_text("kind: Pod\nmetadata: {name: extra}\nspec: {containers: [{name: c}]}\n")
    done = yuheng("plan", "--kubeconfig", live[1], more, "-o", "json")
    assert "default/extra" in done.out


@pytest.mark.parametrize(
    ("options", "name"), [(["--context", "here"], "<context here>"), ([], "<kubeconfig {config}>")]
)
def test_what_is_wrong_in_it_is_told_by_the_cluster_s_name(
    yuheng: Callable, live: tuple[Lists, Path], options: list[str], name: str
) -> None:
    lists, config = live
    wrong = pod("wrong", None, containers=[{"name": "c", "resources": {"requests": {"cpu": "many"}}}])
    lists.objects["/api/v1/pods"].append(wrong)
    done = yuheng("plan", "--kubeconfig", config, *options, "-o", "json")
    assert done.code == 0
    (told,) = [one for one in json.loads(done.out)["warnings"] if "left out" in one]
    assert told.startswith(f"{name.format(config=config)}: Pod shop/wrong: ")


def test_one_tenant_s_typo_does_not_make_a_cluster_unreadable(
    yuheng: Callable, live: tuple[Lists, Path], tmp_path: Path
) -> None:
    lists, config = live
    typo = {"metadata": metadata("typo"), "spec": {"minMember": 1, "queue": "nope"}}
    lists.objects["/apis/scheduling.volcano.sh/v1beta1/podgroups"].append(typo)
    waits = pod("waits", None)
    waits["metadata"]["annotations"]["scheduling.k8s.io/group-name"] = "typo"
    lists.objects["/api/v1/pods"].append(waits)
    outs = [tmp_path / name for name in ("cluster.json", "cluster.yaml", "cluster.json.gz")]
    for out in outs:
        assert yuheng("snapshot", "--kubeconfig", config, "-o", out).code == 0
    commands = (
        ("plan", "--kubeconfig", config, "--context", "here"),
        *(("plan", out) for out in outs),
        ("explain", "shop/web-1-b", outs[0]),
        ("queues", outs[0]),
        ("cost", outs[0]),
    )
    for words in commands:
        done = yuheng(*words)
        assert (done.code, words[0]) == (0, words[0]), done.err
        assert "shop/waits " not in done.out
        if words[0] in ("plan", "cost"):
            assert "PodGroup shop/typo" in done.out + done.err, words
    absent = yuheng("explain", "shop/waits", outs[0])
    assert absent.code == 2
    assert "Pod shop/waits: PodGroup shop/typo cannot be used: spec.queue: found queue 'nope'" in absent.err
    assert absent.err.count("\n") == 1
    written = tmp_path / "written.json"
    written.write_text(json.dumps({**json.loads(outs[0].read_text()), "metadata": {}}))
    refused = yuheng("plan", written)
    assert refused.code == 2
    assert refused.err.startswith(f"yuheng: {written}: PodGroup shop/typo: spec.queue: found queue 'nope'")


def test_a_large_cluster_is_planned_in_one_go(yuheng: Callable, live: tuple[Lists, Path]) -> None:
    lists, config = live
    # Files of this size are mapped, and may be opened twice.
    lists.objects["/api/v1/pods"].append(pod("large", None, nodeSelector={"note": "x" * 2_000_000}))
    done = yuheng("plan", "--kubeconfig", config, "--context", "here")
    assert (done.code, done.err) == (0, "")


def test_nothing_secret_shows_anywhere(yuheng: Callable, live: tuple[Lists, Path], tmp_path: Path) -> None:
    lists, config = live
    lists.faults.append(unto("GET", "services", answering(lambda: status(403, "Forbidden", "no"))))
    lists.faults.append(unto("GET", "queues", answering(lambda: status(500, "Broken", "no"))))
    for out in (tmp_path / "cluster.yaml", tmp_path / "cluster.json"):
        done = yuheng("snapshot", "--kubeconfig", config, "-o", out)
        assert done.code == 0
        assert PLANTED not in out.read_text() + done.out + done.err


def test_what_is_left_out_is_told(yuheng: Callable, live: tuple[Lists, Path], tmp_path: Path) -> None:
    lists, config = live
    lists.faults.append(unto("GET", "services", answering(lambda: status(403, "Forbidden", "no"))))
    done = yuheng("snapshot", "--kubeconfig", config, "-o", tmp_path / "cluster.json")
    assert done.code == 0
    assert done.err.startswith("yuheng: services are left out: ")
    assert 'verbs: ["list"]' in done.err
    assert done.err.count("\n") == 1


def test_half_a_cluster_is_not_written(yuheng: Callable, live: tuple[Lists, Path], tmp_path: Path) -> None:
    lists, config = live
    out = tmp_path / "cluster.json"
    out.write_text("what was there")
    lists.faults.append(unto("GET", "/api/v1/pods", answering(lambda: status(403, "Forbidden", "no"))))
    done = yuheng("snapshot", "--kubeconfig", config, "-o", out)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert 'resources: ["pods"], verbs: ["list"], in all namespaces' in done.err
    assert out.read_text() == "what was there"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cluster.json", "kubeconfig"]


def test_a_server_that_does_not_know_us_is_told(yuheng: Callable, live: tuple[Lists, Path], tmp_path: Path) -> None:
    lists, config = live
    lists.faults.extend(answering(lambda: status(401, "Unauthorized")) for _ in range(2))
    done = yuheng("plan", "--kubeconfig", config)
    assert done.code == 2
    assert "sign in again" in done.err
    assert TOKEN not in done.err
    assert list(tmp_path.glob("*.json")) == []


WRONG = {
    "a server that is not there": (
        ["plan", "--kubeconfig", "{config}"],
        "yuheng: http://127.0.0.1:9: no connection to the API server: ",
    ),
    "no input and no cluster": (["plan"], "yuheng: INPUT: found nothing, expected files, or --context NAME"),
    "a kubeconfig that is not there": (
        ["snapshot", "--kubeconfig", "gone", "-o", "a.json"],
        "yuheng: gone: no such file",
    ),
    "a context that is not there": (
        ["plan", "--kubeconfig", "{config}", "--context", "other"],
        "no context 'other' (there are: here)",
    ),
    "a name that does not say the form": (
        ["snapshot", "--kubeconfig", "{config}", "-o", "cluster"],
        "yuheng: -o cluster: found another ending, expected .json, .yaml, .yml, or one of these with .gz",
    ),
    "an annotation that holds whole objects": (
        ["snapshot", "-o", "a.json", "--annotation", "kubectl.kubernetes.io/last-applied-configuration"],
        "yuheng: --annotation kubectl.kubernetes.io/last-applied-configuration: found the one that holds whole objects",
    ),
    "a folder that is not there": (
        ["snapshot", "--kubeconfig", "{config}", "-o", "gone/cluster.json"],
        "yuheng: -o gone/cluster.json: found no such folder, expected a place to write to",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_one_line(
    yuheng: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments, message = WRONG[name]
    config = kubeconfig(tmp_path / "config", "http://127.0.0.1:9", user=f"token: {TOKEN}")
    monkeypatch.setattr("yuheng.cli.snapshot.FIRST_ANSWER", 0.1)
    done = yuheng(*(argument.format(config=config) for argument in arguments))
    assert done.code == 2
    assert message in done.err
    assert done.err.count("\n") == 1
