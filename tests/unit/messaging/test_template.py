"""Templates leave no holes, no control characters and no unknown variables."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel import Invalid
from domain.messaging.template import proper_name, render, variables


@pytest.mark.parametrize(
    ("template", "name", "text"),
    [
        ("Hi {{ first_name | there }}, hello", "ROSALIA", "Hi Rosalia, hello"),
        ("Hi {{first_name|there}}, hello", None, "Hi there, hello"),
        ("Hi {{ first_name | there }}!", "   ", "Hi there!"),
        ("Hi {{ first_name }}, hello", "", "Hi, hello"),
        ("{{ first_name }}, are you in?", None, "are you in?"),
        ("Are you {{ first_name }} in?", None, "Are you in?"),
        ("Bye {{ first_name }}", None, "Bye"),
        ("Hi\n{{ first_name }}\nbye", "Al\nice\x07", "Hi\nAl ice\nbye"),
        ("Hi {{ first_name }}", "{{ Last_name }}", "Hi {{ Last_name }}"),
        ("Hi {{ first_name }}", "\u202eevil", "Hi Evil"),
    ],
)
def test_rendering(template: str, name: str | None, text: str) -> None:
    assert render(template, {"first_name": name, "last_name": "Smith"}) == text


def test_variables_are_listed_once_in_order() -> None:
    assert variables("{{ b }} {{a|x}} {{ b | y }}") == ("b", "a")


def test_an_unknown_variable_is_named() -> None:
    with pytest.raises(Invalid, match="no variable named surname") as refusal:
        render("Hi {{ surname | there }}", {"first_name": "Ada"})
    assert refusal.value.details[0][0] == "surname"


@pytest.mark.parametrize("template", ["Hi {first_name}", "Hi {{ First Name }}", "Hi {{ first_name", "}} Hi", "{{}}"])
def test_braces_that_are_no_variable_are_refused(template: str) -> None:
    with pytest.raises(Invalid, match="is not a variable"):
        variables(template)


@pytest.mark.parametrize(
    ("name", "proper"),
    [
        ("ROSALIA", "Rosalia"),
        ("anne-marie", "Anne-Marie"),
        ("O'NEIL", "O'Neil"),
        ("McDonald", "McDonald"),
        ("van der Berg", "van der Berg"),
        ("łukasz", "Łukasz"),
        ("", ""),
    ],
)
def test_names(name: str, proper: str) -> None:
    assert proper_name(name) == proper


@given(st.text(max_size=80).filter(lambda text: "{" not in text and "}" not in text), st.text(max_size=40))
def test_no_control_characters_whatever_comes(around: str, value: str) -> None:
    rendered = render(around + "{{ product | }}" + around, {"product": value})
    assert all(c == "\n" or unicodedata.category(c) not in ("Cc", "Cs") for c in rendered)
    assert "\n" not in render("{{ product }}", {"product": value})
