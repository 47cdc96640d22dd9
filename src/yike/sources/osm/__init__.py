"""OpenStreetMap files: streets, barriers, places and what is drawn behind them."""

from __future__ import annotations

from pathlib import Path

from yike.model.network import StreetNetwork
from yike.sources.osm.reading import read_objects
from yike.sources.osm.streets import street_network


def read_osm(path: Path | str, *, mode: str = "walk", crs: str | None = None) -> StreetNetwork:
    """Read the streets of an OSM file (.osm.pbf, .osm, .osm.gz, .osm.bz2) for one mode: walk, walk_step_free or cycle.

    ``crs`` is a coordinate system in metres; by default the UTM zone of the data. Raises InputError where the file is missing, damaged, of
    another kind or without streets for the mode, UnknownName for another mode.
    """
    return street_network(read_objects(Path(path)), mode=mode, crs=crs)
