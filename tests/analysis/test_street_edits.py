"""Links and closures disturb nothing else: what is added never delays anyone, what is closed moves only its own points."""

from __future__ import annotations

from dataclasses import fields

import naive_streets as naive
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from street_cases import StreetCase, node_of, points, round_profile, segment_of, shapes_of, street_cases, street_network

from yike.analysis.attachment import Attachment, attach, starts
from yike.analysis.routing_graph import METRES, RoutingGraph, routing_graph
from yike.analysis.street_edits import (
    Link,
    StreetPlace,
    add_links,
    close_segments,
    extend_attachment,
    reattach_closed,
    street_place,
)
from yike.analysis.travel_time import Places, nearest_places, point_to_point
from yike.errors import InputError
from yike.model.network import StreetNetwork

LIMIT_M = 100.0
FRACTIONS = st.sampled_from([0.0, 0.25, 0.3, 0.5, 1 / 3, 0.77, 1.0])
Pairs = dict[tuple[int, int], int]


@st.composite
def link_lists(draw: st.DrawFn, attachable: bool | None = None) -> list[tuple[float, ...]]:
    """Draw links as (begin street, its fraction, end street, its fraction, metres, signal halves, one-way, attachable)."""
    share = st.floats(0, 0.999)
    row = st.tuples(
        share, FRACTIONS, share, FRACTIONS, st.sampled_from([0, 7.3, 60, 400]), st.integers(0, 2), st.booleans(),
        st.booleans() if attachable is None else st.just(attachable),
    )  # fmt: skip
    return draw(st.lists(row, min_size=1, max_size=4))


def links_of(network: StreetNetwork, drawn: list) -> list[Link]:
    m = network.segment_count
    return [
        Link(900 + k, StreetPlace(int(a * m), f), StreetPlace(int(b * m), g), metres, "crossing", halves, 0, oneway, attachable)
        for k, (a, f, b, g, metres, halves, oneway, attachable) in enumerate(drawn)
    ]


def spots(xy: np.ndarray) -> np.ndarray:
    return np.asarray(shapely.points(xy), object)


def added(before: StreetNetwork, after: StreetNetwork) -> np.ndarray:
    return np.arange(before.segment_count, after.segment_count)


def weighed(network: StreetNetwork, measure: str | None = None, **figures: float) -> RoutingGraph:
    return routing_graph(network, round_profile(**figures), measure=measure)


def times(graph: RoutingGraph, origins: Attachment, destinations: Attachment) -> Pairs:
    from_, to, cost = point_to_point(graph, origins, destinations, limit=200_000)
    return {(int(a), int(b)): int(c) for a, b, c in zip(from_, to, cost, strict=True)}


def both(case: StreetCase, network: StreetNetwork) -> tuple[Attachment, Attachment]:
    return attach(network, case.origins, limit_m=LIMIT_M), attach(network, case.entrances, limit_m=LIMIT_M)


def extended(case: StreetCase, before: StreetNetwork, after: StreetNetwork) -> tuple[Attachment, Attachment]:
    known, new = both(case, before), added(before, after)
    return (
        extend_attachment(known[0], after, spots(case.origins), new_segments=new, limit_m=LIMIT_M),
        extend_attachment(known[1], after, spots(case.entrances), new_segments=new, limit_m=LIMIT_M),
    )


def bits(value: Attachment | StreetNetwork) -> list[bytes]:
    arrays = [getattr(value, field.name) for field in fields(value)]
    return [array.tobytes() for array in arrays if isinstance(array, np.ndarray)]


@given(street_cases(), link_lists(), st.sampled_from([None, METRES]))
def test_a_link_never_makes_any_way_longer(case: StreetCase, drawn: list, measure: str | None) -> None:
    before = case.network()
    after = add_links(before, links_of(before, drawn))
    known = times(weighed(before, measure), *both(case, before))
    now = times(weighed(after, measure), *extended(case, before, after))
    assert {pair: cost for pair, cost in known.items() if now.get(pair, 10**9) > cost} == {}


