"""CoordinateSystem: what the two figures of a place mean, and the exact way from each system to WGS 84 and back.

A system is a base that PROJ knows (degrees or metres), for the two systems of Chinese map services a shift over WGS 84, and for
a city's own grid a turn and an offset. Nothing here decides which system a table is in: `yike.sources.coordinates` reads what a
person says, `yike.analysis.datum` measures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyproj
from numpy.typing import NDArray

from yike.errors import Fault, InputError
from yike.texts import text

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

DEGREE, METRE = "degree", "metre"
GCJ02_SHIFT, BD09_SHIFT = "gcj02", "bd09"

# The rectangle (west, south, east, north) [degree] in which the published code of GCJ-02 shifts; outside it returns what it is
# given. The rectangle is the code's own, wider than the country.
SHIFTED_BOX_DEG = (72.004, 0.8293, 137.8347, 55.8271)
# Ellipsoid of Krasovsky (1940): half axis [m] and squared eccentricity 2f - f^2 with f = 1 / 298.3.
KRASOVSKY_A_M = 6_378_245.0
KRASOVSKY_E2 = 0.00669342162296594323
# The formula's polynomials and waves count in degrees from this meridian and parallel.
_GCJ_CENTRE_DEG = (105.0, 35.0)
# BD-09: a wave on the radius [degree] and on the angle [radian] of the place seen as a plane vector, then an offset [degree].
_BD_WAVE = np.pi * 3000.0 / 180.0
_BD_RADIUS_DEG, _BD_ANGLE_RAD = 2e-5, 3e-6
_BD_OFFSET_DEG = np.array([0.0065, 0.006])

# One part in 1e11 of a degree is a micrometre. Each round shrinks the error at least thirtyfold, so that a dozen rounds suffice;
# the cap only guards the kink of the formula on the meridian 105.
_SOLVED_DEG = 1e-11
_ROUNDS_MOST = 40
# No shift in the rectangle reaches this far, so that farther places need no search.
_SHIFT_MOST_DEG = 0.05
# A place on the rectangle's edge may come back a rounding error outside of it.
_EDGE_DEG = 1e-9


@dataclass(frozen=True)
class LocalFrame:
    """Hold how a city's own grid lies on its transverse Mercator plane.

    A plane place p [m] becomes offset + R(rotation) p, R turning counter-clockwise by ``rotation_deg``.
    """

    false_easting_m: float
    false_northing_m: float
    rotation_deg: float


@dataclass(frozen=True)
class CoordinateSystem:
    """Say what two figures (x or longitude, y or latitude) mean.

    id     ``wgs84``, ``gcj02``, ``bd09``, ``cgcs2000``, ``epsg:<code>`` or ``local:<name>``
    crs    the base as PROJ knows it; always read as (east, north) or (longitude, latitude), whatever order the registry gives
    shift  ``gcj02`` or ``bd09`` where the degrees are shifted against WGS 84, else empty
    frame  turn and offset of a city's own grid over the base
    """

    id: str
    crs: str
    shift: str = ""
    frame: LocalFrame | None = None

    @property
    def unit(self) -> str:
        """Tell the unit of both figures: ``degree`` or ``metre``."""
        return DEGREE if known_crs(self.crs).is_geographic else METRE

    def words(self, lang: str) -> str:
        """Name the system in a language; the grids of the registry go by the registry's own name."""
        kind, _, rest = self.id.partition(":")
        name = known_crs(self.crs).name if kind == "epsg" else rest
        return text(f"coordinates.system.{kind}", lang, name=name, id=self.id.upper())


WGS84 = CoordinateSystem("wgs84", "EPSG:4326")
GCJ02 = CoordinateSystem("gcj02", "EPSG:4326", shift=GCJ02_SHIFT)
BD09 = CoordinateSystem("bd09", "EPSG:4326", shift=BD09_SHIFT)
CGCS2000 = CoordinateSystem("cgcs2000", "EPSG:4490")


