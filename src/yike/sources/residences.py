"""Residences: buildings with floors, streets and raster cells as the places over which totals by neighbourhood are spread."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
import yaml

from yike.analysis.population import building_places, places_in_areas, spread_totals, street_places
from yike.errors import Fault, InputError
from yike.model.city import City
from yike.sources.city_merge import walked_network
from yike.sources.column_words import plain, words_to_ids
from yike.sources.notes import note
from yike.sources.osm.reading import ENDINGS as OSM_ENDINGS
from yike.sources.osm.reading import Subject, read_objects
from yike.sources.placing import places, points_and_outlines
from yike.sources.rasters import raster_places
from yike.sources.row_checks import REFUSE, RowChecks
from yike.sources.tables import open_table

POLYGON_ENDINGS = (".gpkg", ".parquet", ".geoparquet", ".shp", ".geojson", ".json")
BUILDINGS, STREETS, RASTER = "buildings", "streets", "raster"
SPREAD_BY = (BUILDINGS, STREETS, RASTER)
_OSM_BUILDINGS = Subject(("building",), ("building",))
_RESIDENTIAL = "residential"
_FIRST_FIGURE = re.compile(r"\d+(?:[.,]\d+)?")


@dataclass(frozen=True, eq=False)
class Buildings:
    """Hold residential buildings (building_id, kind, floors, outline) and how many of them say only that they are one."""

    table: pd.DataFrame
    unsaid: int

    @property
    def assumed(self) -> int:
        """Count the buildings that state no floors."""
        return int(self.table["floors"].isna().sum())


@cache
def _rules() -> Mapping[str, Any]:
    content = (files("yike.sources") / "mappings" / "residential-buildings.yaml").read_text(encoding="utf-8")
    rules: Mapping[str, Any] = yaml.safe_load(content)
    return rules


def floors_by_kind() -> dict[str, float]:
    """Return the floors that stand in for those of a building that states none, by kind (status: unverified)."""
    return {kind: float(floors) for kind, floors in _rules()["floors"].items()}


def read_buildings(path: Path, *, crs: str, layer: str | None = None) -> Buildings:
    """Read residential buildings from an OpenStreetMap file or a file of polygons, in the metric system ``crs``.

    A building counts by its kind (`mappings/residential-buildings.yaml`); ``building=yes`` counts unless another tag gives it
    another use or it is smaller than 40 m². A file of polygons without a kind column holds homes only.

    Raises:
        InputError: the file cannot be read, a row is bad, or no building is residential.
    """
    path = Path(path)
    found = _osm_buildings(path, crs) if path.name.lower().endswith(OSM_ENDINGS) else _polygon_buildings(path, crs, layer)
    if not len(found.table):
        raise InputError([Fault("population.no_buildings", str(path))])
    return found


def _osm_buildings(path: Path, crs: str) -> Buildings:
    from yike.sources.osm.places import to_crs

    rules = _rules()
    areas = [area for area in read_objects(path, subject=_OSM_BUILDINGS).areas if area.tags["building"] in rules["floors"]]
    outlines = np.empty(len(areas), object)
    outlines[:] = [area.shape for area in areas]
    outlines = to_crs(outlines, crs)
    kinds = np.array([area.tags["building"] for area in areas], object)
    unsaid = kinds == rules["unsaid"]
    used = np.array([any(key in area.tags for key in rules["other_use"]) for area in areas], bool)
    kept = ~unsaid | (~used & (shapely.area(outlines) >= rules["least_unsaid_area_m2"]))
    table = pd.DataFrame(
        {
            "building_id": [f"osm:{area.id}" for area in areas],
            "kind": kinds,
            "floors": [floor_count(area.tags.get("building:levels")) for area in areas],
            "outline": outlines,
        }
    )
    return Buildings(table[kept].reset_index(drop=True), int((kept & unsaid).sum()))


def _polygon_buildings(path: Path, crs: str, layer: str | None) -> Buildings:
    opened = open_table(path, layer=layer, endings=POLYGON_ENDINGS)
    checks = RowChecks(opened.label, opened.frame, _building_columns(opened.frame))
    ids = checks.ids("building_id", prefix=path.stem)
    _, outlines = points_and_outlines(checks, places(checks, crs))
    checks.mark("population.not_areas", "geometry", shapely.is_missing(outlines))
    checks.settle(REFUSE)
    words = words_to_ids(_rules()["words"]) | {plain(kind): kind for kind in _rules()["floors"]}
    kinds = np.array([words.get(plain(word), "") if word else "" for word in checks.words("kind")], object)
    if not checks.has("kind"):
        kinds[:] = _RESIDENTIAL
    floors = [floor_count(word) for word in checks.words("floors")]
    rows = pd.DataFrame({"building_id": ids, "kind": kinds, "floors": floors, "outline": outlines})
    return Buildings(rows[kinds != ""].reset_index(drop=True), int((kinds == _rules()["unsaid"]).sum()))


def _building_columns(table: pd.DataFrame) -> dict[str, str]:
    present = {plain(column): str(column) for column in table.columns if column != "geometry"}
    found = {}
    for name, spellings in _rules()["columns"].items():
        column = next((present[plain(word)] for word in spellings if plain(word) in present), None)
        if column is not None:
            found[name] = column
    return found


def floor_count(word: object) -> float:
    """Return the floors that a word states (``6``, ``5.5``, ``3;4``), NaN where it states none or too many."""
    found = _FIRST_FIGURE.search(str(word or ""))
    floors = float(found.group().replace(",", ".")) if found else np.nan
    return floors if 0 < floors <= _rules()["most_floors"] else np.nan


def spread_over_residences(
    totals: pd.DataFrame,
    *,
    areas: pd.DataFrame,
    city: City,
    by: str,
    weights: Path | None,
    groups: Sequence[str],
    file: str,
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Spread people by area over residences: rows of the table `demand`, nobody lost, and notes on it.

    ``totals`` has ``area_id`` and people as `spread_totals` wants them, ``areas`` the same ``area_id`` with ``outline``,
    ``centre_x`` and ``centre_y`` [m]. ``by`` says over what: ``buildings``
    (``weights`` is a file of them; floor area weighs), ``streets`` (the city's own; length weighs) or ``raster``
    (``weights`` is a GeoTIFF; its people weigh). People of an area with no such place, or without an
    outline, stand at its centre.

    Raises:
        InputError: the totals or the file of weights are bad, or ``by`` is unknown or lacks its file.
    """
    if by not in SPREAD_BY:
        raise InputError([Fault("name.unknown", "by", values={"thing": "by", "name": by, "known": ", ".join(SPREAD_BY)})])
    if by != STREETS and weights is None:
        raise InputError([Fault("population.no_weights", file, field="weights", values={"by": by})])
    homes, told = _homes(city, areas, by, weights)
    homes, alone = _with_centres(totals, homes, areas)
    rows = spread_totals(totals, homes, groups=groups, file=file)
    notes = [note(f"spread_{by}", areas=int((totals["residents"] > 0).sum()), points=len(rows), **told)]
    if alone:
        people = int(totals.loc[totals["area_id"].isin(alone), "residents"].sum())
        notes.append(note("spread_centres", people=people, areas=len(alone)))
    return rows, tuple(notes)


