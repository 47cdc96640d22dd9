"""Population rasters (GeoTIFF): people a cell, as whole people by area or as weights for totals from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from yike.analysis.population import largest_remainder, spread_totals
from yike.errors import Fault, InputError
from yike.model.network import check_metric_crs
from yike.sources.notes import note
from yike.sources.population import PopulationRows

RASTER_ENDINGS = (".tif", ".tiff")
# Kolkata, among the densest of the cities of this size, holds about 24,000 people a km²; twice that on such an area is something
# else than people: a height, a brightness, a density a km² taken for people a cell.
LARGE_AREA_KM2 = 100.0
MOST_PEOPLE_KM2 = 50_000.0
_SQUARE_METRES_PER_KM2 = 1e6
_CORNERS = ((0, 0), (1, 0), (1, 1), (0, 1))
_EDGE_POINTS = 21

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RasterCells:
    """Hold the cells with people around an area.

    row, column  (n,) where each stands in the raster
    people       (n,) people in the cell, fractions as the raster gives them
    outline      (n,) its four corners in the metric system asked for
    empty        how many cells around the area have no data
    """

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    people: FloatArray
    outline: NDArray[np.object_]
    empty: int


def read_raster_population(path: Path, *, areas: pd.DataFrame, crs: str, band: int | None = None) -> PopulationRows:
    """Read whole people by area from a GeoTIFF to rows of the table `demand`, in the metric system ``crs``.

    ``areas`` has ``area_id`` and ``outline``. A cell gives an area the share of its people that the area covers of it; where
    areas overlap the cell is divided, so nobody counts twice. The areas' sums are rounded by largest remainder to the nearest
    whole number of all, each area's people then shared among its cells in the same way. Cells without data count nobody.

    Raises:
        InputError: the file is missing, damaged or no raster of people here (see `raster_places`).
    """
    path = Path(path)
    places, cells = raster_places(path, areas=areas, crs=crs, band=band)
    sums = places.groupby("area_id")["weight"].sum()
    before = float(sums.sum())
    totals = pd.DataFrame({"area_id": sums.index, "residents": largest_remainder(sums.to_numpy(), total=round(before))})
    rows = spread_totals(totals, places, file=str(path)).assign(source=path.name)
    people = int(rows["residents"].sum())
    told = {"people": people, "points": len(rows), "areas": len(sums), "before": f"{before:.9g}", "empty": cells.empty}
    notes = [note("raster", **told)]
    elsewhere = float(cells.people.sum()) - before
    if round(elsewhere):
        notes.append(note("raster_outside", people=round(elsewhere)))
    return PopulationRows(rows, len(cells.people), (), notes=tuple(notes))


def raster_places(path: Path, *, areas: pd.DataFrame, crs: str, band: int | None = None) -> tuple[pd.DataFrame, RasterCells]:
    """Return the parts of cells in areas as places (place_id, area_id, x, y [m], weight [people]), and the cells.

    Raises:
        InputError: the raster has no place, several bands of which none is named, no cell here, negative or undefined cells, no
            people, or more than any city holds; or the library that reads it is not installed.
    """
    path = Path(path)
    drawn = areas[~shapely.is_missing(areas["outline"].to_numpy(object))].sort_values("area_id", kind="stable")
    if not len(drawn):
        raise InputError([Fault("population.no_outlines", str(path))])
    outlines = drawn["outline"].to_numpy(object)
    cells = read_cells(path, box=tuple(shapely.total_bounds(outlines).tolist()), crs=crs, band=band)
    area, cell = shapely.STRtree(cells.outline).query(outlines, predicate="intersects")
    shapely.prepare(outlines)
    shared = cells.outline[cell].copy()
    cut = ~shapely.contains(outlines[area], shared)
    shared[cut] = shapely.intersection(shared[cut], outlines[area[cut]])
    fraction = shapely.area(shared) / shapely.area(cells.outline[cell])
    fraction /= np.maximum(1.0, np.bincount(cell, weights=fraction, minlength=len(cells.people)))[cell]
    weight = cells.people[cell] * fraction
    _refuse_crowds(path, people=float(weight.sum()), square_m=float(shapely.area(shapely.union_all(outlines))))
    kept = weight > 0
    inside = shapely.point_on_surface(shared[kept])
    names = zip(area[kept], cells.row[cell[kept]], cells.column[cell[kept]], strict=True)
    area_ids = drawn["area_id"].to_numpy(object)
    places = pd.DataFrame(
        {
            "place_id": [f"{path.stem}-{row}-{column}-{area_ids[number]}" for number, row, column in names],
            "area_id": area_ids[area[kept]],
            "x": shapely.get_x(inside),
            "y": shapely.get_y(inside),
            "weight": weight[kept],
        }
    )
    return places, cells


def read_cells(path: Path, *, box: Sequence[float], crs: str, band: int | None = None) -> RasterCells:
    """Read the cells with people in a box (left, low, right, high [m] in ``crs``).

    Raises:
        InputError: as `raster_places` says.
    """
    check_metric_crs(crs, "crs")
    path = Path(path)
    if not path.is_file():
        raise InputError([Fault("file.missing", str(path))])
    if path.suffix.lower() not in RASTER_ENDINGS:
        values = {"ending": path.suffix or path.name, "known": ", ".join(RASTER_ENDINGS)}
        raise InputError([Fault("file.unknown_kind", str(path), values=values)])
    rasterio = _library(path)
    try:
        with rasterio.open(path) as raster:
            chosen = _chosen_band(path, raster, band)
            window = _window(path, raster, box, crs)
            values = raster.read(chosen, window=window, masked=True).astype(np.float64)
            transform, source, nodata = raster.window_transform(window), raster.crs.to_wkt(), raster.nodata
            first_row, first_column = round(window.row_off), round(window.col_off)
    except rasterio.errors.RasterioError as error:
        raise InputError([Fault("file.damaged", str(path), values={"reason": error})]) from error
    people = values.filled(0.0)
    _refuse_values(path, people, nodata)
    row, column = np.nonzero(people)
    corners = np.stack([np.column_stack([column + right, row + down]) for right, down in _CORNERS], axis=1)
    project = pyproj.Transformer.from_crs(source, crs, always_xy=True)
    flat = np.column_stack(project.transform(*_moved(transform, corners.reshape(-1, 2).astype(np.float64)).T))
    outline = np.asarray(shapely.polygons(flat.reshape(-1, len(_CORNERS), 2)), object)
    empty = int(np.ma.getmaskarray(values).sum())
    return RasterCells(row + first_row, column + first_column, people[row, column], outline, empty)


def _library(path: Path) -> Any:
    try:
        import rasterio
    except ImportError as error:
        raise InputError([Fault("raster.no_library", str(path))]) from error
    return rasterio


def _chosen_band(path: Path, raster: Any, band: int | None) -> int:
    if raster.crs is None or raster.transform.is_identity:
        raise InputError([Fault("raster.no_place", str(path))])
    if (band is None and raster.count > 1) or (band is not None and not 1 <= band <= raster.count):
        raise InputError([Fault("raster.bands", str(path), field="band", values={"count": raster.count})])
    return band or 1


def _window(path: Path, raster: Any, box: Sequence[float], crs: str) -> Any:
    """Return the raster's rows and columns around the box, one cell more on every side."""
    from rasterio.windows import Window

    back = pyproj.Transformer.from_crs(crs, raster.crs.to_wkt(), always_xy=True)
    left, low, right, high = back.transform_bounds(box[0], box[1], box[2], box[3], densify_pts=_EDGE_POINTS)
    corners = np.array([(left, low), (left, high), (right, low), (right, high)])
    columns, rows = _moved(~raster.transform, corners).T
    first_column, last_column = np.clip([np.floor(columns.min()) - 1, np.ceil(columns.max()) + 1], 0, raster.width)
    first_row, last_row = np.clip([np.floor(rows.min()) - 1, np.ceil(rows.max()) + 1], 0, raster.height)
    if not np.isfinite([left, low, right, high]).all() or first_column == last_column or first_row == last_row:
        names = ("left", "low", "right", "high")
        values = {name: f"{edge:.6g}" for name, edge in zip(names, raster.bounds, strict=True)}
        raise InputError([Fault("raster.elsewhere", str(path), values={**values, "crs": raster.crs.to_string()[:40]})])
    return Window(int(first_column), int(first_row), int(last_column - first_column), int(last_row - first_row))


