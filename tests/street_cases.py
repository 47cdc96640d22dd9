"""Small street networks for tests: drawn at random or laid out by hand, and a profile in round numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import shapely
from hypothesis import strategies as st

from yike.analysis.attachment import Attachment, attach
from yike.analysis.routing_graph import RoutingGraph, routing_graph
from yike.analysis.travel_time import Places, chosen_profile
from yike.model.network import StreetNetwork
from yike.model.profile import Profile

CRS = "EPSG:32651"


def round_profile(*, connection_limit_m: float = 100.0, **figures: float | None) -> Profile:
    """Return an adult who walks 1 m/s, waits 20 s at signals and 6 s at other crossings, and takes steps at half the speed."""
    adult = chosen_profile("adult")
    values = {"speed_m_s": 1.0, "top_speed_m_s": 1.0, "signal_s": 20.0, "marked_crossing_s": 6.0, "steps_factor": 2.0}
    values |= {"connection_limit_m": connection_limit_m, **figures}
    return replace(adult, **{name: replace(getattr(adult, name), value=value) for name, value in values.items()})


def street_network(
    nodes: list[tuple[float, float]], edges: list[tuple[int, int]], **columns: list[object] | np.ndarray
) -> StreetNetwork:
    """Build a network of straight streets between nodes numbered from 0; ``length_m`` overrules the length of the line."""
    xy = np.array(nodes, float)
    table = pd.DataFrame({"source": [a for a, _ in edges], "target": [b for _, b in edges]})
    table["length_m"] = [float(np.hypot(*(xy[a] - xy[b]))) for a, b in edges]
    return StreetNetwork.from_edges(
        pd.DataFrame({"id": np.arange(len(xy)), "x": xy[:, 0], "y": xy[:, 1]}), table.assign(**columns), crs=CRS
    )


def node_of(network: StreetNetwork, node_id: int) -> int:
    """Return where the node with this identifier stands."""
    return int(np.flatnonzero(network.node_id == node_id)[0])


def segment_of(network: StreetNetwork, segment_id: int) -> int:
    """Return where the street with this identifier stands."""
    return int(np.flatnonzero(network.segment_id == segment_id)[0])


def points(*places: tuple[float, float]) -> np.ndarray:
    """Return places as an array of coordinates."""
    return np.array(places, float).reshape(-1, 2)


def shapes_of(lines: list[tuple[tuple[float, float], ...]]) -> np.ndarray:
    """Return lines as shapely geometries."""
    out = np.empty(len(lines), object)
    out[:] = [shapely.LineString(line) for line in lines]
    return out


@dataclass(frozen=True, eq=False)
class StreetCase:
    """A random network with origins and places: one-way and parallel streets, loops, streets without length, separate parts."""

    nodes: pd.DataFrame
    edges: pd.DataFrame
    origins: np.ndarray
    entrances: np.ndarray
    owner: np.ndarray
    class_no: np.ndarray
    class_count: int

    def network(self, *, order: np.ndarray | None = None) -> StreetNetwork:
        """Build the network, its rows in another order where one is given."""
        edges = self.edges if order is None else self.edges.iloc[order].reset_index(drop=True)
        nodes = self.nodes if order is None else self.nodes.iloc[::-1].reset_index(drop=True)
        return StreetNetwork.from_edges(nodes, edges, crs=CRS)

    def graph(self, *, measure: str | None = None) -> RoutingGraph:
        """Weigh the network for the round profile."""
        return routing_graph(self.network(), round_profile(), measure=measure)

    def attached(self, graph: RoutingGraph, xy: np.ndarray) -> Attachment:
        """Connect points as the library does."""
        return attach(graph.network, xy, limit_m=graph.connection_limit_m, usable=graph.passable)

    def places(self, graph: RoutingGraph) -> Places:
        """Connect the places by their entrances."""
        return Places(self.attached(graph, self.entrances), self.owner, self.class_no, self.class_count)


@st.composite
def street_cases(draw: st.DrawFn) -> StreetCase:
    """Draw a network on a small lattice, so that points often stand at nodes, on one street, or equally near to two."""
    n = draw(st.integers(2, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    xy = rng.integers(0, 5, (n, 2)) * 60.0
    m = draw(st.integers(1, 16))
    source = rng.integers(0, n, m)
    target = np.where(rng.random(m) < 0.1, source, rng.integers(0, n, m))
    straight = np.hypot(*(xy[source] - xy[target]).T)
    edges = pd.DataFrame({"source": source, "target": target, "length_m": np.round(straight * rng.choice([1, 1, 1.37], m), 1)})
    edges["oneway"] = rng.random(m) < 0.3
    edges["walk_s"] = np.where(rng.random(m) < 0.15, rng.integers(0, 90, m), np.nan)
    edges = pd.concat([edges, edges.iloc[: draw(st.integers(0, 2))]], ignore_index=True)
    origins, entrances = (_scattered(rng, xy, draw(st.integers(1, 7))) for _ in range(2))
    classes, places = draw(st.integers(1, 3)), draw(st.integers(1, 5))
    return StreetCase(
        nodes=pd.DataFrame({"id": 10 * np.arange(n) + 7, "x": xy[:, 0], "y": xy[:, 1]}),
        edges=edges.assign(source=10 * edges["source"] + 7, target=10 * edges["target"] + 7),
        origins=origins,
        entrances=entrances,
        owner=rng.integers(0, places, len(entrances)),
        class_no=rng.integers(0, classes, places),
        class_count=classes,
    )


def _scattered(rng: np.random.Generator, nodes: np.ndarray, count: int) -> np.ndarray:
    """Scatter points: at nodes, half-way between two nodes, on a fine lattice, anywhere, and a few far away."""
    at_node = nodes[rng.integers(0, len(nodes), count)]
    halfway = (at_node + nodes[rng.integers(0, len(nodes), count)]) / 2
    lattice = rng.integers(-2, 15, (count, 2)) * 20.0
    anywhere = rng.random((count, 2)) * 260.0
    far = at_node + 5000.0
    kind = rng.choice(5, count, p=[0.2, 0.25, 0.25, 0.25, 0.05])
    return np.stack([at_node, halfway, lattice, anywhere, far])[kind, np.arange(count)]
