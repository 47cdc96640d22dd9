"""Blocks and arterials of the demo district: cells of the plan joined to blocks, and the roads between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from yike.sources.demo.plan import Plan
from yike.sources.demo.terrain import (
    AT_GRADE_FROM_U,
    CANAL,
    CANAL_BRIDGES_U,
    CANAL_FOOTBRIDGES_U,
    DISTRICT,
    EXPRESSWAY,
    RAIL_CROSSINGS_V,
    RAILWAY,
    RIVER,
    RIVER_BRIDGES_V,
    U_LINES,
    UNDERPASSES_U,
    V_LINES,
    subdistrict_at,
)

STRIP = -1
_RURAL = ("village", "lake")
# Fabric by place: the first rectangle (u0, u1, v0, v1) that holds a cell's middle names it. Towns stand before their fields.
_FABRICS: tuple[tuple[str, float, float, float, float], ...] = (
    ("lake", 9850, 11_250, 750, 2250),
    ("one_gate", 6100, 6650, 3600, 4150),
    ("closed_park", 1100, 1700, 3600, 4150),
    ("village", 1100, 1700, 8500, 9150),
    ("village", 4450, 4950, 8500, 9150),
    ("village", 7250, 7850, 8500, 9150),
    ("village", 3300, 3750, 1500, 2250),
    ("village", 1700, 2250, 2250, 2950),
    ("village", 6650, 7250, 1500, 2250),
    ("village", 9850, 10_550, 9150, 9500),
    ("grid", 2250, 2800, 9150, 9850),
    ("grid", 5500, 6100, 9150, 9850),
    ("grid", 2800, 3300, 750, 1500),
    ("grid", 5500, 6100, 750, 1500),
    ("grid", 4950, 5500, 9150, 9850),
    ("grid", 10_550, 11_250, 5200, 5700),
    ("park", 7250, 7850, 5200, 5700),
    ("park", 4950, 5500, 3040, 3600),
    ("park", 2800, 3300, 7900, 8500),
    ("park", 2250, 2800, 3600, 4150),
    ("park", 2800, 3300, 5200, 5700),
    ("park", 560, 1100, 5700, 6700),
    ("park", 5500, 6100, 4150, 4700),
    ("park", 6650, 7250, 6200, 6700),
    ("park", 6100, 6650, 7900, 8500),
    ("park", 1700, 2250, 1500, 2250),
    ("core", 3300, 3750, 5200, 6200),
    ("core", 4450, 5500, 5700, 6700),
    ("core", 6650, 7250, 4700, 5200),
    ("core", 1700, 2250, 5700, 6200),
    ("lanes", 2250, 4150, 4700, 7250),
    ("lanes", 3300, 4150, 3600, 4700),
    ("grid", 4450, 6100, 5200, 7250),
    ("grid", 7250, 8500, 3040, 5200),
    ("super", 0, 8500, 3040, 7250),
    ("industry", 0, 560, 7350, 9150),
    ("industry", 7250, 8500, 1500, 2250),
    ("grid", 1100, 3750, 7350, 9150),
    ("super", 5500, 6650, 7350, 8500),
    ("grid", 4450, 8500, 7350, 9150),
    ("grid", 1700, 3750, 1500, 2950),
    ("super", 4950, 6100, 2250, 2950),
    ("grid", 4950, 7250, 1500, 2950),
    ("grid", 9200, 10_550, 2250, 2950),
    ("grid", 9200, 10_550, 5200, 6200),
    ("industry", 8580, 9200, 4150, 5700),
    ("grid", 9200, 10_550, 9150, 9850),
    ("grid", -1500, 0, 3600, 6700),
)
_TWO_BY_TWO_SHARE = 0.8
_SIGNAL_SHARE = {"urban": 0.85, "expansion_town": 0.6, "remote_town": 0.15}


@dataclass(frozen=True)
class Block:
    """Hold one block between arterials: its rectangle on the plan and its fabric."""

    u0: float
    u1: float
    v0: float
    v1: float
    fabric: str

    @property
    def centre(self) -> tuple[float, float]:
        """Return the middle of the block."""
        return (self.u0 + self.u1) / 2, (self.v0 + self.v1) / 2

    @property
    def inside(self) -> bool:
        """Tell whether the block lies in the district."""
        u, v = self.centre
        return DISTRICT[0] < u < DISTRICT[1] and DISTRICT[2] < v < DISTRICT[3]


def _fabric_at(u: float, v: float) -> str:
    for name, u0, u1, v0, v1 in _FABRICS:
        if u0 <= u < u1 and v0 <= v < v1:
            return name
    return "village"


def _is_strip(i: int, j: int) -> bool:
    return U_LINES[i] in (RIVER[0], RAILWAY[0]) or V_LINES[j] in (CANAL[0], EXPRESSWAY[0])


def join_cells(rng: np.random.Generator) -> tuple[list[Block], np.ndarray]:
    """Return the blocks and, for each cell of the plan, the block that it belongs to (`STRIP` in strips of water and rail).

    Fields join cells two by two, so that country roads lie far apart; the lake takes its four cells whole.
    """
    shape = (len(U_LINES) - 1, len(V_LINES) - 1)
    owner = np.full(shape, -2)
    blocks: list[Block] = []
    draws = rng.random(shape)
    for i, j in np.ndindex(shape):
        if owner[i, j] != -2:
            continue
        if _is_strip(i, j):
            owner[i, j] = STRIP
            continue
        fabric = _cell_fabric(i, j)
        wide, high = _span(i, j, fabric, float(draws[i, j]), owner)
        owner[i : i + wide, j : j + high] = len(blocks)
        blocks.append(
            Block(
                float(U_LINES[i]),
                float(U_LINES[i + wide]),
                float(V_LINES[j]),
                float(V_LINES[j + high]),
                "village" if fabric in ("village", "outside") else fabric,
            )
        )
    return blocks, owner


def _cell_fabric(i: int, j: int) -> str:
    return _fabric_at(float(U_LINES[i] + U_LINES[i + 1]) / 2, float(V_LINES[j] + V_LINES[j + 1]) / 2)


def _span(i: int, j: int, fabric: str, draw: float, owner: np.ndarray) -> tuple[int, int]:
    if fabric not in _RURAL:
        return 1, 1
    if fabric == "lake":
        return 2, 2
    options = [(2, 2), (2, 1), (1, 2)] if draw < _TWO_BY_TWO_SHARE else [(1, 2), (2, 1)]
    for wide, high in options:
        cells = [(i + a, j + b) for a in range(wide) for b in range(high)]
        if all(_may_join(i, j, a, b, owner) for a, b in cells):
            return wide, high
    return 1, 1


def _may_join(i: int, j: int, a: int, b: int, owner: np.ndarray) -> bool:
    if a >= owner.shape[0] or b >= owner.shape[1] or owner[a, b] != -2 or _is_strip(a, b):
        return False
    middles = [
        (float(U_LINES[c] + U_LINES[c + 1]) / 2, float(V_LINES[d] + V_LINES[d + 1]) / 2) for c, d in ((i, j), (a, b))
    ]
    return subdistrict_at(*middles[0]) == subdistrict_at(*middles[1]) and _cell_fabric(a, b) == "village"


def draw_arterials(plan: Plan, owner: np.ndarray, rng: np.random.Generator) -> None:
    """Draw the roads between blocks, the crossings of strips, and signals where arterials meet."""
    wide, high = owner.shape
    arms: dict[tuple[int, int], int] = {}
    for i in range(1, wide):
        for j in range(high):
            if owner[i - 1, j] != owner[i, j] and V_LINES[j] not in (CANAL[0], EXPRESSWAY[0]):
                _arterial(plan, (i, j), (i, j + 1), arms)
    for j in range(1, high):
        for i in range(wide):
            if owner[i, j - 1] != owner[i, j] and U_LINES[i] not in (RIVER[0], RAILWAY[0]):
                _arterial(plan, (i, j), (i + 1, j), arms)
    _draw_strip_crossings(plan, owner, arms)
    draws = rng.random((wide + 1, high + 1))
    for (i, j), count in sorted(arms.items()):
        u, v = float(U_LINES[i]), float(V_LINES[j])
        home = subdistrict_at(min(max(u, 1.0), 11_999.0), min(max(v, 1.0), 10_999.0))
        if count < 3 or home is None:
            continue
        if draws[i, j] < _SIGNAL_SHARE[home.zone] and _cell_fabric(min(i, wide - 1), min(j, high - 1)) != "village":
            plan.signals.append((u, v))
        elif draws[i, j] > 0.5:
            plan.crossings.append((u, v))


def _arterial(
    plan: Plan, a: tuple[int, int], b: tuple[int, int], arms: dict[tuple[int, int], int], *, open_: bool = True
) -> None:
    for end in (a, b):
        arms[end] = arms.get(end, 0) + 1
    start = (float(U_LINES[a[0]]), float(V_LINES[a[1]]))
    plan.way(start, (float(U_LINES[b[0]]), float(V_LINES[b[1]])), "street", open_=open_, arterial=True)


def _draw_strip_crossings(plan: Plan, owner: np.ndarray, arms: dict[tuple[int, int], int]) -> None:
    for low, bridges in ((RIVER[0], RIVER_BRIDGES_V), (RAILWAY[0], RAIL_CROSSINGS_V)):
        i = int(np.searchsorted(U_LINES, low))
        for v in bridges:
            j = int(np.searchsorted(V_LINES, v))
            _arterial(plan, (i, j), (i + 1, j), arms, open_=False)
    row = int(np.searchsorted(V_LINES, CANAL[0]))
    for u in CANAL_BRIDGES_U:
        i = int(np.searchsorted(U_LINES, u))
        _arterial(plan, (i, row), (i, row + 1), arms, open_=False)
    for u in CANAL_FOOTBRIDGES_U:
        plan.way((u, CANAL[0]), (u, CANAL[1]), "steps", cycle=False, open_=False)
    row = int(np.searchsorted(V_LINES, EXPRESSWAY[0]))
    for i in range(1, len(U_LINES) - 1):
        u = float(U_LINES[i])
        if (u <= AT_GRADE_FROM_U or u in UNDERPASSES_U) and owner[i, row - 1] != owner[i - 1, row - 1]:
            _arterial(plan, (i, row), (i, row + 1), arms, open_=u <= AT_GRADE_FROM_U)
