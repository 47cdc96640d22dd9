"""The same streets and the same question for every library: seeds stand on junctions, times are whole deciseconds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from yike import kernels
from yike.analysis.routing_graph import Adjacency, RoutingGraph, routing_graph
from yike.analysis.travel_time import chosen_profile
from yike.model.city import City
from yike.model.network import StreetNetwork

QUARTER_DS = 9000

Ints = NDArray[np.int32]
Reach = tuple[NDArray[np.int64], Ints, Ints]


@dataclass(frozen=True, eq=False)
class Question:
    """Hold a network as a routing graph, the junctions of the facilities of each class and those of the centres."""

    graph: RoutingGraph
    classes: tuple[Ints, ...]
    centres: Ints

    @property
    def street(self) -> Adjacency:
        return self.graph.outward

    @property
    def node_count(self) -> int:
        return self.graph.network.node_count

    @property
    def facilities(self) -> Ints:
        """Return the junction of every facility in the order of memory; several may stand at one."""
        return np.sort(np.concatenate(self.classes))


def of_city(folder: Path) -> Question:
    """Move the facilities and centres of a saved city to their nearest junctions."""
    city = City.load(folder)
    network = city.networks["walk"]
    tree = cKDTree(network.node_xy)
    at = tree.query(city.facilities[["x", "y"]].to_numpy())[1].astype(np.int32)
    kinds = city.facilities["class_id"].to_numpy()
    centres = tree.query(city.units[["centre_x", "centre_y"]].to_numpy())[1].astype(np.int32)
    return _question(network, [at[kinds == kind] for kind in np.unique(kinds)], centres)


def of_network(network: StreetNetwork, *, facilities: int, centres: int, counts: NDArray[np.int64]) -> Question:
    """Draw facilities and centres on the junctions of a real network, from fixed random numbers."""
    rng = np.random.default_rng(37)
    drawn = rng.integers(0, network.node_count, facilities).astype(np.int32)
    classes = np.split(drawn, np.cumsum(counts)[:-1])
    return _question(network, classes, np.sort(rng.integers(0, network.node_count, centres).astype(np.int32)))


def _question(network: StreetNetwork, classes: list[Ints], centres: Ints) -> Question:
    return Question(routing_graph(network, chosen_profile("adult")), tuple(classes), np.sort(centres))


def nearest_of_classes(question: Question, *, threads: int, cap: int = QUARTER_DS) -> NDArray[np.int32]:
    """Return (classes, nodes) the time to the nearest facility of each class, by our kernel; unreached as it writes it."""
    street = question.graph.inward
    out = np.empty((len(question.classes), question.node_count), np.int32)

    def run(number: int) -> None:
        seeds = question.classes[number]
        kernels.nearest_times(street.start, street.node, street.weight, seeds, np.zeros(len(seeds), np.int32), cap, out[number])

    if threads == 1:
        for number in range(len(question.classes)):
            run(number)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(run, range(len(question.classes))))
    return out


def scipy_graph(street: Adjacency) -> csr_matrix:
    """Return the graph as scipy takes it; built from rows, so that parallel streets stay apart."""
    count = len(street.start) - 1
    return csr_matrix((street.weight.astype(np.float64), street.node, street.start), shape=(count, count))


def scipy_nearest(question: Question, matrix: csr_matrix, *, cap: int = QUARTER_DS) -> NDArray[np.float64]:
    """Answer the same by scipy's multi-source Dijkstra; unreached is infinite."""
    out = np.empty((len(question.classes), question.node_count))
    for number, seeds in enumerate(question.classes):
        out[number] = dijkstra(matrix, directed=True, indices=np.unique(seeds), min_only=True, limit=cap)
    return out


def reach(question: Question, sources: Ints, *, threads: int, cap: int = QUARTER_DS) -> list[Reach]:
    """Return all nodes within the cap of each source with their times, in one piece a thread, by our kernel."""
    street = question.street
    parts = np.array_split(sources, threads)

    def run(part: Ints) -> Reach:
        part = np.ascontiguousarray(part)
        own = np.arange(len(part) + 1, dtype=np.int64)
        return kernels.bounded_reach(street.start, street.node, street.weight, own, part, np.zeros(len(part), np.int32), cap)

    if threads == 1:
        return [run(sources)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, parts))