def _moved(transform: Any, points: FloatArray) -> FloatArray:
    """Return (n, 2) points after an affine transform."""
    turned = points @ np.array([[transform.a, transform.d], [transform.b, transform.e]])
    return np.asarray(turned + np.array([transform.c, transform.f]), np.float64)


def _refuse_values(path: Path, people: FloatArray, nodata: float | None) -> None:
    faults = []
    undefined, negative = ~np.isfinite(people), people < 0
    if undefined.any():
        faults.append(Fault("raster.not_finite", str(path), count=int(undefined.sum())))
    if negative.any():
        values = {"least": f"{people[negative].min():.6g}", "nodata": "–" if nodata is None else f"{nodata:.6g}"}
        faults.append(Fault("raster.negative", str(path), values=values, count=int(negative.sum())))
    if not faults and not people.any():
        faults.append(Fault("raster.no_people", str(path)))
    if faults:
        raise InputError(faults)


def _refuse_crowds(path: Path, *, people: float, square_m: float) -> None:
    square_km = square_m / _SQUARE_METRES_PER_KM2
    if people <= 0:
        raise InputError([Fault("raster.no_people", str(path))])
    if square_km >= LARGE_AREA_KM2 and people / square_km > MOST_PEOPLE_KM2:
        values = {"people": f"{people:,.0f}", "area": f"{square_km:,.0f}", "density": f"{people / square_km:,.0f}"}
        raise InputError([Fault("raster.not_people", str(path), values=values)])
