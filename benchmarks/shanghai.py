"""A city of Shanghai's size, made by tiling the real walking network of Porto Alegre.

Tiles are mirrored so that borders meet their own image; there the nearest junctions of every 250 m are joined. Lengths vary by
up to 3 % so that no two tiles are alike. Facilities, residents and committees are drawn from fixed random numbers, where the
junctions are. The same file and size always give the same City hash.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

import yike.model.canonical
import yike.sources.osm
from yike.model.city import City, Origin
from yike.model.network import StreetNetwork
from yike.model.standard import Standard
from yike.model.tables import AGE_GROUPS
from yike.sources.osm import read_osm_city

VERSION = 1  # raise it when the same parameters shall give another city
SOURCE = "porto-alegre/poa_osm.pbf"
CRS = "EPSG:32651"
BUILD = Path("build/benchmarks")
FACILITIES, DEMAND_POINTS, CENTRES, RESIDENTS = 50_000, 300_000, 6_000, 24_000_000
FULL_SIDE = 7
SIDES = {"1/12": 2, "1/3": 4, "1": 7}
LEAST_OF_A_CLASS, MOST_OF_A_CLASS = 56, 12_172
STITCH_BIN_M, STITCH_DEPTH_M = 250.0, 1000.0
LENGTH_NOISE = 0.03
SUBDISTRICT_M = 6_000.0
_AGE_SHARES = (0.03, 0.03, 0.05, 0.025, 0.025, 0.59, 0.2, 0.05)

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int64]


@dataclass(frozen=True)
class Tile:
    """Hold the real streets and barriers, moved so that their box begins at the origin; ``size`` (2,) [m]."""

    network: StreetNetwork
    xy: FloatArray
    shape_xy: FloatArray
    barriers: NDArray[np.object_]
    barrier_kind: NDArray[np.object_]
    size: FloatArray


def source_file() -> Path:
    """Return the street file under YIKE_DATA, or say what is missing."""
    root = os.environ.get("YIKE_DATA")
    path = Path(root or ".") / SOURCE
    if root is None or not path.is_file():
        raise SystemExit(f"set YIKE_DATA to the folder that holds {SOURCE}")
    return path


def shanghai(side: int, *, source: Path | None = None) -> Path:
    """Return the folder of the tiled city with ``side`` x ``side`` tiles, building it under build/ when it is not there yet."""
    path = source or source_file()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    name = hashlib.sha256(f"{VERSION} {side} {digest} {_readers()}".encode()).hexdigest()[:12]
    folder = BUILD / f"shanghai-{side}x{side}-{name}"
    if not (folder / "city.yaml").exists():
        tiled_city(read_tile(path), side, sha256=digest).save(folder)
    return folder


def _readers() -> str:
    """Hash the code that makes the city: another reading of the same file is another city."""
    package = Path(yike.sources.osm.__file__).parent
    files = [Path(__file__), Path(yike.model.canonical.__file__), *sorted(package.glob("*.py"))]
    files += sorted(package.parent.glob("mappings/*.yaml"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def made_tile(columns: int, rows: int, *, block_m: float = 90.0) -> Tile:
    """Make up a tile where no real file is at hand: a grid of streets, moved a little, with every tenth street missing."""
    rng = np.random.default_rng([VERSION, columns, rows])
    number = np.arange(columns * rows).reshape(rows, columns)
    xy = np.stack([number % columns, number // columns], axis=-1).reshape(-1, 2) * block_m
    xy += rng.uniform(-20, 20, xy.shape)
    xy -= xy.min(axis=0)
    pairs = np.concatenate(
        [np.stack([number[:, :-1].ravel(), number[:, 1:].ravel()], 1), np.stack([number[:-1].ravel(), number[1:].ravel()], 1)]
    )
    pairs = pairs[rng.random(len(pairs)) > 0.1]
    nodes = pd.DataFrame({"id": np.arange(number.size), "x": xy[:, 0], "y": xy[:, 1]})
    edges = pd.DataFrame({"source": pairs[:, 0], "target": pairs[:, 1]})
    edges["length_m"] = np.hypot(*(xy[pairs[:, 0]] - xy[pairs[:, 1]]).T)
    network = StreetNetwork.from_edges(nodes, edges, crs=CRS)
    nothing = np.empty(0, object)
    return Tile(network, network.node_xy, network.shape_xy, nothing, nothing, np.ptp(xy, axis=0))


def read_tile(path: Path) -> Tile:
    """Read the real walking network and its barriers."""
    city = read_osm_city(path, modes=("walk",))
    network = city.networks["walk"]
    low = network.node_xy.min(axis=0)
    return Tile(
        network=network,
        xy=network.node_xy - low,
        shape_xy=network.shape_xy - low,
        barriers=shapely.transform(np.asarray(city.barriers["geometry"].to_numpy(), object), lambda xy: xy - low),
        barrier_kind=city.barriers["kind"].to_numpy(),
        size=np.ptp(network.node_xy, axis=0),
    )


def tiled_city(tile: Tile, side: int, *, sha256: str = "") -> City:
    """Lay out side x side tiles and fill them with facilities, residents and committees."""
    rng = np.random.default_rng([VERSION, side])
    network = tiled_network(tile, side, rng)
    share = side**2 / FULL_SIDE**2
    units = committees(network, round(CENTRES * share), rng)
    demand = residents(network, units, round(DEMAND_POINTS * share), round(RESIDENTS * share), rng)
    facilities = places(network, round(FACILITIES * share), rng)
    city = City(
        title=f"Porto Alegre {side} x {side}",
        crs=CRS,
        networks={"walk": network},
        groups=AGE_GROUPS,
        inventories=dict.fromkeys(sorted(set(facilities["class_id"])), "drawn"),
        extent=shapely.box(0, 0, *(tile.size * side)),
        provenance=(Origin("streets", SOURCE, sha256, note=f"{side} x {side} mirrored tiles, joined at their borders"),),
    )
    return city.replace(units=units, demand=demand, facilities=facilities, barriers=tiled_barriers(tile, side))


def mirrored(xy: FloatArray, tile: Tile, column: int, row: int) -> FloatArray:
    """Return coordinates of a tile at its place; every other column and row is mirrored."""
    turned = xy.copy()
    for axis, number in enumerate((column, row)):
        if number % 2:
            turned[:, axis] = tile.size[axis] - turned[:, axis]
    return turned + tile.size * (column, row)


def tiled_network(tile: Tile, side: int, rng: np.random.Generator) -> StreetNetwork:
    """Repeat the streets, vary their lengths by up to 3 % and join the borders."""
    network, count = tile.network, tile.network.node_count
    spots = [(column, row) for row in range(side) for column in range(side)]
    node_xy = np.concatenate([mirrored(tile.xy, tile, *spot) for spot in spots])
    shape_xy = np.concatenate([mirrored(tile.shape_xy, tile, *spot) for spot in spots])
    steps = np.tile(np.diff(network.shape_start), len(spots))
    shapes = shapely.linestrings(shape_xy, indices=np.repeat(np.arange(len(steps)), steps))
    offset = np.repeat(np.arange(len(spots)) * count, network.segment_count)
    length = np.tile(network.length_dm, len(spots)) * rng.uniform(1 - LENGTH_NOISE, 1 + LENGTH_NOISE, len(offset))
    columns = ("kind", "signal_halves", "crossing_halves", "fixed_ds", "forward", "backward", "attachable")
    segments = pd.DataFrame({name: np.tile(getattr(network, name), len(spots)) for name in columns})
    segments["tail"] = np.tile(network.tail, len(spots)) + offset
    segments["head"] = np.tile(network.head, len(spots)) + offset
    segments["length_dm"] = np.maximum(1, np.rint(length)).astype(np.int32)
    segments["geometry"] = shapes
    pairs = np.concatenate([border_pairs(tile, side, axis) for axis in (0, 1)])
    joins = pd.DataFrame({"tail": pairs[:, 0], "head": pairs[:, 1], "kind": np.uint8(0), "fixed_ds": -1})
    joins = joins.assign(signal_halves=np.uint8(0), crossing_halves=np.uint8(0), forward=True, backward=True, attachable=True)
    joins["length_dm"] = np.maximum(1, np.rint(10 * np.hypot(*(node_xy[pairs[:, 0]] - node_xy[pairs[:, 1]]).T))).astype(np.int32)
    joins["geometry"] = shapely.linestrings(node_xy[pairs])
    table = pd.concat([segments, joins], ignore_index=True)
    table["segment_id"] = np.arange(len(table))
    nodes = pd.DataFrame({"node_id": np.arange(len(node_xy)), "x": node_xy[:, 0], "y": node_xy[:, 1]})
    return StreetNetwork.from_tables(nodes, table, mode="walk", crs=CRS)


def border_pairs(tile: Tile, side: int, axis: int) -> IndexArray:
    """Return (j, 2) junctions to join across the borders along one axis: in every 250 m the nearest to it and its image."""
    count, pairs = tile.network.node_count, []
    bins = np.floor(tile.xy[:, 1 - axis] / STITCH_BIN_M).astype(np.int64)
    for border in range(side - 1):
        # Of an even and the odd tile after it the far sides meet, of an odd and the even one the near sides.
        depth = tile.size[axis] - tile.xy[:, axis] if border % 2 == 0 else tile.xy[:, axis]
        order = np.lexsort((depth, bins))
        order = order[depth[order] <= STITCH_DEPTH_M]
        first = order[np.flatnonzero(np.diff(bins[order], prepend=-1))]
        for across in range(side):
            here = across * side + border if axis == 0 else border * side + across
            there = here + 1 if axis == 0 else here + side
            pairs.append(np.stack([first + here * count, first + there * count], axis=1))
    return np.concatenate(pairs) if pairs else np.empty((0, 2), np.int64)


def tiled_barriers(tile: Tile, side: int) -> pd.DataFrame:
    """Repeat the barriers with their tiles."""
    spots = [(column, row) for row in range(side) for column in range(side)]
    shapes = [shapely.transform(tile.barriers, lambda xy, spot=spot: mirrored(xy, tile, *spot)) for spot in spots]
    names = [f"b{number:06d}" for number in range(len(spots) * len(tile.barriers))]
    kinds = np.tile(tile.barrier_kind, len(spots))
    return pd.DataFrame({"barrier_id": names, "kind": kinds, "geometry": np.concatenate(shapes)})


def scattered(network: StreetNetwork, count: int, rng: np.random.Generator, *, spread_m: float) -> FloatArray:
    """Draw points around junctions, so that they are dense where junctions are."""
    chosen = rng.integers(0, network.node_count, count)
    return np.round(network.node_xy[chosen] + rng.normal(0, spread_m, (count, 2)), 2)


def committees(network: StreetNetwork, count: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw committees; subdistricts are squares of 6 km, those around the middle urban, the others towns."""
    xy = scattered(network, count, rng, spread_m=30.0)
    names = [f"u{number:05d}" for number in range(count)]
    square = np.floor(xy / SUBDISTRICT_M).astype(np.int64)
    subdistricts = [f"s{column:02d}{row:02d}" for column, row in square]
    middle, half = network.node_xy.mean(axis=0), np.ptp(network.node_xy, axis=0) / 4
    urban = (np.abs((square + 0.5) * SUBDISTRICT_M - middle) < half).all(axis=1)
    return pd.DataFrame(
        {
            "unit_id": names,
            "name": names,
            "kind": "residents_committee",
            "subdistrict_id": subdistricts,
            "subdistrict": subdistricts,
            "district": "tiles",
            "zone": np.where(urban, "urban", "expansion_town"),
            "centre_x": xy[:, 0],
            "centre_y": xy[:, 1],
        }
    )


