"""`yuheng dispatch` as people meet it: exit codes, lines, tables, and a signal that ends it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys

import pytest
from tests.kubernetes.made_api_server import answering, status, until, unto
from tests.kubernetes.made_member import beside, deployment, members, write, write_fleet

from yuheng.cli import main

YUHENG = (sys.executable, "-c", "from yuheng.cli import main; main()", "dispatch")


async def started(*words: str) -> asyncio.subprocess.Process:
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(*YUHENG, *words, stdin=nothing, stdout=pipe, stderr=pipe)


async def done(*words: str) -> tuple[int | None, str, str]:
    process = await started(*words)
    try:
        async with asyncio.timeout(120):
            out, error = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode, out.decode(), error.decode()


async def test_what_was_done_is_a_table_or_json_and_the_exit_code_is_0(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", {"a": found["a"].url})
        write(folder, "web.json", deployment(replicas=2), beside("Secret", "s", data={"p": "aHVudGVyMg=="}))
        code, out, error = await done(str(folder), "--dry-run")
        assert code == 0, error
        assert "fleet shop: 2 create would be done" in out
        assert found["a"].applied == []
        code, out, error = await done(str(folder), "-o", "json")
        assert code == 0, error
        assert json.loads(out)["kind"] == "Dispatch"
        assert json.loads(out)["shares"] == [
            {"workload": "default/web", "kind": "Deployment", "cluster": "a", "replicas": 2, "ready": None}
        ]
        assert "aHVudGVy" not in out + error


async def test_a_cluster_that_fails_is_one_line_and_exit_code_1(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", {"a": found["a"].url})
        write(folder, "web.json", deployment(replicas=2))
        found["a"].faults.append(unto("PATCH", "deployments", answering(lambda: status(403, "Forbidden", "no"))))
        code, out, error = await done(str(folder))
        assert code == 1
        assert "1 failed" in out
        assert error.splitlines()[0] == "yuheng: cluster a: 1 object failed: the table says why"
        # Told once, in the table, where long reasons are folded.
        assert 'resources: ["deployments"], verbs: ["patch"]' in " ".join(out.split())
        found["a"].faults.append(unto("PATCH", "deployments", answering(lambda: status(403, "Forbidden", "no"))))
        code, out, error = await done(str(folder), "-o", "json")
        assert code == 1
        assert 'resources: ["deployments"], verbs: ["patch"]' in error.splitlines()[0]


async def test_a_workload_without_a_place_is_exit_code_3_where_that_was_asked_for(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", {"a": found["a"].url})
        write(folder, "web.json", deployment(replicas=200))
        assert (await done(str(folder)))[0] == 0
        code, _, error = await done(str(folder), "--strict")
        assert code == 3
        assert "Deployment default/web has no place" in error


async def test_a_signal_ends_it_in_good_order(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", {"a": found["a"].url})
        write(folder, "web.json", deployment(replicas=2))
        process = await started(str(folder), "--watch")
        await until(lambda: found["a"].replicas() == {"web": 2}, 150)
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(30):
                out, error = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        assert process.returncode == 0, error.decode()
        assert "a: Deployment default/web: create" in out.decode()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "FLEET: found nothing"),
        (("--watch", "--dry-run", "x"), "--watch and --dry-run"),
        (("--context", "c", "x"), "the Clusters of a fleet name their contexts"),
        (("--karmada", "x"), "takes its clusters from Karmada"),
        (("--failover-after", "soon", "x"), "--failover-after: found 'soon'"),
        (("--grace", "-1s", "x"), "--grace: found '-1s'"),
        (("-",), "found standard input"),
        (("/nowhere/at/all",), "/nowhere/at/all"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(monkeypatch, capsys, words, said):
    monkeypatch.setattr(sys, "argv", ["yuheng", "dispatch", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    shown = capsys.readouterr()
    assert (ended.value.code, shown.out) == (2, "")
    assert said in shown.err
    assert len(shown.err.splitlines()) == 1
