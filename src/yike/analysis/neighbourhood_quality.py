"""Data quality by neighbourhood: how far its data carry a verdict, from what they rest on, and what to mend first."""

from __future__ import annotations

import datetime
import difflib
import unicodedata
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from yike.analysis.attachment import Attachment, attach
from yike.analysis.datum import POINTS_LEAST, datum_test
from yike.analysis.measurement import barrier_lines, unit_positions
from yike.errors import Fault, InputError
from yike.model.city import City, Origin
from yike.model.diagnosis import NOT_DETERMINABLE
from yike.model.network import StreetNetwork
from yike.model.profile import load_profiles
from yike.model.quality import BEST_SCORE, PARTS, QUALITY_TABLE, QualityRules, quality_rules
from yike.model.standard import Standard
from yike.texts import text

DEFAULT_PROFILE = "adult"
# A unit without an area is judged by what lies this near to its centre.
NEAR_CENTRE_M = 500.0
_PER_RESIDENTS = 10_000
_DAYS_PER_YEAR = 365.25
_UNSHIFTED = "wgs84"
_MEND_LEAST = 0.999

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def neighbourhood_quality(
    city: City,
    *,
    standard: Standard | None = None,
    today: datetime.date | None = None,
    rules: QualityRules | None = None,
    profile: str = DEFAULT_PROFILE,
) -> pd.DataFrame:
    """Score the data of every neighbourhood from 0 to 100: rows of `QUALITY_TABLE`.

    ``standard`` names the expected classes (those it requires; without one the parts on classes are unknown); ``today`` is the
    day that ages are counted to (default: the system's). Streets are those of the ``profile``, which also says how far a
    connection may be. The figures and what each is worth stand in the rules (default: those of the package, status unverified).

    Raises:
        InputError: the city has no neighbourhoods or no streets.
    """
    missing = [("diagnosis.no_units", len(city.units)), ("diagnosis.no_streets", len(city.networks))]
    faults = [Fault(code, city.title) for code, count in missing if not count]
    if faults:
        raise InputError(faults)
    rules = rules or quality_rules()
    figures = _street_figures(city, profile).join(_facility_figures(city, rules))
    figures["inventories_percent"] = _inventories_percent(city, standard)
    figures["age_years"] = _ages(city, today or datetime.date.today(), figures["_facility_age"])
    figures["edge_m"] = _edges(city)
    per_10k = figures["facilities"] * _PER_RESIDENTS / figures["residents"].where(figures["residents"] > 0)
    figures["facilities_per_10k"] = per_10k
    shares = {
        "streets": figures["piece_share"],
        "residents": figures["unconnected_residents"] / figures["residents"].where(figures["residents"] > 0),
        "datum": figures["_shifted_share"],
        "inventories": figures["inventories_percent"] / 100.0,
        "density": per_10k / per_10k.median() if per_10k.median() > 0 else per_10k * np.nan,
        "duplicates": figures["duplicates"] / figures["facilities"].where(figures["facilities"] > 0),
        "age": figures["age_years"],
        "edge": figures["edge_m"],
    }
    parts = {name: rules.part(name).value(shares[name].to_numpy(np.float64)) for name in PARTS}
    score, known = rules.score(parts)
    columns = {f"{name}_part": part for name, part in parts.items()}
    table = figures.assign(**columns, score=score, known_percent=known, mend_first=_mend_first(parts, rules))
    kept = table.loc[:, ~table.columns.str.startswith("_")].reset_index()
    return QUALITY_TABLE.conform(kept, file="quality")


def _mend_first(parts: dict[str, FloatArray], rules: QualityRules) -> list[str]:
    """Name for each unit the parts below full worth, by how many points of the score they cost."""
    names = np.array(PARTS, object)
    weights = np.array([rules.part(name).weight for name in PARTS])
    values = np.column_stack([parts[name] for name in PARTS])
    cost = np.where(np.isnan(values), 0.0, 1.0 - values) * weights
    order = np.argsort(-cost, axis=1, kind="stable")
    wanting = values < _MEND_LEAST
    return [",".join(names[row[wanting[number][row]]]) for number, row in enumerate(order)]


