"""A city of one long street, laid out by hand so that every figure can be checked in the head, and a small standard for it.

With the profile of `travellers` one metre is one second. The street runs along y = 0 from x = 0 to x = 2000; a second one, joined
to nothing, from (0, 5000) to (500, 5000).
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import shapely
import yaml
from street_cases import CRS, round_profile

from yike.analysis.diagnosis import diagnose
from yike.model.city import City
from yike.model.diagnosis import Diagnosis
from yike.model.network import StreetNetwork
from yike.model.profile import Profile
from yike.model.standard import Standard, load_standard

STREET_NODES = ((0, 0, 0), (1, 1000, 0), (2, 2000, 0), (3, 0, 5000), (4, 500, 5000))
STREET_EDGES = ((0, 1), (1, 2), (3, 4))
PLAIN_CLASSES: Mapping[str, Mapping[str, object]] = {"clinic": {"minutes": 10}}

Row = tuple[object, ...]


def travellers(*, speed_m_s: float = 1.0, **figures: float | None) -> dict[str, Profile]:
    """Return an adult and a cyclist in round numbers."""
    adult = round_profile(speed_m_s=speed_m_s, top_speed_m_s=speed_m_s, **figures)
    rider = round_profile(speed_m_s=2.0, top_speed_m_s=2.0, **figures)
    return {"adult": adult, "bicycle": replace(rider, id="bicycle", network="cycle")}


def streets(
    nodes: Sequence[Row] = STREET_NODES, edges: Sequence[Row] = STREET_EDGES, *, mode: str = "walk", **columns: Sequence[object]
) -> StreetNetwork:
    """Build straight streets between nodes (id, x, y)."""
    node_table = pd.DataFrame(nodes, columns=["node_id", "x", "y"])
    xy = node_table.set_index("node_id")
    lines = [shapely.LineString([xy.loc[a], xy.loc[b]]) for a, b in edges]
    tail, head = (xy.index.get_indexer([edge[end] for edge in edges]) for end in (0, 1))
    table = pd.DataFrame({"segment_id": range(len(lines)), "tail": tail, "head": head})
    table["length_dm"] = [round(10 * line.length) for line in lines]
    table["geometry"] = lines
    return StreetNetwork.from_tables(node_table, table.assign(**columns), mode=mode, crs=CRS)


def table(columns: str, *rows: Row) -> pd.DataFrame:
    """Make a table of rows under columns named in one line."""
    return pd.DataFrame(list(rows), columns=columns.split())


def units(*rows: Row, zone: str = "town", kind: str = "residents_committee") -> pd.DataFrame:
    """Make units of (id, x, y)."""
    return table("unit_id centre_x centre_y", *rows).assign(zone=zone, kind=kind, name=lambda made: made["unit_id"])


def facilities(*rows: Row) -> pd.DataFrame:
    """Make facilities of (id, class, x, y)."""
    return table("facility_id class_id x y", *rows).assign(name=lambda made: made["facility_id"].str.upper())


def demand(*rows: Row, groups: Sequence[str] = ()) -> pd.DataFrame:
    """Make residential points of (id, unit, x, y, residents or the people of each group)."""
    people = [f"residents_{group}" for group in groups]
    made = table(" ".join(["demand_id unit_id x y", *(people or ["residents"])]), *rows)
    return made.assign(residents=made[people].sum(axis=1)) if people else made


def city(
    networks: Mapping[str, StreetNetwork] | None = None,
    *,
    listed: Sequence[str] = ("clinic",),
    groups: Sequence[str] = (),
    extent: shapely.Polygon | None = None,
    **tables: pd.DataFrame,
) -> City:
    """Put a city together; ``listed`` names the classes that have an inventory."""
    made = City(
        title="Street town",
        crs=CRS,
        networks={"walk": streets()} if networks is None else networks,
        groups=tuple(groups),
        inventories=dict.fromkeys(listed, "by hand"),
        extent=extent,
    )
    return made.replace(**tables)


def standard_text(
    classes: Mapping[str, Mapping[str, object]] = PLAIN_CLASSES, *, share_percent: float | None = None, title: str = "Small"
) -> str:
    """Write a standard with the zones town (walk; villages cycle) and far (cycle); with a share, residents decide."""
    told = {"source": "plan", "clause": "1", "status": "official"}

    def names(word: str) -> dict[str, str]:
        return {"zh": f"{word}中", "en": word}

    def number(value: object) -> dict[str, object]:
        return {"value": value, **told}

    def terms(entry: Mapping[str, object]) -> dict[str, object]:
        held: dict[str, object] = {}
        if "minutes" in entry:
            held["reach_time"] = {"minutes": number(entry["minutes"])}
        if "metres" in entry:
            held["reach_distance"] = {"metres": number(entry["metres"])}
        return held

    def class_(class_id: str, entry: Mapping[str, object]) -> dict[str, object]:
        kept = {key: entry[key] for key in ("obligation", "also_met_by") if key in entry}
        return {"id": class_id, "field": "all_fields", "names": names(class_id), "terms": terms(entry), **kept, **told}

    far_terms = {class_id: terms(entry["far"]) for class_id, entry in classes.items() if "far" in entry}
    walking = {"residents_committee": "walk", "village_committee": "cycle"}
    cycling = {"residents_committee": "cycle", "village_committee": "cycle"}
    origin = {"measured_at": "committee_centre"}
    if share_percent is not None:
        origin = {"measured_at": "residents", "minimum_share_percent": number(share_percent)}
    content = {
        "id": "small",
        "title": names(title),
        "version": "1",
        "issued": "2024-05-01",
        "origin": origin | told,
        "profiles": {"walk": "adult", "cycle": "bicycle"},
        "sources": [{"key": "plan", "title": names("Plan")}],
        "fields": [{"id": "all_fields", "names": names("Everything")}],
        "zones": [
            {"id": "town", "names": names("Town"), "modes": walking, **told},
            {"id": "far", "names": names("Far"), "modes": cycling, "terms_by_class": far_terms, **told},
        ],
        "classes": [class_(class_id, entry) for class_id, entry in classes.items()],
    }
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False)


def standard(classes: Mapping[str, Mapping[str, object]] = PLAIN_CLASSES, *, share_percent: float | None = None) -> Standard:
    """Load the standard of `standard_text`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.yaml"
        path.write_text(standard_text(classes, share_percent=share_percent), "utf-8")
        return load_standard(path)


def judged(
    place: City, asked: Standard | None = None, *, profiles: Mapping[str, Profile] | None = None, **options: object
) -> Diagnosis:
    """Diagnose with the travellers of this module; one thread unless told."""
    chosen = {"threads": 1, **options}
    return diagnose(place, asked or standard(), profiles=profiles or travellers(), **chosen)  # type: ignore[arg-type]


def verdict(diagnosis: Diagnosis, unit_id: str, class_id: str = "clinic") -> dict[str, object]:
    """Return the verdict row of one pair."""
    rows = diagnosis.verdicts.query("unit_id == @unit_id and class_id == @class_id")
    assert len(rows) == 1
    return dict(rows.iloc[0])


def gap(diagnosis: Diagnosis, unit_id: str, class_id: str = "clinic") -> dict[str, object]:
    """Return the gap row of one pair."""
    rows = diagnosis.gaps.query("unit_id == @unit_id and class_id == @class_id")
    assert len(rows) == 1
    return dict(rows.iloc[0])
