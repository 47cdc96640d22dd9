"""The datum test on streets of Shanghai and Wuhan: it names the system, or says that it cannot tell."""

import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from conftest import find_real_data
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from yike.analysis.datum import DatumVerdict, datum_test
from yike.model.coordinates import BD09, GCJ02, WGS84, CoordinateSystem, from_wgs84
from yike.model.network import StreetNetwork
from yike.sources.lines import read_lines
from yike.sources.osm import read_osm

FloatArray = NDArray[np.float64]
SYSTEMS = (WGS84, GCJ02, BD09)
TOWN_SIZE_M, TOWN_WEST_M, TOWN_SOUTH_M = 4000.0, 354_000.0, 3_456_000.0


@cache
def town() -> StreetNetwork:
    """Build streets in all directions: the triangles between 400 crossings strewn over 4 km x 4 km."""
    crossings = np.random.default_rng(11).uniform(0, TOWN_SIZE_M, (400, 2))
    sides = Delaunay(crossings).simplices[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    source, target = np.unique(np.sort(sides, axis=1), axis=0).T
    nodes = pd.DataFrame({"id": np.arange(400), "x": crossings[:, 0] + TOWN_WEST_M, "y": crossings[:, 1] + TOWN_SOUTH_M})
    length = np.linalg.norm(crossings[source] - crossings[target], axis=1)
    edges = pd.DataFrame({"source": source, "target": target, "length_m": length})
    return StreetNetwork.from_edges(nodes, edges, crs="EPSG:32651")


def degrees_of(xy: FloatArray, network: StreetNetwork) -> FloatArray:
    """Return places of a network's plane as longitude and latitude."""
    to_degrees = pyproj.Transformer.from_crs(network.crs, 4326, always_xy=True)
    return np.column_stack(to_degrees.transform(xy[:, 0], xy[:, 1]))


def beside_streets(network: StreetNetwork, count: int, *, off_m: float, spread_m: float, seed: int) -> FloatArray:
    """Draw places evenly along the streets, set off to either side and spread."""
    rng = np.random.default_rng(seed)
    shapes = network.shapes()
    length = shapely.length(shapes)
    lines = shapes[rng.choice(len(shapes), count, p=length / length.sum())]
    at = rng.uniform(0, 1, count)
    here = shapely.get_coordinates(shapely.line_interpolate_point(lines, at, normalized=True))
    ends = shapely.get_coordinates(shapely.line_interpolate_point(lines, np.where(at > 0.5, 0.0, 1.0), normalized=True))
    along = (ends - here) / np.linalg.norm(ends - here, axis=1)[:, None]
    across = np.column_stack([-along[:, 1], along[:, 0]])
    side = rng.choice([-1.0, 1.0], count)[:, None]
    return degrees_of(here + off_m * side * across + rng.normal(0, spread_m, (count, 2)), network)


def by_chance(network: StreetNetwork, count: int, *, seed: int) -> FloatArray:
    """Draw places evenly over the network's bounds."""
    low, high = network.node_xy.min(axis=0), network.node_xy.max(axis=0)
    return degrees_of(np.random.default_rng(seed).uniform(low, high, (count, 2)), network)


@pytest.mark.parametrize("system", SYSTEMS)
def test_places_on_streets_are_recognised(system: CoordinateSystem) -> None:
    places = beside_streets(town(), 600, off_m=0, spread_m=3, seed=2)
    verdict = datum_test(from_wgs84(places, system), town())
    assert verdict.system == verdict.figures[0].system == system.id
    assert verdict.reason == "fits"
    assert verdict.ratio >= 3
    assert verdict.figures[0].contact > 3 * verdict.figures[0].moved


def test_places_that_keep_off_streets_are_recognised_too() -> None:
    places = by_chance(town(), 6000, seed=3)
    to_plane = pyproj.Transformer.from_crs(4326, town().crs, always_xy=True)
    xy = shapely.points(np.column_stack(to_plane.transform(places[:, 0], places[:, 1])))
    streets = shapely.STRtree(town().shapes())
    on_street = streets.query_nearest(xy, max_distance=9.0, all_matches=False)[0]
    verdict = datum_test(from_wgs84(np.delete(places, on_street, axis=0)[:900], GCJ02), town())
    assert verdict.system == "gcj02"
    assert verdict.figures[0].contact < 0.5 * verdict.figures[0].moved


def test_stops_and_clinics_cancel_unless_their_kinds_are_told(real_data: Callable[[str], Path]) -> None:
    assert real_data("shanghai-poi").is_dir()
    stops, clinics = shanghai_places()["shanghai_bus"], shanghai_places()["shanghai_hospital"]
    places = from_wgs84(np.vstack([stops, clinics]), GCJ02)
    kinds = np.array(["stop"] * len(stops) + ["clinic"] * len(clinics), object)
    pooled, apart = datum_test(places, shanghai_streets()), datum_test(places, shanghai_streets(), kinds=kinds)
    assert apart.system == "gcj02"
    assert apart.figures[0].departure > 1.5 * pooled.figures[0].departure
    assert apart.points_used == pooled.points_used


def test_places_by_chance_fit_nothing() -> None:
    reasons = [datum_test(by_chance(town(), 300, seed=seed), town()).reason for seed in range(8)]
    assert reasons == ["like_chance"] * 8


def test_few_points_tell_nothing_and_one_place_counts_once() -> None:
    places = beside_streets(town(), 99, off_m=0, spread_m=1, seed=6)
    for given in (places, np.repeat(places, 20, axis=0), np.vstack([places, np.full((50, 2), np.nan)])):
        verdict = datum_test(given, town())
        assert (verdict.system, verdict.reason) == (None, "few_points")
        assert verdict.points_used <= 99
    nothing = datum_test(np.empty((0, 2)), town())
    assert (nothing.system, nothing.points_used, nothing.ratio) == (None, 0, 0.0)


def test_points_outside_the_extent_do_not_count() -> None:
    places = beside_streets(town(), 600, off_m=0, spread_m=3, seed=7)
    west = shapely.box(TOWN_WEST_M, TOWN_SOUTH_M, TOWN_WEST_M + TOWN_SIZE_M / 2, TOWN_SOUTH_M + TOWN_SIZE_M)
    whole, half = datum_test(places, town()), datum_test(places, town(), extent=west)
    assert whole.system == half.system == "wgs84"
    assert 0.35 * whole.points_used < half.points_used < 0.65 * whole.points_used


def test_an_extent_too_small_to_move_points_in_tells_nothing() -> None:
    middle = shapely.Point(TOWN_WEST_M + TOWN_SIZE_M / 2, TOWN_SOUTH_M + TOWN_SIZE_M / 2).buffer(130.0)
    places = beside_streets(town(), 45_000, off_m=0, spread_m=2, seed=13)
    to_plane = pyproj.Transformer.from_crs(4326, town().crs, always_xy=True)
    inside = shapely.contains_xy(middle, *to_plane.transform(places[:, 0], places[:, 1]))
    verdict = datum_test(places[inside], town(), extent=middle)
    counted = {figure.system: figure.points for figure in verdict.figures}
    assert counted["wgs84"] > 100
    assert (verdict.system, {figure.departure for figure in verdict.figures}) == (None, {0.0})
    assert datum_test(places[inside], town()).system == "wgs84"


def test_two_systems_that_agree_cannot_be_told_apart() -> None:
    places = beside_streets(town(), 600, off_m=0, spread_m=3, seed=8)
    twin = CoordinateSystem("cgcs2000", "EPSG:4490")
    verdict = datum_test(places, town(), systems=(WGS84, twin))
    assert (verdict.system, verdict.reason, verdict.ratio) == (None, "too_close", 1.0)


def test_the_test_repeats_itself_and_leaves_the_points_alone() -> None:
    places = beside_streets(town(), 2500, off_m=0, spread_m=3, seed=9)
    kept = places.copy()
    once, again = (datum_test(places, town(), systems=(WGS84,)) for _ in range(2))
    assert once == again
    assert once.points_used > 2000
    np.testing.assert_array_equal(places, kept)


def test_a_verdict_is_said_in_both_languages() -> None:
    fits = datum_test(from_wgs84(beside_streets(town(), 300, off_m=0, spread_m=3, seed=10), BD09), town())
    assert fits.words("en").startswith("BD-09 (Baidu) fits: over ")
    assert fits.words("zh").startswith("坐标系为 BD-09 百度坐标")
    chance = datum_test(by_chance(town(), 300, seed=1), town())
    assert "by chance" in chance.words("en")


@cache
def shanghai_streets() -> StreetNetwork:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_osm(find_real_data("shanghai-downtown/shanghai.osm"), mode="walk")


@cache
def shanghai_places() -> dict[str, FloatArray]:
    folder = find_real_data("shanghai-poi")
    return {path.stem: pd.read_csv(path)[["lon", "lat"]].to_numpy(np.float64) for path in sorted(folder.glob("*.csv"))}


@pytest.mark.parametrize("system", SYSTEMS)
def test_copies_of_the_shanghai_files_are_recognised(system: CoordinateSystem, real_data: Callable[[str], Path]) -> None:
    assert real_data("shanghai-poi").is_dir()
    places = shanghai_places()
    pooled = from_wgs84(np.vstack(list(places.values())), system)
    kinds = np.concatenate([np.full(len(rows), name, object) for name, rows in places.items()])
    plain, apart = datum_test(pooled, shanghai_streets()), datum_test(pooled, shanghai_streets(), kinds=kinds)
    for verdict, least in ((plain, 4.0), (apart, 6.0)):
        assert verdict.system == system.id
        assert 360 <= verdict.points_used <= 372
        assert verdict.ratio >= 3
        assert verdict.figures[0].departure >= least


def test_the_shanghai_files_are_in_wgs84_as_they_come() -> None:
    verdict = datum_test(shanghai_places()["shanghai_bus"], shanghai_streets())
    assert (verdict.system, verdict.points_used) == ("wgs84", 110)
    assert verdict.figures[0].departure > 10
    assert verdict.figures[1].departure < 2


@pytest.mark.parametrize("name", ["shanghai_school", "小学", "中学", "幼儿园", "shanghai_Theatr_Cinema", "shanghai_urban"])
def test_one_small_file_alone_cannot_be_told(name: str) -> None:
    verdict: DatumVerdict = datum_test(shanghai_places()[name], shanghai_streets())
    assert (verdict.system, verdict.reason) == (None, "few_points")
    assert verdict.points_used < 50


@pytest.mark.parametrize("system", SYSTEMS)
def test_places_on_the_streets_of_wuhan_are_recognised(system: CoordinateSystem, real_data: Callable[[str], Path]) -> None:
    network = wuhan_streets(real_data("wuhan-streets/streets.parquet"))
    places = from_wgs84(beside_streets(network, 400, off_m=0, spread_m=8, seed=12), system)
    verdict = datum_test(places, network)
    assert verdict.system == system.id
    assert verdict.ratio > 4


@cache
def wuhan_streets(path: Path) -> StreetNetwork:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_lines(path, mode="walk")
