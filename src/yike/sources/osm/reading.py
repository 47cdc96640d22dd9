"""Reading an OpenStreetMap file: the tagged nodes, ways and areas that the other modules of this room understand."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import osmium
import shapely
from numpy.typing import NDArray

from yike.errors import Fault, InputError
from yike.sources.osm.rules import Tags

ENDINGS = (".osm.pbf", ".pbf", ".osm", ".osm.gz", ".osm.bz2")
_STREET_KEYS = ("highway", "barrier", "railway", "waterway", "man_made", "kerb", "public_transport")
_PLACE_KEYS = (
    "amenity", "leisure", "shop", "healthcare", "social_facility", "office", "tourism", "landuse", "natural",
)  # fmt: skip
_AREA_KEYS = (*_PLACE_KEYS, "highway", "waterway", "public_transport", "railway")
# Single trees are most tagged nodes of a city and nothing here reads them.
_IDLE_NATURAL = ("tree", "shrub", "peak", "rock", "stone")
_REPLICATION = "osmosis_replication_timestamp"
_OUT_OF_ORDER = "out of order"
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Subject:
    """Say which objects of a file are wanted: those with one of ``keys``, as areas those with one of ``area_keys``."""

    keys: tuple[str, ...]
    area_keys: tuple[str, ...]


CITY = Subject((*_STREET_KEYS, *_PLACE_KEYS, "entrance"), _AREA_KEYS)
NEIGHBOURHOODS = Subject(("place",), ("place",))


@dataclass(frozen=True)
class OsmNode:
    """Hold one tagged node; longitude and latitude in degrees."""

    id: int
    lon: float
    lat: float
    tags: Tags


@dataclass(frozen=True)
class OsmWay:
    """Hold one run of a way whose nodes are all in the file: (k,) node ids and (k, 2) longitude and latitude."""

    id: int
    refs: NDArray[np.int64]
    lonlat: NDArray[np.float64]
    tags: Tags

    @property
    def closed(self) -> bool:
        """Tell whether the run ends where it began."""
        return bool(self.refs[0] == self.refs[-1])


@dataclass(frozen=True)
class OsmArea:
    """Hold one closed way (``w123``) or multipolygon (``r123``) as a polygon in degrees."""

    id: str
    tags: Tags
    shape: shapely.MultiPolygon


@dataclass(frozen=True)
class OsmData:
    """Hold what was read from one file.

    ``walkable_rings`` are the rings of multipolygons with a ``highway`` tag, as ways. ``box`` is the bounding box of the header
    (west, south, east, north) or None; ``date`` the time of the data in ISO 8601. ``broken_ways`` counts ways of which some
    nodes are not in the file, ``broken_areas`` areas whose rings do not close.
    """

    file: str
    sha256: str
    date: str
    box: tuple[float, float, float, float] | None
    nodes: tuple[OsmNode, ...]
    ways: tuple[OsmWay, ...]
    areas: tuple[OsmArea, ...]
    walkable_rings: tuple[OsmWay, ...]
    broken_ways: int
    broken_areas: int


def read_objects(path: Path, *, subject: Subject = CITY) -> OsmData:
    """Read the tagged nodes, ways and areas of an OSM file that belong to a subject, ordered by id.

    ``path`` ends in .osm.pbf, .pbf, .osm, .osm.gz or .osm.bz2. osmium passes twice over the file: once for the members of
    multipolygons, once for everything. Raises InputError where the file is missing, of another kind, or damaged. A .pbf cut
    exactly between two of its blocks is whole to every reader; it shows only by what is then missing.
    """
    check_file(path)
    try:
        header = _header(path)
        found = _found(path, subject)
    except (RuntimeError, ValueError, UnicodeDecodeError) as error:
        raise InputError([Fault("file.damaged", str(path), values={"reason": error})]) from error
    if found.unsaved:
        raise InputError([Fault("osm.unsaved_ids", str(path), values={"id": found.unsaved[0]}, count=len(found.unsaved))])
    box = header.box()
    return OsmData(
        file=path.name,
        sha256=_sha256(path),
        date=header.get(_REPLICATION) or header.get("timestamp") or found.newest_time(),
        box=(box.bottom_left.lon, box.bottom_left.lat, box.top_right.lon, box.top_right.lat) if box.valid() else None,
        nodes=tuple(sorted(found.nodes, key=lambda node: node.id)),
        ways=tuple(sorted(found.ways, key=lambda way: way.id)),
        areas=tuple(sorted(found.areas, key=lambda area: (area.id[0], int(area.id[1:])))),
        walkable_rings=tuple(sorted(found.rings, key=lambda way: way.id)),
        broken_ways=found.broken_ways,
        broken_areas=found.broken_areas,
    )


def check_file(path: Path) -> None:
    """Raise InputError where the file is missing or its name ends in none of ``ENDINGS``."""
    if not path.is_file():
        raise InputError([Fault("file.missing", str(path))])
    if not path.name.lower().endswith(ENDINGS):
        values = {"ending": path.suffix or "—", "known": ", ".join(ENDINGS)}
        raise InputError([Fault("file.unknown_kind", str(path), values=values)])


def _header(path: Path) -> Any:
    with osmium.io.Reader(str(path)) as reader:
        return reader.header()


def _found(path: Path, subject: Subject) -> _Found:
    """Read a file once; a text file whose nodes do not come first, in the order of their ids, is put in order and read again."""
    found = _Found()
    try:
        for item in _items(path, subject):
            found.add(item)
    except RuntimeError as error:
        if _OUT_OF_ORDER not in str(error):
            raise
    else:
        if not found.broken_ways or path.name.endswith(".pbf"):
            return found
    found = _Found()
    with tempfile.TemporaryDirectory() as folder:
        ordered = Path(folder) / "ordered.osm.pbf"
        _put_in_order(path, ordered)
        for item in _items(ordered, subject):
            found.add(item)
    return found


def _put_in_order(path: Path, ordered: Path) -> None:
    reader = osmium.MergeInputReader()
    reader.add_file(str(path))
    with osmium.SimpleWriter(str(ordered)) as writer:
        reader.apply(_Copy(writer))


class _Copy(osmium.SimpleHandler):
    """Write every object to another file."""

    def __init__(self, writer: Any) -> None:
        super().__init__()
        self._writer = writer

    def node(self, item: Any) -> None:
        self._writer.add_node(item)

    def way(self, item: Any) -> None:
        self._writer.add_way(item)

    def relation(self, item: Any) -> None:
        self._writer.add_relation(item)


def _items(path: Path, subject: Subject) -> Iterator[Any]:
    processor = osmium.FileProcessor(str(path)).with_locations()
    processor = processor.with_areas(osmium.filter.KeyFilter(*subject.area_keys))
    return iter(processor.with_filter(osmium.filter.KeyFilter(*subject.keys)))


class _Found:
    """Collect objects while the file is read."""

    def __init__(self) -> None:
        self.nodes: list[OsmNode] = []
        self.ways: list[OsmWay] = []
        self.areas: list[OsmArea] = []
        self.rings: list[OsmWay] = []
        self.broken_ways = 0
        self.broken_areas = 0
        self.unsaved: list[int] = []
        self._newest = 0.0
        self._newest_text = ""
        self._shapes = osmium.geom.WKBFactory()

    def newest_time(self) -> str:
        """Return the time of the newest object read, or an empty string."""
        return self._newest_text

    def add(self, item: Any) -> None:
        """Take one object of the file."""
        if not item.is_area() and item.id < 0:
            self.unsaved.append(item.id)
        if item.is_node():
            self._add_node(item)
        elif item.is_way():
            self._add_way(item)
        elif item.is_area():
            self._add_area(item)
        if not item.is_area():
            self._note_time(item)

    def _note_time(self, item: Any) -> None:
        seconds = item.timestamp.timestamp()
        if seconds > self._newest:
            self._newest = seconds
            self._newest_text = item.timestamp.strftime("%Y-%m-%dT%H:%M:%SZ")

    def _add_node(self, item: Any) -> None:
        if item.tags.get("natural") not in _IDLE_NATURAL and item.location.valid():
            self.nodes.append(OsmNode(item.id, item.location.lon, item.location.lat, _tags(item)))

    def _add_way(self, item: Any) -> None:
        tags = _tags(item)
        # What is drawn as a closed way comes again as an area; only lines need their nodes.
        if item.is_closed() and not any(key in tags for key in _STREET_KEYS) and tags.get("natural") != "coastline":
            return
        runs, whole = _runs(item.nodes)
        self.broken_ways += not whole
        self.ways += [OsmWay(item.id, refs, lonlat, tags) for refs, lonlat in runs]

    def _add_area(self, item: Any) -> None:
        tags = _tags(item)
        try:
            shape = shapely.from_wkb(bytes.fromhex(self._shapes.create_multipolygon(item)))
        except RuntimeError:
            self.broken_areas += 1
            return
        self.areas.append(OsmArea(f"{'w' if item.from_way() else 'r'}{item.orig_id()}", tags, shape))
        if "highway" in tags and not item.from_way():
            for outer in item.outer_rings():
                for ring in (outer, *item.inner_rings(outer)):
                    self.rings += [OsmWay(item.orig_id(), refs, lonlat, tags) for refs, lonlat in _runs(ring)[0]]


def _tags(item: Any) -> Tags:
    return {tag.k: tag.v for tag in item.tags}


Run = tuple[NDArray[np.int64], NDArray[np.float64]]


def _runs(nodes: Iterable[Any]) -> tuple[list[Run], bool]:
    """Cut a way where nodes are missing and drop nodes that repeat; tell whether it was whole."""
    points: list[tuple[int, float, float]] = []
    runs: list[Run] = []
    whole = True
    for node in nodes:
        if not node.location.valid():
            whole = False
            _close_run(points, runs)
        elif not points or points[-1][0] != node.ref:
            points.append((node.ref, node.location.lon, node.location.lat))
    _close_run(points, runs)
    return runs, whole


def _close_run(points: list[tuple[int, float, float]], runs: list[Run]) -> None:
    if len(points) > 1:
        refs = np.array([point[0] for point in points], np.int64)
        runs.append((refs, np.array([point[1:] for point in points], np.float64)))
    points.clear()


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
