"""What benchmarks compare with answers what ours answers: a run stops otherwise, but nobody makes one daily."""

import msgspec

from application.sales.lead_views import LeadItem
from benchmarks.bare.leads import PAGE


def test_the_bare_list_shows_what_ours_shows() -> None:
    shown = [field.encode_name for field in msgspec.structs.fields(LeadItem)]
    assert [name for name in shown if f"'{name}'," not in PAGE] == []
