"""The datum test: in which system do points lie on the streets as places do, and not as chance would put them?

Stops stand on streets and buildings stand off them. Either way the points have a relation to the street lines that is lost when
the whole set is moved by a block or more. Under the right system the unmoved set stands out from its moved copies; under a
wrong one it is just another moved copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from yike.model.coordinates import BD09, GCJ02, WGS84, CoordinateSystem, to_wgs84
from yike.model.network import StreetNetwork
from yike.texts import text

FloatArray = NDArray[np.float64]

POINTS_LEAST = 100
RATIO_LEAST = 1.5
# Three standard deviations: one moved copy in about 370 stands out as much by chance.
DEPARTURE_LEAST = 3.0
# A figure below one standard deviation is noise; the ratio is taken over at least this.
NOISE = 1.0
# Contact falls to 1/e at this distance, about what street centre lines and surveyed points may be off.
CONTACT_M = 5.0
# Beyond six such lengths contact counts 0.
_CONTACT_ENDS_M = 6 * CONTACT_M
# Moves are longer than most blocks, so that places along a street do not stay beside it, and short enough to stay in town.
_MOVE_RADII_M = (200.0, 300.0, 400.0, 500.0)
_MOVES_PER_RADIUS = 16
# Points of one source that are equal to the fifth decimal (a metre) are one place listed twice.
_SAME_PLACE_DECIMALS = 5
POINTS_MOST = 2000
KIND_LEAST = 30
# A moved copy that keeps less than this share of its points inside says nothing; with fewer copies than this there is no spread.
_KEPT_SHARE, _COPIES_LEAST = 0.4, 16

FITS, FEW_POINTS, LIKE_CHANCE, TOO_CLOSE = "fits", "few_points", "like_chance", "too_close"


@dataclass(frozen=True)
class DatumFigure:
    """Hold what one system shows.

    points     distinct points that lie inside the extent under this system
    contact    mean over them of exp(-d / 5 m), d the distance to the nearest street [1]
    moved      mean contact of the moved copies [1]
    departure  how far contact stands out from the moved copies, in their standard deviations; over kinds the root of the mean
               square weighted by points [1]
    """

    system: str
    points: int
    contact: float
    moved: float
    departure: float


@dataclass(frozen=True)
class DatumVerdict:
    """Say which system fits, or why that cannot be told.

    system       the id of the system that fits, None where the test cannot tell
    reason       ``fits``, ``few_points``, ``like_chance`` (no system stands out) or ``too_close`` (two stand out alike)
    points_used  distinct points inside the extent under the best system
    ratio        best departure over the second, which counts at least 1 [1]
    figures      one per system, best first
    """

    system: str | None
    reason: str
    points_used: int
    ratio: float
    figures: tuple[DatumFigure, ...]

    def words(self, lang: str) -> str:
        """Say the verdict in one sentence of the language."""
        best = self.figures[0]
        values = {"points": self.points_used, "least": POINTS_LEAST, "ratio": f"{self.ratio:.1f}", "ratio_least": RATIO_LEAST}
        kind = best.system.partition(":")[0]
        name = text(f"coordinates.system.{kind}", lang, name=best.system, id=best.system.upper())
        return text(f"datum.{self.reason}", lang, system=name, departure=f"{best.departure:.1f}", **values)


def datum_test(
    lonlat: FloatArray,
    network: StreetNetwork,
    *,
    extent: shapely.Polygon | shapely.MultiPolygon | None = None,
    systems: Sequence[CoordinateSystem] = (WGS84, GCJ02, BD09),
    kinds: NDArray[np.object_] | None = None,
) -> DatumVerdict:
    """Test in which of the systems the points of one source lie on the streets as places do; nothing is moved by it.

    ``lonlat`` (n, 2) are the figures as the source gives them, ``extent`` the area in the network's metres inside which its
    streets are complete (default: the convex hull of its nodes). ``kinds`` (n,) names each point's class: stops, which stand on
    streets, and schools, which stand off them, cancel each other when pooled, so classes of 30 points and more are measured apart
    and the rest together.

    For a system, contact is the mean of exp(-d / 5 m). Moving all points by each of 64 vectors of 200 to 500 m gives its mean m
    and standard deviation s where nothing is aligned: departure = |contact - m| / s, over kinds the root of the mean square,
    weighted by points. The best system fits if it has 100 points, a departure of 3 or more, and 1.5 times the second's (which
    counts at least 1). Of more than 2,000 points inside, 2,000 are drawn evenly.
    """
    points, labels = _distinct(np.asarray(lonlat, np.float64).reshape(-1, 2), kinds)
    area = extent if extent is not None else shapely.convex_hull(shapely.multipoints(network.node_xy))
    shapely.prepare(area)
    streets = shapely.STRtree(network.shapes())
    project = pyproj.Transformer.from_crs(WGS84.crs, network.crs, always_xy=True)
    figures = []
    for system in systems:
        degrees = to_wgs84(points, system)
        xy = np.column_stack(project.transform(degrees[:, 0], degrees[:, 1]))
        figures.append(_figure(system.id, xy, labels, area=area, streets=streets))
    return _verdict(sorted(figures, key=lambda figure: -figure.departure))


def _verdict(figures: list[DatumFigure]) -> DatumVerdict:
    best = figures[0]
    second = max([NOISE, *(figure.departure for figure in figures[1:])])
    ratio = best.departure / second
    if max(figure.points for figure in figures) < POINTS_LEAST or best.points < POINTS_LEAST:
        reason = FEW_POINTS
    elif best.departure < DEPARTURE_LEAST:
        reason = LIKE_CHANCE
    elif ratio < RATIO_LEAST:
        reason = TOO_CLOSE
    else:
        reason = FITS
    return DatumVerdict(best.system if reason == FITS else None, reason, best.points, ratio, tuple(figures))


def _distinct(lonlat: FloatArray, kinds: NDArray[np.object_] | None) -> tuple[FloatArray, NDArray[np.int64]]:
    """Return the distinct places, each with its first row's kind as a number; rows without a place are left out."""
    labels = np.zeros(len(lonlat), np.int64)
    if kinds is not None:
        labels = np.unique(np.asarray(kinds, object).astype(str), return_inverse=True)[1].astype(np.int64)
    known = np.isfinite(lonlat).all(axis=1)
    lonlat, labels = lonlat[known], labels[known]
    first = np.unique(np.round(lonlat, _SAME_PLACE_DECIMALS), axis=0, return_index=True)[1]
    return lonlat[first], labels[first]


