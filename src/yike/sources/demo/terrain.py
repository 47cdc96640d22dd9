"""The ground of the demo district: where its river, canal, expressway, railway, arterials and subdistricts lie.

Everything is designed on a *plan*, a sheet of straight lines measured in metres (u eastward, v northward), and then bent
onto the ground (x, y) by one smooth map: the river of the plan is straight, the river of the ground winds, and the streets
bend with it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

CRS = "EPSG:32651"
FALSE_EAST_M = 360_000.0
FALSE_NORTH_M = 3_436_000.0
GRAIN_M = 0.1  # coordinates are rounded to this, so that no platform's sine shows

RIVER = (4150.0, 4450.0)  # from bank road to bank road
RIVER_WATER = (4190.0, 4410.0)
RIVER_NAME = ("云水", "Yun River")
CANAL = (2950.0, 3040.0)
CANAL_WATER = (2978.0, 3012.0)
EXPRESSWAY = (7250.0, 7350.0)
EXPRESSWAY_EDGES = (7272.0, 7328.0)
AT_GRADE_FROM_U = 6650.0
RAILWAY = (8500.0, 8580.0)
RAILWAY_EDGES = (8528.0, 8552.0)
LAKE_CENTRE = (10_550.0, 1500.0)
LAKE_RADII = (500.0, 540.0)
ISLET_RADII = (150.0, 115.0)

DISTRICT = (0.0, 12_000.0, 0.0, 11_000.0)
KNOWN = (-1500.0, 12_000.0, -1500.0, 12_500.0)  # in the east the known data end at the district's border

# fmt: off
U_LINES = np.array([
    -1500, -800, 0, 560, 1100, 1700, 2250, 2800, 3300, 3750, *RIVER, 4950, 5500, 6100, 6650, 7250, 7850,
    *RAILWAY, 9200, 9850, 10_550, 11_250, 12_000,
], dtype=np.float64)
V_LINES = np.array([
    -1500, -750, 0, 750, 1500, 2250, *CANAL, 3600, 4150, 4700, 5200, 5700, 6200, 6700, *EXPRESSWAY,
    7900, 8500, 9150, 9850, 10_500, 11_000, 11_750, 12_500,
], dtype=np.float64)
# fmt: on

RIVER_BRIDGES_V = (750.0, 3040.0, 5200.0, 7250.0, 9150.0, 11_750.0)
CANAL_BRIDGES_U = (0.0, 1100.0, 2250.0, 3300.0, 4150.0, 4450.0, 5500.0, 6650.0, 7850.0, 9200.0, 10_550.0)
CANAL_FOOTBRIDGES_U = (2800.0, 4950.0)
UNDERPASSES_U = (8500.0, 9850.0, 11_250.0)
RAIL_CROSSINGS_V = (750.0, 2250.0, 4150.0, 5700.0, 7350.0, 9150.0, 10_500.0)

_JITTER_SHARE = 0.11
_SOFT_STRIPS = (*RIVER, *RAILWAY)
_SOFT_ROWS = (*CANAL, *EXPRESSWAY)

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Subdistrict:
    """Hold one subdistrict or town: its rectangle on the plan, zone, and how many committees of each kind it has."""

    id: str
    name: str
    name_en: str
    zone: str
    u0: float
    u1: float
    v0: float
    v1: float
    residents_committees: int
    village_committees: int

    def holds(self, u: float, v: float) -> bool:
        """Tell whether a place of the plan lies in it."""
        return self.u0 <= u < self.u1 and self.v0 <= v < self.v1


URBAN, EXPANSION, REMOTE = "urban", "expansion_town", "remote_town"
WEST, EAST, RAIL_EAST = RIVER[0], RIVER[1], RAILWAY[1]
SUBDISTRICTS = (
    Subdistrict("YJ01", "古渡街道", "Gudu Subdistrict", URBAN, 2250, 4300, 4700, 7300, 17, 0),
    Subdistrict("YJ02", "望潮街道", "Wangchao Subdistrict", URBAN, 0, 2250, 4700, 7300, 14, 0),
    Subdistrict("YJ03", "桂影街道", "Guiying Subdistrict", URBAN, 0, 4300, 2995, 4700, 15, 0),
    Subdistrict("YJ04", "云桥街道", "Yunqiao Subdistrict", URBAN, 4300, 8540, 5200, 7300, 16, 0),
    Subdistrict("YJ05", "听荷街道", "Tinghe Subdistrict", URBAN, 4300, 8540, 2995, 5200, 15, 0),
    Subdistrict("YJ06", "青穗镇", "Qingsui Town", EXPANSION, 0, 4300, 7300, 11_000, 8, 5),
    Subdistrict("YJ07", "泊帆镇", "Bofan Town", EXPANSION, 4300, 8540, 7300, 11_000, 8, 4),
    Subdistrict("YJ08", "芦汀镇", "Luting Town", EXPANSION, 0, 4300, 0, 2995, 7, 4),
    Subdistrict("YJ09", "菱歌镇", "Lingge Town", EXPANSION, 4300, 8540, 0, 2995, 8, 3),
    Subdistrict("YJ10", "澄镜镇", "Chengjing Town", REMOTE, 8540, 12_000, 0, 2995, 2, 6),
    Subdistrict("YJ11", "稻浦镇", "Daopu Town", REMOTE, 8540, 12_000, 2995, 7300, 3, 6),
    Subdistrict("YJ12", "望墩镇", "Wangdun Town", REMOTE, 8540, 12_000, 7300, 11_000, 2, 6),
)


def subdistrict_at(u: float, v: float) -> Subdistrict | None:
    """Return the subdistrict that holds a place of the plan, or None outside the district."""
    return next((entry for entry in SUBDISTRICTS if entry.holds(u, v)), None)


@dataclass(frozen=True, eq=False)
class Ground:
    """Bend the plan onto the ground; ``shift`` (len(U), len(V), 2) [m] moves each crossing of plan lines a little."""

    shift: FloatArray

    def xy(self, uv: FloatArray) -> FloatArray:
        """Return (n, 2) [m] ground coordinates of (n, 2) plan coordinates, rounded to `GRAIN_M`."""
        u, v = self._shifted(np.asarray(uv, np.float64))
        near = np.exp(-(((u - 4300.0) / 3300.0) ** 2))
        turn, bend = 2 * np.pi / 8600.0, 2 * np.pi / 3700.0
        swing = 470.0 * np.sin(turn * v + 0.4) + 62.0 * np.sin(bend * v + 1.9)
        slope = 470.0 * turn * np.cos(turn * v + 0.4) + 62.0 * bend * np.cos(bend * v + 1.9)
        lean = 0.09 * (v - 5500.0) * _smooth_step((u - 6500.0) / 4500.0)
        x = u + near * swing + lean
        # Streets that meet the river should meet it nearly square: turn them against the river's slope.
        y = v - 0.6 * slope * near * (u - 4300.0) + 190.0 * np.sin(2 * np.pi * u / 6900.0 + 0.9)
        east = np.round((x + FALSE_EAST_M) / GRAIN_M) * GRAIN_M
        north = np.round((y + FALSE_NORTH_M) / GRAIN_M) * GRAIN_M
        rounded: FloatArray = np.round(np.column_stack([east, north]), 1).astype(np.float64)
        return rounded

    def _shifted(self, uv: FloatArray) -> tuple[FloatArray, FloatArray]:
        i = np.clip(np.searchsorted(U_LINES, uv[:, 0], side="right") - 1, 0, len(U_LINES) - 2)
        j = np.clip(np.searchsorted(V_LINES, uv[:, 1], side="right") - 1, 0, len(V_LINES) - 2)
        a = ((uv[:, 0] - U_LINES[i]) / (U_LINES[i + 1] - U_LINES[i]))[:, None]
        b = ((uv[:, 1] - V_LINES[j]) / (V_LINES[j + 1] - V_LINES[j]))[:, None]
        low = self.shift[i, j] * (1 - a) + self.shift[i + 1, j] * a
        high = self.shift[i, j + 1] * (1 - a) + self.shift[i + 1, j + 1] * a
        moved = uv + low * (1 - b) + high * b
        return moved[:, 0], moved[:, 1]

    def line(self, uv: FloatArray, *, step_m: float = 40.0) -> shapely.LineString:
        """Return the ground shape of a plan polyline (k, 2)."""
        return shapely.LineString(self.xy(densify(uv, step_m=step_m)))

    def lines(self, uvs: Sequence[FloatArray], *, step_m: float = 40.0) -> list[shapely.LineString]:
        """Return the ground shapes of many plan polylines."""
        fine = [densify(uv, step_m=step_m) for uv in uvs]
        owner = np.repeat(np.arange(len(fine)), [len(uv) for uv in fine])
        return list(shapely.linestrings(self.xy(np.vstack(fine)), indices=owner))

    def polygon(self, uv: FloatArray, *, step_m: float = 40.0) -> shapely.Polygon:
        """Return the ground shape of a plan ring (k, 2), closed or not."""
        ring = uv if np.array_equal(uv[0], uv[-1]) else np.vstack([uv, uv[:1]])
        return shapely.Polygon(self.xy(densify(ring, step_m=step_m)))

    def rectangle(self, u0: float, u1: float, v0: float, v1: float) -> shapely.Polygon:
        """Return the ground shape of a plan rectangle."""
        return self.polygon(np.array([[u0, v0], [u1, v0], [u1, v1], [u0, v1]]))


def make_ground(rng: np.random.Generator) -> Ground:
    """Draw the shifts of the plan's crossings; strips of water and rail keep their width."""
    gap_u = np.minimum(np.diff(U_LINES, prepend=U_LINES[0] - 700), np.diff(U_LINES, append=U_LINES[-1] + 700))
    gap_v = np.minimum(np.diff(V_LINES, prepend=V_LINES[0] - 750), np.diff(V_LINES, append=V_LINES[-1] + 750))
    gap_u[np.isin(U_LINES, _SOFT_STRIPS)] = 0.0
    gap_v[np.isin(V_LINES, _SOFT_ROWS)] = 0.0
    draw = rng.random((len(U_LINES), len(V_LINES), 2)) * 2 - 1
    shift = np.empty_like(draw)
    shift[:, :, 0] = draw[:, :, 0] * _JITTER_SHARE * gap_u[:, None]
    shift[:, :, 1] = draw[:, :, 1] * _JITTER_SHARE * gap_v[None, :]
    # Along a strip both banks must slide together, or the strip would shear.
    for low, _ in (RIVER, RAILWAY):
        i = int(np.searchsorted(U_LINES, low))
        shift[i + 1, :, 1] = shift[i, :, 1]
    for low, _ in (CANAL, EXPRESSWAY):
        j = int(np.searchsorted(V_LINES, low))
        shift[:, j + 1, 0] = shift[:, j, 0]
    return Ground(shift)


def densify(uv: FloatArray, *, step_m: float) -> FloatArray:
    """Return a polyline (k, 2) with further vertices so that no two are more than ``step_m`` apart."""
    pieces = []
    for start, end in itertools.pairwise(uv):
        count = max(1, int(np.ceil(np.sqrt(((end - start) ** 2).sum()) / step_m)))
        pieces.append(start + (end - start) * (np.arange(count) / count)[:, None])
    return np.vstack([*pieces, uv[-1:]])


def ellipse(centre: tuple[float, float], radii: tuple[float, float], *, corners: int = 48) -> FloatArray:
    """Return a slightly lobed closed ring (corners + 1, 2) on the plan."""
    angle = np.arange(corners + 1) % corners * (2 * np.pi / corners)
    lobes = 1 + 0.06 * np.sin(3 * angle + 0.7) + 0.03 * np.sin(5 * angle)
    return np.column_stack(
        [centre[0] + radii[0] * lobes * np.cos(angle), centre[1] + radii[1] * lobes * np.sin(angle)]
    )


def _smooth_step(share: FloatArray) -> FloatArray:
    bounded = np.clip(share, 0.0, 1.0)
    return bounded * bounded * (3 - 2 * bounded)
