"""The price of a change as a table, as Markdown and as a document: exact, and inert whatever names there are."""

from __future__ import annotations

import html
import io
import json
import re

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator, ValidationError
from made_cost_changes import changes, example_change, rows, sides
from made_queues import HOSTILE
from msgspec.structs import replace
from rich.console import Console

from yuheng.model.cost_change import ChangeRow, CostRange
from yuheng.reporting.change_markdown import LONGEST, change_markdown
from yuheng.reporting.change_wording import differences, increase_text
from yuheng.reporting.documents import json_text
from yuheng.reporting.schema import schema
from yuheng.reporting.tables.cost_change import write_change

VALIDATOR = Draft202012Validator(schema("CostChange"))
MANY = replace(
    example_change(),
    rows=tuple(replace(example_change().rows[0], name=f"web-{i:04d}{'x' * 200}") for i in range(2000)),
)


def table_of(change, width=200, **options):
    file = io.StringIO()
    write_change(change, Console(file=file, force_terminal=False, width=width), **options)
    return file.getvalue()


def test_the_table_says_what_changes_what_it_costs_and_whether_it_fits():
    text = re.sub(" +", " ", table_of(example_change()))
    for line in (
        "+$7.54 to +$170.74 a month: $433.26 before, $440.80 to $604.00 after; 5 objects changed, 3 the same.",
        "This passes the budget of $100.00 a month more.",
        "+500 g to +7.4 kg of CO2 equivalent a month.",
        "changed Deployment shop/web replicas 2 → 2 to 10, cpu 500m → 750m, autoscaler none → web $29.26 $40.80 to",
        "$40.80 to $204.00 +$11.54 to +$174.74",
        "moved StatefulSet shop/cache from namespace ops $400.00 $400.00 $0",
        "removed PersistentVolumeClaim shop/data 100Gi of fast $4.00 - -$4.00",
        "added DaemonSet shop/agent one a node x cpu 100m, memory 128Mi - $0.0037/h a node -",
        "added CronJob shop/report 1 x cpu 2, memory 2Gi - $0.0717/h of a run -",
        "east: with the fewest replicas, fits on the 1 node there is; 3 pods to place, 2 stay, 1 go",
        "east: with the most replicas, 3 pods of 13 find no place, with 2 more m5.large ($140.16 a month) added;",
        "Deployment shop/web, 3 pods 0/3 nodes are available: 3 Insufficient cpu.",
        "west: fits with 1 more big (of unknown price); 11 pods to place",
        "- the mean of 3 nodes: $0.0316 a core and hour",
        "- what requests nothing costs nothing here: Deployment shop/bare",
    ):
        assert line in text


def test_a_long_table_is_cut_unless_it_is_asked_for():
    assert "and 1,950 more (-o wide)" in table_of(MANY)
    assert table_of(MANY, wide=True).count("Deployment shop/web-") == 2000


def test_nothing_changed_is_said_so():
    nothing = replace(example_change(), rows=(), increase=CostRange(), fits=(), carbon=None, budget=None)
    assert table_of(nothing).startswith("$0 a month: ")
    assert change_markdown(nothing).startswith(
        "### Cost of this change: $0 a month\n\n0 objects changed, 3 the same.\n"
    )
    assert "| Change |" not in change_markdown(nothing)