def mend_words(row: pd.Series, lang: str, *, most: int = 3) -> list[str]:
    """Say what to mend first of a row of the quality table, one sentence a part, worst first."""
    age = row["age_years"]
    values = {
        "unconnected": f"{int(row['unconnected_residents']):,}",
        "datum": str(row["datum"]).upper(),
        "percent": f"{row['inventories_percent']:.0f}",
        "density": f"{row['facilities_per_10k']:.1f}",
        "duplicates": int(row["duplicates"]),
        "years": "–" if pd.isna(age) else f"{age:.1f}",
        "edge": "–" if pd.isna(row["edge_m"]) else f"{row['edge_m']:,.0f}",
    }
    codes = [code for code in str(row["mend_first"]).split(",") if code][:most]
    named = ["streets_unconnected" if code == "streets" and not row["centre_connected"] else code for code in codes]
    return [text(f"quality.mend.{code}", lang, **values) for code in named]


def _street_figures(city: City, profile: str) -> pd.DataFrame:
    """Return by unit how its centre, its residents and its area stand to the pieces of the network."""
    traveller = load_profiles()[profile]
    network = city.networks.get(traveller.network) or next(iter(city.networks.values()))
    piece, share = street_pieces(network)
    limit_m = traveller.number("connection_limit_m")
    centres, homes = city.units[["centre_x", "centre_y"]].to_numpy(np.float64), city.demand[["x", "y"]].to_numpy(np.float64)
    attached = attach(network, np.concatenate([centres, homes]), limit_m=limit_m, barriers=barrier_lines(city))
    of_point = _piece_of_points(attached, network, piece)
    of_centre, of_home = of_point[: len(centres)], of_point[len(centres) :]
    people = city.demand["residents"].to_numpy(np.int64)
    unit = unit_positions(city)
    main = int(np.argmax(share)) if len(share) else -1
    piece_share = np.where(of_centre >= 0, share[of_centre] if len(share) else 0.0, 0.0)
    rows = {
        "pieces": _pieces_in_areas(city, network, piece),
        "centre_connected": of_centre >= 0,
        "piece_share": np.where((of_centre == main) & (of_centre >= 0), 1.0, piece_share),
        "residents": _sums(unit, people, len(centres)),
        "unconnected_residents": _sums(unit, np.where(of_home == main, 0, people), len(centres)),
    }
    return pd.DataFrame(rows, index=pd.Index(city.units["unit_id"], name="unit_id"))


def street_pieces(network: StreetNetwork) -> tuple[IntArray, FloatArray]:
    """Return (n,) the piece of each node and (k,) each piece's share of the street length; directions are ignored."""
    ends = (network.tail, network.head)
    links = coo_array((np.ones(network.segment_count, np.int8), ends), shape=(network.node_count,) * 2)
    piece = connected_components(links.tocsr(), directed=False)[1].astype(np.int64)
    length = np.bincount(piece[network.tail], weights=network.length_dm, minlength=int(piece.max(initial=-1)) + 1)
    return piece, length / max(1.0, float(length.sum()))


def _piece_of_points(attached: Attachment, network: StreetNetwork, piece: IntArray) -> IntArray:
    """Return the piece that each point is connected to, -1 where it is to none."""
    of_point = np.full(attached.point_count, -1, np.int64)
    of_point[attached.point[::-1]] = piece[network.tail[attached.segment[::-1]]]
    return of_point


def _pieces_in_areas(city: City, network: StreetNetwork, piece: IntArray) -> IntArray:
    areas = unit_areas(city.units)
    unit, node = shapely.STRtree(shapely.points(network.node_xy)).query(areas, predicate="intersects")
    pairs = np.unique(np.column_stack([unit, piece[node]]), axis=0)
    return np.bincount(pairs[:, 0], minlength=len(areas)).astype(np.int64)


