"""Real OSM files. The counts are frozen: a change of rules must be meant, and changes them here with its reason."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from yike.errors import InputError
from yike.model.city import City
from yike.model.network import SEGMENT_KINDS, StreetNetwork
from yike.sources.osm import read_osm, read_osm_city

Finder = Callable[[str], Path]


@pytest.fixture(scope="session")
def las_palmas(real_data: Finder) -> City:
    return read_osm_city(real_data("las-palmas") / "las_palmas.osm.pbf", title="Las Palmas")


@pytest.fixture(scope="session")
def porto_alegre(real_data: Finder) -> City:
    return read_osm_city(real_data("porto-alegre") / "poa_osm.pbf", modes=("walk", "walk_step_free", "cycle"))


def kinds(network: StreetNetwork) -> dict[str, int]:
    counts = np.bincount(network.kind, minlength=len(SEGMENT_KINDS))
    return {name: int(count) for name, count in zip(SEGMENT_KINDS, counts, strict=True) if count}


def main_share(network: StreetNetwork) -> float:
    """Return the share of the street length that hangs together."""
    size = network.node_count
    links = coo_array((np.ones(network.segment_count), (network.tail, network.head)), shape=(size, size))
    _, label = connected_components(links, directed=False)
    total = np.bincount(label[network.tail], weights=network.length_dm)
    return float(total.max() / total.sum())


def check_sound(network: StreetNetwork) -> None:
    """Check what holds for every network: shapes run between their nodes, lengths fit shapes, no segment returns to its start."""
    starts = network.shape_xy[network.shape_start[:-1]]
    ends = network.shape_xy[network.shape_start[1:] - 1]
    assert np.array_equal(starts, network.node_xy[network.tail])
    assert np.array_equal(ends, network.node_xy[network.head])
    drawn = shapely.length(network.shapes())
    assert np.abs(network.length_dm / 10 - drawn).max() <= 0.0011 * drawn.max() + 0.1
    assert network.length_dm.min() >= 1
    assert (network.tail != network.head).all()
    assert len(np.unique(network.node_id)) == network.node_count
    assert (network.forward | network.backward).all()
    assert not (network.backward & ~network.forward).any()


def test_las_palmas_streets(las_palmas: City) -> None:
    walk, cycle = las_palmas.networks["walk"], las_palmas.networks["cycle"]
    check_sound(walk)
    check_sound(cycle)
    assert las_palmas.crs == "EPSG:32628"
    # 13,954 highways, of which 1,516 footways and 723 steps, cut at their junctions.
    assert (walk.node_count, walk.segment_count) == (20833, 27109)
    assert (cycle.node_count, cycle.segment_count) == (15160, 19752)
    assert kinds(walk)["steps"] == 813
    assert "steps" not in kinds(cycle)
    assert walk.length_dm.sum() / 1e4 == pytest.approx(2103.8, abs=0.05)
    assert main_share(walk) > 0.94
    assert main_share(cycle) > 0.94


def test_las_palmas_facilities(las_palmas: City) -> None:
    counts = las_palmas.facilities["class_id"].value_counts()
    # 80 pharmacies in the file as points and one as an outline; 107 convenience shops; bus stops as nodes and platforms.
    assert counts[["pharmacy", "convenience_store", "bus_route"]].tolist() == [81, 107, 719]
    # Of 157 schools 112 say nothing of their stage: they are counted, not guessed.
    assert counts[["primary_school", "junior_middle_school", "senior_middle_school"]].tolist() == [25, 23, 22]
    notes = {origin.part: origin.note for origin in las_palmas.provenance}
    assert "112 schools of unknown stage" in notes["facilities"]
    assert counts[["comprehensive_park", "community_park", "pocket_park"]].tolist() == [5, 27, 197]
    assert set(las_palmas.inventories) == set(counts.index)
    assert "elder_canteen" not in las_palmas.inventories
    assert len(las_palmas.demand) == 0
    assert las_palmas.data_date == "2023-02-21"


def test_las_palmas_parks_have_entrances(las_palmas: City) -> None:
    large = las_palmas.facilities[las_palmas.facilities["class_id"].isin(["comprehensive_park", "community_park"])]
    assert large["outline"].notna().all()
    entered = las_palmas.entrances[las_palmas.entrances["facility_id"].isin(large["facility_id"])]
    assert entered["facility_id"].nunique() == 29
    doors = shapely.points(entered["x"], entered["y"])
    outlines = large.set_index("facility_id")["outline"].loc[entered["facility_id"]].to_numpy(object)
    assert shapely.distance(shapely.boundary(outlines), doors).max() <= 2.0


def test_las_palmas_barriers_and_sea(las_palmas: City) -> None:
    counts = las_palmas.barriers["kind"].value_counts()
    assert counts[["motorway", "water", "wall"]].tolist() == [439, 581, 879]
    assert "rail" not in counts
    sea = las_palmas.context.loc[las_palmas.context["context_id"] == "osm:coast", "geometry"].iloc[0]
    assert sea.area / 1e6 == pytest.approx(135.3, abs=0.1)
    # No facility of the city's land stands in the sea.
    spots = shapely.points(las_palmas.facilities["x"], las_palmas.facilities["y"])
    assert shapely.contains(sea, spots).mean() < 0.005
    assert las_palmas.extent is not None
    assert las_palmas.extent.area / 1e6 == pytest.approx(295.2, abs=0.5)


def test_porto_alegre_streets(porto_alegre: City) -> None:
    networks = porto_alegre.networks
    for network in networks.values():
        check_sound(network)
        assert main_share(network) > 0.97
    assert porto_alegre.crs == "EPSG:32722"
    assert (networks["walk"].node_count, networks["walk"].segment_count) == (18367, 25664)
    assert kinds(networks["walk"])["steps"] == 430
    assert kinds(networks["walk_step_free"])["steps"] == 2
    assert networks["walk"].signal_halves.sum() == 3029
    assert networks["walk"].crossing_halves.sum() == 307
    assert (~networks["cycle"].backward).sum() == 6354
    # The file states no box and holds no schools and parks but one.
    assert "states no box" in porto_alegre.provenance[0].note
    assert set(porto_alegre.inventories) & {"primary_school", "kindergarten", "community_park"} == set()
    assert porto_alegre.facilities["class_id"].value_counts()["bus_route"] == 1054


def test_geodesic_lengths_undo_the_scale_of_the_projection(porto_alegre: City) -> None:
    network = porto_alegre.networks["walk"]
    drawn_m = shapely.length(network.shapes()).sum()
    # UTM scale: 0.9996 times the cosh of the distance from the central meridian (500 km false easting) over the earth's radius.
    east_m = float(np.average(network.node_xy[:, 0])) - 500_000
    scale = 0.9996 * math.cosh(east_m / 6_378_137)
    assert network.length_dm.sum() / 10 / drawn_m == pytest.approx(1 / scale, abs=2e-5)


def test_shanghai_downtown_streets(real_data: Finder) -> None:
    path = real_data("shanghai-downtown") / "shanghai.osm"
    walk, cycle = read_osm(path), read_osm(path, mode="cycle")
    check_sound(walk)
    check_sound(cycle)
    assert walk.crs == "EPSG:32651"
    assert (walk.node_count, walk.segment_count) == (704, 897)
    # Elevated trunk roads (100 ways) serve neither mode.
    assert kinds(walk) == {"street": 897}
    assert walk.signal_halves.sum() == 604
    # The file is a simplified copy in which some streets share no node with those they meet; nothing is joined by drawing.
    assert main_share(walk) == pytest.approx(0.882, abs=0.001)


def test_real_files_cut_short_are_found(real_data: Finder, tmp_path: Path) -> None:
    whole = (real_data("porto-alegre") / "poa_osm.pbf").read_bytes()
    path = tmp_path / "poa.osm.pbf"
    path.write_bytes(whole[: len(whole) * 9 // 10])
    with pytest.raises(InputError, match=r"poa\.osm\.pbf"):
        read_osm(path)
