"""Totals by neighbourhood spread over homes, rasters and forecasts into a City folder: nobody lost, everything told."""

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from small_city import city, demand, units

from yike.errors import InputError
from yike.model.city import City
from yike.sources.city_parts import import_streets
from yike.sources.notes import say_notes
from yike.sources.residences import floor_count, floors_by_kind, read_buildings
from yike.sources.resident_totals import import_forecast, import_raster, import_totals

CRS = "EPSG:32651"
CENSUS = "unit_id,0-2岁,60-79岁\nu1,30,71\n东居委会,0,9\nu3,2,3\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two neighbourhoods along the street and one without an area."""
    rows = units(("u1", 500, 0), ("u2", 1500, 0), ("u3", 250, 5000))
    outlines = [shapely.box(0, -100, 1000, 100), shapely.box(1000, -100, 2000, 100), None]
    return city(units=rows.assign(name=["西居委会", "东居委会", "北居委会"], outline=outlines)).save(tmp_path / "city")


def written(path: Path, content: str) -> Path:
    path.write_text(content, "utf-8")
    return path


def test_totals_are_spread_along_the_streets_and_each_group_adds_up(tmp_path: Path, folder: Path) -> None:
    done = import_totals(written(tmp_path / "census.csv", CENSUS), city=folder, date="2025-11-01")
    made = City.load(folder, check=True)
    assert made.groups == ("age_0_2", "age_60_79")
    sums = made.demand.groupby("unit_id")[["residents", "residents_age_0_2", "residents_age_60_79"]].sum()
    assert sums.to_numpy().tolist() == [[101, 30, 71], [9, 0, 9], [5, 2, 3]]
    on_street = made.demand[made.demand["unit_id"] == "u1"]
    assert len(on_street) == 20
    assert set(on_street["residents"]) == {5, 6}
    assert (on_street["y"] == 0).all()
    assert made.demand[made.demand["unit_id"] == "u3"][["x", "y"]].to_numpy().tolist() == [[250.0, 5000.0]]
    assert say_notes(" ".join(done.notes), "en") == (
        "Totals of 3 areas spread over 30 places along streets by length. "
        "5 people of 1 areas without any such place stand at the neighbourhood's centre."
    )
    assert (done.rows_read, done.rows_kept) == (3, 3)
    again = import_totals(tmp_path / "census.csv", city=folder, date="2025-11-01")
    assert again.city_hash == done.city_hash


def test_totals_are_spread_over_buildings_by_floor_area(tmp_path: Path, folder: Path) -> None:
    shapes = [
        shapely.box(10, 10, 20, 20),
        shapely.box(30, 10, 40, 20),
        shapely.box(1100, 10, 1110, 20),
        shapely.box(50, 10, 60, 20),
    ]
    table = {"用途": ["住宅", "住宅", "住宅", "商业"], "层数": ["3", None, "2", "20"]}
    gpd.GeoDataFrame(table, geometry=shapes, crs=CRS).to_file(tmp_path / "houses.gpkg")
    census = written(tmp_path / "census.csv", "unit_id,residents\nu1,90\nu2,7\n")
    done = import_totals(census, city=folder, by="buildings", weights=tmp_path / "houses.gpkg")
    made = City.load(folder, check=True).demand
    assert floors_by_kind()["residential"] == 6.0
    assert made[["unit_id", "residents"]].to_numpy().tolist() == [["u1", 30], ["u1", 60], ["u2", 7]]
    assert "1 of 3 buildings state no floors" in say_notes(" ".join(done.notes), "en")
    assert "population_weights" in [origin.part for origin in City.load(folder).provenance]


