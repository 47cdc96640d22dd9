"""The benchmark city is the same every time, its questions have one answer, and the report says what was measured."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks import questions, searches, shanghai
from benchmarks.ratios import Figure, Ratio, alternate
from scipy.sparse.csgraph import connected_components

from yike.model.city import City


@pytest.fixture(scope="module")
def tile() -> shanghai.Tile:
    return shanghai.made_tile(24, 20)


@pytest.fixture(scope="module")
def city(tile: shanghai.Tile) -> City:
    return shanghai.tiled_city(tile, 2)


def test_the_tiled_city_is_the_same_every_time(tile: shanghai.Tile, city: City) -> None:
    again = shanghai.tiled_city(tile, 2)
    assert again.hash == city.hash
    assert shanghai.tiled_city(tile, 3).hash != city.hash


def test_tiles_are_mirrored_and_joined_at_their_borders(tile: shanghai.Tile, city: City) -> None:
    network = city.networks["walk"]
    assert network.node_count == 4 * 480
    pairs = np.concatenate([shanghai.border_pairs(tile, 2, axis) for axis in (0, 1)])
    assert network.segment_count == 4 * tile.network.segment_count + len(pairs)
    assert len(pairs) >= 4 * 5
    graph = questions.scipy_graph(questions._question(network, [], np.empty(0, np.int32)).street)
    _, label = connected_components(graph)
    assert np.bincount(label).max() > 0.98 * network.node_count
    assert np.ptp(network.node_xy, axis=0) == pytest.approx(2 * tile.size, rel=1e-6)


def test_sizes_of_the_tiled_city(city: City) -> None:
    share = 4 / 49
    assert len(city.units) == round(6000 * share)
    assert len(city.demand) == round(300_000 * share)
    assert len(city.facilities) == round(50_000 * share)
    assert city.facilities["class_id"].nunique() == 37
    groups = city.demand[[f"residents_{group}" for group in city.groups]].sum(axis=1)
    assert (groups == city.demand["residents"]).all()


def test_classes_are_as_unequal_as_declared() -> None:
    counts = shanghai.class_counts(50_000, 37)
    assert counts.sum() == 50_000
    assert counts.max() / counts.min() == pytest.approx(12_172 / 56, rel=0.02)
    assert (np.diff(counts) >= 0).all()


def test_our_answers_equal_scipys(city: City, tmp_path) -> None:
    question = questions.of_city(city.save(tmp_path / "city"))
    searches.check_nearest(question, questions.scipy_graph(question.graph.inward))
    assert searches.check_reach(question) > len(question.centres)
    alone, both = (questions.nearest_of_classes(question, threads=threads) for threads in (1, 2))
    assert np.array_equal(alone, both)


def test_an_unequal_answer_stops_the_run(city: City, tmp_path) -> None:
    question = questions.of_city(city.save(tmp_path / "city"))
    matrix = questions.scipy_graph(question.graph.inward)
    matrix.data[:] += 1
    with pytest.raises(SystemExit, match="differ from scipy's"):
        searches.check_nearest(question, matrix)


def test_a_ratio_is_the_median_of_its_rounds() -> None:
    ratio = Ratio("reach", (1.0, 2.0, 1.0), (4.0, 4.0, 5.0), goal=3.0)
    assert ratio.median == 4.0
    assert ratio.row() == "| reach | **4** | 2–5 | 1 s | 4 s | ≥ 3: reached |"
    assert Ratio("reach", (1.0,), (2.0,), goal=3.0).row().endswith("≥ 3: **missed** |")
    assert Figure("start", 0.25, "s", 0.5).row() == "| start | **0.25** s | ≤ 0.5: reached |"
    assert Figure("pairs", 20.0, "M/s", 25.0, least=True).row() == "| pairs | **20** M/s | ≥ 25: **missed** |"


def test_questions_are_asked_in_turn() -> None:
    asked: list[str] = []
    ratio = alternate("turns", lambda: asked.append("ours"), lambda: asked.append("theirs"), rounds=3)
    assert asked == ["ours", *["ours", "theirs"] * 3]
    assert len(ratio.ours_s) == len(ratio.theirs_s) == 3
