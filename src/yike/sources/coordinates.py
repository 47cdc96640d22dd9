"""Coordinate systems as people name them: read a name, a local grid's parameters, and hints in the figures themselves.

The conversions live in `yike.model.coordinates`. Nothing here changes a figure: what looks swapped or foreign is reported, and a
person says what it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import shapely
import yaml
from numpy.typing import NDArray

from yike.errors import Fault, InputError
from yike.model.coordinates import (
    BD09,
    CGCS2000,
    GCJ02,
    WGS84,
    CoordinateSystem,
    LocalFrame,
    from_wgs84,
    known_crs,
    to_wgs84,
)
from yike.model.yaml_checked import Sheet, compose, read_text

__all__ = [
    "BD09",
    "CGCS2000",
    "GCJ02",
    "WGS84",
    "CoordinateSystem",
    "cgcs2000_grid",
    "find_swapped",
    "from_wgs84",
    "local_system",
    "parse_system",
    "to_wgs84",
]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

NAMED = {system.id: system for system in (WGS84, GCJ02, BD09, CGCS2000)}
# Zones of CGCS2000 / Gauss-Krueger in the EPSG registry: width [degree] -> first zone, last zone, code of the first zone with the
# zone's number in the easting, code of the first without.
_GRIDS = {3: (25, 45, 4513, 4534), 6: (13, 23, 4491, 4502)}
# Bounds are widened by this, about 5 km: a shift of a map service is no swap, a swap moves by whole degrees.
SWAP_MARGIN_DEG = 0.05
_LOCAL_BOUNDS = {
    "origin_lon_deg": (-180.0, 180.0),
    "origin_lat_deg": (-90.0, 90.0),
    "central_meridian_deg": (-180.0, 180.0),
    "false_easting_m": (-1e8, 1e8),
    "false_northing_m": (-1e8, 1e8),
    "scale": (0.9, 1.1),
    "rotation_deg": (-360.0, 360.0),
}
_CHINESE_DIGITS = str.maketrans({"三": "3", "六": "6"})


def parse_system(name: str | Path, *, file: str = "crs") -> CoordinateSystem:
    """Return the coordinate system that a person names.

    Understood are the ids, Chinese and English names (火星坐标, 百度, 高德, 国家2000), EPSG codes with or without the word,
    ``UTM 51N``, zones of CGCS2000 by width and number or central meridian (``国家2000 3度带 40带``, ``CGCS2000 / 3-degree
    Gauss-Kruger CM 120E``), and a YAML file with a local grid. A zone's number stands in the easting where the zone is named by
    number, not where it is named by meridian; 带号 or 无带号 say otherwise. ``file`` is named in errors.

    Raises:
        InputError: no such system; a grid without zone; a datum or local grid that needs parameters.
    """
    said = str(name)
    if isinstance(name, Path) or said.strip().casefold().endswith((".yaml", ".yml")):
        return local_system(Path(said.strip()))
    words = unicodedata.normalize("NFKC", said).casefold().translate(_CHINESE_DIGITS)
    spelling = _spelling(words)
    known = _names()
    if spelling in known["systems"]:
        return NAMED[known["systems"][spelling]]
    if any(old in spelling for old in known["old_datums"]):
        raise InputError([Fault("coordinates.old_datum", file, values={"name": said})])
    code = re.fullmatch(r"(?:.*epsg)?(\d{4,6})", re.sub(r"[\W_]+", "", words))
    if code:
        return _registered(int(code[1]))
    utm = re.fullmatch(r"(?:wgs84)?utm(?:zone)?(\d{1,2})([ns])", spelling)
    if utm and 1 <= int(utm[1]) <= 60:
        return _registered((32600 if utm[2] == "n" else 32700) + int(utm[1]))
    if _names_cgcs2000(spelling):
        return _parse_grid(words, said, file)
    code_name = "coordinates.local_needs_file" if spelling in known["local"] else "coordinates.unknown"
    raise InputError([Fault(code_name, file, values={"name": said})])


def cgcs2000_grid(
    *, width_deg: int, zone: int | None = None, meridian_deg: float | None = None, prefixed: bool, file: str = "crs"
) -> CoordinateSystem:
    """Return CGCS2000 / Gauss-Krueger by zone or central meridian [degree east]; ``width_deg`` is 3 or 6.

    ``prefixed`` tells whether the easting begins with the zone's number (40,500,000 instead of 500,000). A zone of 3 degrees has
    the meridian 3 n, one of 6 degrees 6 n - 3.

    Raises:
        InputError: China has no such zone.
    """
    number: float = 0
    if zone is not None:
        number = zone
    elif meridian_deg is not None:
        number = meridian_deg / 3 if width_deg == 3 else (meridian_deg + 3) / 6
    if width_deg not in _GRIDS or number != int(number) or not _GRIDS[width_deg][0] <= number <= _GRIDS[width_deg][1]:
        shown = zone if zone is not None else f"{meridian_deg:g}°"
        raise InputError([Fault("coordinates.no_zone", file, values={"zone": shown, "width": width_deg})])
    first, _, with_number, without = _GRIDS[width_deg]
    return _registered((with_number if prefixed else without) + int(number) - first)


def local_system(source: Path | Mapping[str, object], *, name: str = "local") -> CoordinateSystem:
    """Return a city's own metric grid from its parameters, a YAML file or a mapping.

    Either ``origin_lon_deg`` and ``origin_lat_deg``, or ``central_meridian_deg`` (origin on the equator); if wanted ``name``,
    ``false_easting_m``, ``false_northing_m`` (0), ``scale`` on the meridian (1), ``rotation_deg`` counter-clockwise (0). A place
    is projected by transverse Mercator on the ellipsoid of CGCS2000, turned about the origin, then offset.

    Raises:
        InputError: an entry is missing, unknown, no number or out of range; all of them are named.
    """
    text = read_text(source) if isinstance(source, Path) else _as_yaml(source)
    sheet = Sheet(str(source) if isinstance(source, Path) else name)
    entries = sheet.entries(compose(text, file=sheet.file), "", known=("name", *_LOCAL_BOUNDS))
    figures = {key: 1.0 if key == "scale" else 0.0 for key in _LOCAL_BOUNDS}
    given = [key for key in _LOCAL_BOUNDS if not sheet.is_null(entries.get(key))]
    for key in given:
        value, (least, most) = sheet.number(entries[key], key), _LOCAL_BOUNDS[key]
        if value is not None and not least <= value <= most:
            sheet.fault("coordinates.local_range", entries[key], key, value=f"{value:g}", least=f"{least:g}", most=f"{most:g}")
        figures[key] = value or 0.0
    by_origin = [key for key in given if key.startswith("origin_")]
    if ("central_meridian_deg" in given) == bool(by_origin) or len(by_origin) == 1:
        sheet.fault("coordinates.local_origin", None, "")
    title = sheet.optional_words(entries, "name", "") or name
    sheet.refuse_faults()
    lon = figures["origin_lon_deg"] if by_origin else figures["central_meridian_deg"]
    crs = f"+proj=tmerc +lat_0={figures['origin_lat_deg']!r} +lon_0={lon!r} +k={figures['scale']!r} +x_0=0 +y_0=0 +ellps=GRS80"
    frame = LocalFrame(figures["false_easting_m"], figures["false_northing_m"], figures["rotation_deg"])
    return CoordinateSystem(f"local:{title}", f"{crs} +units=m +type=crs", frame=frame)


def find_swapped(
    lonlat: FloatArray, bounds: tuple[float, float, float, float] | shapely.Geometry, *, margin_deg: float = SWAP_MARGIN_DEG
) -> BoolArray:
    """Tell for each of (n, 2) rows whether its two figures stand in each other's place; nothing is mended.

    A row is swapped where it lies outside the ``bounds`` (west, south, east, north, or a shape) widened by the margin, and its
    exchanged figures lie inside. Rows that fit both ways, as in a region near longitude = latitude, are not marked.
    """
    area = bounds if isinstance(bounds, shapely.Geometry) else shapely.box(*bounds)
    area = shapely.buffer(area, margin_deg)
    shapely.prepare(area)
    rows = np.asarray(lonlat, np.float64).reshape(-1, 2)
    straight = shapely.intersects_xy(area, rows[:, 0], rows[:, 1])
    exchanged = shapely.intersects_xy(area, rows[:, 1], rows[:, 0])
    return np.asarray(~straight & exchanged, np.bool_)


def _as_yaml(entries: Mapping[str, object]) -> str:
    plain = {key: value if isinstance(value, int | float | None) else str(value) for key, value in entries.items()}
    return yaml.safe_dump(plain, allow_unicode=True, sort_keys=False)


def _registered(code: int) -> CoordinateSystem:
    crs = f"EPSG:{code}"
    for named in (WGS84, CGCS2000):
        if crs == named.crs:
            return named
    known_crs(crs)
    return CoordinateSystem(f"epsg:{code}", crs)


def _spelling(words: str) -> str:
    return re.sub(r"坐标系?$", "", re.sub(r"[\W_]+", "", words)) or words


@cache
def _names() -> dict[str, dict[str, str]]:
    """Return the names of `mappings/coordinates.yaml` by section, as spelling -> id."""
    content = (files("yike.sources") / "mappings" / "coordinates.yaml").read_text(encoding="utf-8")
    sections = yaml.safe_load(content)

    def spelled(word: object) -> str:
        return _spelling(unicodedata.normalize("NFKC", str(word)).casefold())

    named = {spelled(word): key for key, words in sections.pop("systems").items() for word in words}
    return {"systems": named, **{part: {spelled(word): part for word in words} for part, words in sections.items()}}


def _names_cgcs2000(spelling: str) -> bool:
    systems = _names()["systems"]
    is_named = any(name in spelling for name, key in systems.items() if key == CGCS2000.id and not name.isdigit())
    return is_named and any(word in spelling for word in (*_names()["grid"], "带", "zone", "cm"))


def _parse_grid(words: str, said: str, file: str) -> CoordinateSystem:
    """Read width, zone or meridian, and whether the zone's number stands in the easting."""
    plain = re.sub(r"2000|[_\-/]", " ", words)
    width = _first(r"(?<!\d)([36])\s*(?:度|°|degree)", plain)
    meridian = _first(r"(?:经线|子午线|cm|meridian|l0)\D{0,3}(\d{2,3}(?:\.\d+)?)", plain)
    zone = _first(r"(?<!\d)(\d{2})\s*(?:号\s*)?带", plain)
    if zone is None and meridian is None:
        zone = _first(r"(?:zone|带号?)\D{0,3}(\d{2})(?!\d)", plain)
    if zone is None and meridian is None:
        raise InputError([Fault("coordinates.zone_missing", file, values={"name": said})])
    # Zones of 6 degrees end at 23 and those of 3 begin at 25; on a meridian that has both, both give the same figures.
    inferred = 6 if zone is not None and zone <= _GRIDS[6][1] else 3
    prefixed = zone is not None
    if re.search(r"无带号|不[带含加]带号|no prefix|without", words):
        prefixed = False
    elif re.search(r"[有含加]带号|带带号|with", words):
        prefixed = True
    width_deg = int(width) if width is not None else inferred
    number = int(zone) if zone is not None else None
    return cgcs2000_grid(width_deg=width_deg, zone=number, meridian_deg=meridian, prefixed=prefixed, file=file)


def _first(pattern: str, words: str) -> float | None:
    found = re.search(pattern, words)
    return float(found[1]) if found else None