def test_bad_totals_change_nothing_and_are_named(tmp_path: Path, folder: Path) -> None:
    before = City.load(folder).hash
    bad = written(tmp_path / "bad.csv", "unit_id,residents\nu1,5\nu9,5\nu1,7\n,3\nu2,2.5\n")
    with pytest.raises(InputError) as caught:
        import_totals(bad, city=folder)
    assert [(fault.code, fault.row) for fault in caught.value.faults] == [
        ("population.unknown_area", 3),
        ("population.area_twice", 4),
        ("population.no_area", 5),
        ("table.not_a_number", 6),
    ]
    nameless = written(tmp_path / "nameless.csv", "place,residents\nu1,5\n")
    with pytest.raises(InputError, match="no column names the neighbourhood"):
        import_totals(nameless, city=folder)
    good = written(tmp_path / "good.csv", "unit_id,residents\nu1,5\n")
    for options, code in (({"by": "magic"}, "name.unknown"), ({"by": "raster"}, "population.no_weights")):
        with pytest.raises(InputError) as caught:
            import_totals(good, city=folder, **options)  # type: ignore[arg-type]
        assert [fault.code for fault in caught.value.faults] == [code]
    assert City.load(folder, check=True).hash == before


def test_fractions_are_rounded_when_asked(tmp_path: Path, folder: Path) -> None:
    census = written(tmp_path / "census.csv", "unit_id,residents\nu1,10.7\nu2,4.5\n")
    import_totals(census, city=folder, rounding="largest_remainder")
    assert City.load(folder).demand.groupby("unit_id")["residents"].sum().to_dict() == {"u1": 11, "u2": 4}


def test_polygons_of_their_own_are_spread_over_the_homes_in_them(tmp_path: Path, folder: Path) -> None:
    hexagons = [shapely.Point(x, 0).buffer(250, quad_segs=2) for x in (250, 750, 1250)]
    table = {"id": ["h1", "h2", "h3"], "population": [33, 50, 7]}
    gpd.GeoDataFrame(table, geometry=hexagons, crs=CRS).to_file(tmp_path / "hex.gpkg")
    import_totals(tmp_path / "hex.gpkg", city=folder)
    made = City.load(folder, check=True).demand
    assert made.groupby("unit_id")["residents"].sum().to_dict() == {"u1": 83, "u2": 7}
    assert made["residents"][made["x"] < 500].sum() == 33
    with pytest.raises(InputError, match="this file holds shapes"):
        import_forecast(tmp_path / "hex.gpkg", city=folder, year=2030)


def test_a_raster_becomes_residents(tmp_path: Path, folder: Path) -> None:
    rasterio = pytest.importorskip("rasterio")
    path = tmp_path / "people.tif"
    head = {"driver": "GTiff", "dtype": "float32", "count": 1, "crs": CRS, "height": 2, "width": 20}
    with rasterio.open(path, "w", transform=rasterio.transform.from_origin(0, 100, 100, 100), **head) as file:
        file.write(np.full((1, 2, 20), 2.5, "float32"))
    done = import_raster(path, city=folder, licence="CC BY 4.0")
    made = City.load(folder, check=True)
    assert made.demand.groupby("unit_id")["residents"].sum().to_dict() == {"u1": 50, "u2": 50}
    assert done.city_hash == made.hash
    census = written(tmp_path / "census.csv", "unit_id,residents\nu2,30\n")
    import_totals(census, city=folder, by="raster", weights=path)
    assert City.load(folder).demand["residents"].sum() == 130


def test_a_forecast_is_kept_beside_today(tmp_path: Path, folder: Path) -> None:
    forecast = written(tmp_path / "2030.csv", "unit_id,residents\nu1,200\n")
    with pytest.raises(InputError) as caught:
        import_forecast(forecast, city=folder, year=2030)
    assert [fault.code for fault in caught.value.faults] == ["forecast.no_population"]
    City.load(folder).replace(demand=demand(("d1", "u1", 100, 0, 60), ("d2", "u1", 900, 0, 40), ("d3", "u2", 1500, 0, 5))).save(
        folder
    )
    done = import_forecast(forecast, city=folder, year=2030)
    made = City.load(folder, check=True)
    assert made.forecasts[["demand_id", "year", "residents"]].to_numpy().tolist() == [["d1", 2030, 120], ["d2", 2030, 80]]
    assert made.demand["residents"].sum() == 105
    assert say_notes(" ".join(done.notes), "zh") == "2030 年预测：2 个居住点共 200 人。"
    import_forecast(written(tmp_path / "2035.csv", "unit_id,residents\nu1,50\nu2,10\n"), city=folder, year=2035)
    import_forecast(written(tmp_path / "2030.csv", "unit_id,residents\nu1,100\n"), city=folder, year=2030)
    made = City.load(folder, check=True)
    assert made.forecasts.groupby("year")["residents"].sum().to_dict() == {2030: 100, 2035: 60}
    with pytest.raises(InputError) as caught:
        import_forecast(forecast, city=folder, year=1066)
    assert [fault.code for fault in caught.value.faults] == ["forecast.year"]
    empty = written(tmp_path / "north.csv", "unit_id,residents\nu3,50\n")
    with pytest.raises(InputError, match="50 people of area u3 have no place to live"):
        import_forecast(empty, city=folder, year=2030)


