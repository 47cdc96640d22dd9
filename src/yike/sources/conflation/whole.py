"""Records of several sources to facilities: candidates, evidence, decisions and clusters in one run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from yike.sources.conflation.candidates import candidate_pairs
from yike.sources.conflation.clusters import cluster
from yike.sources.conflation.decisions import (
    KEEP_APART,
    UNDECIDED,
    FoundDecisions,
    find_decisions,
    pair_id,
)
from yike.sources.conflation.evidence import Evidence, weigh_pairs
from yike.sources.conflation.records import BoolArray, FloatArray, IntArray, Records, gather_records
from yike.sources.conflation.rules import conflation_rules

SAME, REFUSED_CHAIN = "same", "refused_chain"
BY_RULE, BY_PERSON = "rule", "person"


@dataclass(frozen=True, eq=False)
class Conflation:
    """Hold what became of the records of several sources.

    ``facilities``: one row a facility with facility_id, name, class_ids, x, y [m], address, sources, records (how many) and
    confidence (of its weakest link, 1 where it is one record). ``members``: each record with its facility. ``pairs``: what was
    joined or may be decided: measures, reasons, points, confidence, verdict (same, keep_apart, undecided) and by whom.
    ``decisions_not_found``: the decisions whose places no source lists any more.
    """

    facilities: pd.DataFrame
    members: pd.DataFrame
    pairs: pd.DataFrame
    decisions_not_found: tuple[str, ...] = ()


def conflate(tables: Mapping[str, pd.DataFrame], *, decisions: pd.DataFrame | None = None) -> Conflation:
    """Make one facility of the records that are one place; where sources differ, the first table's words are kept.

    ``tables``: source to records with the columns of `gather_records`; ``decisions``: a sheet as `read_decisions` gives it.

    Raises:
        InputError: columns are missing, ids stand twice, or places are no numbers.
    """
    records = gather_records(tables)
    evidence = weigh_pairs(records, candidate_pairs(records))
    points = evidence.points()
    found = find_decisions(records, decisions)
    shown = np.flatnonzero(points >= conflation_rules()["review_from"])
    pairs, points, forced = _with_decided(evidence.pairs[shown], points[shown], found)
    linked = forced | (points >= conflation_rules()["same_from"])
    component, refused = cluster(records, pairs[linked], points[linked], forced=forced[linked], forbidden=found.kept_apart)
    verdicts = _verdicts(pairs, points, linked, refused, found)
    listed = _pair_table(records, evidence, shown, pairs, points, verdicts)
    facilities, members = _facilities(records, component, pairs[linked][~refused], points[linked][~refused])
    return Conflation(facilities, members, listed, found.not_found)


def _with_decided(pairs: IntArray, points: FloatArray, found: FoundDecisions) -> tuple[IntArray, FloatArray, BoolArray]:
    """Add the pairs that a person merged and no rule would; tell which pairs are merged by a person."""
    present = {tuple(pair) for pair in pairs.tolist()}
    added = np.array(sorted(found.merged - present), np.int64).reshape(-1, 2)
    both = np.concatenate([pairs, added])
    forced = np.array([tuple(pair) in found.merged for pair in both.tolist()], bool)
    floor = float(conflation_rules()["review_from"])
    return both, np.concatenate([points, np.full(len(added), floor)]), forced


def _verdicts(
    pairs: IntArray, points: FloatArray, linked: BoolArray, refused: BoolArray, found: FoundDecisions
) -> tuple[list[str], list[str], list[str]]:
    """Return verdict, by whom and remark of each pair."""
    refused_rows = np.zeros(len(pairs), bool)
    refused_rows[np.flatnonzero(linked)[refused]] = True
    verdicts, deciders, remarks = [], [], []
    for row, pair in enumerate(map(tuple, pairs.tolist())):
        decided = pair in found.merged or pair in found.kept_apart
        if pair in found.kept_apart:
            verdicts.append(KEEP_APART)
        elif linked[row] and not refused_rows[row]:
            verdicts.append(SAME)
        else:
            verdicts.append(UNDECIDED)
        deciders.append(BY_PERSON if decided else BY_RULE)
        remarks.append(REFUSED_CHAIN if refused_rows[row] and pair not in found.kept_apart else "")
    return verdicts, deciders, remarks


def _confidence(points: FloatArray) -> FloatArray:
    """Map points to 0..1 by the logistic curve, 0.5 where two records begin to count as one."""
    out: FloatArray = np.round(1.0 / (1.0 + np.exp(conflation_rules()["same_from"] - points)), 3)
    return out


def _pair_table(
    records: Records,
    evidence: Evidence,
    shown: IntArray,
    pairs: IntArray,
    points: FloatArray,
    verdicts: tuple[list[str], list[str], list[str]],
) -> pd.DataFrame:
    first, second = pairs.T
    table, added = records.table, len(pairs) - len(shown)
    out: dict[str, object] = {
        "pair_id": [pair_id(*ends) for ends in zip(records.fingerprint[first], records.fingerprint[second], strict=True)]
    }
    for side, rows in (("first", first), ("second", second)):
        out[f"{side}_id"] = records.fingerprint[rows]
        for name in ("source", "record_id", "name", "x", "y"):
            out[f"{side}_{name}"] = table[name].to_numpy()[rows]
    out["distance_m"] = np.round(np.hypot(*(records.xy[first] - records.xy[second]).T), 1)
    out["name_similarity"] = np.round(np.append(evidence.name_similarity[shown], np.full(added, np.nan)), 1)
    out["reasons"] = [*evidence.words(shown), *([""] * added)]
    out["points"] = points
    out["confidence"] = _confidence(points)
    out["verdict"], out["decided_by"], out["remark"] = verdicts
    return pd.DataFrame(out)


def _facilities(records: Records, component: IntArray, links: IntArray, points: FloatArray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put the records of a cluster together: the first source's name and place, the classes and sources of all."""
    heads, which = np.unique(component, return_inverse=True)
    order = np.argsort(which, kind="stable")
    starts = np.searchsorted(which[order], np.arange(len(heads)))
    table = records.table
    ids = _facility_ids(np.minimum.reduceat(records.fingerprint[order], starts) if len(heads) else np.empty(0, object))
    cells_of = {name: table[name].to_numpy(object) for name in ("class_ids", "source", "address", "phone")}
    weakest = np.full(len(heads), np.inf)
    np.minimum.at(weakest, which[links[:, 0]], points)
    columns = {name: table[name].to_numpy(object)[heads] for name in ("name", "class_ids", "address", "phone", "type", "source")}
    sizes = np.bincount(which, minlength=len(heads))
    for row in np.flatnonzero(sizes > 1):
        rows = order[starts[row] : starts[row] + sizes[row]]
        for name, separator in (("class_ids", ";"), ("source", ";"), ("address", ""), ("phone", "")):
            columns[name][row] = _together(cells_of[name][rows], separator)
    facilities = pd.DataFrame(
        {
            "facility_id": ids,
            "name": columns["name"],
            "class_ids": columns["class_ids"],
            "x": records.xy[heads, 0],
            "y": records.xy[heads, 1],
            "address": columns["address"],
            "phone": columns["phone"],
            "type": columns["type"],
            "sources": columns["source"],
            "records": sizes,
            "confidence": np.where(np.isfinite(weakest), _confidence(weakest), 1.0),
        }
    )
    members = table[["source", "record_id", "name", "x", "y"]].copy()
    members.insert(0, "facility_id", np.asarray(ids, object)[which])
    return facilities, members


def _together(cells: np.ndarray, separator: str) -> str:
    """Join what several records say, each word once; without a separator the first that says anything."""
    filled = [cell for cell in cells if cell]
    if not filled or not separator or all(cell == filled[0] for cell in filled):
        return filled[0] if filled else ""
    return separator.join(dict.fromkeys(word for cell in filled for word in str(cell).split(separator)))


def _facility_ids(fingerprints: np.ndarray) -> list[str]:
    """Name facilities by their smallest fingerprint; those kept apart although they say the same are numbered."""
    seen: dict[str, int] = {}
    ids = []
    for fingerprint in fingerprints:
        name = "f" + hashlib.sha1(fingerprint.encode(), usedforsecurity=False).hexdigest()[:12]
        seen[name] = seen.get(name, 0) + 1
        ids.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return ids
