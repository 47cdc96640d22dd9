"""Named places of OpenStreetMap, and a grid where there are none, stand for neighbourhoods."""

from pathlib import Path

import numpy as np
import pytest
import shapely

from yike.errors import InputError
from yike.model.city import City
from yike.sources.city_parts import import_grid, import_streets, import_units
from yike.sources.notes import note
from yike.sources.osm.neighbourhoods import read_neighbourhoods
from yike.sources.unit_grid import grid_units

CRS = "EPSG:32651"
FIXTURES = Path(__file__).parents[1] / "fixtures"


def osm(path: Path, nodes: list[tuple[float, float, dict[str, str]]], ways: list[tuple[list[int], dict[str, str]]]) -> Path:
    """Write an OSM file; nodes are (east, north) in thousandths of a degree from 121.5, 31.2 and are numbered from 1."""

    def tagged(tags: dict[str, str]) -> str:
        return "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())

    lines = [
        f'<node id="{n}" version="1" lon="{121.5 + east / 1000:.7f}" lat="{31.2 + north / 1000:.7f}">{tagged(tags)}</node>'
        for n, (east, north, tags) in enumerate(nodes, 1)
    ]
    for n, (refs, tags) in enumerate(ways, 1):
        lines.append(f'<way id="{n}" version="1">{"".join(f"""<nd ref="{ref}"/>""" for ref in refs)}{tagged(tags)}</way>')
    path.write_text(f'<osm version="0.6">{"".join(lines)}</osm>', "utf-8")
    return path


def square(east: float, north: float, side: float) -> list[tuple[float, float, dict[str, str]]]:
    return [(east + dx * side, north + dy * side, {}) for dx, dy in ((0, 0), (1, 0), (1, 1), (0, 1))]


@pytest.fixture
def places(tmp_path: Path) -> Path:
    nodes = [
        (0.0, 0.0, {"place": "suburb", "name": "Old Town", "name:zh": "老城", "name:en": "Old Town"}),
        (20.0, 0.0, {"place": "hamlet", "name": "Mill"}),
        (5.0, 5.0, {"place": "city", "name": "City"}),
        (6.0, 6.0, {"place": "neighbourhood"}),
        (31.0, 31.0, {"place": "quarter", "name": "Ring"}),
        (44.0, 44.0, {"place": "neighbourhood", "name": "Inner"}),
        *square(30, 30, 4),
        *square(40, 40, 9),
    ]
    rings = [
        ([7, 8, 9, 10, 7], {"place": "quarter", "name": "Ring"}),
        ([11, 12, 13, 14, 11], {"place": "suburb", "name": "Outer"}),
    ]
    return osm(tmp_path / "places.osm", nodes, rings)


def test_places_are_committees_and_keep_the_outline_of_one_neighbourhood_only(places: Path) -> None:
    found = read_neighbourhoods(places, crs=CRS)
    rows = found.units.set_index("unit_id")
    assert rows["name"].to_dict() == {
        "osm:n1": "老城", "osm:n2": "Mill", "osm:n6": "Inner", "osm:w1": "Ring", "osm:w2": "Outer",
    }  # fmt: skip
    assert rows.loc["osm:n1", "name_en"] == "Old Town"
    assert rows["kind"].to_dict() == {
        "osm:n1": "residents_committee", "osm:n2": "village_committee", "osm:n6": "residents_committee",
        "osm:w1": "residents_committee", "osm:w2": "residents_committee",
    }  # fmt: skip
    assert rows.index[rows["outline"].notna()].tolist() == ["osm:w1"]
    assert rows.loc["osm:w1", "outline"].area == pytest.approx(4 * 95.29 * 4 * 110.87, rel=5e-3)
    # The node of the same name is the quarter's centre, a tenth of a side from its corner or so: not the middle.
    assert rows.loc["osm:w1", "centre_x"] - rows.loc["osm:w1", "outline"].bounds[0] == pytest.approx(95.29, rel=0.2)
    assert (found.places, found.unnamed, found.outside, found.outlines_given_up) == (7, 1, 0, 1)


def test_places_outside_the_known_area_are_left_out(places: Path) -> None:
    whole = read_neighbourhoods(places, crs=CRS).units.set_index("unit_id")
    near = shapely.Point(*whole.loc["osm:n1", ["centre_x", "centre_y"]].to_numpy(float)).buffer(100.0)
    found = read_neighbourhoods(places, crs=CRS, extent=near)
    assert found.units["unit_id"].tolist() == ["osm:n1"]
    assert found.outside == 5


def test_a_city_gets_its_places_and_a_file_without_any_is_refused(tmp_path: Path, places: Path) -> None:
    import_streets(FIXTURES / "osm_places.osm", city=tmp_path / "city")
    before = City.load(tmp_path / "city").hash
    with pytest.raises(InputError, match="names no part of a town"):
        import_units(FIXTURES / "osm_places.osm", city=tmp_path / "city")
    assert City.load(tmp_path / "city", check=True).hash == before
    done = import_units(places, city=tmp_path / "city")
    city = City.load(tmp_path / "city", check=True)
    assert done.rows_kept == len(city.units) >= 1
    assert note("osm_kinds") in city.provenance[-1].note
    assert import_units(places, city=tmp_path / "city").city_hash == done.city_hash


def test_a_grid_covers_the_streets_and_stays_when_made_again(tmp_path: Path) -> None:
    import_streets(FIXTURES / "osm_places.osm", city=tmp_path / "city")
    first = import_grid(city=tmp_path / "city", size_m=200)
    city = City.load(tmp_path / "city", check=True)
    assert first.rows_kept == len(city.units) > 1
    assert import_grid(city=tmp_path / "city", size_m=200).city_hash == first.city_hash
    outlines = city.units["outline"].to_numpy(object)
    assert shapely.area(outlines).max() <= 200 * 200 + 1e-6
    assert shapely.union_all(outlines).area == pytest.approx(shapely.area(outlines).sum())
    nodes = city.networks["walk"].node_xy
    held = shapely.intersects_xy(city.extent, nodes[:, 0], nodes[:, 1])
    assert shapely.intersects_xy(shapely.union_all(outlines).buffer(1e-6), nodes[held, 0], nodes[held, 1]).all()
    centres = city.units[["centre_x", "centre_y"]].to_numpy()
    assert all((np.hypot(*(nodes - centre).T) < 1e-9).any() for centre in centres)
    larger = import_grid(city=tmp_path / "city", size_m=1000)
    renewed = City.load(tmp_path / "city").units
    assert larger.rows_kept == len(renewed) <= first.rows_kept
    assert renewed["unit_id"].str.startswith("grid-1000-").all()


@pytest.mark.parametrize("size_m", [0, 99, 10_001, float("nan")])
def test_a_grid_of_another_size_is_refused(tmp_path: Path, size_m: float) -> None:
    import_streets(FIXTURES / "osm_places.osm", city=tmp_path / "city")
    with pytest.raises(InputError, match="Give between 100 and 10000 metres"):
        grid_units(City.load(tmp_path / "city"), size_m=size_m)
