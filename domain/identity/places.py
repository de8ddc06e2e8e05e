"""The places and tongues an organisation may name: ISO 3166-1, ISO 4217, ISO 639-1 and the IANA zones."""

import re
from zoneinfo import available_timezones

from domain.kernel import Invalid

_COUNTRIES = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY
    BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK
    FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR
    IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK
    ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM
    PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF
    TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
COUNTRIES = frozenset(_COUNTRIES.split())
"""Countries by their ISO 3166-1 alpha-2 codes."""

_CURRENCIES = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF
    CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL
    HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD
    MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG
    QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SYP SZL THB TJS TMT TND TOP TRY TTD TWD
    TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""
CURRENCIES = frozenset(_CURRENCIES.split())
"""Currencies that are legal tender somewhere today, by their ISO 4217 codes."""

_LANGUAGES = """
    aa ab af ak am an ar as az ba be bg bm bn bo br bs ca ce co cs cu cv cy da de dv dz ee el en eo es et eu fa
    ff fi fo fr fy ga gd gl gn gu gv ha he hi hr ht hu hy ia id ie ig ii io is it iu ja jv ka ki kk kl km kn ko
    ks ku kw ky la lb lg ln lo lt lu lv mg mi mk ml mn mr ms mt my nb nd ne nl nn no nr nv ny oc om or os pa pl
    ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sn so sq sr ss st su sv sw ta te tg th ti tk tn to tr ts tt
    ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
"""
LANGUAGES = frozenset(_LANGUAGES.split())
"""Languages by their ISO 639-1 codes."""

_LOCALE = re.compile(r"(?P<language>[a-z]{2})(?:-(?P<country>[A-Z]{2}))?")


def check_country(code: str) -> str:
    """Give the code back, or refuse one that ISO 3166-1 does not know."""
    if code not in COUNTRIES:
        raise Invalid("A country is two capital letters of ISO 3166-1, such as GB.", field="country")
    return code


def check_currency(code: str) -> str:
    """Give the code back, or refuse one that is legal tender nowhere."""
    if code not in CURRENCIES:
        raise Invalid("A currency is three capital letters of ISO 4217, such as GBP.", field="currency")
    return code


def check_time_zone(name: str, field: str = "time_zone") -> str:
    """Give the name back, or refuse one that the IANA database does not know."""
    if name not in available_timezones():
        raise Invalid("A time zone is a name of the IANA database, such as Europe/London.", field=field)
    return name


def check_locale(tag: str) -> str:
    """Give the tag back, or refuse what is not a language, or a language and a country (BCP 47)."""
    found = _LOCALE.fullmatch(tag)
    if not found or found["language"] not in LANGUAGES or (found["country"] or "GB") not in COUNTRIES:
        raise Invalid("A locale is a language such as en, or one with a country such as en-GB.", field="locale")
    return tag
