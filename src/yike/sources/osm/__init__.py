"""OpenStreetMap files: streets, barriers, places and what is drawn behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from yike.model.city import City, Origin
from yike.model.network import StreetNetwork
from yike.sources.osm.barriers import barriers, context
from yike.sources.osm.entrances import entrances
from yike.sources.osm.extent import known_extent, sea, stated_box
from yike.sources.osm.places import Places, facilities
from yike.sources.osm.reading import OsmData, read_objects
from yike.sources.osm.streets import street_network, utm_zone

LICENCE = "ODbL 1.0, © OpenStreetMap contributors"
Progress = Callable[[str, float], None]


def read_osm(path: Path | str, *, mode: str = "walk", crs: str | None = None) -> StreetNetwork:
    """Read the streets of an OSM file (.osm.pbf, .osm, .osm.gz, .osm.bz2) for one mode: walk, walk_step_free or cycle.

    ``crs`` is a coordinate system in metres; by default the UTM zone of the data. Raises InputError where the file is
    missing, damaged, of another kind or without streets for the mode, UnknownName for another mode.
    """
    return street_network(read_objects(Path(path)), mode=mode, crs=crs)


def read_osm_facilities(
    path: Path | str, *, network: StreetNetwork | None = None, crs: str | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the facilities of an OSM file and their entrances.

    Outlines without mapped entrances are entered where they meet ``network``, by default the file's own walking network;
    ``crs`` is then that of the network. Raises InputError as `read_osm` does.
    """
    data = read_objects(Path(path))
    network = network or street_network(data, mode="walk", crs=crs)
    places = facilities(data, crs=network.crs)
    return places.facilities, entrances(data, places.facilities, network)


def read_osm_city(
    path: Path | str,
    *,
    modes: Sequence[str] = ("walk", "cycle"),
    crs: str | None = None,
    title: str | None = None,
    progress: Progress | None = None,
) -> City:
    """Read all that an OSM file knows of a city: streets of each mode, barriers, facilities with entrances, background, extent.

    There is no population in it: ``demand`` stays empty. A class has an inventory only where the file holds at least one
    such place. The extent is that of `known_extent`; the provenance says how it was found. ``progress`` is told the stage (a
    text key) and the share done. Raises InputError as `read_osm` does.
    """
    tell = progress or (lambda stage, share: None)
    path = Path(path)
    tell("osm.stage.reading", 0.0)
    data = read_objects(path)
    networks: dict[str, StreetNetwork] = {}
    for number, mode in enumerate(modes):
        tell("osm.stage.streets", 0.3 + 0.3 * number / len(modes))
        networks[mode] = street_network(data, mode=mode, crs=crs)
        crs = networks[mode].crs
    crs = crs or utm_zone(data)
    tell("osm.stage.places", 0.6)
    places = facilities(data, crs=crs)
    walked = networks.get("walk") or street_network(data, mode="walk", crs=crs)
    extent, extent_note = known_extent(data, walked)
    box = stated_box(data, crs)
    doors = entrances(data, places.facilities, walked)
    tell("osm.stage.barriers", 0.8)
    city = City(title=title or data.file.split(".")[0], crs=crs, networks=networks).replace(
        facilities=places.facilities,
        entrances=doors,
        barriers=barriers(data, crs=crs),
        context=context(data, crs=crs, sea=None if box is None else sea(data, box, crs=crs)),
        inventories=dict.fromkeys(sorted(set(places.facilities["class_id"])), f"OpenStreetMap, {data.file}"),
        extent=extent,
        provenance=_origins(data, networks, places, extent_note),
        data_date=data.date[:10],
    )
    tell("osm.stage.done", 1.0)
    return city


def _closed(network: StreetNetwork) -> str:
    count = int((~network.attachable).sum())
    return f"{count} segments take no attachment (bridges, tunnels, crossings, platforms, left-over pieces)"


def _origins(data: OsmData, networks: dict[str, StreetNetwork], places: Places, extent_note: str) -> tuple[Origin, ...]:
    def origin(part: str, note: str) -> Origin:
        return Origin(part=part, source=data.file, sha256=data.sha256, date=data.date, licence=LICENCE, note=note)

    broken = f"{data.broken_ways} ways cut where nodes are missing, {data.broken_areas} areas not closed; {extent_note}"
    streets = [
        origin(f"streets_{mode}", f"{network.segment_count} segments, {network.node_count} nodes; {_closed(network)}; {broken}")
        for mode, network in networks.items()
    ]
    return (
        *streets,
        origin("facilities", places.note),
        origin("barriers", "water, rail and motorways on the ground, long walls and fences"),
        origin("context", "water, green, rail, motorways"),
    )
