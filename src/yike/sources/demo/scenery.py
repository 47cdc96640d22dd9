"""Barriers that no connection may cross, and the land and water drawn behind the data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from yike.sources.demo.plan import Plan
from yike.sources.demo.terrain import (
    AT_GRADE_FROM_U,
    CANAL_WATER,
    EXPRESSWAY_EDGES,
    ISLET_RADII,
    KNOWN,
    LAKE_CENTRE,
    LAKE_RADII,
    RAILWAY,
    RAILWAY_EDGES,
    RIVER_NAME,
    RIVER_WATER,
    FloatArray,
    Ground,
    ellipse,
)

_CREEK_HALF_WIDTH_M = 5.0
_BUILT = ("lanes", "super", "grid", "core", "campus", "industry")


def make_extent(ground: Ground) -> shapely.Polygon:
    """Return the bounds of the known data: 1.5 km beyond the district, but the district's own border in the east."""
    return ground.rectangle(*KNOWN)


def _along_u(v: float, *, start: float = KNOWN[0], end: float = KNOWN[1]) -> FloatArray:
    return np.array([[start, v], [end, v]])


def _along_v(u: float) -> FloatArray:
    return np.array([[u, KNOWN[2]], [u, KNOWN[3]]])


def make_barriers(plan: Plan, ground: Ground) -> pd.DataFrame:
    """Return banks of river, canal, creeks and lake, the expressway where it lies at grade, the railway, and walls.

    The canal's banks are open where the river passes; elevated parts of the expressway are no barrier.
    """
    canal_parts = ((KNOWN[0], RIVER_WATER[0]), (RIVER_WATER[1], KNOWN[1]))
    river_parts = ((KNOWN[2], CANAL_WATER[0]), (CANAL_WATER[1], KNOWN[3]))
    lines: list[tuple[str, FloatArray]] = []
    lines += [("water", np.array([[u, low], [u, high]])) for u in RIVER_WATER for low, high in river_parts]
    lines += [("water", _along_u(v, start=low, end=high)) for v in CANAL_WATER for low, high in canal_parts]
    lines += [("water", ellipse(LAKE_CENTRE, radii)) for radii in (LAKE_RADII, ISLET_RADII)]
    lines += [("water", creek) for creek in plan.creeks]
    lines += [("motorway", _along_u(v, start=AT_GRADE_FROM_U + 20)) for v in EXPRESSWAY_EDGES]
    lines += [("rail", _along_v(u)) for u in RAILWAY_EDGES]
    lines += [("wall", wall) for wall in plan.walls]
    return pd.DataFrame(
        {
            "barrier_id": [f"B{k:05d}" for k in range(1, len(lines) + 1)],
            "kind": [kind for kind, _ in lines],
            "geometry": ground.lines([line for _, line in lines]),
        }
    )


def make_context(plan: Plan, ground: Ground) -> pd.DataFrame:
    """Return water, parks, built land, expressway and railway as they are drawn."""
    lake, islet = (ground.polygon(ellipse(LAKE_CENTRE, radii)) for radii in (LAKE_RADII, ISLET_RADII))
    rows: list[tuple[str, str, shapely.Geometry]] = [
        ("water", RIVER_NAME[0], ground.rectangle(*RIVER_WATER, KNOWN[2], KNOWN[3])),
        ("water", "云津塘", ground.rectangle(KNOWN[0], RIVER_WATER[0], *CANAL_WATER)),
        ("water", "云津塘", ground.rectangle(RIVER_WATER[1], KNOWN[1], *CANAL_WATER)),
        ("water", "镜心湖", shapely.Polygon(lake.exterior, [islet.exterior])),
    ]
    bank = np.array([0.0, _CREEK_HALF_WIDTH_M])
    rows += [("water", "", ground.polygon(np.vstack([creek + bank, creek[::-1] - bank]))) for creek in plan.creeks]
    rows += [("green", "", ground.rectangle(park.u0, park.u1, park.v0, park.v1)) for park in plan.parks]
    for u0, u1 in ((RIVER_WATER[0] - 36, RIVER_WATER[0] - 3), (RIVER_WATER[1] + 3, RIVER_WATER[1] + 36)):
        rows.append(("green", "", ground.rectangle(u0, u1, 3060, 9150)))
    built = [
        ground.rectangle(p.u0 + 7, p.u1 - 7, p.v0 + 7, p.v1 - 7) for p in plan.parcels if p.fabric in _BUILT
    ]
    built += [ground.polygon(hamlet) for hamlet in plan.hamlets]
    rows += [("built", "", shapely.multipolygons(built[k : k + 40])) for k in range(0, len(built), 40)]
    rows.append(("motorway", "云津快速路", ground.line(_along_u(sum(EXPRESSWAY_EDGES) / 2))))
    rows.append(("rail", "云津铁路", ground.line(_along_v(sum(RAILWAY) / 2))))
    return pd.DataFrame(
        {
            "context_id": [f"X{k:04d}" for k in range(1, len(rows) + 1)],
            "kind": [kind for kind, _, _ in rows],
            "name": [name for _, name, _ in rows],
            "geometry": [shape for _, _, shape in rows],
        }
    )