def cells_of(text):
    """The rows of the tables in some Markdown, cell by cell, as people see them."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[html.unescape(cell.strip()) for cell in line.split("|")[1:-1]] for line in lines]


def test_the_markdown_has_the_sum_a_table_and_the_rest_folded():
    text = change_markdown(example_change())
    heading, _, summary, *_ = text.splitlines()
    assert heading == "### Cost of this change: +$7.54 to +$170.74 a month"
    assert "**This passes the budget of $100.00 a month more.**" in summary
    header, ruler, web, *_, total = cells_of(text)
    assert len(header) == len(ruler) == len(web) == 6
    assert web[1:3] == [
        "<code>Deployment shop/web</code>",
        "replicas 2 → 2 to 10, cpu 500m → 750m, autoscaler none → web",
    ]
    assert total[1:] == ["**everything**", "", "$433.26", "$440.80 to $604.00", "**+$7.54 to +$170.74**"]
    assert "**Room on <code>east</code> with the fewest replicas:** fits on the 1 node there is." in text
    assert text.count("<details>") == text.count("</details>") == 1


def test_many_changes_are_folded_and_fit_a_comment():
    text = change_markdown(MANY)
    assert len(text) < LONGEST
    assert "<details><summary>1,985 more changes</summary>" in text
    assert "and 1,885 more, in the sum above" in text


LONG = {
    "underscores": "_" * 300,
    "mentions": "@" * 300,
    "addresses": "www." * 80,
    "beyond the first plane": "\U0001f600" * 300,
    "usual": "checkout-service-worker-blue",
}


@pytest.mark.parametrize("name", LONG.values(), ids=LONG)
def test_no_names_make_the_comment_longer_than_a_comment_may_be(name):
    example = example_change()
    row = replace(example.rows[0], kind=name, namespace=name, change="moved", moved_from=name)
    fit = replace(example.fits[1], refused=(replace(example.fits[1].refused[0], workload=name, reason=name),) * 9)
    change = replace(
        example,
        rows=tuple(replace(row, name=f"{i}{name}") for i in range(500)),
        fits=tuple(replace(fit, cluster=f"{i}{name}") for i in range(300)),
        assumptions=tuple(f"{i} {name * 3}" for i in range(100)),
        rates=replace(example.rates, classes={f"{i}{name}": 1.0 for i in range(50)}),
    )
    text = change_markdown(change)
    assert len(text) < LONGEST
    # What is left out is told, whatever the part.
    more = int(re.search(r"and ([\d,]+) more, in the sum above", text)[1].replace(",", ""))
    rows_shown = len([line for line in text.splitlines() if line.startswith("| moved")])
    assert rows_shown + more == 500
    assert rows_shown >= 15
    answers = re.search(r"and ([\d,]+) more answers, ([\d,]+) of them with pods that find no place", text)
    assert int(answers[1]) == int(answers[2]) == 300 - text.count("**Room on")
    assert re.search(r"- and \d+ more sentences", text)
    assert text.count("<details>") == text.count("</details>") == 2
    assert text.endswith("</details>\n")


def test_of_many_clusters_those_without_room_are_told_first():
    example = example_change()
    roomy = [replace(example.fits[2], cluster=f"roomy-{i}") for i in range(400)]
    text = change_markdown(replace(example, fits=(*roomy, replace(example.fits[1], cluster="full"))))
    assert "**Room on <code>full</code>:**" in text
    assert re.search(r"and \d+ more answers, 0 of them", text)


NAMES = {
    "markup": "<img src=x onerror=alert(1)>",
    "a mention": "@everyone",
    "a reference": "#1",
    "a link": "[a](https://e.vil)",
    "an address": "https://e.vil/www.e.vil",
    "an end of a cell": "a|b",
    "an end of code": "</code>`x`",
    "formatting": "*a* _b_ ~c~",
    "an end of a line": "a\n\n# b",
    "a formula": "$a$",
    "what is escaped already": "&lt;b&gt;",
    "everything": HOSTILE,
}


MEANING = re.compile(r"[<>`\[\]_~\\@&#]|www\.|://")


def left_of(text):
    """The Markdown without our own elements and headings, with something else for what is written as a reference."""
    own = re.sub(r"</?(?:code|details|summary)>|^### ", "", text, flags=re.MULTILINE)
    return re.sub(r"&#\d+;", "·", own)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_no_name_becomes_markdown(name):
    example = example_change()
    row = replace(example.rows[0], kind=name, namespace=name, name=name, change="moved", moved_from=name)
    fit = replace(example.fits[1], cluster=name, refused=(replace(example.fits[1].refused[0], reason=name),))
    text = change_markdown(replace(example, rows=(row,), fits=(fit,), assumptions=(name,)))
    plain = change_markdown(replace(example, rows=(replace(row, moved_from="o"),), fits=(fit,)))
    assert len(text.splitlines()) == len(plain.splitlines())
    assert not MEANING.search(left_of(text))
    assert all(len(row) == 6 for row in cells_of(text))


@given(changes)
def test_any_change_is_inert_and_whole_as_markdown(change):
    text = change_markdown(change)
    assert not MEANING.search(left_of(text))
    assert all(len(row) == 6 for row in cells_of(text))
    assert change_markdown(change) == text


@given(changes)
def test_any_change_is_a_table_without_control_characters(change):
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", table_of(change, wide=True))


@given(changes)
def test_any_change_satisfies_its_schema(change):
    VALIDATOR.validate(json.loads(json_text(change)))


def test_a_missing_or_further_key_is_refused():
    document = json.loads(json_text(example_change()))
    VALIDATOR.validate(document)
    for key in document:
        with pytest.raises(ValidationError):
            VALIDATOR.validate({name: value for name, value in document.items() if name != key})
    with pytest.raises(ValidationError):
        VALIDATOR.validate({**document, "further": 1})


@given(rows)
def test_what_differs_is_never_what_is_the_same(row):
    assert all(part.count("→") == 0 or _differs(part) for part in differences(row).split(", ") if "→" in part)


def _differs(part):
    before, _, after = part.partition(" → ")
    return before.rpartition(" ")[2] != after


@given(sides)
def test_the_same_on_both_sides_differs_in_nothing(side):
    row = ChangeRow(kind="Deployment", namespace="a", name="b", change="changed", before=side, after=side)
    assert differences(row) == ""


INCREASES = {
    "unknown": (None, "-"),
    "nothing": (CostRange(), "$0"),
    "less than half a cent": (CostRange(-0.004, 0.004), "$0"),
    "more": (CostRange(1, 1), "+$1.00"),
    "less": (CostRange(-1234.5, -1234.5), "-$1,234.50"),
    "less or more": (CostRange(-3, 40), "-$3.00 to +$40.00"),
    "from nothing": (CostRange(0, 40), "$0 to +$40.00"),
}


@pytest.mark.parametrize(("increase", "text"), INCREASES.values(), ids=INCREASES)
def test_increases_have_a_sign(increase, text):
    assert increase_text(increase) == text
