"""Advice on requests as tables, CSV, patches, JSON and a page."""

from __future__ import annotations

import base64
import copy
import csv
import hashlib
import io
import json

import pytest
import yaml
from hypothesis import given
from jsonschema import Draft202012Validator, ValidationError
from made_rightsizing import example, rightsizings
from msgspec.structs import replace
from page_reading import LOADING, Page
from rich.console import Console

from yuheng.model.plan import listed
from yuheng.model.rightsizing import Change, Rightsizing
from yuheng.reporting.documents import json_text, yaml_text
from yuheng.reporting.rightsizing_csv import hours_csv, rightsizing_csv
from yuheng.reporting.rightsizing_page import ROWS_SHOWN, rightsizing_page
from yuheng.reporting.rightsizing_patch import patches
from yuheng.reporting.schema import schema
from yuheng.reporting.tables.rightsizing import write_rightsizing

VALIDATOR = Draft202012Validator(schema("Rightsizing"))


def table(result, *, wide=False, width=200):
    out = io.StringIO()
    write_rightsizing(result, Console(file=out, width=width, force_terminal=False), wide=wide)
    return out.getvalue()


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def page_of(result):
    return Page(rightsizing_page(result))


@given(rightsizings)
def test_any_result_satisfies_its_schema(result):
    VALIDATOR.validate(json.loads(json_text(result)))


def test_a_dictionary_is_its_own_json_and_yaml():
    document = listed(example().to_dict())
    assert json.loads(json_text(example())) == document
    assert yaml_text(example()).startswith("apiVersion: yuheng.io/v1alpha1\nkind: Rightsizing\n")


WRONG = {
    "another strategy": (("strategy",), "luck"),
    "a request below nothing": (("containers", 0, "cpu", "new"), -1),
    "23 hours": (("containers", 0, "hours", "workday"), [1] * 23),
    "minutes as text": (("containers", 0, "cpu", "minutesAbove"), "some"),
    "a start in seconds": (("window", "start"), 1),
    "another currency": (("currency",), "EUR"),
    "a further key": (("further",), 1),
}


@pytest.mark.parametrize(("path", "value"), WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_refused(path, value):
    document = copy.deepcopy(listed(example().to_dict()))
    *parents, last = path
    target = document
    for key in parents:
        target = target[key]
    target[last] = value
    with pytest.raises(ValidationError):
        VALIDATOR.validate(document)


def test_the_summary_counts_what_changes():
    summary = example().to_dict()["summary"]
    assert (summary["containers"], summary["changed"]) == (3, 2)
    assert (summary["savedPerMonth"], summary["savedPerMonthByHours"]) == (33.5, 48.5)
    assert summary["minutesAbove"] == 438  # 1 % of 730 hours


def test_the_table_tells_old_and_new_money_minutes_and_why():
    text = table(example())
    for words in (
        "Rightsizing by seasonal at price 3: 2 of 3 containers get other requests.",
        "Saves $33.50 a month, $48.50 with cpu by the hour; 0 minutes a month above cpu request before, 438 after.",
        "Usage from 2026-01-01 00:00 to 2026-01-14 23:55 UTC.",
        "Deployment shop/web  web",
        "1 → 450m",
        "1Gi → 614Mi",
        "$34.50",
        "daily",
        "1 to 2 replicas of 225m by the hour instead of 3: saves $50.00 a month",
        "killed for want of memory at 512Mi: never below 614Mi; memory limit 2Gi to 1.2Gi",
        "autoscaler api at 70%: 3.3 replicas in the mean, 7 at most of 10",
        "Job shop/idle idle: cpu: no usage is known",
        "- a month is 730 hours",
        "- 1 container has no usage",
    ):
        assert words in text


def test_wide_is_a_line_a_container():
    text = table(example(), wide=True)
    [line] = [line for line in text.splitlines() if line.startswith("Deployment shop/web")]
    assert "170m..400m" in line
    assert "killed for want of memory" in line


def test_many_rows_are_cut_in_the_table_and_not_in_wide():
    many = replace(example(), containers=example().containers * 40)
    assert "and 70 more (-o wide)" in table(many)
    assert table(many, wide=True).count("Deployment shop/web") == 40


def test_csv_has_a_row_a_container():
    [web, proxy, idle] = rows(rightsizing_csv(example()))
    assert (web["cpu_milli_old"], web["cpu_milli_new"], web["cpu_minutes_above"]) == ("1000", "450", "438")
    assert (web["memory_bytes_new_limit"], web["saved_per_month"]) == (str(1228 * 2**20), "34.5")
    assert proxy["cpu_minutes_above"] == ""
    assert idle["cpu_milli_new"] == ""


def test_hours_are_a_row_each():
    found = rows(hours_csv(example()))
    assert len(found) == 48
    assert [row["cpu_milli"] for row in found if row["days"] == "Mon-Fri"] == ["100"] * 8 + ["400"] * 8 + ["100"] * 8


def test_a_name_is_no_formula():
    row = replace(example().containers[0], workload="=cmd()")
    assert "'=cmd()" in rightsizing_csv(replace(example(), containers=(row,)))


def test_patches_hold_what_changes_and_nothing_else():
    found = {body["metadata"]["name"]: body for body in yaml.safe_load_all(patches(example())) if body}
    assert set(found) == {"web", "api"}
    assert found["web"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "template": {
                "spec": {
                    "containers": [
                        {
                            "name": "web",
                            "resources": {
                                "requests": {"cpu": "450m", "memory": "614Mi"},
                                "limits": {"memory": "1228Mi"},
                            },
                        }
                    ]
                }
            }
        },
    }
    assert found["api"]["spec"]["template"]["spec"] == {
        "initContainers": [{"name": "proxy", "resources": {"requests": {"cpu": "20m"}}}]
    }


