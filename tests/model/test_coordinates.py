"""Conversions against published values, their exactness over all of China, and what happens at the edge."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from yike.errors import InputError
from yike.model.coordinates import (
    BD09,
    CGCS2000,
    GCJ02,
    SHIFTED_BOX_DEG,
    WGS84,
    CoordinateSystem,
    from_wgs84,
    in_shifted_box,
    known_crs,
    to_wgs84,
)

FloatArray = NDArray[np.float64]
SHIFTED = (GCJ02, BD09)
MILLIMETRE_DEG = 1e-3 / 111_320.0


def metres(moved: FloatArray, lat: FloatArray) -> FloatArray:
    """Return how long differences in degrees are on the ground."""
    return np.asarray(np.hypot(moved[:, 0] * 111_320 * np.cos(np.radians(lat)), moved[:, 1] * 111_133), np.float64)


def test_gcj02_gives_the_published_examples() -> None:
    # README of wandergis/coordtransform; manual of caijun/geoChina (Beijing railway station, five decimals).
    given = np.array([[116.404, 39.915], [116.42079, 39.90105]])
    shifted = from_wgs84(given, GCJ02)
    assert shifted[0] == pytest.approx([116.41024449916938, 39.91640428150164], abs=1e-10)
    assert shifted[1] == pytest.approx([116.42703, 39.90245], abs=1e-5)


def test_bd09_over_gcj02_gives_the_published_example() -> None:
    # README of wandergis/coordtransform: the BD-09 of GCJ-02 116.404, 39.915.
    place = to_wgs84(np.array([[116.404, 39.915]]), GCJ02)
    assert from_wgs84(place, BD09)[0] == pytest.approx([116.41036949371029, 39.92133699351021], abs=1e-10)


def test_the_usual_inverse_is_off_where_ours_is_not() -> None:
    # The README's own inverse subtracts the shift of the shifted place: 116.39775550083061, 39.91359571849836.
    ours = to_wgs84(np.array([[116.404, 39.915]]), GCJ02)
    usual = np.array([[116.39775550083061, 39.91359571849836]])
    assert 0.05 < metres(usual - ours, ours[:, 1])[0] < 10
    assert from_wgs84(ours, GCJ02)[0] == pytest.approx([116.404, 39.915], abs=1e-11)


@pytest.mark.parametrize("system", SHIFTED)
def test_every_place_of_a_dense_grid_comes_back_within_a_millimetre(system: CoordinateSystem) -> None:
    west, south, east, north = SHIFTED_BOX_DEG
    lon, lat = np.meshgrid(np.linspace(west, east, 331), np.linspace(south, north, 277))
    places = np.column_stack([lon.ravel(), lat.ravel()])
    assert len(places) == 91_687
    back = to_wgs84(from_wgs84(places, system), system)
    assert metres(back - places, places[:, 1]).max() < 1e-3


@pytest.mark.parametrize("system", SHIFTED)
@given(
    lon=st.one_of(st.floats(SHIFTED_BOX_DEG[0], SHIFTED_BOX_DEG[2]), st.floats(105 - 1e-9, 105 + 1e-9)),
    lat=st.floats(SHIFTED_BOX_DEG[1], SHIFTED_BOX_DEG[3]),
)
def test_any_place_comes_back_within_a_millimetre(system: CoordinateSystem, lon: float, lat: float) -> None:
    place = np.array([[lon, lat]])
    back = to_wgs84(from_wgs84(place, system), system)
    assert metres(back - place, place[:, 1])[0] < 1e-3


@pytest.mark.parametrize("system", SHIFTED)
def test_neighbours_stay_neighbours_inside(system: CoordinateSystem) -> None:
    lon = np.arange(72.1, 137.7, 0.01)
    for lat in (18.2, 31.2, 45.7):
        line = np.column_stack([lon, np.full(len(lon), lat)])
        steps = np.diff(to_wgs84(line, system), axis=0) - np.diff(line, axis=0)
        assert metres(steps, line[1:, 1]).max() < 30


@pytest.mark.parametrize("system", SHIFTED)
def test_outside_of_the_box_nothing_is_shifted(system: CoordinateSystem) -> None:
    away = np.array([[-15.43, 28.12], [2.35, 48.86], [-51.2, -30.0], [140.0, 35.0], [100.0, 0.5], [100.0, 90.0], [71.9, 40.0]])
    assert (from_wgs84(away, system) == away).all()
    assert (to_wgs84(away, system) == away).all()


@pytest.mark.parametrize("system", SHIFTED)
def test_the_box_ends_without_a_gap_for_places_inside(system: CoordinateSystem) -> None:
    west, south, east, north = SHIFTED_BOX_DEG
    edge = np.array([[west, 40.0], [east, 40.0], [100.0, south], [100.0, north], [west, south], [east, north]])
    inward = edge + (np.array([[105.0, 28.0]]) - edge) * 1e-7
    outward = edge - (np.array([[105.0, 28.0]]) - edge) * 1e-7
    for places in (edge, inward):
        assert in_shifted_box(places).all()
        back = to_wgs84(from_wgs84(places, system), system)
        assert metres(back - places, places[:, 1]).max() < 1e-3
    assert not in_shifted_box(outward).any()
    assert (from_wgs84(outward, system) == outward).all()


def test_shifts_have_the_size_that_is_known_of_them() -> None:
    places = np.array([[121.47, 31.23], [114.30, 30.59], [87.6, 43.8], [110.3, 20.0]])
    gcj = metres(from_wgs84(places, GCJ02) - places, places[:, 1])
    bd = metres(from_wgs84(places, BD09) - places, places[:, 1])
    assert ((gcj > 250) & (gcj < 750)).all()
    assert ((bd > 700) & (bd < 1600)).all()


def test_cgcs2000_is_taken_as_wgs84() -> None:
    places = np.array([[121.47, 31.23], [87.6, 43.8]])
    assert (to_wgs84(places, CGCS2000) == places).all()
    assert (from_wgs84(places, WGS84) == places).all()
    assert CGCS2000.unit == WGS84.unit == GCJ02.unit == "degree"


def test_gauss_krueger_gives_the_arc_of_the_meridian() -> None:
    # Quarter check of the ellipsoid GRS 80: the arc from the equator to 45 degrees is 4,984,944.378 m (Moritz 2000).
    system = CoordinateSystem("epsg:4549", "EPSG:4549")
    easting, northing = from_wgs84(np.array([[120.0, 45.0]]), system)[0]
    assert easting == pytest.approx(500_000.0, abs=1e-6)
    assert northing == pytest.approx(4_984_944.378, abs=1e-3)
    assert system.unit == "metre"
    assert to_wgs84(np.array([[easting, northing]]), system)[0] == pytest.approx([120.0, 45.0], abs=1e-10)


def test_rows_without_a_place_stay_without_one_and_the_given_rows_as_they_are() -> None:
    given_rows = np.array([[np.nan, 31.0], [121.47, 31.23], [np.inf, 1.0]])
    kept = given_rows.copy()
    for system in (WGS84, GCJ02, BD09, CGCS2000, CoordinateSystem("epsg:4549", "EPSG:4549")):
        back = to_wgs84(from_wgs84(given_rows, system), system)
        assert np.isnan(back[[0, 2]]).all()
        assert back[1] == pytest.approx([121.47, 31.23], abs=MILLIMETRE_DEG)
    np.testing.assert_array_equal(given_rows, kept)
    assert to_wgs84(np.empty((0, 2)), BD09).shape == (0, 2)


@pytest.mark.parametrize(("crs", "complaint"), [("EPSG:999999", "no known coordinate system"), ("EPSG:4978", "no longitude")])
def test_what_is_no_plane_and_no_degrees_is_refused(crs: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        known_crs(crs)
