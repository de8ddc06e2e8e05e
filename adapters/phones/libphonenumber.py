"""Phone numbers read by Google's libphonenumber: a number counts when the library calls it valid, not just possible."""

import re

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType, ValidationResult

from adapters.phones.plans import PLANS, Plan
from adapters.phones.zones import zones_of, zones_of_country
from application.outreach.phone_numbers import LineType, ReadPhone, Unreadable
from domain.kernel import Phone

_LINE_TYPES: dict[int, LineType] = {
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE: "fixed_line",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_line_or_mobile",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PREMIUM_RATE: "premium",
}
_ELIGIBLE = frozenset({"mobile", "fixed_line_or_mobile", "fiction"})

# Ofcom, "Telephone numbers for use in TV and radio drama programmes": first seven digits, the last three are free.
_UK_DRAMA_AREAS = (
    *("1134960", "1144960", "1154960", "1164960", "1174960", "1214960", "1314960", "1414960", "1514960", "1614960"),
    *("2079460", "1914980", "2896496", "2920180", "1632960"),
)
_UK_DRAMA: dict[str, LineType] = {
    **dict.fromkeys(_UK_DRAMA_AREAS, "fixed_line"),
    "7700900": "fiction",
    "8081570": "toll_free",
    "9098790": "premium",
    "3069990": "other",
}

NO_NUMBER = Unreadable("No number given.")
_NOT_A_NUMBER = Unreadable("Not a phone number.")
_LETTER_O = Unreadable("The letter O stands where a digit belongs.")
_LETTERS = Unreadable("There are letters in the number.")
_TWO_NUMBERS = Unreadable("Two numbers in one cell.")
_TOO_SHORT = Unreadable("Too short to be dialled.")
_TOO_LONG = Unreadable("Too long to be dialled.")
_NO_SUCH_CODE = Unreadable("There is no such country code.")
_FICTION = Unreadable("This number is kept for fiction; nobody can be reached on it.")

_PARSE_ERRORS = {
    NumberParseException.INVALID_COUNTRY_CODE: _NO_SUCH_CODE,
    NumberParseException.NOT_A_NUMBER: _NOT_A_NUMBER,
    NumberParseException.TOO_SHORT_AFTER_IDD: _TOO_SHORT,
    NumberParseException.TOO_SHORT_NSN: _TOO_SHORT,
    NumberParseException.TOO_LONG: _TOO_LONG,
}
_LENGTH_ERRORS = {
    ValidationResult.TOO_SHORT: _TOO_SHORT,
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: _TOO_SHORT,
    ValidationResult.TOO_LONG: _TOO_LONG,
    ValidationResult.INVALID_COUNTRY_CODE: _NO_SUCH_CODE,
}

_LABEL = re.compile(r"^(?:tel|telephone|phone|mob|mobile|cell|[tmp])\s*[:.]\s*(?=[+(\d])", re.IGNORECASE)
_EXTENSION = re.compile(r"[\s,;]*(?:x|ext|extn|extension|#)[\s.:]*\d{1,7}$", re.IGNORECASE)
_SPREADSHEET_FLOAT = re.compile(r"^(\+?\d{9,15})\.0$", re.ASCII)
_BETWEEN = re.compile(r"[/;,|&\n]|\b(?:or|and)\b", re.IGNORECASE)
_O_FOR_ZERO = re.compile(r"(?<=[\d\s)+-])[oO]+(?=[\d\s-]|$)|\d[oO]|[oO]\d")


