"""Money is exact, of one currency, and never finer than its minor unit."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel import Invalid, Money

PENCE = st.decimals(min_value=-(10**12), max_value=10**12, places=2)


@given(PENCE, PENCE)
def test_adding_and_taking_away_are_exact(one: Decimal, other: Decimal) -> None:
    a, b = Money(one, "GBP"), Money(other, "GBP")
    assert (a + b).amount == one + other
    assert a + b - b == a
    assert a + b == b + a


@given(PENCE)
def test_equal_amounts_are_equal_money_and_look_alike(amount: Decimal) -> None:
    written = Money.of(str(amount.normalize()), "GBP")
    assert written == Money(amount, "GBP")
    assert str(written.amount) == str(Money(amount, "GBP").amount)
    assert written.amount.as_tuple().exponent == -2


@given(PENCE, st.decimals(min_value=0, max_value=10, places=4))
def test_a_product_is_rounded_to_the_minor_unit(amount: Decimal, factor: Decimal) -> None:
    product = Money(amount, "GBP").times(factor)
    assert abs(product.amount - amount * factor) <= Decimal("0.005")


@pytest.mark.parametrize(
    ("amount", "factor", "product"), [("0.05", "0.5", "0.02"), ("0.15", "0.5", "0.08"), ("10.00", "1.175", "11.75")]
)
def test_halves_are_rounded_to_even(amount: str, factor: str, product: str) -> None:
    assert Money.of(amount, "GBP").times(Decimal(factor)) == Money.of(product, "GBP")


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("1.005", "GBP"), ("1.5", "JPY"), ("1.0005", "KWD"), ("NaN", "GBP"), ("Infinity", "GBP"), ("ten", "GBP"),
        ("", "GBP"), ("1,50", "EUR"), ("1", "gbp"), ("1", "GBPS"), ("1", "£"), ("1e40", "GBP"),
    ],
)  # fmt: skip
def test_what_is_no_money_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(Invalid):
        Money.of(amount, currency)


@pytest.mark.parametrize(("amount", "currency"), [("1.50", "GBP"), ("1500", "JPY"), ("1.500", "KWD")])
def test_every_currency_has_its_own_minor_unit(amount: str, currency: str) -> None:
    assert str(Money.of(amount, currency).amount) == amount


def test_a_float_is_no_amount() -> None:
    with pytest.raises(Invalid):
        Money(0.1, "GBP")  # type: ignore[arg-type]


def test_currencies_do_not_mix() -> None:
    with pytest.raises(Invalid, match="GBP and EUR"):
        Money.of("1", "GBP") + Money.of("1", "EUR")
    with pytest.raises(Invalid):
        Money.of("1", "GBP") - Money.of("1", "EUR")
