"""Files of budgets: what they say, and what is wrong with them in one line."""

from __future__ import annotations

import jsonschema
import pytest

from yuheng.errors import InputError
from yuheng.model.budget import THRESHOLDS, RateRule
from yuheng.readers.budgets import read_budgets
from yuheng.readers.budgets.json_schema import budget_schema, written_schema

HEAD = "apiVersion: yuheng.io/v1alpha1\nkind: Budget\nmetadata: {name: shop}\n"


@pytest.fixture
def reading(tmp_path):
    def read(text):
        path = tmp_path / "budgets.yaml"
        path.write_text(text)
        return read_budgets([path])

    return read


def test_a_limit_is_enough(reading):
    (found,) = reading(HEAD + "spec: {monthly: 100}\n")
    assert (found.name, found.limit, found.selector, found.thresholds) == ("shop", 100.0, {}, THRESHOLDS)
    assert found.alarm == RateRule(factor=2.0, hours=3, least=1.0)


def test_a_selector_becomes_patterns_by_key(reading):
    (found,) = reading(
        HEAD + "spec: {monthly: 1, selector: {cluster: prod-*, namespace: [a, b], controller: w, queue: q, "
        "labels: {team: [u, v]}, annotations: {owner: z}, columns: {ServiceName: S3}}}\n"
    )
    assert found.selector == {
        "cluster": ("prod-*",),
        "namespace": ("a", "b"),
        "controller": ("w",),
        "queue": ("q",),
        "label:team": ("u", "v"),
        "annotation:owner": ("z",),
        "ServiceName": ("S3",),
    }


def test_money_in_another_currency_is_converted(reading):
    (found,) = reading(HEAD + "spec: {monthly: 100, currency: EUR, exchangeRate: 1.5, rateAlarm: {least: 2}}\n")
    assert found.limit == 150.0
    assert found.alarm is not None
    assert found.alarm.least == 3.0


def test_there_need_be_no_alarm(reading):
    assert reading(HEAD + "spec: {monthly: 1, rateAlarm: false}\n")[0].alarm is None


def test_thresholds_are_sorted_and_unique(reading):
    assert reading(HEAD + "spec: {monthly: 1, thresholds: [1.2, 0.8, 0.8]}\n")[0].thresholds == (0.8, 1.2)


def test_files_may_hold_several(reading):
    found = reading(HEAD + "spec: {monthly: 1}\n---\n" + HEAD.replace("shop", "data") + "spec: {monthly: 2}\n")
    assert [one.name for one in found] == ["shop", "data"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD + "spec: {}\n", ("Budget shop", "spec.monthly")),
        (HEAD + "spec: {monthly: 0}\n", ("spec.monthly", "found 0")),
        (HEAD + "spec: {monthly: -1}\n", ("spec.monthly", "-1")),
        (HEAD + "spec: {monthly: much}\n", ("spec.monthly", "much")),
        (HEAD + "spec: {monthly: 1, selecter: {}}\n", ("spec", "selecter", "did you mean selector?")),
        (HEAD + "spec: {monthly: 1, thresholds: [0.5, 0]}\n", ("spec.thresholds[1]", "found 0")),
        (HEAD + "spec: {monthly: 1, thresholds: [80]}\n", ("spec.thresholds[0]", "80", "such as 0.8")),
        (HEAD + "spec: {monthly: 1, currency: EUR}\n", ("spec.exchangeRate", "how many USD one EUR is")),
        (HEAD + "spec: {monthly: 1, exchangeRate: 2}\n", ("spec.exchangeRate", "2 USD for one USD")),
        (HEAD + "spec: {monthly: 1, rateAlarm: {factor: 1}}\n", ("spec.rateAlarm", "factor", "found 1")),
        (HEAD + "spec: {monthly: 1, rateAlarm: {hours: 0}}\n", ("spec.rateAlarm", "hours", "1 to 336 hours")),
        (HEAD + "spec: {monthly: 1}\n---\n" + HEAD + "spec: {monthly: 1}\n", ("a second Budget of this name",)),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n", ("Pod default/p", "objects of kind Budget")),
        ("apiVersion: example.com/v1\nkind: Budget\nmetadata: {name: p}\n", ("objects of kind Budget",)),
    ],
)
def test_what_is_wrong_is_told_with_its_place(reading, tmp_path, text, words):
    with pytest.raises(InputError) as error:
        reading(text)
    told = str(error.value)
    assert all(word in told for word in (str(tmp_path), *words)), told
    assert "\n" not in told


def test_the_schema_that_is_shipped_is_that_of_the_models():
    assert budget_schema() == written_schema()
    jsonschema.Draft202012Validator.check_schema(budget_schema())
    document = {"apiVersion": "yuheng.io/v1alpha1", "kind": "Budget", "metadata": {"name": "x"}}
    valid = {**document, "spec": {"monthly": 5, "selector": {"namespace": "a"}, "rateAlarm": False}}
    jsonschema.validate(valid, budget_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "spec": {"yearly": 5}}, budget_schema())