def _figure(
    system: str, xy: FloatArray, labels: NDArray[np.int64], *, area: shapely.Geometry, streets: shapely.STRtree
) -> DatumFigure:
    """Measure contact where the points lie and where each move puts them, over the points that are inside the area then."""
    within = shapely.contains_xy(area, xy)
    reachable = shapely.buffer(area, max(_MOVE_RADII_M))
    shapely.prepare(reachable)
    near = np.flatnonzero(shapely.contains_xy(reachable, xy))
    if len(near) > POINTS_MOST:
        near = np.sort(np.random.default_rng(0).choice(near, POINTS_MOST, replace=False))
    moves = np.vstack([np.zeros((1, 2)), _moves()])
    contact = np.full((len(moves), len(near)), np.nan)
    for position, move in enumerate(moves):
        moved = xy[near] + move
        inside = shapely.contains_xy(area, moved)
        contact[position, inside] = _contact(moved[inside], streets)
    groups = _groups(labels[near], counted=within[near])
    if not groups:
        return DatumFigure(system, int(within.sum()), 0.0, 0.0, 0.0)
    departures = [_departure(_means(contact[:, group])) for group in groups]
    overall = _means(contact)
    moved = float(np.nanmean(overall[1:])) if np.isfinite(overall[1:]).any() else 0.0
    departure = float(np.sqrt(np.average(np.square(departures), weights=[int(group.sum()) for group in groups])))
    return DatumFigure(system, int(within.sum()), float(np.nan_to_num(overall[0])), moved, departure)


def _moves() -> FloatArray:
    """Return the (64, 2) [m] vectors: rings of 16 directions, each ring turned so that no two vectors are parallel."""
    turns = np.arange(_MOVES_PER_RADIUS) * 2 * np.pi / _MOVES_PER_RADIUS
    offsets = np.arange(len(_MOVE_RADII_M)) * 2 * np.pi / _MOVES_PER_RADIUS / len(_MOVE_RADII_M)
    return np.vstack(
        [
            radius * np.column_stack([np.cos(turns + offset), np.sin(turns + offset)])
            for radius, offset in zip(_MOVE_RADII_M, offsets, strict=True)
        ]
    )


def _contact(xy: FloatArray, streets: shapely.STRtree) -> FloatArray:
    """Return exp(-d / 5 m) of each place, d the distance to the nearest street [m]; 0 from 30 m on."""
    contact = np.zeros(len(xy))
    (place, _), distance_m = streets.query_nearest(
        shapely.points(xy), max_distance=_CONTACT_ENDS_M, return_distance=True, all_matches=False
    )
    contact[place] = np.exp(-distance_m / CONTACT_M)
    return contact


def _groups(labels: NDArray[np.int64], *, counted: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Return the members of each kind that has enough points inside, then of the other kinds together."""
    sizes = np.bincount(labels[counted], minlength=int(labels.max(initial=0)) + 1)
    large = np.flatnonzero(sizes >= KIND_LEAST)
    groups = [labels == kind for kind in large]
    rest = ~np.isin(labels, large)
    if (rest & counted).any() and (not groups or int((rest & counted).sum()) >= KIND_LEAST):
        groups.append(rest)
    return groups


def _means(contact: FloatArray) -> FloatArray:
    """Return the mean contact of each copy (first the unmoved one), NaN where most of its points are outside."""
    known = np.isfinite(contact)
    kept = known.sum(axis=1)
    means = np.where(known, contact, 0.0).sum(axis=1) / np.maximum(kept, 1)
    return np.asarray(np.where(kept >= max(1.0, _KEPT_SHARE * kept[0]), means, np.nan), np.float64)


def _departure(means: FloatArray) -> float:
    moved = means[1:][np.isfinite(means[1:])]
    if len(moved) < _COPIES_LEAST or moved.std() == 0:
        return 0.0
    return float(abs(means[0] - moved.mean()) / moved.std())
