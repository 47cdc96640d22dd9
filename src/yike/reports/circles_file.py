"""Reach outlines of every centre as a file for a map program."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd

from yike.analysis.circles import circles
from yike.errors import Fault, InputError
from yike.model.city import City

DRIVERS = {".gpkg": "GPKG", ".geojson": "GeoJSON", ".parquet": ""}


def write_circles(folder: Path, out: Path, *, profile: str, minutes: tuple[int, ...]) -> int:
    """Write the circles of a City folder as GeoPackage, GeoJSON or GeoParquet, by the ending of ``out``; return how many."""
    out = Path(out)
    if out.suffix not in DRIVERS:
        values = {"ending": out.suffix or "–", "known": ", ".join(DRIVERS)}
        raise InputError([Fault("file.unknown_kind", str(out), values=values)])
    city = City.load(folder)
    table = gpd.GeoDataFrame(circles(city, profile=profile, minutes=minutes), geometry="geometry", crs=city.crs)
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(f".{out.name}")
    if out.suffix == ".parquet":
        table.to_parquet(draft, index=False)
    elif out.suffix == ".geojson":
        table.to_crs("EPSG:4326").to_file(draft, driver=DRIVERS[out.suffix])
    else:
        table.to_file(draft, driver=DRIVERS[out.suffix], layer="circles")
    draft.replace(out)
    return len(table)