def _homes(city: City, areas: pd.DataFrame, by: str, weights: Path | None) -> tuple[pd.DataFrame, dict[str, int]]:
    if by == BUILDINGS and weights is not None:
        buildings = read_buildings(weights, crs=city.crs)
        homes = building_places(buildings.table, floors_by_kind=floors_by_kind())
        told = {"buildings": len(buildings.table), "assumed": buildings.assumed, "unsaid": buildings.unsaid}
        return places_in_areas(homes, areas), told
    if by == RASTER and weights is not None:
        return raster_places(weights, areas=areas, crs=city.crs)[0], {}
    return places_in_areas(street_places(walked_network(city)), areas), {}


def _with_centres(totals: pd.DataFrame, homes: pd.DataFrame, areas: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Add the centre of each area that has people and no place with a weight; return the places and those areas."""
    held = homes.groupby("area_id")["weight"].sum()
    lived = totals.loc[totals["residents"] > 0, "area_id"].unique()
    alone = [str(area) for area in lived if held.get(area, 0.0) <= 0]
    centres = areas[areas["area_id"].isin(alone)]
    added = pd.DataFrame(
        {
            "place_id": [f"centre-{area}" for area in centres["area_id"]],
            "area_id": centres["area_id"].to_numpy(object),
            "x": centres["centre_x"].to_numpy(np.float64),
            "y": centres["centre_y"].to_numpy(np.float64),
            "weight": np.ones(len(centres)),
        }
    )
    return (pd.concat([homes, added], ignore_index=True) if len(added) else homes), alone
