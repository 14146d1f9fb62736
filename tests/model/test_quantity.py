"""Quantities, by the rules of ``k8s.io/apimachinery/pkg/api/resource``."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuheng.errors import QuantityError
from yuheng.model.quantity import NANO, Quantity, format_amount, parse_quantity

LARGEST = 2**63 - 1


@pytest.mark.parametrize(
    ("text", "nano"),
    [
        ("0", 0),
        ("1", NANO),
        ("+1", NANO),
        ("-1", -NANO),
        ("0.5", NANO // 2),
        (".5", NANO // 2),
        ("5.", 5 * NANO),
        ("00012", 12 * NANO),
        ("100m", 10**8),
        ("1u", 1000),
        ("1n", 1),
        ("1k", 10**12),
        ("1M", 10**15),
        ("1G", 10**18),
        ("1T", 10**21),
        ("1P", 10**24),
        ("1E", 10**27),
        ("1Ki", 2**10 * NANO),
        ("1Mi", 2**20 * NANO),
        ("1Gi", 2**30 * NANO),
        ("1Ti", 2**40 * NANO),
        ("1Pi", 2**50 * NANO),
        ("1Ei", 2**60 * NANO),
        ("1.5Gi", 3 * 2**29 * NANO),
        ("0.001Ki", 1024 * 10**6),
        ("1e3", 1000 * NANO),
        ("1E3", 1000 * NANO),
        ("1e+3", 1000 * NANO),
        ("1.5e-3", 1_500_000),
        ("1e0", NANO),
        ("0Ki", 0),
        ("-0", 0),
    ],
)
def test_is_parsed(text: str, nano: int) -> None:
    assert parse_quantity(text).nano == nano


@pytest.mark.parametrize(
    ("text", "nano"),
    [
        pytest.param("0.1n", 1, id="up"),
        pytest.param("1.1n", 2, id="up from one"),
        pytest.param("-0.1n", -1, id="away from zero"),
        pytest.param("0.0000000001", 1, id="without a suffix"),
        pytest.param("1e-100", 1, id="by an exponent"),
        pytest.param("1e-999999999", 1, id="by an exponent without end"),
    ],
)
def test_what_is_finer_than_a_nano_is_rounded_away_from_zero(text: str, nano: int) -> None:
    assert parse_quantity(text).nano == nano


@pytest.mark.parametrize(
    "text", ["9223372036854775807", "9223372036854775808", "8Ei", "100E", "1e100", "1e999999999", "9" * 100]
)
def test_what_leaves_64_bits_is_clipped(text: str) -> None:
    assert parse_quantity(text).value() == LARGEST
    assert parse_quantity(f"-{text}").value() == -LARGEST


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "1 ", " 1", "m", ".", "-", "+", "+.", "1.2.3", "1,5", "0x10", "1_000", "1K", "1mi", "1ki", "1Mi5",
        "1e", "1e1.5", "1e+", "e3", "1ee3", "1mm", "1 Gi", "--1", "NaN", "Inf", "one", "1\n", "1Zi", "1e3Ki",
        "1Kim", "\uff11",
    ],
)  # fmt: skip
def test_what_kubernetes_refuses_is_an_error(text: str) -> None:
    with pytest.raises(QuantityError) as caught:
        parse_quantity(text)
    assert (caught.value.found, caught.value.expected) == (repr(text), "a quantity such as 100m, 1.5Gi, 1e3 or 2k")


@pytest.mark.parametrize(
    ("text", "milli", "value"),
    [
        ("1", 1000, 1),
        ("1m", 1, 1),
        ("1500m", 1500, 2),
        ("0.1m", 1, 1),
        ("1n", 1, 1),
        ("-1500m", -1500, -1),
        ("-0.1m", 0, 0),
        ("2Ki", 2_048_000, 2048),
        ("0", 0, 0),
    ],
)
def test_is_rounded_up_to_thousandths_and_units(text: str, milli: int, value: int) -> None:
    assert (parse_quantity(text).milli(), parse_quantity(text).value()) == (milli, value)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0", "0"),
        ("0Ki", "0"),
        ("1000m", "1"),
        ("1500m", "1500m"),
        ("0.5", "500m"),
        ("1000", "1k"),
        ("1200", "1200"),
        ("1000000k", "1G"),
        ("0.001", "1m"),
        ("1000n", "1u"),
        ("-1000", "-1k"),
        ("1024Ki", "1Mi"),
        ("1Mi", "1Mi"),
        ("1.5Gi", "1536Mi"),
        ("1536", "1536"),
        ("0.5Ki", "512"),
        ("0.5Mi", "512Ki"),
        ("1.1Ki", "1126400m"),
        ("-2Ki", "-2Ki"),
        ("1025Ki", "1025Ki"),
        ("1e3", "1e3"),
        ("1500e0", "1500"),
        ("1e4", "10e3"),
        ("1e-3", "1e-3"),
        ("5e0", "5"),
        ("12345678901234567890", "9223372036854775807"),
        ("7Ei", "7Ei"),
    ],
)
def test_is_printed_in_its_canonical_form(text: str, canonical: str) -> None:
    assert str(parse_quantity(text)) == canonical


@pytest.mark.parametrize(
    ("resource", "amount", "text"),
    [
        ("cpu", 1500, "1500m"),
        ("cpu", 2000, "2"),
        ("memory", 2**31, "2Gi"),
        ("memory", 1000, "1k"),
        ("memory", 1500, "1500"),
        ("ephemeral-storage", 2**20, "1Mi"),
        ("hugepages-2Mi", 2**21, "2Mi"),
        ("pods", 110, "110"),
        ("nvidia.com/gpu", 8, "8"),
    ],
)
def test_amounts_are_printed_as_kubernetes_does(resource: str, amount: int, text: str) -> None:
    assert format_amount(resource, amount) == text


quantities = st.builds(
    Quantity,
    st.integers(-LARGEST, LARGEST) | st.integers(-(10**6), 10**6).map(lambda units: units * NANO),
    st.sampled_from(["DecimalSI", "BinarySI", "DecimalExponent"]),
)


@given(quantities)
def test_what_is_printed_is_parsed_again(quantity: Quantity) -> None:
    assert parse_quantity(str(quantity)).nano == quantity.nano


@given(quantities)
def test_the_canonical_form_is_its_own(quantity: Quantity) -> None:
    # A binary amount that is no multiple of 1024 has no suffix: read again, it is a decimal one.
    text = str(parse_quantity(str(quantity)))
    assert str(parse_quantity(text)) == text


@given(quantities)
def test_the_canonical_form_has_no_fraction_and_the_largest_suffix(quantity: Quantity) -> None:
    match = re.fullmatch(r"-?(\d+)([^\d]*|e-?\d+)", str(quantity))
    assert match is not None
    mantissa, suffix = int(match[1]), match[2]
    whole = quantity.nano % NANO == 0 and abs(quantity.nano) >= 1024 * NANO
    base = 1024 if quantity.notation == "BinarySI" and whole else 1000
    assert mantissa == 0 or suffix in ("E", "Ei", "e18") or mantissa % base


@given(
    st.integers(0, 10**9),
    st.integers(0, 10**6 - 1),
    st.sampled_from(["", "n", "u", "m", "k", "M", "Ki", "Mi", "e-2", "E4"]),
)
def test_is_as_exact_as_a_fraction(whole: int, part: int, suffix: str) -> None:
    scales = {"n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000), "k": Fraction(1000)}
    scales |= {"": Fraction(1), "M": Fraction(10**6), "Ki": Fraction(2**10), "Mi": Fraction(2**20)}
    scales |= {"e-2": Fraction(1, 100), "E4": Fraction(10**4)}
    exact = (whole + Fraction(part, 10**6)) * scales[suffix] * NANO
    parsed = parse_quantity(f"{whole}.{part:06}{suffix}").nano
    assert 0 <= parsed - exact < 1


@given(st.text(max_size=8))
def test_any_text_is_a_quantity_or_an_error(text: str) -> None:
    try:
        parsed = parse_quantity(text)
    except QuantityError:
        return
    assert abs(parsed.value()) <= LARGEST