@given(street_cases(), link_lists(attachable=False), st.sampled_from([None, METRES]))
def test_links_are_worth_what_they_are_on_a_split_graph(case: StreetCase, drawn: list, measure: str | None) -> None:
    before = case.network()
    links = links_of(before, drawn)
    ends = [end for link in links for end in (link.begin, link.end)]
    meeting = Attachment(
        starts(np.ones(len(ends), np.int64)),
        np.array([end.segment for end in ends]),
        np.array([end.fraction for end in ends]),
        np.zeros(len(ends)),
    )
    plain = weighed(before, measure)
    streets = naive.split_streets(plain, [*both(case, before), meeting])
    nodes = [ways[0][0] for ways in streets.ways_in[2]]
    for link, begin, end in zip(links, nodes[::2], nodes[1::2], strict=True):
        wait = 0 if measure else 100 * link.signal_halves
        weight = round(10 * link.length_m) + wait
        streets.edges.append((begin, end, weight))
        if not link.oneway:
            streets.edges.append((end, begin, weight))
    after = add_links(before, links)
    assert times(weighed(after, measure), *extended(case, before, after)) == naive.times_between(streets, 0, 1, 200_000)


@given(street_cases(), link_lists(attachable=False))
def test_dividing_streets_alone_changes_no_way(case: StreetCase, drawn: list) -> None:
    before = case.network()
    endless = [(*row[:4], 10**6, *row[5:]) for row in drawn]
    after = add_links(before, links_of(before, endless))
    assert times(weighed(after), *extended(case, before, after)) == times(weighed(before), *both(case, before))


@given(street_cases(), link_lists())
def test_links_added_one_after_the_other_are_links_added_together(case: StreetCase, drawn: list) -> None:
    before = case.network()
    links = links_of(before, drawn)
    together = add_links(before, links)
    now, at = before, both(case, before)
    for link in links:
        later = add_links(now, [link])
        at = tuple(
            extend_attachment(rows, later, spots(xy), new_segments=added(now, later), limit_m=LIMIT_M)
            for rows, xy in zip(at, (case.origins, case.entrances), strict=True)
        )
        now = later
    assert times(weighed(now), *at) == times(weighed(together), *extended(case, before, together))


@given(street_cases(), link_lists())
def test_old_numbers_stay_and_points_keep_their_connections(case: StreetCase, drawn: list) -> None:
    before = case.network()
    after = add_links(before, links_of(before, drawn))
    for name in ("node_id", "node_xy", "tail", "head", "length_dm", "forward", "backward", "attachable", "segment_id"):
        old = getattr(before, name)
        np.testing.assert_array_equal(getattr(after, name)[: len(old)], old)
    assert after.segment_id[-len(drawn) :].tolist() == [900 + k for k in range(len(drawn))]
    known, now = both(case, before)[0], extended(case, before, after)[0]
    rows = now.start[:-1][known.connected]
    assert now.segment[rows].tolist() == known.segment[known.start[:-1][known.connected]].tolist()
    assert now.connection_m[rows].tolist() == known.connection_m.tolist()
    fresh = attach(after, case.origins, limit_m=LIMIT_M)
    assert (fresh.connected == now.connected).all()


@given(street_cases(), link_lists(attachable=False), st.sampled_from([0.0, 3.0, 45.5]))
def test_a_wait_at_a_new_crossing_delays_only_those_who_use_it(case: StreetCase, drawn: list, wait_s: float) -> None:
    before = case.network()
    after = add_links(before, links_of(before, [(*drawn[0][:5], 2, *drawn[0][6:])]))
    at = extended(case, before, after)
    old = times(weighed(before), *both(case, before))
    free, waited = times(weighed(after, signal_s=0.0), *at), times(weighed(after, signal_s=wait_s), *at)
    wait = round(10 * wait_s)
    assert waited == {pair: min(old.get(pair, 10**9), cost + wait) for pair, cost in free.items()}


