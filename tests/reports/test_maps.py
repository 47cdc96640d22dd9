"""Maps: frames and paths by hand, streets kept by the base map, colours that stay apart, marks that follow the verdicts."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from reports.page_tree import Element
from reports.town import CLASSES, neighbourhoods, town_city
from small_city import judged, standard, streets

from yike.model.city import City
from yike.model.diagnosis import Diagnosis
from yike.reports.findings import unit_rates
from yike.reports.map_frame import Frame
from yike.reports.maps import blind_zone_map, covered_map, missing_map, rate_map, shared_layers, subdistrict_map, time_map
from yike.reports.places import Places, places_of
from yike.reports.ramps import DISTANCE, INK, MISSING, RAMPS, RATE, TIME, covered_ramp, css_rules
from yike.reports.shortfalls import shortfalls_of
from yike.reports.street_strokes import street_strokes
from yike.reports.wording import Wording

WORDS = Wording("en")
PEOPLE = {"u1": 100, "u2": 200, "u3": 300, "u4": 40, "u5": 10}


@pytest.fixture(scope="module")
def places(town: City) -> Places:
    """Give the places of the town."""
    return places_of(town, residents=PEOPLE, words=WORDS)


def luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb, 0 to 1 (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def lightness(colour: str) -> float:
    """Return the CIE lightness of #rrggbb, 0 to 100: what greyscale print keeps."""
    y = luminance(colour)
    return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def styles(layers: str) -> dict[int, str]:
    """Return the style class of each neighbourhood of a city map."""
    return {int(index): style for index, style in re.findall(r'href="#u(\d+)" class="unit ([a-z0-9-]+)"', layers)}


def test_a_frame_places_metres_on_tenths_of_pixels() -> None:
    frame = Frame.around((0, 0, 1000, 1000), width_px=500, margin=0.0)
    assert (frame.width, frame.height) == (5000, 5000)
    assert frame.place(np.array([[0, 1000], [1000, 0], [250, 500]])).tolist() == [[0, 0], [5000, 5000], [1250, 2500]]
    assert frame.percent(250, 250) == (25.0, 75.0)
    assert frame.px_m == 2.0
    assert frame.window == (0, 0, 1000, 1000)


@pytest.mark.parametrize(
    ("bounds", "ratio"), [((0, 0, 9000, 100), 0.55), ((0, 0, 100, 9000), 1.15), ((0, 0, 1000, 800), 0.8)]
)
def test_a_frame_is_neither_too_flat_nor_too_tall(bounds: tuple[float, float, float, float], ratio: float) -> None:
    frame = Frame.around(bounds, width_px=400, margin=0.0)
    assert frame.height / frame.width == pytest.approx(ratio, abs=0.002)
    left, bottom, right, top = frame.window
    assert left <= bounds[0]
    assert bottom <= bounds[1]
    assert right >= bounds[2] - 0.1
    assert top >= bounds[3] - 0.1


def test_paths_are_short_and_clipped_to_the_window() -> None:
    frame = Frame.around((0, 0, 1000, 1000), width_px=500, margin=0.0)
    assert frame.path([shapely.LineString([(0, 1000), (100, 900), (200, 1000)])]) == "M0 0l500 500 500-500"
    assert frame.path([shapely.box(100, 100, 300, 300)]).endswith("z")
    assert frame.path([]) == frame.path([None, shapely.Polygon()]) == ""
    assert frame.path([shapely.box(100, 100, 101, 101)]) == ""
    far = frame.path([shapely.LineString([(500, 500), (90_000, 500)])])
    assert far == "M2500 2500l2530 0"
    both = frame.path([shapely.GeometryCollection([shapely.box(0, 0, 500, 500), shapely.LineString([(0, 0), (500, 900)])])])
    assert both.count("M") == 2


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), min_size=2, max_size=12, unique=True))
def test_a_path_leads_through_its_line(points: list[tuple[int, int]]) -> None:
    frame = Frame.around((0, 0, 1000, 1000), width_px=500, margin=0.0)
    path = frame.path([shapely.LineString(points)], tolerance_px=0.0)
    numbers = np.array([int(n) for n in re.findall(r"-?\d+", path)]).reshape(-1, 2)
    drawn = shapely.LineString(np.cumsum(numbers, axis=0))
    wanted = shapely.LineString([(5 * x, 5 * (1000 - y)) for x, y in points])
    assert drawn.hausdorff_distance(wanted) <= 1.0


@given(st.floats(400, 80_000))
def test_a_scale_bar_is_round_and_fits(span: float) -> None:
    frame = Frame.around((0, 0, span, span), width_px=600)
    length, percent = frame.scale_bar()
    assert f"{length:e}"[0] in "125"
    assert length / 10 ** np.floor(np.log10(length)) in (1, 2, 5)
    assert 11 <= percent <= 28
    assert percent == pytest.approx(100 * length * frame.per_m / frame.width, abs=0.01)


