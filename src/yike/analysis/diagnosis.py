"""Diagnosis (统一检测): a City against a Standard, one verdict for every neighbourhood and class."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import shapely

from yike import __version__
from yike.analysis.areas import area_class_rates, area_rates
from yike.analysis.blind_zones import blind_zones
from yike.analysis.gaps import AUTO, EXPLAIN, explained, gap_table
from yike.analysis.measurement import Run, measure_city, residents_outside_units, terms_of_unit
from yike.analysis.neighbourhood_quality import neighbourhood_quality, withhold_verdicts
from yike.analysis.travel_time import DEFAULT_THREADS
from yike.analysis.verdicts import BORDERLINE_TENTHS, DEFAULT_SHARE, verdict_table
from yike.errors import Fault, InputError
from yike.model.city import City
from yike.model.diagnosis import RESULT_TABLES, UNCONNECTED_TABLE, Diagnosis
from yike.model.profile import Profile, load_profiles
from yike.model.quality import BEST_SCORE
from yike.model.standard import Standard

DEFAULT_HORIZON_S = 3600.0

Progress = Callable[[str, float], None]


def diagnose(
    city: City,
    standard: Standard,
    *,
    profiles: Mapping[str, Profile] | None = None,
    zone: str = "",
    horizon_s: float = DEFAULT_HORIZON_S,
    explain: str = AUTO,
    min_quality: float | None = None,
    quality_day: datetime.date | None = None,
    threads: int = DEFAULT_THREADS,
    on_progress: Progress | None = None,
) -> Diagnosis:
    """Judge every neighbourhood of a city by the reach terms of a standard.

    ``zone`` is the planning zone of units that state none; ``horizon_s`` [s] how far to look beyond the limit; ``explain``
    which failing pairs get their route: ``all``, the ``worst`` of each unit, ``none``, or ``auto`` (`gaps.explained`).
    With ``min_quality`` the verdicts of units whose data score lower (0 to 100, see `neighbourhood_quality`) become not
    determinable; ``quality_day`` is the day to which the data's age counts (default: today). The result does not depend on
    ``threads``. Raises InputError where the city has no units or a parameter is out of range.
    """
    _check(city, standard, zone=zone, horizon_s=horizon_s, explain=explain, min_quality=min_quality)
    tell = on_progress or (lambda step, share: None)
    travellers = profiles or load_profiles()
    prepared = _with_zones(city, zone)
    keys = sorted(set(zip(prepared.units["zone"], prepared.units["kind"], strict=True)))
    terms = {key: terms_of_unit(standard, *key, travellers) for key in keys}
    runs = measure_city(
        prepared,
        standard,
        terms,
        profiles=travellers,
        horizon_s=horizon_s,
        threads=threads,
        on_progress=lambda step, share: tell(step, 0.8 * share),
    )
    verdicts = verdict_table(prepared, standard, runs, terms, profiles=travellers)
    day = quality_day or datetime.date.today()
    if min_quality is not None:
        verdicts = withhold_verdicts(verdicts, neighbourhood_quality(prepared, standard=standard, today=day), minimum=min_quality)
    tell("areas", 0.85)
    tables = {
        "verdicts": verdicts.loc[:, ~verdicts.columns.str.startswith("_")],
        "areas": area_rates(prepared, verdicts),
        "area_classes": area_class_rates(prepared, verdicts),
        "blind_zones": blind_zones(prepared, runs, terms, threads=threads),
        "unconnected": _unconnected(prepared, runs),
    }
    tell("gaps", 0.9)
    done = explained(verdicts, explain)
    tables["gaps"] = gap_table(prepared, standard, runs, verdicts, explain=done)
    tell("done", 1.0)
    used = {run.measure.profile: travellers[run.measure.profile] for run in runs}
    return Diagnosis(
        city_title=city.title,
        city_hash=city.hash,
        standard=standard,
        engine_version=__version__,
        parameters=_parameters(standard, used, zone=zone, horizon_s=horizon_s, explain=explain)
        | {"explained": done, **_people_counted(prepared)}
        | ({} if min_quality is None else {"min_quality": min_quality, "quality_day": day.isoformat()}),
        **{name: RESULT_TABLES[name].conform(table, file=name) for name, table in tables.items()},
    )


def _check(city: City, standard: Standard, *, zone: str, horizon_s: float, explain: str, min_quality: float | None) -> None:
    faults = []
    if not len(city.units):
        faults.append(Fault("diagnosis.no_units", city.title))
    if not city.networks:
        faults.append(Fault("diagnosis.no_streets", city.title))
    if not 0 < horizon_s <= 6 * 3600:
        faults.append(Fault("diagnosis.horizon", "diagnose", field="horizon_s", values={"value": horizon_s}))
    if min_quality is not None and not 0 <= min_quality <= BEST_SCORE:
        faults.append(Fault("quality.threshold", "diagnose", field="min_quality", values={"value": min_quality}))
    if explain not in EXPLAIN:
        values = {"thing": "explain", "name": explain, "known": ", ".join(EXPLAIN)}
        faults.append(Fault("name.unknown", "diagnose", field="explain", values=values))
    known = [entry.id for entry in standard.zones]
    if zone and zone not in known:
        values = {"thing": "zone", "name": zone, "known": ", ".join(known)}
        faults.append(Fault("name.unknown", standard.id, field="zone", values=values))
    if faults:
        raise InputError(faults)


def _with_zones(city: City, zone: str) -> City:
    """Fill the zone of units that state none, and take a unit without a kind for a residents' committee."""
    units = city.units.assign(
        zone=np.where(city.units["zone"] == "", zone, city.units["zone"]),
        kind=np.where(city.units["kind"] == "", "residents_committee", city.units["kind"]),
    )
    return city.replace(units=units)


