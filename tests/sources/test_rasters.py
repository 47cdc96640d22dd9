"""Population rasters made in the test: whole people by area, the fractions' sum kept; what is no raster of people is refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely

from yike.errors import InputError
from yike.sources import rasters
from yike.sources.rasters import raster_places, read_raster_population

rasterio = pytest.importorskip("rasterio")

CRS = "EPSG:32651"
X, Y = 500_000.0, 3_400_000.0


def written(path: Path, values: object, *, crs: str | None = CRS, nodata: float | None = -9999.0, cell_m: float = 100.0) -> Path:
    """Write a raster whose upper left corner lies at (X, Y)."""
    bands = np.atleast_3d(np.array(values, "float32").T).T
    place = {"transform": rasterio.transform.from_origin(X, Y, cell_m, cell_m)} if crs else {}
    head = {"driver": "GTiff", "dtype": "float32", "count": len(bands), "crs": crs, "nodata": nodata, **place}
    with rasterio.open(path, "w", height=bands.shape[1], width=bands.shape[2], **head) as file:
        file.write(bands)
    return path


def areas(**boxes: tuple[float, float, float, float]) -> pd.DataFrame:
    """Make areas of boxes in metres right of and below the raster's corner: left, top, right, bottom."""
    outlines = [shapely.box(X + left, Y - bottom, X + right, Y - top) for left, top, right, bottom in boxes.values()]
    return pd.DataFrame({"area_id": list(boxes), "outline": outlines})


def codes(path: Path, **options: object) -> list[str]:
    with pytest.raises(InputError) as caught:
        read_raster_population(path, **{"areas": areas(u1=(0, 0, 200, 200)), "crs": CRS, **options})  # type: ignore[arg-type]
    return [fault.code for fault in caught.value.faults]


def test_fractions_become_whole_people_and_the_sum_stays(tmp_path: Path) -> None:
    path = written(tmp_path / "people.tif", [[1.4, 2.4, 10], [0.4, -9999, 0]])
    read = read_raster_population(path, areas=areas(u1=(0, 0, 200, 200), u2=(200, 0, 300, 200)), crs=CRS)
    people = read.table.groupby("unit_id")["residents"].sum()
    assert people.to_dict() == {"u1": 4, "u2": 10}
    assert read.table["residents"].sum() == round(1.4 + 2.4 + 10 + 0.4)
    top = read.table.set_index("demand_id").loc["people-0-2-u2"]
    assert (top["x"], top["y"], top["residents"]) == pytest.approx((X + 250, Y - 50, 10))
    assert read.notes[0].startswith("raster?people=14&points=4&areas=2&before=14.2")
    assert read.notes[0].endswith("&empty=1")


def test_a_border_divides_a_cell_and_people_around_the_areas_are_told(tmp_path: Path) -> None:
    path = written(tmp_path / "people.tif", [[100, 0, 40]])
    asked = areas(a=(0, 0, 25, 100), b=(25, 0, 100, 100))
    read = read_raster_population(path, areas=asked, crs=CRS)
    assert read.table.set_index("unit_id")["residents"].to_dict() == {"a": 25, "b": 75}
    outlines = asked.set_index("area_id")["outline"]
    for row in read.table.itertuples():
        assert outlines[row.unit_id].contains(shapely.Point(row.x, row.y))
    wide = read_raster_population(path, areas=areas(a=(0, 0, 100, 100), c=(250, 0, 300, 100)), crs=CRS)
    assert wide.table["residents"].sum() == 120
    assert wide.notes[1] == "raster_outside?people=20"


def test_areas_that_overlap_count_nobody_twice(tmp_path: Path) -> None:
    path = written(tmp_path / "people.tif", [[100]])
    places, _ = raster_places(path, areas=areas(a=(0, 0, 100, 100), b=(0, 0, 100, 100)), crs=CRS)
    assert places["weight"].tolist() == [50.0, 50.0]


def test_degrees_are_brought_into_the_metric_system(tmp_path: Path) -> None:
    lon, lat = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True).transform(X, Y)
    path = tmp_path / "people.tif"
    head = {"driver": "GTiff", "dtype": "float32", "count": 1, "crs": "EPSG:4326", "height": 20, "width": 20}
    with rasterio.open(path, "w", transform=rasterio.transform.from_origin(lon, lat, 0.001, 0.001), **head) as file:
        file.write(np.full((1, 20, 20), 3.0, "float32"))
    read = read_raster_population(path, areas=areas(u1=(-50, -50, 3000, 3000)), crs=CRS)
    assert read.table["residents"].sum() == 1200
    assert read.table["x"].between(X, X + 2000).all()


def test_what_is_no_raster_of_people_is_refused(tmp_path: Path) -> None:
    assert codes(tmp_path / "none.tif") == ["file.missing"]
    (tmp_path / "people.asc").write_text("1 2", "utf-8")
    assert codes(tmp_path / "people.asc") == ["file.unknown_kind"]
    (tmp_path / "broken.tif").write_bytes(b"II*\x00" + b"\x01" * 50)
    assert codes(tmp_path / "broken.tif") == ["file.damaged"]
    assert codes(written(tmp_path / "nowhere.tif", [[1]], crs=None)) == ["raster.no_place"]
    assert codes(written(tmp_path / "two.tif", [[[1]], [[2]]])) == ["raster.bands"]
    assert codes(written(tmp_path / "far.tif", [[1]]), areas=areas(u=(90_000, 0, 91_000, 100))) == ["raster.elsewhere"]
    assert codes(written(tmp_path / "zone.tif", [[1]], crs="EPSG:32618")) == ["raster.elsewhere"]
    assert codes(written(tmp_path / "minus.tif", [[1, -3]])) == ["raster.negative"]
    assert codes(written(tmp_path / "nan.tif", [[1, np.inf]])) == ["raster.not_finite"]
    assert codes(written(tmp_path / "zero.tif", [[0, 0]])) == ["raster.no_people"]
    assert codes(written(tmp_path / "one.tif", [[1]]), areas=areas(u=(0, 0, 1, 1)).assign(outline=None)) == [
        "population.no_outlines"
    ]
    second = written(tmp_path / "second.tif", [[[1]], [[7]]])
    assert read_raster_population(second, areas=areas(u=(0, 0, 100, 100)), crs=CRS, band=2).table["residents"].sum() == 7


def test_a_cut_file_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "people.tif", np.full((300, 300), 2.0))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert codes(path, areas=areas(u=(0, 0, 30_000, 30_000))) == ["file.damaged"]


def test_without_the_library_the_error_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "people.tif", [[1]])
    monkeypatch.setitem(__import__("sys").modules, "rasterio", None)
    with pytest.raises(InputError, match=r"pip install 'yike\[rasters\]'"):
        rasters.read_cells(path, box=(X, Y, X + 1, Y + 1), crs=CRS)


def test_heights_are_not_people(real_data: Callable[[str], Path]) -> None:
    path = real_data("porto-alegre/poa_elevation.tif")
    with rasterio.open(path) as raster:
        outline = shapely.box(*raster.bounds)
    project = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:32722", always_xy=True)
    metric = shapely.transform(outline, lambda xy: np.column_stack(project.transform(xy[:, 0], xy[:, 1])))
    with pytest.raises(InputError) as caught:
        read_raster_population(path, areas=pd.DataFrame({"area_id": ["all"], "outline": [metric]}), crs="EPSG:32722")
    assert [fault.code for fault in caught.value.faults] == ["raster.not_people"]
    assert caught.value.faults[0].values["area"] == "137"