def to_wgs84(xy: FloatArray, system: CoordinateSystem) -> FloatArray:
    """Return (n, 2) longitude and latitude [degree, WGS 84] of (n, 2) places in a system; NaN where a place has none.

    GCJ-02 and BD-09 are inverted by w <- w - (forward(w) - given) until nothing moves (below 1e-11 degree). CGCS2000 is taken as
    WGS 84: the two ellipsoids differ by 0.1 mm, the frames by the drift of the plates since 2000 (decimetres).
    """
    plane = _out_of_frame(np.asarray(xy, np.float64).reshape(-1, 2), system.frame)
    degrees = _through(_transformer(system.crs, WGS84.crs), plane)
    return _unshifted(degrees, _FORWARD[system.shift]) if system.shift else degrees


def from_wgs84(lonlat: FloatArray, system: CoordinateSystem) -> FloatArray:
    """Return (n, 2) places in a system of (n, 2) longitudes and latitudes [degree, WGS 84]; NaN where a place has none."""
    degrees = np.array(lonlat, np.float64).reshape(-1, 2)
    if system.shift:
        inside = in_shifted_box(degrees)
        degrees[inside] = _FORWARD[system.shift](degrees[inside])
    return _into_frame(_through(_transformer(WGS84.crs, system.crs), degrees), system.frame)


def in_shifted_box(lonlat: FloatArray, *, margin_deg: float = 0.0) -> BoolArray:
    """Tell for each of (n, 2) places [degree] whether it lies in the rectangle where map services shift."""
    west, south, east, north = SHIFTED_BOX_DEG
    lon, lat = lonlat[:, 0], lonlat[:, 1]
    in_lon = (lon >= west - margin_deg) & (lon <= east + margin_deg)
    return np.asarray(in_lon & (lat >= south - margin_deg) & (lat <= north + margin_deg), np.bool_)


@lru_cache(maxsize=256)
def known_crs(crs: str) -> pyproj.CRS:
    """Return a system of degrees or of a plane that PROJ knows by an EPSG code or its own string.

    Raises:
        InputError: no such system, or it is one of heights or of the earth's centre.
    """
    try:
        parsed = pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as error:
        raise InputError([Fault("crs.unknown", "crs", values={"crs": crs})]) from error
    if not (parsed.is_geographic or parsed.is_projected):
        raise InputError([Fault("coordinates.no_plane", "crs", values={"crs": crs, "name": parsed.name})])
    return parsed


@lru_cache(maxsize=64)
def _transformer(source: str, target: str) -> pyproj.Transformer | None:
    bases = {WGS84.crs, CGCS2000.crs}
    if source == target or {source, target} <= bases:
        return None
    return pyproj.Transformer.from_crs(known_crs(source), known_crs(target), always_xy=True)


def _through(transformer: pyproj.Transformer | None, xy: FloatArray) -> FloatArray:
    if transformer is None:
        moved = xy.copy()
    else:
        moved = np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))
    moved[~np.isfinite(moved).all(axis=1)] = np.nan
    return moved


def _turn(rotation_deg: float) -> FloatArray:
    angle = np.radians(rotation_deg)
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _into_frame(plane: FloatArray, frame: LocalFrame | None) -> FloatArray:
    if frame is None:
        return plane
    return plane @ _turn(frame.rotation_deg).T + [frame.false_easting_m, frame.false_northing_m]


def _out_of_frame(xy: FloatArray, frame: LocalFrame | None) -> FloatArray:
    if frame is None:
        return xy
    return (xy - [frame.false_easting_m, frame.false_northing_m]) @ _turn(frame.rotation_deg)


