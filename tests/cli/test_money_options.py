"""Amounts of money on the command line: whatever the option, what is none is told in one line."""

from __future__ import annotations

import pytest

from yuheng.cli.money import amount_of

NONE = ("nan", "inf", "-inf", "-5", "-0.01", "1e400", "1e10", "x", "", "$5", "0x10")
OPTIONS = {
    "egress": (["cost", "--egress-price"], "US dollars per GiB, from 0 to a billion"),
    "balancers": (["cost", "--load-balancer-price"], "US dollars per hour, from 0 to a billion"),
    "storage": (["cost", "--storage-price"], "$ per GiB and month: 0.08 or CLASS=0.08"),
    "a budget": (["cost", "diff", "--budget"], "US dollars a month, from minus a billion to a billion"),
    "balancers of a change": (["cost", "diff", "--load-balancer-price"], "US dollars per hour, from 0 to a billion"),
    "storage of a change": (["cost", "diff", "--storage-price"], "$ per GiB and month: 0.08 or CLASS=0.08"),
}
MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, resources: {requests: {cpu: "1"}}}]}
"""


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_amount(text):
    assert amount_of(text) is None


@pytest.mark.parametrize(("text", "amount"), [("0", 0.0), ("0.5", 0.5), (" 7 ", 7.0), ("1e9", 1e9), (0.025, 0.025)])
def test_what_is_an_amount(text, amount):
    assert amount_of(text) == amount


@pytest.mark.parametrize("text", NONE)
@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_that_is_no_amount_is_told_in_one_line(yuheng, small, tmp_path, name, text):
    (*command, option), expected = OPTIONS[name]
    if option == "--budget" and text.startswith("-") and text != "-inf":
        pytest.skip("a change may be asked to save something")
    manifest = tmp_path / "web.yaml"
    manifest.write_text(MANIFEST, encoding="utf-8")
    inputs = [manifest, manifest] if command[-1] == "diff" else [small]
    done = yuheng(*command, *inputs, f"{option}={text}")
    assert (done.code, done.out) == (2, "")
    assert done.err == f"yuheng: {option}: found {text!r}, expected {expected}\n"