@pytest.mark.parametrize("ramp", RAMPS, ids=lambda ramp: ramp.name)
def test_steps_of_a_ramp_stay_apart_in_greyscale(ramp: object) -> None:
    colours = ramp.colours  # type: ignore[attr-defined]
    steps = [after - before for before, after in pairwise(map(lightness, colours))]
    assert len({np.sign(step) for step in steps}) == 1
    assert min(abs(step) for step in steps) >= 6


def test_figures_on_a_limit_take_the_step_that_the_legend_says() -> None:
    assert [TIME.step(s) for s in (0.0, 300.0, 300.1, 600.0, 900.0, 900.1)] == [0, 0, 1, 1, 2, 3]
    assert [DISTANCE.step(m) for m in (300.0, 301.0, 1000.0, 1001.0)] == [0, 1, 2, 3]
    assert [RATE.step(r) for r in (0.0, 0.199, 0.2, 0.4, 0.599, 0.6, 0.8, 0.9, 1.0)] == [0, 0, 1, 2, 2, 3, 4, 5, 5]
    assert [covered_ramp(0.8).step(share) for share in (0.0, 0.2, 0.5, 0.6, 0.79, 0.8)] == [0, 1, 2, 3, 3, 4]
    assert [covered_ramp(1.0).step(share) for share in (0.24, 0.75, 0.999, 1.0)] == [0, 3, 3, 4]
    assert [MISSING.step(n) for n in (0, 1, 2, 3, 6, 9, 10)] == [0, 1, 1, 2, 3, 3, 4]


def test_text_can_be_read_on_its_ground() -> None:
    for name in ("text", "soft", "pass", "fail", "unknown"):
        for ground in (INK["paper"], INK["wash"], "#fdebe5" if name == "fail" else "#f3f9f8"):
            assert contrast(INK[name], ground) >= 4.5, (name, ground)
    assert ".rate-5{fill:#0b5a53;background:#0b5a53}" in css_rules()


def test_a_stroke_runs_straight_through_a_junction() -> None:
    nodes = ((0, 0, 0), (1, 500, 0), (2, 1000, 20), (3, 500, 400), (4, 540, -60))
    network = streets(nodes, ((0, 1), (1, 2), (1, 3), (1, 4)))
    strokes = street_strokes(network, window=(-100, -100, 1100, 500), shortest_m=100)
    assert [round(line.length) for line in strokes] == [1000, 472]
    assert len(strokes[0].coords) == 3
    longest = street_strokes(network, window=(-100, -100, 1100, 500), shortest_m=600)
    assert [round(line.length) for line in longest] == [1000]


def test_lanes_and_steps_leave_the_base_map_quiet() -> None:
    nodes = ((0, 0, 0), (1, 500, 0), (2, 0, 300), (3, 500, 300))
    network = streets(nodes, ((0, 1), (2, 3)), kind=[0, 2])
    strokes = street_strokes(network, window=(-100, -100, 1100, 500), shortest_m=100)
    assert [line.bounds for line in strokes] == [(0, 0, 500, 0)]
    only_paths = replace(network, kind=np.full(2, 6, np.uint8))
    assert len(street_strokes(only_paths, window=(-100, -100, 1100, 500), shortest_m=100)) == 2
    assert len(street_strokes(network, window=(5000, 5000, 6000, 6000), shortest_m=100)) == 0


def test_the_rate_map_colours_each_neighbourhood_by_its_rate(town: City, diagnosis: Diagnosis, places: Places) -> None:
    rates = unit_rates(diagnosis.verdicts)
    assert rates == {"u1": pytest.approx(1 / 3), "u2": 0.5, "u3": 0.5, "u4": 0.0}
    drawn = rate_map(shared_layers(town, places), {**rates, "u3": 0.9}, places, words=WORDS)
    assert styles(drawn.layers) == {0: "rate-1", 1: "rate-2", 2: "rate-5", 3: "rate-0", 4: "unknown-fill"}
    assert [label.words for label in drawn.labels] == ["East", "West"]
    assert [entry.words for entry in drawn.legend][:6] == ["< 20%", "20–40%", "40–60%", "60–80%", "80–90%", "≥ 90%"]


def test_the_map_of_missing_items_counts(town: City, places: Places) -> None:
    drawn = missing_map(shared_layers(town, places), {"u1": 0, "u2": 2, "u3": 12}, places, words=WORDS)
    assert styles(drawn.layers) == {0: "missing-0", 1: "missing-1", 2: "missing-4", 3: "unknown-fill", 4: "unknown-fill"}
    assert [entry.words for entry in drawn.legend] == ["0", "1–2", "3–5", "6–9", "≥ 10"]


