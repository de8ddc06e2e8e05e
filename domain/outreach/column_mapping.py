"""Which columns of a file an import reads into what."""

from collections.abc import Mapping, Sequence

from domain.kernel import Invalid

IMPORTED = frozenset(
    {
        "phone_number",
        "first_name",
        "last_name",
        "full_name",
        "email",
        "postcode",
        "inquiry_date",
        "notes",
        "source",
        "product",
        "company",
    }
)
"""What an import reads; other columns may be understood, but are not suggested."""

SEVERAL = frozenset({"phone_number", "email"})
"""What may be read from several columns, in order of preference: the first valid value wins (`api.md`, part 4)."""

Mapped = dict[str, list[str]]
"""The columns of each target, by name."""


def check_mapping(mapped: Mapping[str, Sequence[str]], header: Sequence[str]) -> Mapped:
    """Refuse a mapping that names a column the file lacks, or none for what an import cannot do without (`Invalid`)."""
    for target, columns in mapped.items():
        field = f"column_mapping.{target}"
        if not columns:
            raise Invalid(f"Name a column for {target}, or leave it out.", field=field)
        if len(columns) > 1 and target not in SEVERAL:
            raise Invalid(f"{target} is read from one column.", field=field)
        if len(set(columns)) < len(columns):
            raise Invalid(f"A column stands twice for {target}.", field=field)
        for column in columns:
            if column not in header:
                raise Invalid(f"The file has no column named “{column}”.", field=field)
    if "phone_number" not in mapped:
        raise Invalid("Say which column holds the phone number.", field="column_mapping.phone_number")
    if "first_name" not in mapped and "full_name" not in mapped:
        raise Invalid("Say which column holds the first name, or the full name.", field="column_mapping.first_name")
    return {target: list(columns) for target, columns in mapped.items()}