@pytest.mark.parametrize(
    ("word", "floors"),
    [("6", 6.0), ("5.5", 5.5), ("3;4", 3.0), ("6层", 6.0), ("", np.nan), ("many", np.nan), ("900", np.nan), ("0", np.nan)],
)
def test_floors_are_read_as_written(word: str, floors: float) -> None:
    assert floor_count(word) == pytest.approx(floors, nan_ok=True)


def test_homes_of_openstreetmap(tmp_path: Path) -> None:
    def way(number: int, lon: float, tags: str) -> str:
        refs = "".join(f'<nd ref="{number}{corner}"/>' for corner in (1, 2, 3, 4, 1))
        return f'<way id="{number}" version="1" timestamp="2025-01-01T00:00:00Z">{refs}{tags}</way>'

    def corners(number: int, lon: float) -> str:
        places = [(lon, 31.0), (lon + 0.0002, 31.0), (lon + 0.0002, 31.0002), (lon, 31.0002)]
        return "".join(
            f'<node id="{number}{n}" version="1" timestamp="2025-01-01T00:00:00Z" lon="{x:.6f}" lat="{y}"/>'
            for n, (x, y) in enumerate(places, start=1)
        )

    tags = {
        1: '<tag k="building" v="apartments"/><tag k="building:levels" v="18"/>',
        2: '<tag k="building" v="yes"/>',
        3: '<tag k="building" v="yes"/><tag k="shop" v="mall"/>',
        4: '<tag k="building" v="school"/>',
        5: '<tag k="building" v="house"/>',
    }
    nodes = "".join(corners(number, 121.0 + 0.001 * number) for number in tags)
    ways = "".join(way(number, 0, words) for number, words in tags.items())
    path = written(tmp_path / "homes.osm", f'<?xml version="1.0"?><osm version="0.6">{nodes}{ways}</osm>')
    found = read_buildings(path, crs=CRS)
    assert found.table["building_id"].tolist() == ["osm:w1", "osm:w2", "osm:w5"]
    assert found.table["floors"].tolist()[0] == 18.0
    assert (found.unsaid, found.assumed) == (1, 2)
    assert shapely.area(found.table["outline"][0]) == pytest.approx(19.1 * 22.2, rel=0.02)


def test_homes_of_las_palmas(real_data: Callable[[str], Path]) -> None:
    found = read_buildings(real_data("las-palmas/las_palmas.osm.pbf"), crs="EPSG:32628")
    kinds = found.table["kind"].value_counts()
    assert (kinds["house"], kinds["apartments"], kinds["residential"]) == (6307, 437, 520)
    assert 12_000 < found.unsaid < 14_132
    assert isinstance(found.table, pd.DataFrame)


@pytest.mark.long
def test_everybody_of_porto_alegre_gets_a_home_on_a_street(tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    folder = tmp_path / "city"
    import_streets(real_data("porto-alegre/poa_osm.pbf"), city=folder, modes=("walk",))
    crs = City.load(folder).crs
    cells = pd.read_csv(real_data("porto-alegre/poa_hexgrid.csv"))
    centres = gpd.GeoSeries(gpd.points_from_xy(cells["lon"], cells["lat"]), crs="EPSG:4326").to_crs(crs)
    people = cells[["id"]].assign(population=cells["population"].round().astype(int))
    gpd.GeoDataFrame(people, geometry=centres.buffer(300, cap_style="square")).to_file(tmp_path / "cells.gpkg")
    import_totals(tmp_path / "cells.gpkg", city=folder)
    made = City.load(folder, check=True).demand
    assert made["residents"].sum() == 812_935
    assert len(made) > 20 * len(cells)
    assert (made["residents"] > 0).all()