@given(street_cases())
def test_an_edit_of_nothing_is_the_baseline_bit_for_bit(case: StreetCase) -> None:
    before = case.network()
    nobody = np.empty(0, np.int64)
    assert add_links(before, []) is before
    assert bits(close_segments(before, [])) == bits(before)
    homes = both(case, before)[0]
    same = extend_attachment(homes, before, spots(case.origins), new_segments=nobody, limit_m=LIMIT_M)
    assert bits(same) == bits(homes)
    assert bits(reattach_closed(homes, close_segments(before, []), spots(case.origins), limit_m=LIMIT_M)) == bits(homes)


@given(street_cases(), st.floats(0, 0.999))
def test_closing_a_street_moves_only_its_own_points(case: StreetCase, share: float) -> None:
    before = case.network()
    street = int(share * before.segment_count)
    after = close_segments(before, [street])
    homes = both(case, before)[0]
    now = reattach_closed(homes, after, spots(case.origins), limit_m=LIMIT_M)
    own = np.zeros(homes.point_count, bool)
    own[homes.point[homes.segment == street]] = True
    others = np.flatnonzero(~own)
    assert bits(now.take(others)) == bits(homes.take(others))
    assert bits(now) == bits(attach(after, case.origins, limit_m=LIMIT_M))
    assert street not in now.segment


@given(street_cases(), link_lists())
def test_a_closed_link_leaves_what_was_before_it(case: StreetCase, drawn: list) -> None:
    before = case.network()
    after = add_links(before, links_of(before, drawn))
    at = extended(case, before, after)
    links = np.flatnonzero(after.segment_id >= 900)
    closed = close_segments(after, links)
    connected = both(case, before)[0].connected
    again = [
        reattach_closed(rows, closed, spots(xy), limit_m=LIMIT_M)
        for rows, xy in zip(at, (case.origins, case.entrances), strict=True)
    ]
    assert again[0].connected.tolist() == connected.tolist()
    assert times(weighed(closed), *again) == times(weighed(before), *both(case, before))


@given(street_cases(), st.integers(0, 2**32 - 1))
def test_another_facility_never_makes_the_nearest_farther(case: StreetCase, seed: int) -> None:
    graph = case.graph()
    rng = np.random.default_rng(seed)
    homes, places = case.attached(graph, case.origins), case.places(graph)
    more = np.concatenate([case.entrances, rng.random((2, 2)) * 240])
    number = len(case.class_no)
    larger = Places(
        case.attached(graph, more),
        np.concatenate([case.owner, [number, number]]),
        np.concatenate([case.class_no, rng.integers(0, case.class_count, 1)]),
        case.class_count,
    )
    old, new = (nearest_places(graph, some, homes, limit=9000).cost for some in (places, larger))
    assert (new <= old).all()
    untouched = np.arange(case.class_count) != larger.class_no[-1]
    assert new[untouched].tolist() == old[untouched].tolist()


def river() -> StreetNetwork:
    """Two streets of 400 m along a river, joined only 400 m upstream by a bridge of 50 m."""
    return street_network([(0, 0), (400, 0), (0, 50), (400, 50)], [(0, 1), (2, 3), (1, 3)])


def test_a_gate_between_two_streets_by_hand() -> None:
    before = river()
    south, north = segment_of(before, 0), segment_of(before, 1)
    gate = Link(900, StreetPlace(south, 0.25), StreetPlace(north, 0.25), signal_halves=2, kind="crossing")
    after = add_links(before, [gate])
    assert (after.node_count, after.segment_count) == (before.node_count + 2, before.segment_count + 5)
    assert after.node_xy[-2:].tolist() == [[100.0, 0.0], [100.0, 50.0]]
    assert after.length_dm[-5:].tolist() == [1000, 3000, 1000, 3000, 500]
    home, shop = (attach(before, points(xy), limit_m=LIMIT_M) for xy in [(0, 0), (200, 50)])
    assert times(weighed(before), home, shop) == {(0, 0): 4000 + 500 + 2000}
    new = added(before, after)
    home = extend_attachment(home, after, spots(points((0, 0))), new_segments=new, limit_m=LIMIT_M)
    shop = extend_attachment(shop, after, spots(points((200, 50))), new_segments=new, limit_m=LIMIT_M)
    assert times(weighed(after), home, shop) == {(0, 0): 1000 + 500 + 200 + 1000}
    assert times(weighed(after, METRES), home, shop) == {(0, 0): 2500}


