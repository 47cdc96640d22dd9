"""City: written and read back it is the same; its hash names its content, whatever the order; damage and edits are found."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import yaml

from yike.errors import CityChanged, InputError
from yike.model.city import CITY_FILE, City, Origin, stored_hash
from yike.model.network import StreetNetwork
from yike.model.tables import TABLES

CRS = "EPSG:32651"
X, Y = 500_000.0, 3_400_000.0


def small_city() -> City:
    """Make a city of one street, two facilities, two groups, two neighbourhoods, a site, a river and a park."""
    nodes = pd.DataFrame({"id": [1, 2, 3], "x": [X, X + 100, X + 200], "y": [Y, Y, Y + 0.123456]})
    edges = pd.DataFrame({"source": [1, 2], "target": [2, 3], "length_m": [100.0, 100.0]})
    walk = StreetNetwork.from_edges(nodes, edges, crs=CRS)
    cycle = StreetNetwork.from_edges(nodes, edges.assign(oneway=[True, False]), crs=CRS, mode="cycle")
    park = shapely.box(X, Y + 10, X + 50, Y + 60)
    facilities = pd.DataFrame(
        {"facility_id": ["b", "a"], "class_id": ["park", "pharmacy"], "name": ["人民公园", None], "x": [X + 25, X + 1 / 3],
         "y": [Y + 35, Y], "beds": [np.nan, 3], "outline": [park, None], "source": ["parks.gpkg", "shops.csv"]}
    )  # fmt: skip
    demand = pd.DataFrame(
        {"demand_id": ["d2", "d1"], "x": [X, X + 90], "y": [Y, Y], "residents": [30, 12], "unit_id": ["u1", ""],
         "residents_age_0_2": [10, 2], "residents_age_80_up": [20, 10]}
    )  # fmt: skip
    units = pd.DataFrame(
        {"unit_id": ["u1", "u2"], "name": ["一居", "二居"], "centre_x": [X, X + 100], "centre_y": [Y, Y],
         "outline": [shapely.box(X - 50, Y - 50, X + 50, Y + 50), None], "zone": ["urban", ""]}
    )  # fmt: skip
    parts = {
        "facilities": facilities,
        "entrances": pd.DataFrame({"facility_id": ["b"], "x": [X], "y": [Y + 10], "kind": ["entrance"]}),
        "demand": demand,
        "units": units,
        "candidates": pd.DataFrame({"candidate_id": ["c"], "name": ["仓库"], "x": [X], "y": [Y], "cost_yuan": [1e6]}),
        "barriers": pd.DataFrame(
            {"barrier_id": ["r"], "kind": ["water"], "geometry": [shapely.LineString([(X, Y - 9), (X + 9, Y - 9)])]}
        ),
        "context": pd.DataFrame({"context_id": ["p"], "kind": ["green"], "geometry": [park]}),
    }
    city = City(
        title="小城",
        crs=CRS,
        networks={"walk": walk, "cycle": cycle},
        groups=("age_0_2", "age_80_up"),
        inventories={"park": "parks.gpkg", "pharmacy": "shops.csv"},
        extent=shapely.box(X - 1000.12345, Y - 1000, X + 1000, Y + 1000),
        provenance=(Origin("streets", "streets.gpkg", "ab" * 32, "2026-01-02", "CC0", "ends_joined?tolerance_m=0.1"),),
        data_date="2026-01-02",
    )
    return city.replace(**parts)


def test_a_saved_city_is_read_back_the_same(tmp_path: Path) -> None:
    city = small_city()
    folder = city.save(tmp_path / "deep" / "city")
    again = City.load(folder, check=True)
    assert again.hash == city.hash == stored_hash(folder)
    assert again.hashes == city.hashes
    for name in TABLES:
        assert again.table(name).columns.tolist() == city.table(name).columns.tolist()
        assert len(again.table(name)) == len(city.table(name))
    assert again.facilities["x"].tolist() == city.facilities["x"].tolist()
    assert again.facilities["outline"].tolist()[0] is None
    assert again.demand["residents_age_0_2"].tolist() == [2, 10]
    assert again.facilities["name"].tolist() == ["", "人民公园"]
    assert (again.title, again.groups, again.provenance) == (city.title, city.groups, city.provenance)
    assert again.networks["cycle"].backward.sum() == 1
    assert (again.networks["walk"].node_xy == city.networks["walk"].node_xy).all()


def test_a_city_without_tables_and_extent_is_read_back_the_same(tmp_path: Path) -> None:
    city = City(title="", crs=CRS, networks={})
    again = City.load(city.save(tmp_path / "bare"), check=True)
    assert again.hash == city.hash
    assert again.extent is None
    assert again.facilities.empty


def test_forecasts_are_kept_and_a_folder_from_before_them_is_read_the_same(tmp_path: Path) -> None:
    city = small_city()
    folder = city.save(tmp_path / "city")
    assert not (folder / "forecasts.parquet").exists()
    assert "forecasts" not in city.hashes
    rows = pd.DataFrame({"demand_id": ["d2", "d1"], "year": [2030, 2030], "residents": [31, 9]})
    later = city.replace(forecasts=rows.assign(residents_age_0_2=[1, 2], residents_age_80_up=[30, 7]))
    assert {name for name in later.hashes if later.hashes[name] != city.hashes.get(name)} == {"forecasts"}
    again = City.load(later.save(folder), check=True)
    assert again.forecasts["demand_id"].tolist() == ["d1", "d2"]
    assert again.forecasts[["residents", "residents_age_80_up"]].to_numpy().tolist() == [[9, 7], [31, 30]]
    (folder / "forecasts.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError) as caught:
        City.load(folder)
    assert [fault.code for fault in caught.value.faults] == ["file.damaged"]


def test_a_second_save_replaces_the_first_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    city = small_city()
    folder = city.save(tmp_path / "city")
    city.replace(candidates=TABLES["candidates"].empty(), networks={"walk": city.networks["walk"]}).save(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["city"]
    assert not list(folder.glob("streets_cycle*"))
    assert City.load(folder, check=True).candidates.empty


def test_a_save_that_fails_leaves_the_older_city_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    city = small_city()
    folder = city.save(tmp_path / "city")

    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(StreetNetwork, "segment_table", fail)
    with pytest.raises(OSError, match="disk full"):
        city.replace(title="other").save(folder)
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["city"]
    assert City.load(folder, check=True).title == "小城"


def test_the_hash_does_not_depend_on_the_order_of_rows() -> None:
    city = small_city()
    turned = city.replace(**{name: city.table(name).iloc[::-1].reset_index(drop=True) for name in TABLES})
    assert turned.hash == city.hash


def test_the_hash_does_not_depend_on_title_or_provenance() -> None:
    city = small_city()
    assert city.replace(title="别名", provenance=()).hash == city.hash


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("facilities", "class_id", "clinic"),
        ("demand", "residents", 13),
        ("units", "zone", "new_town"),
        ("candidates", "cost_yuan", 2e6),
    ],
)
def test_one_changed_cell_changes_the_hash_of_its_table_only(table: str, column: str, value: object) -> None:
    city = small_city()
    rows = city.table(table).copy()
    rows.loc[0, column] = value
    changed = city.replace(**{table: rows})
    assert {name for name in city.hashes if city.hashes[name] != changed.hashes[name]} == {table}
    assert changed.hash != city.hash


def test_a_moved_outline_and_another_inventory_change_the_hash() -> None:
    city = small_city()
    outlines = [None, shapely.box(X, Y + 10, X + 50, Y + 60.002)]
    assert city.replace(facilities=city.facilities.assign(outline=outlines)).hash != city.hash
    assert city.replace(inventories={"park": "parks.gpkg"}).hash != city.hash
    assert city.replace(extent=None).hash != city.hash


def test_an_edited_table_is_found(tmp_path: Path) -> None:
    folder = small_city().save(tmp_path / "city")
    path = folder / "demand.parquet"
    table = gpd.read_parquet(path)
    table.loc[0, "residents"] += 1
    table.to_parquet(path, index=False)
    assert City.load(folder).demand["residents"].tolist() == [13, 30]
    with pytest.raises(CityChanged, match=stored_hash(folder)):
        City.load(folder, check=True)


@pytest.mark.parametrize("name", ["facilities.parquet", "streets_walk_nodes.parquet", "streets_cycle_segments.parquet"])
def test_a_truncated_or_missing_table_is_named(tmp_path: Path, name: str) -> None:
    folder = small_city().save(tmp_path / "city")
    path = folder / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError) as caught:
        City.load(folder)
    assert [(fault.code, fault.file) for fault in caught.value.faults] == [("file.damaged", str(path))]
    path.unlink()
    with pytest.raises(InputError) as caught:
        City.load(folder)
    assert [(fault.code, fault.file) for fault in caught.value.faults] == [("file.missing", str(path))]


def test_a_damaged_head_is_named(tmp_path: Path) -> None:
    folder = small_city().save(tmp_path / "city")
    path = folder / CITY_FILE
    head = yaml.safe_load(path.read_text("utf-8"))
    for text, codes in [
        ("a: [", ["file.damaged"]),
        ("- 1", ["file.damaged"]),
        (yaml.safe_dump({**head, "format": 99}), ["city.other_format"]),
        (yaml.safe_dump({key: head[key] for key in head if key not in ("crs", "modes")}), ["city.missing_key"] * 2),
        (yaml.safe_dump({**head, "crs": "EPSG:4326"}), ["crs.not_metric"]),
    ]:
        path.write_text(text, "utf-8")
        with pytest.raises(InputError) as caught:
            City.load(folder)
        assert [fault.code for fault in caught.value.faults] == codes
    path.unlink()
    with pytest.raises(InputError) as caught:
        City.load(folder)
    assert [fault.code for fault in caught.value.faults] == ["city.not_a_city"]


def test_a_folder_with_other_files_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear", "utf-8")
    with pytest.raises(InputError) as caught:
        small_city().save(tmp_path)
    assert [fault.code for fault in caught.value.faults] == ["city.folder_in_use"]
    assert (tmp_path / "letter.txt").read_text("utf-8") == "dear"


def test_a_table_is_brought_into_form_and_its_faults_are_named() -> None:
    schema = TABLES["demand"]
    rows = pd.DataFrame(
        {"demand_id": ["b", "a"], "x": ["1.5", 2], "y": [0, 0], "residents": ["7", 8.0], "extra": [1, 2]}
    )
    formed = schema.conform(rows, file="f.csv")
    assert formed["demand_id"].tolist() == ["a", "b"]
    assert formed["residents"].tolist() == [8, 7]
    assert formed["residents"].dtype == np.int64
    assert formed["unit_id"].tolist() == ["", ""]
    assert formed.columns.tolist() == ["demand_id", "x", "y", "unit_id", "residents", "extra"]
    bad = pd.DataFrame({"demand_id": [None, "a"], "x": ["east", 2], "y": [0, 0], "residents": [1.5, 2]})
    with pytest.raises(InputError) as caught:
        schema.conform(bad, file="f.csv")
    assert {(fault.code, fault.field, fault.row) for fault in caught.value.faults} >= {
        ("table.empty_cell", "demand_id", 2),
        ("table.not_a_number", "x", 2),
        ("table.not_a_number", "residents", 2),
    }
    with pytest.raises(InputError, match="stands more than once"):
        schema.conform(rows.assign(demand_id="same"), file="f.csv")
    with pytest.raises(InputError) as caught:
        schema.conform(rows.drop(columns=["x", "residents"]), file="f.csv")
    assert [fault.field for fault in caught.value.faults] == ["x", "residents"]


def test_a_hole_is_not_taken_for_a_second_polygon() -> None:
    city = small_city()
    outer, inner = shapely.box(X, Y, X + 50, Y + 60), shapely.box(X + 10, Y + 10, X + 20, Y + 20)
    far = shapely.box(X + 90, Y, X + 95, Y + 5)
    ring = shapely.Polygon(outer.exterior, [inner.exterior])
    two = shapely.MultiPolygon([outer, shapely.Polygon(inner.exterior), far])
    holed = shapely.MultiPolygon([ring, far])
    flat = {shapely.get_coordinates(shape).tobytes() for shape in (two, holed)}
    assert len(flat) == 1
    hashes = {city.replace(facilities=city.facilities.assign(outline=[None, shape])).hash for shape in (two, holed)}
    assert len(hashes) == 2
