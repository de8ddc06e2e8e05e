"""Time zones of a phone number: libphonenumber's where it knows, else every zone of the country (tz database)."""

from collections import defaultdict
from functools import cache
from importlib.resources import files

from phonenumbers import PhoneNumber
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_number


@cache
def zones_of_country(country: str) -> tuple[str, ...]:
    """Name every zone of a country (ISO 3166-1 alpha-2), from `zone1970.tab`; empty when there is none."""
    return _zones_by_country().get(country, ())


def zones_of(number: PhoneNumber, country: str) -> tuple[str, ...]:
    """Name every zone in which the number's holder may plausibly be."""
    return _named(time_zones_for_number(number), country)


@cache
def _named(known: tuple[str, ...], country: str) -> tuple[str, ...]:
    if not known or UNKNOWN_TIMEZONE in known:
        return zones_of_country(country)
    links = _links()
    return tuple(dict.fromkeys(links.get(zone, zone) for zone in known))


@cache
def _zones_by_country() -> dict[str, tuple[str, ...]]:
    zones: dict[str, list[str]] = defaultdict(list)
    table = files("tzdata").joinpath("zoneinfo/zone1970.tab").read_text(encoding="utf-8")
    for line in table.splitlines():
        if line and not line.startswith("#"):
            countries, _, zone = line.split("\t")[:3]
            for country in countries.split(","):
                zones[country].append(zone)
    return {country: tuple(names) for country, names in zones.items()}


@cache
def _links() -> dict[str, str]:
    """Map an alias to the zone it is a link of, so that Jersey, Guernsey and London count once."""
    rules = files("tzdata").joinpath("zoneinfo/tzdata.zi").read_text(encoding="utf-8")
    return {
        alias: zone
        for kind, zone, alias in (line.split() for line in rules.splitlines() if line.startswith("L "))
        if kind
    }
