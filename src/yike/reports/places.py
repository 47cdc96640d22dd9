"""The neighbourhoods of a report: named in its language, numbered within their subdistrict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from yike.model.city import City
from yike.reports.wording import Wording


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """Hold one unit: its row in the city's table, its number within the subdistrict, its words and where it lies [m]."""

    index: int
    number: int
    unit_id: str
    name: str
    kind: str
    residents: int
    x: float
    y: float
    outline: shapely.Geometry | None


@dataclass(frozen=True, eq=False)
class Subdistrict:
    """Hold one subdistrict with its neighbourhoods; ``anchor`` names its page."""

    anchor: str
    area_id: str
    name: str
    units: tuple[Neighbourhood, ...]


@dataclass(frozen=True, eq=False)
class Places:
    """Hold all subdistricts; ``divided`` is false where the city names none and one page holds everything."""

    subdistricts: tuple[Subdistrict, ...]
    district: str
    divided: bool
    population_known: bool

    @cached_property
    def by_id(self) -> dict[str, Neighbourhood]:
        """Return each neighbourhood by its id."""
        return {unit.unit_id: unit for area in self.subdistricts for unit in area.units}

    @cached_property
    def home(self) -> dict[str, Subdistrict]:
        """Return the subdistrict of each neighbourhood by its id."""
        return {unit.unit_id: area for area in self.subdistricts for unit in area.units}

    @cached_property
    def units(self) -> tuple[Neighbourhood, ...]:
        """List the neighbourhoods in the order of the city's table."""
        return tuple(sorted(self.by_id.values(), key=lambda unit: unit.index))

    @property
    def have_outlines(self) -> bool:
        """Tell whether at least half the neighbourhoods have an outline to draw."""
        return 2 * sum(unit.outline is not None for unit in self.units) >= max(1, len(self.units))

    def spacing_m(self) -> float:
        """Return the median distance from one centre to the next [m]."""
        xy = np.array([(unit.x, unit.y) for unit in self.units])
        if len(xy) < 2:
            return 1000.0
        from scipy.spatial import cKDTree

        return float(np.median(cKDTree(xy).query(xy, k=2)[0][:, 1])) or 1000.0

    def shapes(self) -> NDArray[np.object_]:
        """Return what bounds the neighbourhoods: outlines, or centres where there is none."""
        return np.array([unit.outline or shapely.Point(unit.x, unit.y) for unit in self.units], dtype=object)


def places_of(city: City, *, residents: Mapping[str, int], words: Wording) -> Places:
    """Group the city's units by subdistrict, in the order of their ids.

    ``residents``: people of each unit id.
    """
    units = city.units
    ids = units["subdistrict_id"].astype(str)
    divided = bool((ids != "").any())
    groups = []
    for order, (area_id, rows) in enumerate(units.groupby(ids.to_numpy(), sort=True), start=1):
        members = tuple(
            _neighbourhood(rows.loc[row], int(row), number, residents=residents, words=words)
            for number, row in enumerate(rows.index, start=1)
        )
        groups.append(Subdistrict(f"s{order}", str(area_id), _area_name(rows, divided=divided, words=words), members))
    districts = [name for name in units["district"].unique() if name]
    return Places(tuple(groups), words.joined(districts), divided, sum(residents.values()) > 0)


def _neighbourhood(
    row: pd.Series, index: int, number: int, *, residents: Mapping[str, int], words: Wording
) -> Neighbourhood:
    name = str(row["name"])
    if words.lang == "en" and row["name_en"]:
        name = str(row["name_en"])
    outline = row["outline"]
    drawn = outline if outline is not None and not outline.is_empty else None
    return Neighbourhood(
        index=index,
        number=number,
        unit_id=str(row["unit_id"]),
        name=name,
        kind=str(row["kind"] or ""),
        residents=residents.get(str(row["unit_id"]), 0),
        x=float(row["centre_x"]),
        y=float(row["centre_y"]),
        outline=drawn,
    )


def _area_name(rows: pd.DataFrame, *, divided: bool, words: Wording) -> str:
    first = rows.iloc[0]
    if words.lang == "en" and first["subdistrict_en"]:
        return str(first["subdistrict_en"])
    if first["subdistrict"]:
        return str(first["subdistrict"])
    if first["subdistrict_id"]:
        return str(first["subdistrict_id"])
    return words.say("area.without_subdistrict" if divided else "area.all")