def test_a_point_gains_a_link_that_is_nearer_than_its_street_and_not_behind_a_wall() -> None:
    before = river()
    bank = shapely.LineString([(0, 0), (0, 25), (400, 25), (400, 50)])
    path = Link(900, StreetPlace(segment_of(before, 0), 0.0), StreetPlace(segment_of(before, 1), 1.0), shape=bank)
    after = add_links(before, [path])
    homes = points((200, 20), (200, 5), (200, 21), (600, 25))
    known = attach(before, homes, limit_m=LIMIT_M)
    assert known.connected.tolist() == [True, True, True, False]
    wall = shapes_of([((190, 23), (210, 23))])
    now = extend_attachment(known, after, spots(homes), new_segments=added(before, after), limit_m=LIMIT_M, barriers=wall)
    assert np.diff(now.start).tolist() == [1, 1, 1, 0]
    now = extend_attachment(known, after, spots(homes), new_segments=added(before, after), limit_m=LIMIT_M)
    assert np.diff(now.start).tolist() == [2, 1, 2, 0]
    assert now.connection_m.tolist() == [20.0, 5.0, 5.0, 21.0, 4.0]
    assert after.length_dm[-1] == 4500
    far = extend_attachment(known, after, spots(homes), new_segments=added(before, after), limit_m=250)
    assert np.diff(far.start).tolist() == [2, 1, 2, 1]


def test_closing_a_divided_street_closes_its_stretches_too() -> None:
    before = river()
    south, north = segment_of(before, 0), segment_of(before, 1)
    after = add_links(before, [Link(900, StreetPlace(south, 0.25), StreetPlace(north, 0.25))])
    home = attach(before, points((0, 0)), limit_m=LIMIT_M)
    home = extend_attachment(home, after, spots(points((0, 0))), new_segments=added(before, after), limit_m=LIMIT_M)
    for named in (south, before.segment_count):
        closed = close_segments(after, [named])
        assert np.flatnonzero(~closed.forward & ~closed.backward).tolist() == [south, 3, 4]
        moved = reattach_closed(home, closed, spots(points((0, 0))), limit_m=LIMIT_M)
        assert (moved.segment.tolist(), moved.connection_m.tolist()) == ([north, 5], [50.0, 50.0])


def test_the_place_on_a_street_is_found_from_coordinates() -> None:
    network = river()
    found = street_place(network, points((100, 4), (100, 900)), limit_m=10)
    assert found == [StreetPlace(segment_of(network, 0), 0.25), None]


def test_links_meet_at_one_node_and_at_the_ends_of_streets() -> None:
    before = river()
    south, north = segment_of(before, 0), segment_of(before, 1)
    middle = StreetPlace(south, 0.5)
    after = add_links(before, [Link(900, middle, StreetPlace(north, 0.5)), Link(901, middle, StreetPlace(north, 0.0))])
    links = np.flatnonzero(after.segment_id >= 900)
    assert after.tail[links].tolist() == [before.node_count] * 2
    assert after.head[links].tolist() == [before.node_count + 1, node_of(before, 2)]
    assert after.stretches is not None
    assert after.stretches.segment.tolist() == [3, 4, 5, 6]


def test_faults_of_links_are_gathered() -> None:
    network = river()
    good = StreetPlace(0, 0.5)
    bad = [
        Link(1, StreetPlace(3, 0.5), StreetPlace(0, 1.5)),
        Link(2, good, good, length_m=-1.0),
        Link(3, good, good, kind="tunnel"),
    ]
    with pytest.raises(InputError) as caught:
        add_links(network, bad)
    assert [(fault.code, fault.row, fault.field) for fault in caught.value.faults] == [
        ("edits.unknown_segment", 1, "begin"),
        ("edits.bad_fraction", 1, "end"),
        ("edges.negative", 2, "length_m"),
        ("edits.unknown_kind", 3, "kind"),
    ]
    assert "tunnel" in caught.value.words("en")
    assert "tunnel" in caught.value.words("zh")
