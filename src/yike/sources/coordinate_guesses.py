"""Guess which coordinate systems the figures of a table may be in: candidates with reasons for an import plan, no decision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import pyproj
from numpy.typing import NDArray

from yike.model.coordinates import BD09, CGCS2000, GCJ02, WGS84, CoordinateSystem, to_wgs84
from yike.sources.coordinates import cgcs2000_grid
from yike.texts import text

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

# West, south, east, north of China [degree], the South China Sea left out.
CHINA_DEG = (73.0, 15.0, 136.0, 54.0)
# Half widths [m] of a zone with room for data that runs over its edge: 334 km and 167 km at the equator.
_HALF_WIDTH_M = {6: 400_000.0, 3: 250_000.0}
_FALSE_EASTING_M, _PREFIX_M = 500_000.0, 1_000_000.0
_NORTHING_M = (1_600_000.0, 6_000_000.0)
_WEB_MERCATOR_M = (8_100_000.0, 1_600_000.0, 15_200_000.0, 7_200_000.0)
_UTM_ZONES = range(43, 54)
_ZONES = {6: range(13, 24), 3: range(25, 46)}
NEAR_M = 100_000.0
# A reading that fewer rows than this would share is not worth a line in a plan.
SHARE_LEAST = 0.02


@dataclass(frozen=True)
class Guess:
    """Hold one reading that figures allow.

    system   the system; None where metres lack a zone or belong to an unknown local grid
    swapped  do the figures fit with the second one first (latitude or northing first)?
    share    share of the rows that fit, 0 to 1
    reason   text ``coordinates.guess.<reason>`` with ``values``
    """

    system: CoordinateSystem | None
    swapped: bool
    share: float
    reason: str
    values: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    def words(self, lang: str) -> str:
        """Say the reading and its reason in one line of the language."""
        order = text(f"coordinates.guess.{'second_first' if self.swapped else 'first_first'}", lang)
        name = self.system.words(lang) if self.system else text("coordinates.guess.no_system", lang)
        reason = text(f"coordinates.guess.{self.reason}", lang, **self.values)
        return text("coordinates.guess.line", lang, name=name, order=order, percent=f"{self.share * 100:.0f}", reason=reason)


def guess_units(xy: FloatArray, *, near: tuple[float, float] | None = None) -> tuple[Guess, ...]:
    """List the systems that (n, 2) figures may be in, those of most rows first, then the nearest.

    Systems of degrees in China cannot be told apart by their figures: `yike.analysis.datum` measures them against streets.
    ``near`` is a place [degree, WGS 84] that the rows should surround, such as the middle of the city's streets: readings whose
    median lies more than 100 km from it are dropped, and metres without a zone are tried on every meridian.
    """
    rows = np.asarray(xy, np.float64).reshape(-1, 2)
    rows = rows[np.isfinite(rows).all(axis=1)]
    found: list[tuple[float, Guess]] = []
    taken = np.zeros(len(rows), np.bool_)
    for swapped in (False, True):
        ordered = rows[:, ::-1] if swapped else rows
        free = ~taken
        for guess, fits in _readings(ordered, swapped=swapped, near=near):
            fits = fits & free
            share = float(fits.mean()) if len(rows) else 0.0
            if share < SHARE_LEAST:
                continue
            away_m = 0.0 if near is None else _distance_m(guess.system, ordered[fits], near)
            if away_m <= NEAR_M:
                found.append((away_m, Guess(guess.system, swapped, share, guess.reason, guess.values)))
                taken |= fits
    if not found and len(rows):
        found.append((0.0, Guess(None, False, 1.0, "local")))
    return tuple(guess for _, guess in sorted(found, key=lambda pair: (-pair[1].share, pair[0])))


def _readings(xy: FloatArray, *, swapped: bool, near: tuple[float, float] | None) -> Iterator[tuple[Guess, BoolArray]]:
    yield from _degree_readings(xy, swapped=swapped)
    yield from _prefixed_readings(xy)
    yield Guess(CoordinateSystem("epsg:3857", "EPSG:3857"), False, 0.0, "web_mercator"), _within(xy, _WEB_MERCATOR_M)
    reach = _HALF_WIDTH_M[6]
    plain = _within(xy, (_FALSE_EASTING_M - reach, _NORTHING_M[0], _FALSE_EASTING_M + reach, _NORTHING_M[1]))
    if near is None:
        yield Guess(None, False, 0.0, "metres_no_zone"), plain
        return
    for zone in _ZONES[3]:
        values = {"meridian": 3 * zone}
        yield Guess(cgcs2000_grid(width_deg=3, zone=zone, prefixed=False), False, 0.0, "meridian_near", values), plain
    for zone in _UTM_ZONES:
        system = CoordinateSystem(f"epsg:{32600 + zone}", f"EPSG:{32600 + zone}")
        yield Guess(system, False, 0.0, "meridian_near", {"meridian": 6 * zone - 183}), plain


def _degree_readings(xy: FloatArray, *, swapped: bool) -> Iterator[tuple[Guess, BoolArray]]:
    in_china = _within(xy, CHINA_DEG)
    for system in (WGS84, CGCS2000, GCJ02, BD09):
        yield Guess(system, False, 0.0, "degrees_china"), in_china
    degrees = _within(xy, (-180.0, -90.0, 180.0, 90.0)) & ~in_china
    if swapped:
        degrees &= np.abs(xy[:, 0]) > 90
    else:
        degrees &= ~_within(xy[:, ::-1], CHINA_DEG)
    yield Guess(WGS84, False, 0.0, "degrees"), degrees


def _prefixed_readings(xy: FloatArray) -> Iterator[tuple[Guess, BoolArray]]:
    zone_of = np.floor(xy[:, 0] / _PREFIX_M)
    off = np.abs(xy[:, 0] - zone_of * _PREFIX_M - _FALSE_EASTING_M)
    north = (xy[:, 1] >= _NORTHING_M[0]) & (xy[:, 1] <= _NORTHING_M[1])
    for width, zones in _ZONES.items():
        for zone in zones:
            fits = north & (zone_of == zone) & (off <= _HALF_WIDTH_M[width])
            if fits.any():
                system = cgcs2000_grid(width_deg=width, zone=zone, prefixed=True)
                yield Guess(system, False, 0.0, "zone_in_easting", {"zone": zone, "width": width}), fits


def _within(xy: FloatArray, bounds: tuple[float, float, float, float]) -> BoolArray:
    west, south, east, north = bounds
    x, y = xy[:, 0], xy[:, 1]
    return np.asarray((x >= west) & (x <= east) & (y >= south) & (y <= north), np.bool_)


def _distance_m(system: CoordinateSystem | None, xy: FloatArray, near: tuple[float, float]) -> float:
    """Return how far [m] the rows' median lies from a place [degree]; infinite where it is nowhere on earth."""
    if system is None:
        return 0.0
    middle = to_wgs84(np.median(xy, axis=0).reshape(1, 2), system)[0]
    if not np.isfinite(middle).all():
        return float("inf")
    return float(pyproj.Geod(ellps="WGS84").inv(middle[0], middle[1], near[0], near[1])[2])
