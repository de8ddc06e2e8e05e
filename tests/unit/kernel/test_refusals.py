"""A refusal says its sentence, its code, and which field to mend."""

import pytest

from domain.kernel import Conflict, Duplicate, Forbidden, Invalid, NotFound, Refusal, Stale

CODES = {
    Invalid: "VALIDATION_ERROR",
    Forbidden: "PERMISSION_DENIED",
    NotFound: "NOT_FOUND",
    Conflict: "CONFLICT",
    Duplicate: "DUPLICATE_RECORD",
    Stale: "STALE_VERSION",
}


@pytest.mark.parametrize(("kind", "code"), CODES.items())
def test_every_kind_has_its_own_code(kind: type[Refusal], code: str) -> None:
    refusal = kind("This cannot be done.")
    assert (refusal.code, refusal.message, str(refusal), refusal.details) == (
        code,
        "This cannot be done.",
        "This cannot be done.",
        [],
    )


def test_a_field_becomes_a_detail_with_the_same_sentence() -> None:
    assert Invalid("Too long.", field="name").details == [("name", "Too long.")]


def test_given_details_win_over_the_field() -> None:
    details = [("name", "Too long."), ("email", "Missing.")]
    assert Invalid("Two things are wrong.", field="name", details=details).details == details


def test_duplicates_and_stale_versions_are_conflicts() -> None:
    assert issubclass(Duplicate, Conflict)
    assert issubclass(Stale, Conflict)
    assert not issubclass(Invalid, Conflict)
