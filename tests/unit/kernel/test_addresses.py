"""Phones are E.164 and nothing else; e-mail addresses are one spelling each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel import Email, Invalid, Phone


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True, alphabet=st.characters(codec="ascii")))
def test_every_e164_number_is_taken_as_it_is(number: str) -> None:
    assert Phone(number) == number
    assert isinstance(Phone(number), str)


@pytest.mark.parametrize(
    "text",
    ["", "+", "07700900123", "447700900123", "+0447700900", "+44 7700 900123", "+4477009001234567", "+44770",
     "+447700900123\n", " +447700900123", "+44770090012O", "+٤٤٧٧٠٠٩٠٠١٢٣", "tel:+447700900123"],
)  # fmt: skip
def test_what_is_no_e164_number_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        Phone(text)
    assert refused.value.details[0][0] == "phone"


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True, alphabet=st.characters(codec="ascii")))
def test_a_masked_number_cannot_be_dialled(number: str) -> None:
    masked = Phone(number).masked
    assert number not in masked
    assert sum(character.isdigit() for character in masked) <= 4


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Ada@Example.COM", "ada@example.com"), ("  ada@example.com\n", "ada@example.com"),
        ("o'neil+list@mail.example.co.uk", "o'neil+list@mail.example.co.uk"), ("用户@例子.中国", "用户@例子.中国"),
    ],
)  # fmt: skip
def test_an_address_has_one_spelling(text: str, address: str) -> None:
    assert Email(text) == address
    assert Email(Email(text)) == address


@pytest.mark.parametrize(
    "text",
    ["", "ada", "ada@", "@example.com", "ada@example", "ada@@example.com", "a da@example.com", "ada@exa mple.com",
     "ada@example..com", "ada..b@example.com", "ada@.example.com", "Ada <ada@example.com>", "ada@example.com,b@x.com",
     "ada\x00@example.com", f"{'a' * 65}@example.com", f"ada@{'b' * 250}.com", "ada@example.c"],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        Email(text)
    assert refused.value.details[0][0] == "email"


@given(st.text(max_size=300))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        address = Email(text)
    except Invalid:
        return
    assert address == address.strip().lower()
    assert address.count("@") == 1
    assert len(address) <= 254
