"""`yuheng fit`: a section that a scenario takes as it is."""

from __future__ import annotations

import json

import pytest
import yaml

TRACE = "id,submitted,seconds,cores,mem\n" + "".join(f"j{i},{90 * i},{60 + i % 7},{1 + i % 2},2\n" for i in range(60))
COLUMNS = ("submit=submitted", "duration=seconds", "cpu=cores", "memory={column: mem, unit: GiB}")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "trace.csv").write_text(TRACE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fit(yuheng, *arguments, columns=COLUMNS):
    return yuheng("fit", "trace.csv", *(part for column in columns for part in ("--columns", column)), *arguments)


def test_what_is_printed_is_a_workload_of_a_scenario(yuheng, folder):
    done = fit(yuheng)
    assert (done.code, done.err) == (0, "")
    section = yaml.safe_load(done.out)
    assert list(section) == ["generate"]
    assert section["generate"]["jobs"] == 60
    assert {item["memory"] for item in section["generate"]["classes"]} == {"2Gi"}
    pools = [{"name": "p", "max": 2, "initial": 2, "node": {"cpu": 8, "memory": "32Gi"}}]
    scenario = {"pools": pools, "workload": section, "policies": ["kubernetes"]}
    (folder / "s.yaml").write_text(yaml.safe_dump(scenario))
    simulated = yuheng("simulate", "s.yaml", "-o", "json")
    assert (simulated.code, simulated.err) == (0, "")
    assert json.loads(simulated.out)["runs"][0]["totals"]["jobs"] == 60


def test_it_is_written_to_a_file(yuheng, folder):
    printed = fit(yuheng).out
    done = fit(yuheng, "--out", "g.yaml")
    assert (done.code, done.out) == (0, "")
    assert (folder / "g.yaml").read_text() == printed


def test_a_column_names_the_queues(yuheng):
    section = yaml.safe_load(fit(yuheng, "--queue-by", "mem").out)
    assert {item["queue"] for item in section["generate"]["classes"]} == {"2"}


BAD = {
    "no key": (("submitted",), "yuheng: --columns: found 'submitted', expected KEY=COLUMN"),
    "no column": (("submit=",), "yuheng: --columns: found 'submit=', expected KEY=COLUMN"),
    "YAML that is none": (("submit={",), "yuheng: --columns submit: found '{', expected YAML such as "),
    "an unknown key": (("submitt=submitted",), "yuheng: columns.submitt: found an unknown key (did you mean submit?)"),
    "an unknown column": (("submit=subm", "duration=seconds"), "yuheng: trace.csv: "),
    "a unit of something else": (
        ("submit={column: submitted, unit: GiB}",),
        "yuheng: columns.submit.unit: found 'GiB'",
    ),
    "no columns": ((), "yuheng: trace.csv: columns: found a trace that is not openb's, and no columns"),
}


@pytest.mark.parametrize(("columns", "line"), BAD.values(), ids=BAD)
def test_bad_input_is_told_in_one_line_with_code_2(yuheng, columns, line):
    done = fit(yuheng, columns=columns)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(line)
    assert done.err.count("\n") == 1


def test_a_trace_of_one_job_is_refused(yuheng, folder):
    (folder / "trace.csv").write_text(TRACE[: TRACE.index("j1,")])
    done = fit(yuheng)
    assert done.code == 2
    assert done.err.startswith("yuheng: trace.csv: ")


def test_jobs_that_never_end_are_left_out_and_said_to_be(yuheng, folder):
    rows = "".join(f"j{i},{90 * i},{90 * i + 50 if i % 10 else ''}\n" for i in range(60))
    (folder / "trace.csv").write_text("id,submitted,done\n" + rows)
    done = fit(yuheng, columns=("submit=submitted", "finish=done", "cpu={value: 1}"))
    assert "# left out, as their jobs never end (10.000% of all): " in done.out
    section = yaml.safe_load(done.out)["generate"]
    assert (section["jobs"], len(section["classes"])) == (54, 1)
