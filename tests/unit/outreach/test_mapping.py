"""Headers people write, and values where headers say nothing, come to the right targets."""

from pathlib import Path

import pytest

from adapters.tables.csv_reader import describe
from domain.outreach.mapping import TARGETS, in_order, suggest

_DATA = Path(__file__).parents[3] / "features" / "data"


def by_header(*header: str) -> list[str | None]:
    return suggest(header, [[] for _ in header])


def test_the_demo_file() -> None:
    shape = describe(_DATA / "old-enquiries-uk-600.csv")
    assert suggest(shape.header, shape.sample) == [
        "first_name", "last_name", "phone_number", "email", "postcode", "inquiry_date", "product", "notes",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            "Survey,Respondent,first_name,last_name,company_name,address,city,county,postal,phone1,phone2,email,web",
            ",,first_name,last_name,company,address,city,,postcode,phone_number,phone_number,email,",
        ),
        (
            "Account Id,Lead Owner,First Name,Last Name,Company,Phone 1,Phone 2,Email 1,Email 2,Web,Source,Deal Stage",
            ",,first_name,last_name,company,phone_number,phone_number,email,email,,source,",
        ),
        (
            "Index,Customer Id,Company,City,Country,Subscription Date,Website",
            ",,company,city,country,inquiry_date,",
        ),
        ("Mobile No.,Forename,Post Code,E-mail,Tel", "phone_number,first_name,postcode,email,phone_number"),
        ("Vorname,Name,Handynummer,PLZ,Ort,Straße", "first_name,last_name,phone_number,postcode,city,address"),
        ("Nombre,Apellidos,Teléfono móvil,Código Postal", "first_name,last_name,phone_number,postcode"),
        ("Imię,Nazwisko,Telefon,Kod pocztowy,Uwagi", "first_name,last_name,phone_number,postcode,notes"),
        ("Prénom,Nom,N° de téléphone,Code postal,Ville", "first_name,last_name,phone_number,postcode,city"),
        ("Nome,Cognome,Cellulare,CAP,Indirizzo", "first_name,last_name,phone_number,postcode,address"),
        ("Nome,Apelido,Telemóvel,Cidade", "first_name,last_name,phone_number,city"),
        ("Voornaam,Achternaam,Telefoonnummer,Woonplaats", "first_name,last_name,phone_number,city"),
        ("Imię i nazwisko,Telefon", "full_name,phone_number"),
        ("Name,Phone", "full_name,phone_number"),
        ("FirstName,HOME_PHONE,MobilePhone,EmailOptIn", "first_name,phone_number,phone_number,"),
        ("Date of birth,Email status,Phone type,Fax", ",,,"),
        ("First name,Forename", "first_name,"),
    ],
)
def test_headers(header: str, expected: str) -> None:
    assert by_header(*header.split(",")) == [target or None for target in expected.split(",")]


def test_every_suggestion_is_a_target() -> None:
    found = by_header(
        "Name", "Mobile", "Email", "PLZ", "Date", "Notes", "Firma", "Source", "Product", "Street", "Town", "Land"
    )
    assert None not in found
    assert set(found) <= set(TARGETS)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["a@b.co", "c.d@e.org"], "email"),
        (["07700 900123", "+44 7700 900456"], "phone_number"),
        (["N16 6TD", "gl523by"], "postcode"),
        (["90210-1234"], "postcode"),
        (["D-10115"], "postcode"),
        (["24/12/2024", "3 Jan 2025"], "inquiry_date"),
        (["1", "2", "3"], None),
        (["1000234567", "1000234568"], None),
        (["yes", "no"], None),
        ([], None),
    ],
)
def test_values_speak_where_the_header_does_not(values: list[str], expected: str | None) -> None:
    assert suggest(["Column 1"], [values]) == [expected]


def test_values_do_not_overrule_what_turns_a_column_away() -> None:
    assert suggest(["Date of birth"], [["24/12/1970"]]) == [None]
    assert suggest(["Contact"], [["07700 900123"]]) == ["phone_number"]


def test_mobiles_come_before_landlines() -> None:
    header = ["Home phone", "Phone", "Mobile No.", "Work tel"]
    assert in_order(header, suggest(header, [[], [], [], []]), "phone_number") == [2, 1, 0, 3]