def unit_areas(units: pd.DataFrame) -> NDArray[np.object_]:
    """Return each unit's outline or, where it has none, the circle of 500 m around its centre."""
    outlines = units["outline"].to_numpy(object).copy()
    bare = shapely.is_missing(outlines)
    centres = shapely.points(units[["centre_x", "centre_y"]].to_numpy(np.float64)[bare])
    outlines[bare] = shapely.buffer(centres, NEAR_CENTRE_M)
    return np.asarray(outlines, object)


def _sums(unit: IntArray, values: NDArray[np.int64] | BoolArray, count: int) -> IntArray:
    sums = np.zeros(count, np.int64)
    np.add.at(sums, unit[unit >= 0], values[unit >= 0].astype(np.int64))
    return sums


def _facility_figures(city: City, rules: QualityRules) -> pd.DataFrame:
    """Return by unit what its facilities are like: how many, doubles, coordinate system, age of their sources."""
    places = city.facilities
    count = len(city.units)
    points = shapely.points(places["x"].to_numpy(np.float64), places["y"].to_numpy(np.float64))
    unit, place = shapely.STRtree(points).query(unit_areas(city.units), predicate="intersects")
    double = duplicate_facilities(places, rules)
    fits = datum_by_source(city)
    sources = places["source"].to_numpy(object)
    told = np.array([fits.get(source) or "" for source in sources], object)
    total = _sums(unit, np.ones(len(unit), np.int64), count)
    known, shifted = told[place] != "", (told[place] != "") & (told[place] != _UNSHIFTED)
    known_count, shifted_count = _sums(unit, known, count), _sums(unit, shifted, count)
    named = pd.Series(told[place][known]).groupby(unit[known]).agg(lambda systems: ",".join(sorted(set(systems))))
    dates = {source: _newest(_of_source(city.provenance, "facilities", source)) for source in sorted(set(sources))}
    oldest = pd.Series([dates[source] for source in sources[place]], dtype=object).groupby(unit).agg(_oldest)
    rows = {
        "facilities": total,
        "duplicates": _sums(unit, double[place], count),
        "datum": named.reindex(range(count)).fillna("").to_numpy(object),
        "_shifted_share": np.where(known_count > 0, shifted_count / np.maximum(known_count, 1), np.nan),
        "_facility_age": oldest.reindex(range(count)).to_numpy(object),
    }
    return pd.DataFrame(rows, index=pd.Index(city.units["unit_id"], name="unit_id"))


def duplicate_facilities(places: pd.DataFrame, rules: QualityRules) -> BoolArray:
    """Tell which facilities stand a second time: of one class, within ``duplicate_m``, with names that are alike.

    Names are alike where one is empty or holds the other, or their likeness is at least ``name_likeness``. The first by id of a
    group is the original. This finds what deserves a look; deciding which are one place is conflation's work.
    """
    names = [unicodedata.normalize("NFKC", name).casefold().replace(" ", "") for name in places["name"]]
    ids, classes = places["facility_id"].to_numpy(object), places["class_id"].to_numpy(object)
    xy = places[["x", "y"]].to_numpy(np.float64)
    double = np.zeros(len(places), bool)
    for class_id in sorted(set(classes) - set(rules.never_duplicates)):
        rows = np.flatnonzero(classes == class_id)
        for first, second in KDTree(xy[rows]).query_pairs(rules.duplicate_m, output_type="ndarray"):
            one, other = sorted((rows[first], rows[second]), key=lambda row: str(ids[row]))
            if _alike(names[one], names[other], rules.name_likeness):
                double[other] = True
    return double


def _alike(one: str, other: str, likeness: float) -> bool:
    return one in other or other in one or difflib.SequenceMatcher(None, one, other).ratio() >= likeness


