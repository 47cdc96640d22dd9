"""The same questions asked of pandana and cityseer, which live in the environment of the benchmarks only."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import os
import sys
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.questions import QUARTER_DS, Question

METRES_PER_DS = 0.11  # 1.1 m/s, the adult's speed


def have(name: str) -> bool:
    """Tell whether a peer is installed."""
    return importlib.util.find_spec(name) is not None


def quietly(call: Any, *arguments: Any, **named: Any) -> Any:
    """Call without the peer's notes and progress bars, compiled ones too."""
    logging.disable(logging.INFO)
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return call(*arguments, **named)
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
        logging.disable(logging.NOTSET)


def pandana_network(question: Question) -> Any:
    """Build pandana's network with the same directed edges and deciseconds."""
    import pandana

    street, xy = question.street, question.graph.network.node_xy
    begin = np.repeat(np.arange(question.node_count), np.diff(street.start))
    node = pd.RangeIndex(question.node_count)
    weights = pd.DataFrame({"time_ds": street.weight.astype(np.float64)})
    return quietly(
        pandana.Network,
        pd.Series(xy[:, 0], node),
        pd.Series(xy[:, 1], node),
        pd.Series(begin),
        pd.Series(street.node),
        weights,
        twoway=False,
    )


def pandana_nearest(network: Any, question: Question, classes: range) -> NDArray[np.float64]:
    """Return (classes, nodes) the time to the nearest of some classes; the cap where unreached."""
    xy = question.graph.network.node_xy
    found = []
    for number in classes:
        at = xy[np.unique(question.classes[number])]
        quietly(network.set_pois, str(number), QUARTER_DS, 1, pd.Series(at[:, 0]), pd.Series(at[:, 1]))
        found.append(quietly(network.nearest_pois, QUARTER_DS, str(number), num_pois=1).iloc[:, 0].to_numpy())
    return np.array(found)


def cityseer_structure(question: Question) -> tuple[Any, Any]:
    """Build cityseer's network from our streets, straight between junctions; nodes as it wants them."""
    import geopandas as gpd
    import networkx as nx
    import shapely
    from cityseer.tools import io as cityseer_io

    network = question.graph.network
    graph = nx.MultiGraph(crs=network.crs)
    for number, (x, y) in enumerate(network.node_xy):
        graph.add_node(str(number), x=float(x), y=float(y))
    ends = network.node_xy[np.stack([network.tail, network.head], axis=1)]
    for tail, head, line in zip(network.tail, network.head, shapely.linestrings(ends), strict=True):
        if tail != head and line.length > 0:
            graph.add_edge(str(tail), str(head), geom=line)
    graph.graph["crs"] = network.crs
    nodes, _, structure = quietly(cityseer_io.network_structure_from_nx, graph)
    return gpd.GeoDataFrame(nodes), structure


def cityseer_nearest(nodes: Any, structure: Any, question: Question, classes: range) -> Any:
    """Ask cityseer for the nearest of some classes within the metres that a quarter of an hour allows."""
    import geopandas as gpd
    from cityseer.metrics import layers

    at = np.concatenate([question.classes[number] for number in classes])
    names = np.repeat([f"c{number}" for number in classes], [len(question.classes[number]) for number in classes])
    xy = question.graph.network.node_xy[at]
    places = gpd.GeoDataFrame({"kind": names}, geometry=gpd.points_from_xy(*xy.T), crs=question.graph.network.crs)
    return quietly(
        layers.compute_accessibilities,
        data_gdf=places,
        landuse_column_label="kind",
        accessibility_keys=[f"c{number}" for number in classes],
        nodes_gdf=nodes.copy(),
        network_structure=structure,
        distances=[round(QUARTER_DS * METRES_PER_DS)],
        decay_fn="1",
    )
