"""Square units over the known area, for a city of which nobody gave a list of neighbourhoods."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from yike.errors import Fault, InputError
from yike.model.city import City
from yike.model.network import StreetNetwork
from yike.model.tables import UNITS

SOURCE = "grid"
SMALLEST_M, LARGEST_M = 100.0, 10_000.0
_METRES_PER_KILOMETRE = 1000


def grid_units(city: City, *, size_m: float) -> pd.DataFrame:
    """Return rows of the table `units`: the squares of a grid that hold a street end within the known area.

    The grid lies on whole multiples of ``size_m`` [m, 100 to 10,000] of the city's coordinate system, so that it stays the same
    when streets change. A unit is called after the kilometres of its lower left corner, ``grid-500-12000-6200`` in metres by id;
    its outline is the square cut to the known area, its centre the street node nearest to the middle of the square's nodes.

    Raises:
        InputError: the size is out of range, or the city has no streets.
    """
    if not SMALLEST_M <= size_m <= LARGEST_M:
        values = {"value": f"{size_m:g}", "least": int(SMALLEST_M), "most": int(LARGEST_M)}
        raise InputError([Fault("units.grid_size", "grid", field="size", values=values)])
    if not city.networks:
        raise InputError([Fault("tables.no_streets", city.title)])
    walked: StreetNetwork = city.networks.get("walk") or next(iter(city.networks.values()))
    xy = walked.node_xy
    if city.extent is not None:
        xy = xy[shapely.intersects_xy(city.extent, xy[:, 0], xy[:, 1])]
    cells = np.floor(xy / size_m).astype(np.int64)
    nodes = pd.DataFrame({"column": cells[:, 0], "row": cells[:, 1], "x": xy[:, 0], "y": xy[:, 1]})
    middle = nodes.groupby(["column", "row"])[["x", "y"]].transform("mean")
    nodes["away_m"] = np.hypot(nodes["x"] - middle["x"], nodes["y"] - middle["y"])
    nodes = nodes.sort_values(["column", "row", "away_m", "x", "y"]).drop_duplicates(["column", "row"])
    left, low = nodes["column"].to_numpy() * size_m, nodes["row"].to_numpy() * size_m
    squares = shapely.box(left, low, left + size_m, low + size_m)
    outlines = squares if city.extent is None else shapely.intersection(squares, city.extent)
    east, north = left.astype(np.int64), low.astype(np.int64)
    rows = {
        "unit_id": [f"grid-{size_m:g}-{x}-{y}" for x, y in zip(east, north, strict=True)],
        "name": [f"{x / _METRES_PER_KILOMETRE:g} / {y / _METRES_PER_KILOMETRE:g} km" for x, y in zip(east, north, strict=True)],
        "centre_x": nodes["x"].to_numpy(),
        "centre_y": nodes["y"].to_numpy(),
        "outline": [polygon_parts(outline) for outline in outlines],
        "source": SOURCE,
    }
    return UNITS.conform(pd.DataFrame(rows), file=SOURCE)


def polygon_parts(shape: shapely.Geometry) -> shapely.Geometry:
    """Return what of a shape has an area; cutting along a border may leave lines and points."""
    if shape.geom_type in ("Polygon", "MultiPolygon"):
        return shape
    return shapely.union_all([part for part in shapely.get_parts(shape) if shapely.get_dimensions(part) == 2])
