"""A town of five neighbourhoods whose every figure can be checked in the head: one metre is one second."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import shapely
from small_city import city, demand, facilities, table, units

from yike.model.city import City, Origin

CLASSES: Mapping[str, Mapping[str, object]] = {
    "clinic": {"minutes": 10},
    "school": {"minutes": 5},
    "park": {"metres": 300},
    "pharmacy": {"minutes": 10},
    "bakery": {"minutes": 10, "obligation": "recommended"},
}
LISTED = ("clinic", "school", "park", "bakery")
NASTY = "Alpha <script>alert(1)</script> & 'Co'"
GROUPS = ("age_0_2", "age_60_79")
PLACES = facilities(
    ("k1", "clinic", 100, 0),
    ("s1", "school", 1000, 0),
    ("p1", "park", 1880, 0),
    ("d1", "pharmacy", 1500, 0),
)
PEOPLE = demand(
    ("d1", "u1", 100, 0, 60, 40),
    ("d2", "u2", 900, 0, 150, 50),
    ("d3", "u3", 1900, 0, 300, 0),
    ("d4", "u4", 100, 5000, 20, 20),
    ("d5", "u5", 500, 3000, 10, 0),
    groups=GROUPS,
)
ROWS = (("u1", 100, 0), ("u2", 900, 0), ("u3", 1900, 0), ("u4", 100, 5000), ("u5", 500, 3000))


def neighbourhoods() -> pd.DataFrame:
    """Return five units: u1 and u2 in S1, the others in S2; all with a square as outline."""
    made = units(*ROWS)
    return made.assign(
        name=[NASTY, "Beta", "Gamma", "Delta", "Epsilon"],
        name_en=["", "Beta in English", "", "", ""],
        subdistrict_id=["S1", "S1", "S2", "S2", "S2"],
        subdistrict=["东街道", "东街道", "西镇", "西镇", "西镇"],
        subdistrict_en=["East", "East", "West", "West", "West"],
        district="河口区",
        outline=[shapely.box(x - 90, y - 90, x + 90, y + 90) for _, x, y in ROWS],
    )


def town_city(**parts: object) -> City:
    """Return the town; ``parts`` replace its tables."""
    tables: dict[str, object] = {"units": neighbourhoods(), "facilities": PLACES, "demand": PEOPLE}
    tables["barriers"] = table(
        "barrier_id kind geometry", ("b1", "water", shapely.LineString([(-500, 2500), (2500, 2500)]))
    )
    tables["context"] = table("context_id kind geometry", ("g1", "green", shapely.box(200, 100, 500, 300)))
    made = city(listed=LISTED, groups=GROUPS, extent=shapely.box(-5000, -5000, 9000, 9000))
    origin = Origin("streets", "Survey <b>2024</b>", sha256="ab" * 32, date="2024-03-01", licence="CC0", note="by hand")
    return made.replace(provenance=(origin,), data_date="2024-03-02", **{**tables, **parts})