class Libphonenumber:
    """Read numbers with libphonenumber; `fiction` lets the regulators' made-up numbers through, for the sandbox."""

    def __init__(self, *, fiction: bool) -> None:
        self.fiction = fiction

    def read(self, text: str, country: str) -> ReadPhone | Unreadable:
        """Read one cell; common British and American forms take a short cut that tests hold equal to the library."""
        plan = PLANS.get(country)
        if plan is not None:
            matched = plan.form(text)
            if matched is not None:
                national = matched[1]
                if len(national) > 10:
                    national = national.translate(plan.separators)
                found = self._by_plan(plan, national)
                if found is not None:
                    return found
        return self.read_by_library(text, country)

    def read_by_library(self, text: str, country: str) -> ReadPhone | Unreadable:
        """Read one cell the long way round."""
        written = text.strip()
        if not written:
            return NO_NUMBER
        prepared = _prepared(written)
        if isinstance(prepared, Unreadable):
            return prepared
        outcome = self._parsed(prepared, country)
        if isinstance(outcome, Unreadable) and prepared.startswith("00"):
            # 00 is written for + also where another prefix is dialled (011 in America).
            again = self._parsed("+" + prepared[2:], country)
            return again if isinstance(again, ReadPhone) else outcome
        return outcome

    def _by_plan(self, plan: Plan, national: str) -> ReadPhone | None:
        if (plan.code == 44 and national[:7] in _UK_DRAMA) or (plan.code == 1 and national[3:8] == "55501"):
            return None if not self.fiction else self._fiction(plan.code, national)
        line_type = plan.line_type(national)
        if line_type is None:
            return None
        number = f"+{plan.code}{national}"
        return ReadPhone(
            Phone(number), line_type, line_type in _ELIGIBLE, plan.zones(national, line_type), plan.country
        )

    def _fiction(self, code: int, national: str) -> ReadPhone | None:
        """Read a made-up number: any of Ofcom's, or 555-0100 to 555-0199 behind a valid American area code."""
        if code == 44:
            country, line_type, zones = "GB", _UK_DRAMA[national[:7]], zones_of_country("GB")
        else:
            number = PhoneNumber(country_code=code, national_number=int(national))
            country, line_type = phonenumbers.region_code_for_number(number) or "", "fiction"
            if not country:
                return None
            zones = zones_of(number, country)
        return ReadPhone(Phone(f"+{code}{national}"), line_type, line_type in _ELIGIBLE, zones, country)

    def _parsed(self, written: str, country: str) -> ReadPhone | Unreadable:
        try:
            number = phonenumbers.parse(written, country)
        except NumberParseException as error:
            return _PARSE_ERRORS.get(error.error_type, _NOT_A_NUMBER)
        number.extension = None
        national = phonenumbers.national_significant_number(number)
        code = number.country_code or 0
        if len(national) == 10 and (
            (code == 44 and national[:7] in _UK_DRAMA) or (code == 1 and national[3:8] == "55501")
        ):
            made_up = self._fiction(code, national)
            if made_up is not None:
                return made_up if self.fiction else _FICTION
        if not phonenumbers.is_valid_number(number):
            region = phonenumbers.region_code_for_country_code(code)
            named = region if region not in {"ZZ", "001"} else f"+{code}"
            reason = phonenumbers.is_possible_number_with_reason(number)
            return _LENGTH_ERRORS.get(reason) or Unreadable(f"Not a valid number in {named}.")
        region = phonenumbers.region_code_for_number(number) or "ZZ"
        place = region if region != "001" else "ZZ"
        line_type = _LINE_TYPES.get(phonenumbers.number_type(number), "other")
        e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        return ReadPhone(Phone(e164), line_type, line_type in _ELIGIBLE, zones_of(number, place), place)


def _prepared(written: str) -> str | Unreadable:
    """Take labels, extensions and a spreadsheet's `.0` away, and refuse what the library would guess at."""
    if not any(character.isdigit() for character in written):
        return _NOT_A_NUMBER
    parts = [sum(character.isdigit() for character in part) for part in _BETWEEN.split(written)]
    if sum(count >= 7 for count in parts) >= 2:
        return _TWO_NUMBERS
    bare = _EXTENSION.sub("", _LABEL.sub("", written))
    bare = _SPREADSHEET_FLOAT.sub(r"\1", bare)
    if any(character.isalpha() for character in bare):
        return _LETTER_O if _O_FOR_ZERO.search(bare) else _LETTERS
    return bare
