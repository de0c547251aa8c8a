"""What is known of airports without asking anybody: the `airportsdata` table.

It stands in for what the free plan of AirLabs leaves out (city, time zone) and for airports that AirLabs does not list.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import airportsdata

MISPLACED = frozenset({"BRU", "CRL"})
"""Airports whose coordinates in the table are wrong: degrees and minutes read as decimals, 42 and 25 km off."""


@dataclass(frozen=True, slots=True)
class Known:
    """An airport of the table. `position` is (lat, lon), None where the table's cannot be trusted."""

    name: str
    city: str
    country: str
    timezone: str
    position: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """The table, by IATA code."""

    airports: Mapping[str, airportsdata.Airport]

    @classmethod
    def load(cls) -> Self:
        """Read the table: about 70 ms."""
        return cls(airportsdata.load("IATA"))

    def look_up(self, iata: str) -> Known | None:
        """What is known of the airport of that code."""
        row = self.airports.get(iata)
        if row is None:
            return None
        position = None if iata in MISPLACED else (row["lat"], row["lon"])
        return Known(row["name"], row["city"] or row["name"], row["country"], row["tz"], position)