KINDS = {
    "CronJob": ("batch/v1", ("spec", "jobTemplate", "spec", "template", "spec", "containers")),
    "StatefulSet": ("apps/v1", ("spec", "template", "spec", "containers")),
    "Pod": ("v1", ("spec", "containers")),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_patch_goes_where_the_kind_keeps_its_pods(kind):
    row = replace(example().containers[0], kind=kind)
    [body] = [body for body in yaml.safe_load_all(patches(replace(example(), containers=(row,)))) if body]
    version, path = KINDS[kind]
    assert (body["apiVersion"], body["kind"]) == (version, kind)
    for key in path:
        body = body[key]
    assert body[0]["name"] == "web"


def test_what_cannot_be_patched_is_counted():
    row = replace(example().containers[0], kind="Job")
    text = patches(replace(example(), containers=(row,)))
    assert "# Without a patch: 1 container of kinds whose template cannot be changed." in text
    assert not any(yaml.safe_load_all(text))


@given(rightsizings)
def test_names_stay_names_in_patches(result):
    bodies = [body for body in yaml.safe_load_all(patches(result)) if body]
    changed = {(row.namespace, row.workload) for row in result.containers if row.changes}
    assert {(body["metadata"]["namespace"], body["metadata"]["name"]) for body in bodies} <= changed


def test_the_page_tells_it_without_scripts():
    text = page_of(example()).text
    for words in (
        "Strategy seasonal , usage from 2026-01-01 00:00 to 2026-01-14 23:55 UTC",
        "Saved a month $33.50",
        "With cpu by the hour $48.50",
        "1 → 450m 438 min above",
        "used 140m half of the time, 400m at P95, 500m at most",
        "By the hour: daily, 170m in the mean, 400m at most",
        "killed for want of memory at 512Mi",
        "a month is 730 hours",
    ):
        assert words in text


def test_bars_are_as_long_as_their_requests():
    page = page_of(replace(example(), containers=example().containers[:1]))
    widths = {
        name: [float(a["width"]) for tag, a in page.elements if tag == "rect" and a["class"] == name]
        for name in ("before", "after")
    }
    assert widths == {"before": [100, 100], "after": [45, 59.96]}
    marks = [float(a["x1"]) for tag, a in page.elements if tag == "line"]
    assert marks[:3] == [14, 40, 50]


def test_hours_are_a_strip_of_48():
    page = page_of(example())
    bands = [a["class"] for tag, a in page.elements if tag == "rect" and a["class"].startswith("band-")]
    assert bands == ["band-2"] * 8 + ["band-9"] * 8 + ["band-2"] * 8 + ["band-2"] * 24


@given(rightsizings)
def test_no_name_adds_an_element_or_a_script(result):
    page = page_of(result)
    assert [tag for tag, _, _ in page.raw] == ["style", "script", "script"]
    assert page.text.isprintable()
    for tag, _, text in page.raw:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in page.policy["style-src" if tag == "style" else "script-src"]


@given(rightsizings)
def test_bars_never_leave_their_frame(result):
    for tag, attrs in page_of(result).elements:
        if tag == "rect" and attrs["class"] in ("before", "after"):
            assert 0 <= float(attrs["width"]) <= 100


def test_the_page_loads_nothing_and_styles_nothing_inline():
    for tag, attrs in page_of(example()).elements:
        for name, value in attrs.items():
            assert name not in LOADING or value.startswith("#") or value == "data:,", f"<{tag} {name}={value}>"
            assert not name.startswith("on")
            assert name != "style"


def test_a_large_page_shows_what_weighs_most():
    row = example().containers[2]
    small = [replace(row, container=f"c{n}") for n in range(ROWS_SHOWN)]
    costly = replace(row, container="costly", cpu=Change(old=1, new=9000, saved=-100.0))
    text = page_of(Rightsizing(strategy="krr", containers=(*small, costly))).text
    assert "costly" in text
    assert "1 container that save or cost less are left out" in text


def test_nothing_to_size_has_a_page_and_a_table_too():
    empty = Rightsizing(strategy="vpa")
    assert "There are no containers." in page_of(empty).text
    assert "0 of 0 containers" in table(empty)