def _parameters(
    standard: Standard, profiles: Mapping[str, Profile], *, zone: str, horizon_s: float, explain: str
) -> dict[str, object]:
    """List what a replay needs beside city and standard, and what the figures rest on."""
    figures = ("speed_m_s", "signal_s", "marked_crossing_s", "steps_factor", "connection_limit_m")
    return {
        "zone": zone,
        "horizon_s": horizon_s,
        "explain": explain,
        "standard_hash": standard.hash,
        "measured_at": standard.origin.measured_at,
        "resident_share": standard.origin.minimum_share or DEFAULT_SHARE,
        "resident_share_declared": standard.origin.minimum_share is not None,
        "borderline_tenths": BORDERLINE_TENTHS,
        "profiles": {name: {figure: getattr(entry, figure).value for figure in figures} for name, entry in profiles.items()},
        "profile_hashes": {name: entry.hash for name, entry in profiles.items()},
    }


def _people_counted(city: City) -> dict[str, object]:
    """Count the city's residents and those that no unit, hence no verdict, counts."""
    return {
        "residents_in_all": int(city.demand["residents"].sum()),
        "residents_outside_units": residents_outside_units(city),
        "units_without_outline": sum(outline is None for outline in city.units["outline"]),
    }


def _unconnected(city: City, runs: list[Run]) -> pd.DataFrame:
    """List centres, residential points and facilities without a connection, with their distance to the nearest street."""
    pieces = []
    for network in sorted({run.measure.network for run in runs}):
        of_network = [run for run in runs if run.measure.network == network]
        tree = shapely.STRtree(city.networks[network].shapes())
        for part in ("centre", "demand", "facility"):
            rows = np.unique(np.concatenate([_unconnected_rows(run, part) for run in of_network]))
            if len(rows):
                pieces.append(_unconnected_part(city, part, rows, network, tree))
    return pd.concat(pieces, ignore_index=True) if pieces else UNCONNECTED_TABLE.empty()


def _unconnected_rows(run: Run, part: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    connected = run.points.connected
    if part == "centre":
        return np.asarray(run.unit[~connected[run.centres()]], np.int64)
    if part == "demand":
        return np.asarray(run.demand[~connected[run.residents()]], np.int64)
    joined = np.zeros(len(run.facility), np.bool_)
    joined[run.places.owner[run.places.attachment.connected]] = True
    return np.asarray(run.facility[~joined], np.int64)


def _unconnected_part(
    city: City, part: str, rows: np.ndarray[tuple[int], np.dtype[np.int64]], network: str, tree: shapely.STRtree
) -> pd.DataFrame:
    table, name, columns = {
        "centre": (city.units, "unit_id", ["centre_x", "centre_y"]),
        "demand": (city.demand, "demand_id", ["x", "y"]),
        "facility": (city.facilities, "facility_id", ["x", "y"]),
    }[part]
    points = shapely.points(table[columns].to_numpy(np.float64)[rows])
    (number, _), distance = tree.query_nearest(points, all_matches=False, return_distance=True)
    metres = np.full(len(rows), np.nan)
    metres[number] = distance
    return pd.DataFrame(
        {
            "part": part,
            "item_id": table[name].to_numpy()[rows],
            "mode": network,
            "distance_m": metres,
            "residents": table["residents"].to_numpy()[rows] if part == "demand" else 0,
        }
    )
