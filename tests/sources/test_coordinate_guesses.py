"""Which systems figures may be in: read back from places of Shanghai written in each of them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from yike.sources.coordinate_guesses import Guess, guess_units
from yike.sources.coordinates import from_wgs84, parse_system

NEAR = (121.40, 31.20)
PLACES = np.column_stack([np.linspace(121.2, 121.7, 50), np.linspace(31.0, 31.4, 50)])
DEGREES = ["wgs84", "cgcs2000", "gcj02", "bd09"]


def ids(guesses: tuple[Guess, ...]) -> list[str | None]:
    """Name the systems guessed."""
    return [guess.system.id if guess.system else None for guess in guesses]


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(
    ("name", "blind", "with_place"),
    [
        ("wgs84", DEGREES, None),
        ("gcj02", DEGREES, None),
        ("国家2000 3度带 40带", ["epsg:4528"], ["epsg:4528"]),
        ("国家2000 6度带 21带", ["epsg:4499"], ["epsg:4499"]),
        ("EPSG:4549", [None], ["epsg:4549"]),
        ("UTM 51N", [None], ["epsg:32651", "epsg:4550"]),
        ("EPSG:3857", ["epsg:4491", "epsg:3857"], ["epsg:3857"]),
    ],
)
def test_the_true_system_is_among_the_readings(
    name: str, blind: list[str | None], with_place: list[str] | None, swapped: bool
) -> None:
    figures: NDArray[np.float64] = from_wgs84(PLACES, parse_system(name))
    shown = figures[:, ::-1] if swapped else figures
    found, near = guess_units(shown), guess_units(shown, near=NEAR)
    assert ids(found) == blind
    assert ids(near) == with_place if "epsg" in str(with_place) else set(ids(near)) == set(DEGREES)
    assert all(guess.swapped is swapped and guess.share == 1.0 for guess in (*found, *near))


def test_rows_half_swapped_show_both_orders_with_their_shares() -> None:
    mixed = PLACES.copy()
    mixed[:20] = mixed[:20, ::-1]
    found = guess_units(mixed)
    assert [(guess.swapped, guess.share) for guess in found] == [(False, 0.6)] * 4 + [(True, 0.4)] * 4


def test_degrees_elsewhere_are_wgs84_only() -> None:
    assert ids(guess_units(np.array([[-15.43, 28.12], [-15.4, 28.1]]))) == ["wgs84"]
    found = guess_units(np.array([[-30.03, -151.2]]))
    assert [(guess.swapped, ids((guess,))) for guess in found] == [(True, ["wgs84"])]


def test_figures_of_no_national_system_are_said_to_be_local() -> None:
    (found,) = guess_units(np.array([[1200.0, -3400.0], [900.0, 250.0]]))
    assert (found.system, found.reason, found.share) == (None, "local", 1.0)
    assert guess_units(np.array([[np.nan, 1.0]])) == ()


def test_a_reading_says_why_in_both_languages() -> None:
    (found,) = guess_units(from_wgs84(PLACES, parse_system("国家2000 3度带 40带")))
    said = "in the order of the columns: 100 % of the rows; the easting begins with 40, a zone of 3 degrees"
    assert found.words("en").endswith(said)
    assert "横坐标以 40 开头" in found.words("zh")
