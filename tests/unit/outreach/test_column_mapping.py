"""What may be mapped, and that the words of the mapping are those of the import's form."""

import pytest

from application.outreach.imports import ColumnMapping
from domain.kernel import Invalid
from domain.outreach.column_mapping import IMPORTED, check_mapping

HEADER = ["Forename", "Surname", "Mobile", "Home"]


def test_what_is_suggested_is_what_the_form_takes() -> None:
    assert frozenset(ColumnMapping.__struct_fields__) == IMPORTED


def test_several_phones_are_read_in_order() -> None:
    mapped = check_mapping({"first_name": ["Forename"], "phone_number": ["Mobile", "Home"]}, HEADER)
    assert mapped["phone_number"] == ["Mobile", "Home"]


@pytest.mark.parametrize(
    ("mapped", "field"),
    [
        ({"first_name": ["Forename"]}, "column_mapping.phone_number"),
        ({"phone_number": ["Mobile"]}, "column_mapping.first_name"),
        ({"first_name": ["Forename"], "phone_number": ["Fax"]}, "column_mapping.phone_number"),
        ({"first_name": ["Forename", "Surname"], "phone_number": ["Mobile"]}, "column_mapping.first_name"),
        ({"first_name": ["Forename"], "phone_number": ["Mobile", "Mobile"]}, "column_mapping.phone_number"),
        ({"first_name": ["Forename"], "phone_number": []}, "column_mapping.phone_number"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused_by_field(mapped: dict[str, list[str]], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_mapping(mapped, HEADER)
    assert refused.value.details[0][0] == field