def datum_by_source(city: City) -> dict[str, str | None]:
    """Return for each source of facilities the coordinate system that it fits, None where the test cannot tell.

    The facilities are brought back to longitude and latitude as if their file had meant WGS 84; see `datum_test`.
    """
    network = city.networks.get("walk") or next(iter(city.networks.values()))
    back = pyproj.Transformer.from_crs(city.crs, "EPSG:4326", always_xy=True)
    fits: dict[str, str | None] = {}
    for source, rows in city.facilities.groupby("source"):
        if len(rows) < POINTS_LEAST:
            fits[str(source)] = None
            continue
        lonlat = np.column_stack(back.transform(rows["x"].to_numpy(np.float64), rows["y"].to_numpy(np.float64)))
        kinds = rows["class_id"].to_numpy(object)
        fits[str(source)] = datum_test(lonlat, network, extent=city.extent, kinds=kinds).system
    return fits


def _inventories_percent(city: City, standard: Standard | None) -> float:
    if standard is None:
        return np.nan
    expected = [entry.id for entry in standard.classes if entry.obligation != "recommended"]
    return 100.0 * len([name for name in expected if name in city.inventories]) / len(expected) if expected else np.nan


def _ages(city: City, today: datetime.date, of_facilities: pd.Series) -> FloatArray:
    """Return the years since the date of the oldest part, counting for each part its newest source; NaN where none is dated."""
    common = _oldest(_newest([origin for origin in city.provenance if origin.part == part]) for part in _base_parts(city))
    oldest = [_oldest([common, own if isinstance(own, datetime.date) else None]) for own in of_facilities]
    return np.array([np.nan if date is None else max(0.0, (today - date).days / _DAYS_PER_YEAR) for date in oldest])


def _base_parts(city: City) -> list[str]:
    parts = {origin.part for origin in city.provenance}
    return sorted(part for part in parts if part.startswith("streets") or part in ("population", "demand", "units"))


def _of_source(origins: Sequence[Origin], part: str, source: object) -> list[Origin]:
    """Return the origins of a part from a source, or all of the part where none is called so."""
    of_part = [origin for origin in origins if origin.part == part]
    return [origin for origin in of_part if origin.source == source] or of_part


def _newest(origins: Sequence[Origin]) -> datetime.date | None:
    dates = [date for date in (parsed_date(origin.date) for origin in origins) if date is not None]
    return max(dates, default=None)


def _oldest(dates: object) -> datetime.date | None:
    listed = list(dates) if isinstance(dates, Sequence | pd.Series) or hasattr(dates, "__iter__") else []
    return min((date for date in listed if isinstance(date, datetime.date)), default=None)


def parsed_date(word: str) -> datetime.date | None:
    """Return the day that a date states: 2024-05-01, 2024-05 or 2024 (their first day), with or without a time; else None."""
    figures = word[:10].replace("/", "-").split("-")
    try:
        year, month, day = (*map(int, figures), 1, 1)[:3]
        return datetime.date(year, month, day)
    except ValueError:
        return None


def _edges(city: City) -> FloatArray:
    if city.extent is None:
        return np.full(len(city.units), np.nan)
    centres = shapely.points(city.units[["centre_x", "centre_y"]].to_numpy(np.float64))
    shapely.prepare(city.extent)
    inside = shapely.contains(city.extent, centres)
    return np.where(inside, shapely.distance(city.extent.boundary, centres), 0.0)


def worst_first(quality: pd.DataFrame, *, below: float = BEST_SCORE) -> pd.DataFrame:
    """Return the rows of a quality table that score below a figure, the worst first."""
    return quality[quality["score"] < below].sort_values(["score", "unit_id"], kind="stable")


def withhold_verdicts(verdicts: pd.DataFrame, quality: pd.DataFrame, *, minimum: float) -> pd.DataFrame:
    """Return the verdicts with those of units that score below ``minimum`` made not determinable, for the reason `data_quality`.

    What was measured stays in the other columns.
    """
    low = verdicts["unit_id"].isin(quality.loc[quality["score"] < minimum, "unit_id"])
    withheld = {"verdict": NOT_DETERMINABLE, "reason": "data_quality", "borderline": False, "near_edge": False}
    return verdicts.assign(**{name: verdicts[name].mask(low, value) for name, value in withheld.items()})