def _unshifted(shifted: FloatArray, forward: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """Return the places whose shifted form is given; a place that no place of the rectangle is shifted to stays.

    The search runs on the formula without its rectangle, which is smooth across the edge, and the rectangle is asked afterwards:
    places inside come back exactly up to the edge. Just outside, a strip as wide as the shift is ambiguous and read as shifted.
    """
    out = shifted.copy()
    near = np.flatnonzero(in_shifted_box(shifted, margin_deg=_SHIFT_MOST_DEG))
    goal = shifted[near]
    found = goal.copy()
    for _ in range(_ROUNDS_MOST if len(near) else 0):
        step = forward(found) - goal
        found -= step
        if np.abs(step).max() < _SOLVED_DEG:
            break
    inside = in_shifted_box(found, margin_deg=_EDGE_DEG)
    out[near[inside]] = found[inside]
    return out


def _gcj02(lonlat: FloatArray) -> FloatArray:
    """Shift (n, 2) places [degree, WGS 84] to GCJ-02 by the formula in circulation, without its rectangle.

    With x = lon - 105, y = lat - 35 [degree] and s_k(t) = sin(pi t / k), the shift in metres is

        east  = 300 + x + 2y + 0.1x^2 + 0.1xy + 0.1 sqrt|x| + 2/3 (w(x) + 20 s_1(x) + 40 s_3(x) + 150 s_12(x) + 300 s_30(x))
        north = -100 + 2x + 3y + 0.2y^2 + 0.1xy + 0.2 sqrt|x| + 2/3 (w(x) + 20 s_1(y) + 40 s_3(y) + 160 s_12(y) + 320 s_30(y))
        w(x)  = 20 sin(6 pi x) + 20 sin(2 pi x)

    turned to degrees on the ellipsoid of Krasovsky. Source: the authority has published no formula. This one went round as
    EvilTransform.cs (CodePlex project on4wp7, changeset 21483, about 2011); what the services compute may differ by a little.
    """
    x, y = lonlat[:, 0] - _GCJ_CENTRE_DEG[0], lonlat[:, 1] - _GCJ_CENTRE_DEG[1]
    wave = 20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)
    root = np.sqrt(np.abs(x))
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + (wave + _waves(x, 150.0, 300.0)) * 2.0 / 3.0
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + (wave + _waves(y, 160.0, 320.0)) * 2.0 / 3.0
    latitude = np.radians(lonlat[:, 1])
    bend = 1.0 - KRASOVSKY_E2 * np.sin(latitude) ** 2
    across_m = KRASOVSKY_A_M / np.sqrt(bend) * np.cos(latitude)
    along_m = KRASOVSKY_A_M * (1.0 - KRASOVSKY_E2) / bend**1.5
    return np.asarray(lonlat + np.degrees(np.column_stack([east_m / across_m, north_m / along_m])), np.float64)


def _waves(t: FloatArray, twelfth: float, thirtieth: float) -> FloatArray:
    short = 20.0 * np.sin(np.pi * t) + 40.0 * np.sin(np.pi * t / 3.0)
    return np.asarray(short + twelfth * np.sin(np.pi * t / 12.0) + thirtieth * np.sin(np.pi * t / 30.0), np.float64)


def _bd09(lonlat: FloatArray) -> FloatArray:
    """Shift (n, 2) places [degree, WGS 84] to BD-09: to GCJ-02 first, then by the polar formula in circulation.

    With r, a the polar form of (lon, lat) and k = 3000 pi / 180: r + 2e-5 sin(k lat) and a + 3e-6 cos(k lon), back to a plane
    vector, then + (0.0065, 0.006).
    Source: as for GCJ-02 no formula is published; this one is the `bd_encrypt` that went round with it.
    """
    gcj = _gcj02(lonlat)
    radius = np.hypot(gcj[:, 0], gcj[:, 1]) + _BD_RADIUS_DEG * np.sin(_BD_WAVE * gcj[:, 1])
    angle = np.arctan2(gcj[:, 1], gcj[:, 0]) + _BD_ANGLE_RAD * np.cos(_BD_WAVE * gcj[:, 0])
    return np.asarray(np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]) + _BD_OFFSET_DEG, np.float64)


_FORWARD: dict[str, Callable[[FloatArray], FloatArray]] = {GCJ02_SHIFT: _gcj02, BD09_SHIFT: _bd09}
