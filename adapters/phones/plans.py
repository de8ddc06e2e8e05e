"""The short cut for the common ways to write a British or American number, built from libphonenumber's own patterns."""

import re
from collections.abc import Callable

from phonenumbers import PhoneMetadata, PhoneNumber
from phonenumbers.phonemetadata import PhoneNumberDesc

from adapters.phones.zones import zones_of
from application.outreach.phone_numbers import LineType


class Plan:
    """Know one country's ten-digit mobile and geographic numbers; what it does not know is the library's to read."""

    separators = str.maketrans("", "", " -.()")

    def __init__(self, country: str, form: str, zone_digits: int) -> None:
        metadata = PhoneMetadata.metadata_for_region(country)
        if metadata is None or metadata.country_code is None:
            raise LookupError(f"libphonenumber has no data for {country}")
        self.country = country
        self.code = metadata.country_code
        self.form: Callable[[str], re.Match[str] | None] = re.compile(form, re.ASCII).fullmatch
        mobile, fixed = _numbers(metadata.mobile), _numbers(metadata.fixed_line)
        self._mobile = re.compile(mobile, re.ASCII).fullmatch
        self._fixed = re.compile(fixed, re.ASCII).fullmatch
        self._same = mobile == fixed
        # The library tries these first (number_type), so a number of theirs is neither mobile nor fixed.
        self._special = re.compile(
            "|".join(
                desc.national_number_pattern
                for desc in (
                    metadata.premium_rate,
                    metadata.toll_free,
                    metadata.shared_cost,
                    metadata.voip,
                    metadata.personal_number,
                    metadata.pager,
                    metadata.uan,
                    metadata.voicemail,
                )
                if desc is not None and desc.national_number_pattern
            ),
            re.ASCII,
        ).fullmatch
        self._zone_digits = zone_digits
        self._zones: dict[tuple[str, LineType], tuple[str, ...]] = {}

    def line_type(self, national: str) -> LineType | None:
        """Tell the line type of ten national digits; None when the library must decide."""
        if self._mobile(national):
            kind: LineType = "fixed_line_or_mobile" if self._same else "mobile"
        elif self._fixed(national):
            kind = "fixed_line"
        else:
            return None
        return None if self._special(national) else kind

    def zones(self, national: str, line_type: LineType) -> tuple[str, ...]:
        """Name the plausible zones, remembered by the leading digits that decide them."""
        key = (national[: self._zone_digits], line_type)
        known = self._zones.get(key)
        if known is None:
            number = PhoneNumber(country_code=self.code, national_number=int(national))
            known = self._zones[key] = zones_of(number, self.country)
        return known


def _numbers(desc: PhoneNumberDesc | None) -> str:
    if desc is None or not desc.national_number_pattern:
        raise LookupError("libphonenumber has no such numbers in this country")
    return desc.national_number_pattern


_TEN = r"([1-9](?:[ -]?\d){9})"

PLANS = {
    "GB": Plan("GB", r"(?:(?:\+|00 ?)44[ -]?(?:\(0\) ?|0)?|44[ -]?|0|)" + _TEN, 4),
    "US": Plan("US", r"(?:(?:\+|011 ?)?1[ .-]?)?(\(?[2-9]\d{2}\)?[ .-]?\d{3}[ .-]?\d{4})", 6),
}