def residents(network: StreetNetwork, units: pd.DataFrame, count: int, people: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw residential points with lognormal numbers of residents by age group; each belongs to the nearest committee."""
    xy = scattered(network, count, rng, spread_m=60.0)
    weight = rng.lognormal(0.0, 0.8, count)
    heads = np.rint(weight / weight.sum() * people).astype(np.int64)
    by_age = rng.multinomial(heads, _AGE_SHARES)
    _, nearest = cKDTree(units[["centre_x", "centre_y"]].to_numpy()).query(xy)
    table = pd.DataFrame(
        {
            "demand_id": [f"d{number:06d}" for number in range(count)],
            "x": xy[:, 0],
            "y": xy[:, 1],
            "unit_id": units["unit_id"].to_numpy()[nearest],
            "residents": heads,
        }
    )
    return table.assign(**{f"residents_{group}": by_age[:, number] for number, group in enumerate(AGE_GROUPS)})


def class_counts(total: int, classes: int) -> IndexArray:
    """Return lognormal numbers of facilities a class, in the proportion of 56 to 12,172, that sum to ``total``."""
    from scipy.stats import norm

    place = norm.ppf((np.arange(classes) + 0.5) / classes)
    low, high = np.log(LEAST_OF_A_CLASS), np.log(MOST_OF_A_CLASS)
    weight = np.exp((low + high) / 2 + (high - low) / 2 * place / place[-1])
    exact = weight / weight.sum() * total
    counts = np.floor(exact).astype(np.int64)
    counts[np.argsort(counts - exact, kind="stable")[: total - counts.sum()]] += 1
    return np.maximum(counts, 1)


def places(network: StreetNetwork, total: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw the facilities of all classes of Pudong's standard; which class is large is drawn too."""
    classes = [entry.id for entry in Standard.load("pudong-2021").classes]
    counts = rng.permutation(class_counts(total, len(classes)))
    xy = scattered(network, int(counts.sum()), rng, spread_m=40.0)
    names = [f"f{number:06d}" for number in range(len(xy))]
    kinds = np.repeat(np.array(classes, dtype=object), counts)
    return pd.DataFrame({"facility_id": names, "class_id": kinds, "name": names, "x": xy[:, 0], "y": xy[:, 1]})
