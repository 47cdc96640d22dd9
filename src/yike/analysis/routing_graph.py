"""RoutingGraph: a street network under one measure, ready to search.

The measure is a travel profile (weights in deciseconds) or ``metres`` (weights in decimetres). Both are whole numbers, so that
every sum is exact. The graph is never split: a point on a segment enters the search through the segment's two ends
(`yike.analysis.attachment`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yike.errors import Fault, InputError
from yike.model.network import NOT_GIVEN, SEGMENT_KINDS, StreetNetwork
from yike.model.profile import Profile, load_profiles

IMPASSABLE = -1
TENTHS = 10
METRES = "metres"
_STEPS = SEGMENT_KINDS.index("steps")
_ON_FOOT = ("walk", "walk_step_free")
_WALKER_OF_STATED_TIMES = "adult"
_HEAVIEST = 2**30  # what a search calls unreached: no limit is as large

IntArray = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Adjacency:
    """Hold a directed graph as compressed rows: node i's edges are start[i]:start[i + 1].

    start    (n + 1,) int32
    node     (e,) int32 where the edge leads
    weight   (e,) int32 deciseconds or decimetres
    segment  (e,) int32 the street segment it runs along
    """

    start: IntArray
    node: IntArray
    weight: IntArray
    segment: IntArray


@dataclass(frozen=True, eq=False)
class RoutingGraph:
    """Hold the weights of a network under a measure, in both directions of search.

    measure          a profile id or ``metres``
    forward_weight   (m,) weight from tail to head; -1 where one may not pass
    backward_weight  (m,) weight from head to tail; -1 where one may not pass
    waiting          (m,) the part of the weight spent at crossings
    outward          edges as one travels: for times from a point
    inward           edges turned round: for times to a place
    units_per_m      weight of one metre of connection between a point and its street
    connection_limit_m  [m] a point farther from every street is unconnected
    """

    network: StreetNetwork
    measure: str
    forward_weight: IntArray
    backward_weight: IntArray
    waiting: IntArray
    outward: Adjacency
    inward: Adjacency
    units_per_m: float
    connection_limit_m: float

    @property
    def passable(self) -> NDArray[np.bool_]:
        """Return (m,) which segments may be travelled in at least one direction."""
        return (self.forward_weight >= 0) | (self.backward_weight >= 0)


def routing_graph(network: StreetNetwork, profile: Profile, *, measure: str | None = None) -> RoutingGraph:
    """Weigh the segments of a network for a profile; with ``measure="metres"`` by length instead of time.

    Time of a segment [ds] = round(length / speed × (steps factor on steps)) + round(half waits × mean wait / 2), or the time that
    the source states. Stated times on foot are an adult's: others need adult's speed / own speed times as long, without waits.
    Segments that the profile cannot use (steps for a wheelchair) are impassable. Raises InputError where the profile travels on
    another kind of network.
    """
    if network.mode != profile.network:
        values = {"profile": profile.id, "wanted": profile.network, "mode": network.mode}
        raise InputError([Fault("profile.other_network", "network", field="mode", values=values)])
    if measure == METRES:
        moving, waiting, units_per_m = network.length_dm.copy(), np.zeros_like(network.length_dm), float(TENTHS)
    else:
        moving, waiting = _deciseconds(network, profile)
        units_per_m = TENTHS / profile.number("speed_m_s")
    usable = np.ones(network.segment_count, np.bool_)
    if not profile.takes_steps:
        usable &= network.kind != _STEPS
    weight, waiting = _stretched(network, moving + waiting, waiting)
    forward = np.where(network.forward & usable, weight, IMPASSABLE).astype(np.int32)
    backward = np.where(network.backward & usable, weight, IMPASSABLE).astype(np.int32)
    tails, heads = network.tail, network.head
    return RoutingGraph(
        network=network,
        measure=measure or profile.id,
        forward_weight=forward,
        backward_weight=backward,
        waiting=waiting.astype(np.int32),
        outward=_adjacency(network.node_count, (tails, heads, forward), (heads, tails, backward)),
        inward=_adjacency(network.node_count, (heads, tails, forward), (tails, heads, backward)),
        units_per_m=units_per_m,
        connection_limit_m=profile.number("connection_limit_m"),
    )


def _stretched(network: StreetNetwork, weight: IntArray, waiting: IntArray) -> tuple[IntArray, IntArray]:
    """Weigh each stretch of a divided street of weight w as round(w end) - round(w begin), so that the stretches sum to w."""
    parts = network.stretches
    if parts is None:
        return weight, waiting
    weight, waiting = weight.copy(), waiting.copy()
    for values in (weight, waiting):
        whole = values[parts.whole]
        values[parts.segment] = (np.rint(whole * parts.end) - np.rint(whole * parts.begin)).astype(np.int32)
    waiting[parts.segment] = np.minimum(waiting[parts.segment], weight[parts.segment])
    return weight, waiting


def _deciseconds(network: StreetNetwork, profile: Profile) -> tuple[IntArray, IntArray]:
    metres = network.length_dm / TENTHS
    factor = np.ones(network.segment_count)
    if profile.takes_steps:
        factor[network.kind == _STEPS] = profile.number("steps_factor")
    moving = np.rint(TENTHS * metres * factor / profile.number("speed_m_s"))
    halves_s = network.signal_halves * profile.number("signal_s") + network.crossing_halves * profile.number("marked_crossing_s")
    waiting = np.rint(TENTHS * halves_s / 2)
    given = network.fixed_ds != NOT_GIVEN
    if given.any():
        moving = np.where(given, np.rint(network.fixed_ds * _stated_factor(profile)), moving)
        waiting = np.where(given, 0, waiting)
    return np.minimum(moving, _HEAVIEST).astype(np.int32), waiting.astype(np.int32)


def _stated_factor(profile: Profile) -> float:
    """Return what a time stated for an adult on foot is multiplied by; times of other modes are taken as they stand."""
    if profile.network not in _ON_FOOT or profile.id == _WALKER_OF_STATED_TIMES:
        return 1.0
    return load_profiles()[_WALKER_OF_STATED_TIMES].number("speed_m_s") / profile.number("speed_m_s")


def _adjacency(node_count: int, *runs: tuple[IntArray, IntArray, IntArray]) -> Adjacency:
    sources, targets, weights, segments = [], [], [], []
    for source, target, weight in runs:
        open_ = np.flatnonzero((weight >= 0) & (source != target)).astype(np.int32)
        sources.append(source[open_])
        targets.append(target[open_])
        weights.append(weight[open_])
        segments.append(open_)
    source = np.concatenate(sources)
    order = np.argsort(source, kind="stable")
    start = np.zeros(node_count + 1, np.int32)
    np.cumsum(np.bincount(source, minlength=node_count), out=start[1:])
    return Adjacency(
        start=start,
        node=np.concatenate(targets)[order],
        weight=np.concatenate(weights)[order],
        segment=np.concatenate(segments)[order],
    )
