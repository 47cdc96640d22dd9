"""Conflation of a City: the facilities of all its sources, one row a place and class."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from yike.model.city import City, Origin
from yike.sources.conflation.whole import Conflation, conflate
from yike.sources.notes import note

PART = "facilities"
_FILLED_FROM_OTHERS = (
    "floor_area_m2", "site_area_m2", "beds", "seats", "open_hours", "unknown_hours", "outline", "name",
)  # fmt: skip
_SOURCE_SEPARATOR = ";"


def conflate_city(city: City, *, decisions: pd.DataFrame | None = None) -> tuple[City, Conflation]:
    """Return the City with one row for each place and class, and what was joined.

    A row keeps the id and place of its first record, by source and id; what it does not say is taken from the others; the
    entrances of all become its own. Records of different classes stay rows of their own. Raises InputError as `conflate` does.
    """
    facilities = city.facilities
    if not len(facilities):
        return city, conflate({})
    tables = {str(source): rows for source, rows in facilities.groupby("source", sort=True)}
    result = conflate(tables, decisions=decisions)
    place_of = dict(zip(result.members["record_id"], result.members["facility_id"], strict=True))
    place = facilities["facility_id"].map(place_of)
    ordered = facilities.assign(_place=place).sort_values(["_place", "class_id", "source", "facility_id"], kind="stable")
    kept_id = ordered.groupby(["_place", "class_id"], sort=False)["facility_id"].transform("first")
    kept_of = dict(zip(ordered["facility_id"], kept_id, strict=True))
    rows = _together(ordered.assign(_kept=kept_id)).drop(columns=["_place", "_kept"])
    entrances = city.entrances.assign(facility_id=city.entrances["facility_id"].map(lambda name: kept_of.get(name, name)))
    undecided = int((result.pairs["verdict"] == "undecided").sum())
    said = note("conflated", before=len(facilities), after=len(rows), undecided=undecided)
    origin = Origin(PART, "conflation", note=said)
    changed = city.replace(
        facilities=rows,
        entrances=entrances.drop_duplicates(["facility_id", "x", "y"]),
        provenance=(*city.provenance, origin),
    )
    return changed, result


def _together(ordered: pd.DataFrame) -> pd.DataFrame:
    """Keep the first row of each place and class, its gaps filled from the rows behind it."""
    kept = ordered[~ordered["_kept"].duplicated().to_numpy()]
    position_of = {name: position for position, name in enumerate(kept["_kept"])}
    columns = {name: kept[name].to_numpy(object).copy() for name in ("source", *_FILLED_FROM_OTHERS)}
    several = ordered["_kept"].duplicated(keep=False).to_numpy()
    for kept_id, rows in ordered[several].groupby("_kept", sort=False):
        for column, value in _filled(rows).items():
            columns[column][position_of[kept_id]] = value
    return kept.assign(**columns)


def _filled(rows: pd.DataFrame) -> Mapping[str, object]:
    found: dict[str, object] = {"source": _SOURCE_SEPARATOR.join(dict.fromkeys(word for word in rows["source"] if word))}
    for column in _FILLED_FROM_OTHERS:
        filled = [value for value in rows[column] if not _is_blank(value)]
        if filled:
            found[column] = filled[0]
    return found


def _is_blank(value: object) -> bool:
    return value is None or value == "" or (isinstance(value, float) and bool(np.isnan(value)))