def test_the_time_map_hatches_what_misses_the_limit(town: City, diagnosis: Diagnosis, places: Places) -> None:
    shared = shared_layers(town, places)

    def draw(class_id: str) -> tuple[str, str]:
        rows = diagnosis.verdicts[diagnosis.verdicts["class_id"] == class_id]
        drawn = time_map(shared, town, rows, places, class_ids=(class_id,), class_name=class_id, words=WORDS)
        return str(drawn.layers), drawn.title

    (clinic, in_time), (park, in_metres) = draw("clinic"), draw("park")
    assert (in_time, in_metres) == ("Time to the nearest: clinic", "Distance to the nearest: park")
    assert styles(clinic) == {0: "time-0", 1: "time-2", 2: "time-3", 3: "time-3", 4: "unknown-fill"}
    assert re.findall(r'href="#u(\d)" class="fail-hatch"', clinic) == ["1", "2", "3"]
    assert styles(park) == {0: "distance-3", 1: "distance-2", 2: "distance-0", 3: "distance-3", 4: "unknown-fill"}
    assert clinic.count("<circle") == 1


def test_where_residents_decide_the_map_shows_their_share(town: City, places: Places) -> None:
    found = judged(town, standard(CLASSES, share_percent=80))
    rows = found.verdicts[found.verdicts["class_id"] == "clinic"].set_index("unit_id")
    rows = rows.assign(covered_share=[1.0, 0.79999999, 0.3, 0.0, np.nan]).reset_index()
    rows["verdict"] = ["pass", "fail", "fail", "fail", "not_determinable"]
    drawn = covered_map(
        shared_layers(town, places), town, rows, places, class_ids=("clinic",), class_name="clinic", asked_share=0.8, words=WORDS
    )
    assert styles(drawn.layers) == {0: "covered-4", 1: "covered-3", 2: "covered-1", 3: "covered-0", 4: "unknown-fill"}
    assert "fail-hatch" not in drawn.layers
    assert drawn.title == "Residents covered: clinic"


def test_blind_zones_are_drawn_and_counted(town: City, diagnosis: Diagnosis, places: Places) -> None:
    zones = diagnosis.blind_zones[diagnosis.blind_zones["class_id"] == "clinic"].sort_values("zone_no")
    drawn = blind_zone_map(shared_layers(town, places), zones, class_name="clinic", words=WORDS)
    path = re.search(r'class="blind" d="([^"]*)"', drawn.layers)
    assert path is not None
    assert path.group(1).count("M") >= len(zones)
    assert [label.words for label in drawn.labels] == [f"{count:,}" for count in zones["residents"].head(5)]


def test_the_subdistrict_map_draws_routes_and_numbers(town: City, diagnosis: Diagnosis, places: Places) -> None:
    found = shortfalls_of(diagnosis, town, places)
    west = places.subdistricts[1]
    worst = [found[unit.unit_id][0] for unit in west.units if found[unit.unit_id]]
    drawn = subdistrict_map(town, west, places, rates={}, worst=worst, class_ids=("clinic",), words=WORDS)
    assert [label.words for label in drawn.labels] == ["1", "2", "3"]
    assert all(0 <= place <= 100 for label in drawn.labels for place in (label.left, label.top))
    route = re.search(r'class="route" d="([^"]*)"', drawn.layers)
    assert route is not None
    assert route.group(1).startswith("M")
    assert drawn.layers.count('class="own unknown-fill"') == 3
    assert 'class="water line"' in drawn.layers


def test_neighbourhoods_without_outline_are_circles() -> None:
    place = town_city(units=neighbourhoods().assign(outline=None))
    points = places_of(place, residents=PEOPLE, words=WORDS)
    shared = shared_layers(place, points)
    assert re.findall(r'<circle id="u(\d)"', shared.definitions) == ["0", "1", "2", "3", "4"]
    assert not shared.areal
    drawn = rate_map(shared, {"u1": 1.0}, points, words=WORDS)
    assert drawn.layers.startswith('<use href="#base"/>')
    assert styles(drawn.layers)[0] == "rate-5"


def test_every_map_says_scale_source_and_date(page: Element) -> None:
    figures = page.all("figure")
    assert len(figures) == 5
    for figure in figures:
        assert figure.one("p", style="source").text == "Data: Survey <b>2024</b>; date: 2024-03-02"
        assert re.fullmatch(r"\d+ k?m", figure.one("span", style="bar").text)
        assert figure.one("span", style="north").text == "N"
        assert len(figure.one("ul", style="legend").all("li")) >= 2
        width, height = map(int, figure.one("svg").attributes["viewbox"].split()[2:])
        assert 0.5 < height / width < 1.2


def test_barriers_stand_in_where_the_background_has_no_water(town: City, places: Places) -> None:
    drawn = shared_layers(town, places).definitions
    assert 'class="water line"' in drawn
    assert 'class="green"' in drawn
    with_water = pd.DataFrame(
        {"context_id": ["w1"], "kind": ["water"], "geometry": [shapely.box(-300, 2000, 2500, 2900)]}
    )
    assert 'class="water line"' not in shared_layers(town.replace(context=with_water), places).definitions


def test_the_same_diagnosis_draws_the_same_maps(town: City) -> None:
    def draw() -> str:
        again = judged(town, standard(CLASSES))
        there = places_of(town, residents=PEOPLE, words=WORDS)
        return str(shared_layers(town, there).definitions) + str(
            rate_map(shared_layers(town, there), unit_rates(again.verdicts), there, words=WORDS).layers
        )

    assert draw() == draw()
